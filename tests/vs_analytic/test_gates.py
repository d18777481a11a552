"""Receptor gates agree with their closed forms."""

import dendrion as dn
import numpy as np
import pytest


def response(dt, method=dn.SolverMethodODE.EULER, variable="x", kind=dn.AMPA, **gate):
    """Return a gate's variable after a unit spike at 1 ms, from its first nonzero step on, and the time since then."""
    cells = dn.MCNeuron(1, V_th=1e6, odemethod=method, name="cells")
    cells.soma = dn.LeakyIF(1, C=1e9, gL=1e-3)  # V stays constant
    cells.gate = kind(1, **gate)
    cells.on = dn.MCConnSynapse(cells.gate, cells.soma)
    source = dn.SpikeGenerator(1, indices=[0], times=[1.0])
    net = dn.Network([cells, source, dn.ConnGen(source, cells.gate)], dt=dt)
    probe = net.probe(cells.gate, variable)
    net.run(200.0)
    first = round(1.0 / dt) + 1
    return probe.values[first:, 0], np.arange(len(probe) - first) * dt


def difference_of_exponentials(t, rise, decay):
    """Return x after a unit spike: the solution of dx/dt = -x/decay + s, ds/dt = -s/rise."""
    if rise == decay:
        return t * np.exp(-t / rise)
    return rise * decay / (decay - rise) * (np.exp(-t / decay) - np.exp(-t / rise))


def test_decay_alone():
    x, t = response(0.1, t_decay=5.0)
    np.testing.assert_allclose(x, (1 - 0.1 / 5.0) ** np.arange(len(t)), rtol=1e-10)
    x, t = response(0.5, dn.SolverMethodODE.EXP_EULER, t_decay=5.0)
    np.testing.assert_allclose(x, np.exp(-t / 5.0), rtol=1e-10)


@pytest.mark.parametrize(("rise", "decay"), [(2.0, 60.0), (5.0, 5.0), (5.0, 5.000001), (8.0, 3.0)])
def test_rise_and_decay_converge_to_the_solution(rise, decay):
    errors = []
    for dt in (0.1, 0.05, 0.025):
        x, t = response(dt, t_rise=rise, t_decay=decay)
        errors.append(np.abs(x - difference_of_exponentials(t, rise, decay)).max())
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 1.0, atol=0.05)


@pytest.mark.parametrize(("rise", "decay"), [(2.0, 60.0), (5.0, 5.0), (5.0, 5.0004), (5.0, 4.99), (8.0, 3.0)])
def test_scaled_conductance_peaks_at_g(rise, decay):
    peaks = []
    for dt in (0.02, 0.01):
        current, _ = response(dt, variable="I", g=0.7, t_rise=rise, t_decay=decay, scale_g=True)
        peaks.append(current.max() / 70.0 / 0.7)
    # Extrapolate to dt = 0, because Euler's error is of first order.
    assert abs(2 * peaks[1] - peaks[0] - 1) < 2e-5


def test_scaling_changes_nothing_without_a_rise():
    plain, _ = response(0.1, variable="I", t_decay=5.0)
    scaled, _ = response(0.1, variable="I", t_decay=5.0, scale_g=True)
    np.testing.assert_array_equal(plain, scaled)


def test_magnesium_block():
    cells = dn.MCNeuron(4, V_th=1e6, name="cells")
    v = np.array([-90.0, -60.0, -20.0, 30.0])
    cells.soma = dn.LeakyIF(4, V_rest=v)
    cells.nmda = dn.NMDA(4, t_decay=5.0, Mg=[1.0, 0.0, 2.0, 1.0], alpha=0.08, beta=3.0, gamma=5.0)
    cells.on = dn.MCConnSynapse(cells.nmda, cells.soma)
    net = dn.Network([cells])
    block = net.probe(cells.nmda, "B")
    net.run(0.1)
    expected = 1 / (1 + np.array([1.0, 0.0, 2.0, 1.0]) * np.exp(-0.08 * (v + 5.0)) / 3.0)
    np.testing.assert_allclose(block.values[0], expected, rtol=1e-14)


def test_both_methods_converge_to_one_solution(pair):
    """The neuron has NMDA receptors and does not spike; exponential Euler includes the slope of the block."""

    def end(method, dt):
        cells = pair(1, V_th=1e6, rise=1.0, odemethod=method, name="cells")
        source = dn.SpikeGenerator(1, indices=[0] * 4, times=[2.0, 4.0, 5.0, 8.0])
        net = dn.Network([cells, source, dn.MCSynapse(source, (cells.ampa, cells.nmda), dn.One2One())], dt=dt)
        net.run(30.0)
        return net.get_state()["cells/dend.V"][0]

    # Both have errors of first order, which extrapolation removes.
    ends = [2 * end(m, 0.0125) - end(m, 0.025) for m in dn.SolverMethodODE]
    assert end(dn.SolverMethodODE.EULER, 0.025) > -60
    assert abs(ends[0] - ends[1]) < 2e-3
