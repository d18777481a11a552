"""Generators send the spikes that their parameters specify, at the right times."""

import dendrion as dn
import numpy as np
import pytest


def counts(pair, generator, duration=1000.0, dt=0.1):
    """Return arrivals per step and source, read from gates that decay within a step."""
    n = generator.size
    cells = dn.MCNeuron(n, V_th=1e6, name="cells")
    cells.soma = dn.LeakyIF(n)
    cells.gate = dn.AMPA(n, g=0.0, t_decay=dt)
    cells.on = dn.MCConnSynapse(cells.gate, cells.soma)
    net = dn.Network([cells, generator, dn.ConnGen(generator, cells.gate)], dt=dt, seed=11)
    s = net.probe(cells.gate, "s")
    net.run(duration + dt)
    return s.values[1:]


def test_poisson_rate_and_fano_factor(pair):
    found = counts(pair, dn.PoissonGenerator(200, rate=50.0))
    total = found.sum(axis=0)
    assert abs(total.mean() - 50.0) < 4 * np.sqrt(50.0 / 200)
    assert abs(total.var() / total.mean() - 1) < 4 * np.sqrt(2 / 200)
    # Sources are independent, so pairs are uncorrelated.
    assert abs(np.corrcoef(found[:, :20].T)[np.triu_indices(20, 1)].mean()) < 0.01


def test_poisson_may_spike_more_than_once_in_a_step(pair):
    found = counts(pair, dn.PoissonGenerator(50, rate=20000.0), 100.0)
    assert abs(found.mean() - 2.0) < 0.05
    assert found.max() >= 5


def test_rates_per_source_and_changed_between_runs(pair):
    noise = dn.PoissonGenerator(2, rate=[0.0, 100.0])
    assert counts(pair, noise)[:, 0].sum() == 0
    cells = pair(1)
    noise = dn.PoissonGenerator(1, rate=0.0)
    net = dn.Network([cells, noise, dn.ConnGen(noise, cells.ampa)])
    s = net.probe(cells.ampa, "s")
    net.run(100.0)
    assert not s.values.any()
    noise.rate = 500.0
    net.run(100.0)
    assert s.values.any()


def test_bernoulli_spikes_at_most_once(pair):
    found = counts(pair, dn.BernoulliGenerator(100, prob=0.2), 100.0)
    assert set(np.unique(found)) == {0.0, 1.0}
    assert abs(found.mean() - 0.2) < 4 * np.sqrt(0.16 / found.size)
    assert (counts(pair, dn.BernoulliGenerator(2, prob=[0.0, 1.0]), 10.0) == [0.0, 1.0]).all()


@pytest.mark.parametrize("make", [dn.PoissonGenerator, dn.BernoulliGenerator])
def test_on_from_start_to_stop(pair, make):
    how = {"rate": 5000.0} if make is dn.PoissonGenerator else {"prob": 0.5}
    found = counts(pair, make(50, start=2.0, stop=5.0, **how), 10.0)
    busy = np.flatnonzero(found.any(axis=1))
    assert busy[0] == 20
    assert busy[-1] == 49


def test_given_spikes_in_any_order_and_number(pair):
    source = dn.SpikeGenerator(3, indices=[2, 0, 2, 1], times=[1.0, 3.0, 1.0, 9.0], stop=8.0)
    found = counts(pair, source, 10.0)
    assert found[10, 2] == 2.0
    assert found[30, 0] == 1.0
    assert found.sum() == 3.0


def injected(generator, size=3, duration=5.0):
    cells = dn.MCNeuron(size, V_th=1e6, name="cells")
    cells.soma = dn.LeakyIF(size)
    net = dn.Network([cells, generator, dn.ConnGen(generator, cells.soma)])
    current = net.probe(cells.soma, "I")
    net.run(duration)
    return current.values


def test_constant_current_is_on_between_its_times():
    found = injected(dn.DCGenerator(3, amplitude=[1.0, 2.0, 3.0], start=1.0, stop=2.0))
    np.testing.assert_array_equal(found[10:20], np.tile([1.0, 2.0, 3.0], (10, 1)))
    assert not found[:10].any()
    assert not found[20:].any()


def test_waveforms_follow_their_steps():
    wave = np.arange(20.0)
    found = injected(dn.CurrentGenerator(1, waveform=wave, start=1.0))
    np.testing.assert_array_equal(found[10:30, 1], wave)
    assert not found[30:].any()
    wave = np.arange(60.0).reshape(20, 3)
    found = injected(dn.CurrentGenerator(3, waveform=wave, stop=1.5))
    np.testing.assert_array_equal(found[:15], wave[:15])
    assert not found[15:].any()


def test_two_currents_add_up():
    cells = dn.MCNeuron(1, V_th=1e6, name="cells")
    cells.soma = dn.LeakyIF(1, I_ext=5.0)
    a, b = dn.DCGenerator(1, amplitude=10.0), dn.DCGenerator(1, amplitude=20.0, start=1.0)
    net = dn.Network([cells, a, b, dn.ConnGen(a, cells.soma), dn.ConnGen(b, cells.soma)])
    current = net.probe(cells.soma, "I")
    net.run(2.0)
    assert current.values[0, 0] == 15.0
    assert current.values[15, 0] == 35.0
