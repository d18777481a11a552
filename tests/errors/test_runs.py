"""Runs that end early keep their recordings."""

import sys

import dendrion as dn
import numpy as np
import pytest


def unstable(size=1):
    """Return a cell whose dendrite is too fast for forward Euler at 0.1 ms."""
    cells = dn.MCNeuron(size, V_th=1e9, name="cells")
    cells.soma = dn.LeakyIF(size, V_rest=-65.0, C=100.0, gL=5.0)
    cells.dend = dn.Compartment(size, V_rest=-65.0, C=1.0, gL=0.1)
    cells.axial = dn.MCConn(cells.soma, cells.dend, g=0.5)
    return cells


def test_divergence_is_named_and_nothing_is_lost():
    cells = unstable(3)
    net = dn.Network([cells])
    v = net.probe(cells.dend, "V")
    net.run(10.0)
    before = v.values
    cells.axial.g = [0.5, 50.0, 0.5]
    cells.dend.V_rest = [-65.0, -60.0, -65.0]
    with pytest.raises(dn.DivergenceError, match=r"cells: dend\.V of neuron 1 became infinite or NaN") as error:
        net.run(500.0)
    message = str(error.value)
    assert "at t = " in message
    assert "smaller dt (now 0.1 ms)" in message
    assert "the exponential Euler method" in message
    assert isinstance(error.value, ArithmeticError)
    np.testing.assert_array_equal(v.values[:100], before)
    assert len(v) > 100
    assert np.isfinite(v.values).all()
    # The last sample is from the beginning of the step whose result is not finite.
    assert f"at t = {v.t[-1]:.1f}"[:12] in message
    with pytest.raises(dn.DivergenceError):
        net.run(1.0)
    net.reset()
    cells.axial.g = 0.5
    net.run(10.0)
    assert len(v) == 100


@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
def test_divergence_does_not_depend_on_threads():
    def message(threads):
        cells = unstable(3000)
        cells.axial.g = np.where(np.arange(3000) == 2077, 60.0, 0.5)
        cells.dend.V_rest = -60.0
        with pytest.raises(dn.DivergenceError) as error:
            dn.Network([cells], threads=threads).run(1000.0)
        return str(error.value)

    assert message(1) == message(2) == message(3)
    assert "neuron 2077" in message(2)


def driven(seed=4):
    class Cells(dn.MCNeuron):
        def __init__(self):
            super().__init__(300, V_th=-50.0, V_reset=-60.0, name="cells")
            self.soma = dn.LeakyIF(300, V_rest=-65.0, C=100.0, gL=5.0)
            self.ampa = dn.AMPA(300, g=0.5, t_decay=5.0)
            self.on = dn.MCConnSynapse(self.ampa, self.soma)

    cells = Cells()
    noise = dn.PoissonGenerator(100, rate=100.0)
    inward = dn.MCSynapse(noise, cells.ampa, dn.FixedProb(0.2), name="inward", delay=3.0)
    among = dn.MCSynapse(cells, cells.ampa, dn.FixedProb(0.02), name="among", delay=0.7)
    net = dn.Network([cells, noise, inward, among], seed=seed, threads=2)
    return net, net.probe(cells.soma, "V"), net.probe(cells, "spikes")


def test_interrupts_stop_cleanly_and_a_later_run_goes_on(ctrl_c):
    net, v, spikes = driven()
    net.run(3000.0)
    whole = v.values
    net2, v2, spikes2 = driven()
    ctrl_c(0.12, after=lambda: net2.t > 0)
    with pytest.raises(KeyboardInterrupt):
        net2.run(5e5)
    reached = net2.t
    assert 0 < reached < 5e5
    assert len(v2) == round(reached / 0.1)
    if reached < 3000:
        net2.run(3000.0 - reached)
    n = min(len(v), len(v2))
    np.testing.assert_array_equal(v2.values[:n], whole[:n])
    early = spikes.t < n * 0.1
    np.testing.assert_array_equal(spikes.i[early], spikes2.i[spikes2.t < n * 0.1])


def test_what_a_progress_bar_raises_stops_the_run(monkeypatch):
    import contextlib

    from dendrion.simulation import running

    @contextlib.contextmanager
    def failing(steps, dt, stream):
        def show(done):
            raise RuntimeError("the screen is gone")

        yield show

    monkeypatch.setattr(running, "bar", failing)
    net, v, _ = driven()
    with pytest.raises(RuntimeError, match="the screen is gone"):
        net.run(20000.0, progress=sys.stderr)
    assert 0 < net.t <= 20000.0
    assert len(v) == round(net.t / 0.1)


@pytest.mark.parametrize("duration", [-1.0, -1e-12, np.nan, np.inf, -np.inf, "10"])
def test_durations(pair, duration):
    net = dn.Network([pair(1)])
    with pytest.raises((dn.ParameterError, dn.ParameterTypeError), match=r"network: duration = .*: expected a .*time"):
        net.run(duration)
    net.run(0)
    assert net.t == 0
