"""Exponential Euler solves linear cascades exactly: results agree with closed forms at all steps."""

import dendrion as dn
import numpy as np
import pytest

EXP = dn.SolverMethodODE.EXP_EULER
DT = 0.1


def difference_of_exponentials(t, rise, decay):
    """Return the solution of dx/dt = -x/decay + s, ds/dt = -s/rise after a unit spike."""
    if rise == decay:
        return t * np.exp(-t / rise)
    rate = 1 / rise - 1 / decay
    far = (np.exp(-t / decay) - np.exp(-t / rise)) / rate
    # expm1 is accurate even if the time constants are nearly equal.
    near = np.exp(-t / rise) * np.expm1(np.clip(t * rate, -1, 1)) / rate
    return np.where(np.abs(t * rate) < 1, near, far)


def response(rise, decay, dtype="float64", dt=DT, kind=dn.AMPA, at=1.0, span=60.0):
    """Return x and s of a receptor after a unit spike that is delivered at 1 ms, and the time since the spike."""
    cells = dn.MCNeuron(1, V_th=1e6, odemethod=EXP, name="cells")
    cells.soma = dn.LeakyIF(1, C=1e9, gL=1e-3)
    cells.gate = kind(1, t_rise=rise, t_decay=decay)
    cells.on = dn.MCConnSynapse(cells.gate, cells.soma)
    source = dn.SpikeGenerator(1, indices=[0], times=[at])
    net = dn.Network([cells, source, dn.ConnGen(source, cells.gate)], dt=dt, dtype=dtype)
    x, s = net.probe(cells.gate, "x"), net.probe(cells.gate, "s")
    net.run(span)
    first = round(at / dt) + 1
    return x.values[first:, 0], s.values[first:, 0], np.arange(len(x) - first) * dt


@pytest.mark.parametrize("decay", [1.0, 2.0, 5.0, 20.0, 50.0, 0.5, 0.5 + 1e-9, 0.5000004, 0.49, 0.2])
def test_rise_and_decay(decay):
    for dtype, tolerance in (("float64", 2e-13), ("float32", 2e-5)):
        x, s, t = response(0.5, decay, dtype)
        # s/(1 ms) drives x. Gates below 1e-30 become 0.
        expected = difference_of_exponentials(t, 0.5, decay)
        np.testing.assert_allclose(x, expected, rtol=tolerance, atol=1e-26)
        np.testing.assert_allclose(s, np.exp(-t / 0.5), rtol=tolerance, atol=1e-26)


@pytest.mark.parametrize(("rise", "decay"), [(2.0, 60.0), (0.01, 5.0), (8.0, 3.0), (0.05, 0.05), (300.0, 300.0)])
@pytest.mark.parametrize("kind", [dn.NMDA, dn.GABA])
@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
def test_other_receptors_and_steps(rise, decay, kind):
    for dt in (0.025, 1.0):
        x, _, t = response(rise, decay, dt=dt, kind=kind)
        np.testing.assert_allclose(x, difference_of_exponentials(t, rise, decay), rtol=1e-11, atol=1e-15)


def test_the_scaled_conductance_peaks_at_g():
    cells = dn.MCNeuron(1, V_th=1e6, odemethod=EXP, name="cells")
    cells.soma = dn.LeakyIF(1, C=1e9, gL=1e-3, V_rest=-70.0)
    cells.gate = dn.AMPA(1, g=0.7, t_rise=0.5, t_decay=0.5, scale_g=True)
    cells.on = dn.MCConnSynapse(cells.gate, cells.soma)
    source = dn.SpikeGenerator(1, indices=[0], times=[1.0])
    net = dn.Network([cells, source, dn.ConnGen(source, cells.gate)], dt=DT)
    current = net.probe(cells.gate, "I")
    net.run(10.0)
    # The peak is at t_rise, which is on the grid.
    assert current.values.max() / 70.0 == pytest.approx(0.7, rel=1e-7)


class Three(dn.Receptor):
    """A receptor with three stages."""

    equations = """
    I = g*w*x*(E - V)                : pA
    ds/dt = -s/t1                    : 1
    du/dt = s/(1 ms) - u/t2          : 1
    dx/dt = 2*u/(1 ms) + s/(4 ms) - x/t3 : 1
    on event: s += weight
    g = 1 nS
    w = 1
    E = 0 mV
    t1 = 0.5 ms (> 0)
    t2 = 3 ms (> 0)
    t3 = 10 ms (> 0)
    """


