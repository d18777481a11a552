"""``detach_reset`` omits only the derivative of the reset of V, and keeps gradients bounded."""

import dendrion as dn
import numpy as np
import pytest

DT = 0.1


class Adaptive(dn.Soma):
    """A leaky soma whose adaptation current grows with each spike."""

    equations = """
    I = -w                       : pA
    dw/dt = -w/tau_w             : pA
    on spike: w += b
    b = 60 pA
    tau_w = 40 ms
    """


class Cell(dn.MCNeuron):
    def __init__(self, soma=dn.LeakyIF, size=1, **settings):
        super().__init__(size, V_th=-50.0, V_reset=-60.0, name="cell", **settings)
        self.soma = soma(size, V_rest=-65.0, C=200.0, gL=10.0, I_ext=400.0)


def gradient(cell, steps, probe="V", **given):
    net = dn.Network([cell], dt=DT)
    probes = {name: net.probe(cell.soma, name) for name in dict.fromkeys(("V", probe))}
    spikes = net.probe(cell, "spikes")
    run = net.run(steps * DT, grad=True)
    return run.backward({probes[probe]: np.ones((steps, cell.size))}, **given), spikes


def test_the_default_is_detached():
    assert dn.MCNeuron(parent=None, V_th=-50.0).detach_reset is None
    found, spikes = gradient(Cell(), 20_000)
    assert len(spikes) > 100
    assert abs(found["cell/soma.I_ext"]) < 1e6


def test_one_neuron_that_keeps_its_reset_grows_and_is_warned_of():
    cell = Cell(detach_reset=False)
    with pytest.warns(dn.GradientWarning, match=r"cell/soma\.V of neuron 0 at t = .*cell has detach_reset=False"):
        gradient(cell, 2000)


@pytest.mark.parametrize("detach", [True, False])
def test_adaptation_is_differentiated_in_either_case(detach):
    """The derivative of w uses the surrogate, and agrees with forward sensitivities of one neuron."""
    alpha, steps, b, tau = 0.3, 500, 60.0, 40.0
    cell = Cell(Adaptive, surrogate_grad_fn=dn.Sigmoid(alpha), detach_reset=detach)
    found, spikes = gradient(cell, steps, "w")
    assert len(spikes) > 1

    # Forward sensitivities of V and w to I_ext.
    v, w, t_v, t_w, total = -65.0, 0.0, 0.0, 0.0, 0.0
    for _ in range(steps):
        total += t_w
        new_v = v + DT * (10.0 * (-65.0 - v) + 400.0 - w) / 200.0
        t_new = t_v + DT * (-10.0 * t_v + 1.0 - t_w) / 200.0
        w, t_w = w - DT * w / tau, t_w - DT * t_w / tau
        s = 1 / (1 + np.exp(-alpha * (new_v + 50.0)))
        fired, t_fired = float(new_v > -50.0), alpha * s * (1 - s) * t_new
        v = new_v + fired * (-60.0 - new_v)
        t_v = t_new * (1 - fired) + (0.0 if detach else t_fired * (-60.0 - new_v))
        w, t_w = w + fired * b, t_w + t_fired * b
    assert abs(total) > 1.0
    assert found["cell/soma.I_ext"] == pytest.approx(total, rel=1e-9)


class Resetting(dn.Soma):
    """A soma whose equations reset V themselves."""

    equations = """
    I = -w                       : pA
    dw/dt = -w/tau_w             : pA
    on spike: V = c; w += b
    b = 1 pA
    c = -58 mV
    tau_w = 40 ms
    """


def test_a_reset_in_equations_is_detached_too():
    found, spikes = gradient(Cell(Resetting), 20_000)
    assert len(spikes) > 50
    assert abs(found["cell/soma.I_ext"]) < 1e7


def test_growth_is_warned_of_in_batches_and_float32():
    cell = Cell(detach_reset=False, size=3)
    wave = dn.CurrentGenerator(1, np.zeros(10), name="wave")
    net = dn.Network([cell, wave, dn.ConnGen(wave, cell.soma)], dt=DT, dtype="float32")
    v = net.probe(cell.soma, "V")
    x = np.zeros((2, 400, 1))
    x[1] += 200.0
    x[0] -= 300.0
    run = net.run(40.0, grad=True, batch=2, inputs={wave: x})
    with pytest.warns(dn.GradientWarning, match=r"neuron 0 in sample 1 at t = .* ms is .*more than 1e10 times"):
        run.backward({v: np.full((2, 400, 3), 1e-3)})


@pytest.mark.parametrize(("detach", "remedy"), [(False, "Use detach_reset=True"), (True, "a wider surrogate")])
def test_an_overflow_names_its_cause(detach, remedy):
    """The overflow occurs through the reset, or through an adaptation current that each spike increases."""
    cell = Cell(Adaptive if detach else dn.LeakyIF, detach_reset=detach, size=2)
    net = dn.Network([cell], dt=DT, dtype="float32")
    v = net.probe(cell.soma, "V")
    run = net.run(1000.0, grad=True)
    with pytest.raises(dn.RunError) as caught:
        run.backward({v: np.ones((10_000, 2))})
    message = str(caught.value)
    assert "backward: the gradient with respect to " in message
    assert "cotangents grew without bound: the cotangent of cell/soma.V of neuron" in message
    assert " ms is " in message
    assert remedy in message


def test_a_loss_that_is_too_large_is_named():
    cell = Cell()
    net = dn.Network([cell], dt=DT)
    v = net.probe(cell.soma, "V")
    run = net.run(2.0, grad=True)
    with pytest.raises(dn.RunError, match=r"the largest cotangent passed is 1\.7e308.*scale down the loss"):
        run.backward({v: np.full((20, 1), 1.7e308)})
