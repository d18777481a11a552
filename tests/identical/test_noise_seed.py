"""``net.reset(seed=...)`` changes noise and random spikes, and saved states and model files keep the seed."""

import dendrion as dn
import numpy as np
import pytest


def made(seed=1, threads=None):
    cell = dn.MCNeuron(6, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(6, V_rest=-65.0, C=20.0, gL=1.0)
    cell.white = dn.WhiteNoise(cell.soma, sigma=5.0)
    cell.ou = dn.OUNoise(cell.soma, sigma=5.0, tau=3.0)
    cell.ampa = dn.AMPA(6, g=1.0, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    poisson = dn.PoissonGenerator(20, rate=200.0, name="poisson")
    bernoulli = dn.BernoulliGenerator(20, prob=0.02, name="bernoulli", rng_col="shared")
    rule = dn.FixedProb(0.5)
    synapses = [dn.MCSynapse(g, cell.ampa, conn=rule, delay=0.5, name=f"from_{g.name}") for g in (poisson, bernoulli)]
    net = dn.Network([cell, poisson, bernoulli, *synapses], dt=0.1, seed=seed, threads=threads)
    return net, net.probe(cell.soma, "V"), [net.probe(g, "spikes") for g in (poisson, bernoulli)]


def ran(net, v, duration=20.0):
    net.run(duration)
    return v.values.copy()


def test_other_random_numbers_and_the_same_connections():
    net, v, spikes = made()
    connections = net["from_poisson"].connections
    first, sent = ran(net, v), [s.counts() for s in spikes]
    net.reset()
    np.testing.assert_array_equal(ran(net, v), first)
    net.reset(seed=2)
    assert (net.seed, net.noise_seed) == (1, 2)
    second = ran(net, v)
    assert not np.array_equal(second, first)
    for before, s in zip(sent, spikes, strict=True):
        assert not np.array_equal(s.counts(), before)
    for a, b in zip(net["from_poisson"].connections, connections, strict=True):
        np.testing.assert_array_equal(a, b)
    # The seed remains until another one is passed.
    net.reset()
    np.testing.assert_array_equal(ran(net, v), second)
    net.reset(seed=1)
    np.testing.assert_array_equal(ran(net, v), first)


def test_batches_draw_from_it_too():
    net, v, _ = made()
    net.run(20.0, batch=3)
    first = v.values.copy()
    net.reset(seed=2)
    net.run(20.0, batch=3)
    second = v.values.copy()
    assert all(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    net.reset(seed=2)
    np.testing.assert_array_equal(ran(net, v), second[0])


@pytest.mark.parametrize("batch", [None, 2])
def test_a_state_continues_with_it(tmp_path, batch):
    net, v, _ = made()
    net.reset(seed=7)
    net.run(20.0, batch=batch)
    whole = v.values[..., 100:, :].copy()
    net.reset()
    net.run(10.0, batch=batch)
    net.save_state(tmp_path / "state")
    other, v, _ = made(threads=2)
    ran(other, v, 3.0)
    other.load_state(tmp_path / "state")
    assert other.noise_seed == 7
    other.run(10.0, batch=batch)
    np.testing.assert_array_equal(v.values, whole)
    other.reset()
    other.run(20.0, batch=batch)
    np.testing.assert_array_equal(v.values[..., 100:, :], whole)


@pytest.mark.parametrize("name", ["model.toml", "model.json"])
def test_a_model_file_keeps_it(tmp_path, name):
    net, v, _ = made()
    net.save(tmp_path / name)
    assert "noise_seed" not in (tmp_path / name).read_text()
    net.reset(seed=7)
    expected = ran(net, v)
    net.save(tmp_path / name)
    loaded = dn.Network.load(tmp_path / name)
    assert (loaded.seed, loaded.noise_seed) == (1, 7)
    np.testing.assert_array_equal(ran(loaded, next(iter(loaded.recordings.values()))), expected)
    # A seed for the whole network is also the seed for noise.
    assert dn.Network.load(tmp_path / name, seed=3).noise_seed == 3


def test_wrong_seeds():
    net, _, _ = made()
    for bad, error in ((-1, dn.ParameterError), (2**64, dn.ParameterError), (0.5, dn.ParameterTypeError)):
        with pytest.raises(error, match="seed = "):
            net.reset(seed=bad)
    with pytest.raises(dn.ParameterTypeError, match="did you mean 'seed'"):
        net.reset(sed=1)
    with pytest.raises(dn.AssignmentError, match="noise_seed"):
        net.noise_seed = 1
    assert net.noise_seed == 1