def matrix_exponential(a, t):
    """Return exp(a t) by scaling and squaring."""
    halvings = 20
    small = a * t / 2.0**halvings
    power = np.eye(len(a))
    d = np.zeros_like(power)
    # d is the exponential minus 1. Squaring 1 + d in terms of d preserves small numbers.
    for k in range(1, 8):
        power = power @ small / k
        d = d + power
    for _ in range(halvings):
        d = d @ d + 2 * d
    return d + np.eye(len(a))


@pytest.mark.parametrize(
    "taus", [(0.5, 3.0, 10.0), (2.0, 2.0, 2.0), (2.0, 2.0, 7.0), (5.0, 1.0, 5.0), (3.0, 3.0001, 3.0)]
)
def test_three_stages(taus):
    cells = dn.MCNeuron(1, V_th=1e6, odemethod=EXP, name="cells")
    cells.soma = dn.LeakyIF(1, C=1e9, gL=1e-3)
    cells.gate = Three(1, t1=taus[0], t2=taus[1], t3=taus[2])
    cells.on = dn.MCConnSynapse(cells.gate, cells.soma)
    source = dn.SpikeGenerator(1, indices=[0, 0], times=[1.0, 4.0], name="source")
    net = dn.Network([cells, source, dn.MCSynapse(source, cells.gate, np.ones((1, 1)))], dt=DT)
    probes = [net.probe(cells.gate, name) for name in "sux"]
    net.run(40.0)
    got = np.stack([p.values[:, 0] for p in probes])
    one, two, three = (1 / t for t in taus)
    a = np.array([[-one, 0, 0], [1, -two, 0], [0.25, 2, -three]])
    step = matrix_exponential(a, DT)
    expected = np.zeros_like(got)
    for n in range(1, got.shape[1]):
        expected[:, n] = step @ expected[:, n - 1] + np.array([n - 1 in (10, 40), 0, 0])
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-24)


class Chain(dn.Channel):
    """A channel with four states in a cascade with constant rates, driven by a constant and by feedback."""

    equations = """
    I = g*d*(E - V)                  : pA
    da/dt = 0.2/ms - a/(2 ms)        : 1
    db/dt = (a - b)/(2 ms)           : 1
    dc/dt = (b - c)/tau              : 1
    dd/dt = (c - 0.5*a - d)/(3 ms)   : 1
    a(0) = 1
    b(0) = -1
    c(0) = 0.3
    d(0) = 0
    g = 0 nS
    E = 0 mV
    tau = 2 ms (> 0)
    """


@pytest.mark.parametrize("tau", [2.0, 0.1, 2.0002, 3.0])
def test_a_channel_of_four_stages(tau):
    cells = dn.MCNeuron(1, V_th=1e6, odemethod=EXP, name="cells")
    cells.soma = dn.LeakyIF(1)
    cells.chain = Chain(1, cells.soma, tau=tau)
    net = dn.Network([cells], dt=0.5)
    probes = [net.probe(cells.chain, name) for name in "abcd"]
    net.run(20.0)
    got = np.stack([p.values[:, 0] for p in probes])
    a = np.array(
        [
            [-1 / 2, 0, 0, 0, 0.2],
            [1 / 2, -1 / 2, 0, 0, 0],
            [0, 1 / tau, -1 / tau, 0, 0],
            [-0.5 / 3, 0, 1 / 3, -1 / 3, 0],
            [0, 0, 0, 0, 0],
        ]
    )
    step = matrix_exponential(a, 0.5)
    y = np.array([1, -1, 0.3, 0, 1.0])
    for n in range(got.shape[1]):
        np.testing.assert_allclose(got[:, n], y[:4], rtol=1e-12, atol=1e-14)
        y = step @ y


class Current(dn.Receptor):
    """A synapse that injects a current with the time course of an alpha function."""

    equations = """
    I = q*x                          : pA
    ds/dt = -s/tau                   : 1
    dx/dt = s/(1 ms) - x/tau         : 1
    on event: s += weight
    q = 30 pA
    tau = 2 ms (> 0)
    """


