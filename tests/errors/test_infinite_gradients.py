"""The error for an infinite or NaN gradient names the expression, its derivative, the position and the time."""

import dendrion as dn
import numpy as np
import pytest


def made(
    text, method=dn.SolverMethodODE.EULER, size=3, memory=2**30, dtype="float64", v_rest=-60.0, dt=0.1, **parameters
):
    channel = type("Written", (dn.Channel,), {"equations": "I = 0*g*m*(E - V) : pA\ng = 1 nS\nE = 0 mV\n" + text})

    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(size, V_th=100.0, V_reset=-70.0, name="cell", odemethod=method)
            self.soma = dn.LeakyIF(size, V_rest=v_rest, C=100.0, gL=6.0)
            self.ka = channel(size, self.soma, **parameters)

    cell = Cell()
    net = dn.Network([cell], dt=dt, dtype=dtype)
    return net, cell, memory


def message(net, cell, memory, probe="m", wrt=None, steps=100):
    probe = net.probe(cell.ka, probe)
    run = net.run(steps * net.dt, grad=True, memory=memory)
    with pytest.raises(dn.RunError, match=r"the gradient with respect to .* is") as error:
        run.backward({probe: np.ones(probe.values.shape)}, wrt=wrt)
    return str(error.value)


ROOT = "dm/dt = (m_inf - m)/(5 ms) : 1\nm_inf = sqrt((V + 60 mV)/(1 mV)) : 1"


@pytest.mark.parametrize("method", list(dn.SolverMethodODE))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_root_in_a_step(method, dtype):
    text = message(*made(ROOT, method, dtype=dtype))
    assert "the derivative of sqrt(cell" not in text
    assert "the derivative of sqrt(" in text
    assert "soma.V + 60" in text
    assert " is inf at soma.V = -60 mV (neuron 0, t = " in text
    assert "in cell/ka.m_inf; use another expression there" in text


@pytest.mark.parametrize("memory", [2**30, 1])
def test_the_neuron_and_the_time(memory):
    """r of the second neuron is exactly 0 after 64 steps, whether all states are stored or recomputed."""
    rule = "\n".join(
        [
            "dm/dt = (q - m)/(5 ms) : 1",
            "dr/dt = -1/(1 ms) : 1",
            "r(0) = r0",
            "r0 = 100",
            "q = sqrt(abs(r)) : 1",
        ]
    )
    net, cell, _ = made(rule, dt=0.125, r0=[100.0, 8.0, 100.5])
    text = message(net, cell, memory, steps=100)
    assert "the derivative of sqrt(abs(ka.r)) with respect to abs(ka.r) is inf at ka.r = 0 (neuron 1, t = 8 ms)" in text


def test_an_initial_value():
    text = message(*made("dm/dt = -m/(5 ms) : 1\nm(0) = sqrt(c)\nc = 0"))
    assert (
        "the derivative of sqrt(ka.c) with respect to ka.c is inf at ka.c = 0 (neuron 0), in the initial value of"
        in text
    )
    assert "cell/ka.m;" in text


def test_a_parameter():
    text = message(*made("dm/dt = (q - m)/(5 ms) : 1\nq = sqrt(c) + 0*V/(1 mV) : 1\nc = 0", c=[1.0, 0.0, 2.0]))
    assert "the derivative of sqrt(ka.c) with respect to ka.c is inf at ka.c = 0 (neuron 1), in cell/ka.q;" in text


def test_a_parameter_that_is_not_wanted_is_no_matter():
    net, cell, memory = made("dm/dt = (q - m)/(5 ms) : 1\nq = sqrt(c) + V/(1 mV) : 1\nc = 0")
    probe = net.probe(cell.ka, "m")
    run = net.run(1.0, grad=True, memory=memory)
    grads = run.backward({probe: np.ones(probe.values.shape)}, wrt=["cell/soma.V_rest"])
    assert np.isfinite(grads["cell/soma.V_rest"]).all()


def test_a_jacobian():
    """The derivative is finite, but the derivative of the solver's Jacobian is not."""
    rule = "dm/dt = -(abs(m)**1.5)/(5 ms) + c/(1 ms) : 1\nm(0) = 0\nc = 0"
    net, cell, _ = made(rule)
    probe = net.probe(cell.ka, "m")
    run = net.run(1.0, grad=True)
    assert run.backward({probe: np.ones(probe.values.shape)})
    text = message(*made(rule, dn.SolverMethodODE.EXP_EULER))
    assert "in the Jacobian of the equation of cell/ka.m" in text


def test_growth_is_not_blamed_on_an_expression():
    net, cell, memory = made("dm/dt = V/(5 mV*ms) : 1")
    probe = net.probe(cell.ka, "m")
    run = net.run(10.0, grad=True, memory=memory)
    with pytest.raises(dn.RunError, match=r"the gradient with respect to .* is .*") as error:
        run.backward({probe: np.full(probe.values.shape, 1.7e308)})
    assert "the derivative of" not in str(error.value)