@pytest.mark.parametrize("leak", [20.0, 50.0, 50.001])
def test_a_passive_compartment_is_the_last_stage(leak):
    """With C = 100 pF and 50 nS, the membrane has the same time constant as the synapse."""
    cells = dn.MCNeuron(1, V_th=1e6, odemethod=EXP, name="cells")
    cells.soma = dn.LeakyIF(1, C=100.0, gL=leak, V_rest=-70.0)
    cells.gate = Current(1)
    cells.on = dn.MCConnSynapse(cells.gate, cells.soma)
    source = dn.SpikeGenerator(1, indices=[0], times=[0.0], name="source")
    net = dn.Network([cells, source, dn.MCSynapse(source, cells.gate, np.ones((1, 1)), delay=0.0)], dt=DT)
    v = net.probe(cells.soma, "V")
    net.run(20.0)
    a = np.array([[-1 / 2, 0, 0], [1, -1 / 2, 0], [0, 0.3, -leak / 100]])
    y = np.array([1.0, 0, 0])
    step = matrix_exponential(a, DT)
    for n in range(1, 200):
        np.testing.assert_allclose(v.values[n, 0] + 70.0, y[2], rtol=1e-9, atol=1e-12)
        y = step @ y


def loss_of(rise, decay, grad=False):
    cells = dn.MCNeuron(2, V_th=1e6, odemethod=EXP, name="cells")
    cells.soma = dn.LeakyIF(2, C=50.0, gL=3.0, V_rest=-70.0)
    cells.gate = dn.AMPA(2, g=0.7, t_rise=rise, t_decay=decay, scale_g=True)
    cells.on = dn.MCConnSynapse(cells.gate, cells.soma)
    source = dn.SpikeGenerator(1, indices=[0, 0], times=[1.0, 3.0], name="source")
    net = dn.Network([cells, source, dn.MCSynapse(source, cells.gate, np.ones((1, 2)))], dt=DT)
    probes = [net.probe(cells.gate, "x"), net.probe(cells.soma, "V")]
    run = net.run(15.0, grad=grad)
    loss = np.sum(probes[0].values[:, 0]) + np.sum(probes[1].values[:, 0])
    if not grad:
        return loss
    given = {p: np.pad(np.ones((len(p), 1)), [(0, 0), (0, 1)]) for p in probes}
    grads = run.backward(given)
    return [np.sum(grads[f"cells/gate.{name}"]) for name in ("t_rise", "t_decay")]


@pytest.mark.parametrize(
    ("rise", "decay"), [(0.5, 5.0), (2.0, 2.0), (2.0, 2.0 + 1e-7), (2.0, 2.003), (0.1, 0.1), (0.15, 30.0), (40.0, 41.0)]
)
def test_gradients_with_respect_to_time_constants(rise, decay):
    found = loss_of(rise, decay, grad=True)
    for k, tau in enumerate((rise, decay)):
        h = 2e-3 * tau

        def f(d, k=k):
            return loss_of(rise + d * (k == 0), decay + d * (k == 1))

        expected = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
        assert found[k] == pytest.approx(expected, rel=1e-6)


def test_couplings_that_depend_on_v_converge():
    """Rates and couplings that depend on V are constant in a step, which gives first order."""

    class Gated(dn.Channel):
        equations = """
        I = g*x*(E - V)                  : pA
        ds/dt = -s/(4 ms)                : 1
        dx/dt = s*(V + 80 mV)/(20 mV*ms) - x/(2 ms) : 1
        s(0) = 1
        g = 20 nS
        E = 0 mV
        """

    def end(dt, method):
        cells = dn.MCNeuron(1, V_th=1e6, odemethod=method, name="cells")
        cells.soma = dn.LeakyIF(1, C=100.0, gL=5.0, V_rest=-70.0)
        cells.gated = Gated(1, cells.soma)
        net = dn.Network([cells], dt=dt)
        net.run(5.0)
        return net.get_state()["cells/soma.V"][0]

    right = end(0.005, dn.SolverMethodODE.RK4)
    errors = [abs(end(dt, EXP) - right) for dt in (0.1, 0.05, 0.025)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(1.0, abs=0.1)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(1.0, abs=0.1)
