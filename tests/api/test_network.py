"""Networks give access to parameters, states and recordings."""

import dendrion as dn
import numpy as np
import pytest


def test_state_dict_round_trips(pair):
    net = dn.Network([cells := pair(3)])
    before = net.state_dict()
    net.set_parameters({"pair/dend.gL": [1.0, 2.0, 3.0], "pair.V_th": -42.0})
    assert cells.dend.gL[2] == 3.0
    net.load_state_dict(before)
    after = net.state_dict()
    assert list(before) == list(after)
    for key, value in before.items():
        np.testing.assert_array_equal(after[key], value)


def test_set_parameters_is_all_or_nothing(pair):
    net = dn.Network([cells := pair(1)])
    with pytest.raises(dn.ParameterError, match=r"pair/dend: C = -1"):
        net.set_parameters({"pair/soma.gL": 20.0, "pair/dend.C": -1.0})
    assert cells.soma.gL == 10.0


def test_states_are_set_and_kept(pair):
    net = dn.Network([pair(2)])
    assert set(net.get_state()) == {"pair/soma.V", "pair/dend.V", "pair/ampa.s", "pair/nmda.s"}
    net.set_state({"pair/soma.V": [-50.0, -60.0], "pair/ampa.s": 0.5})
    np.testing.assert_array_equal(net.get_state()["pair/soma.V"], [-50, -60])
    np.testing.assert_array_equal(net.get_state()["pair/ampa.s"], [0.5, 0.5])
    with pytest.raises(dn.UnknownNameError, match=r"did you mean 'pair/soma\.V'"):
        net.set_state({"pair/soma.v": 0.0})


def test_reset_starts_anew(pair):
    cells = pair(4)
    noise = dn.PoissonGenerator(4, rate=300.0)
    net = dn.Network([cells, noise, dn.MCSynapse(noise, cells.ampa, dn.One2One())], seed=3)
    v = net.probe(cells.soma, "V")
    net.run(30.0)
    first = v.values
    net.reset()
    assert net.t == 0
    assert len(v) == 0
    net.run(30.0)
    np.testing.assert_array_equal(v.values, first)


def test_probes_sample_where_and_when_asked(pair):
    cells = pair(5)
    cells.soma.I_ext = np.arange(5) * 100.0
    net = dn.Network([cells])
    every = net.probe(cells.soma, "V")
    some = net.probe(cells.soma, "V", every=1.0, indices=[4, 1])
    net.run(7.05)
    late = net.probe(cells.dend, "V", every=0.5)
    net.run(3.0)
    assert every.values.shape == (101, 5)
    np.testing.assert_array_equal(some.values, every.values[::10][:, [4, 1]])
    np.testing.assert_allclose(some.t, np.arange(11.0)[: len(some)])
    np.testing.assert_allclose(
        late.t, [7.0 if i < 0 else 7.0 + 0.5 * (i + 1) for i in range(-1 + 1, len(late))], atol=0.51
    )
    assert late.t[0] >= 7.0
    assert every.values.dtype == np.float64


def test_every_variable_can_be_recorded(pair):
    cells = pair(2, rise=0.5)
    spikes = dn.SpikeGenerator(2, indices=[0], times=[1.0])
    net = dn.Network([cells, spikes, dn.MCSynapse(spikes, (cells.ampa, cells.nmda), dn.One2One())])
    assert net.variables(cells.ampa) == ["s", "x", "I"]
    assert net.variables(cells.nmda) == ["s", "x", "B", "I"]
    assert net.variables(cells.dend) == ["V", "I"]
    assert net.variables(cells) == ["spikes"]
    v, total = net.probe(cells.dend, "V"), net.probe(cells.dend, "I")
    s, x, ampa = (net.probe(cells.ampa, n) for n in ("s", "x", "I"))
    xn, block, nmda = (net.probe(cells.nmda, n) for n in ("x", "B", "I"))
    soma = net.probe(cells.soma, "V")
    net.run(20.0)
    assert s.values[11, 0] == 1.0
    assert s.values[10, 0] == 0.0
    assert not s.values[:, 1].any()
    np.testing.assert_allclose(ampa.values, 3.0 * x.values * (0 - v.values), rtol=1e-12)
    expected = 1 / (1 + np.exp(-0.062 * v.values) / 3.57)
    np.testing.assert_allclose(block.values, expected, rtol=1e-12)
    np.testing.assert_allclose(nmda.values, 3.0 * xn.values * block.values * (0 - v.values), rtol=1e-12)
    axial = 15.0 * (soma.values - v.values)
    np.testing.assert_allclose(total.values, axial + ampa.values + nmda.values, atol=1e-10)


def test_spikes_dense_and_sparse_agree(pair):
    cells = pair(3)
    cells.soma.I_ext = [300.0, 0.0, 500.0]
    net = dn.Network([cells])
    spikes, one = net.probe(cells, "spikes"), net.probe(cells, "spikes", indices=[2])
    net.run(100.0)
    dense = spikes.dense()
    assert dense.shape == (1000, 3)
    steps, neurons = np.nonzero(dense)
    np.testing.assert_allclose(spikes.t, steps * 0.1)
    np.testing.assert_array_equal(spikes.i, neurons)
    assert len(spikes) == net.info["spikes"] == dense.sum() > 5
    assert set(one.i) == {2}


def test_float32_and_its_size(pair):
    cells = pair(2)
    net = dn.Network([cells], dtype="float32")
    v = net.probe(cells.soma, "V")
    net.run(5.0)
    assert v.values.dtype == np.float32


def test_the_text_of_a_network(pair):
    cells = pair(2)
    noise = dn.PoissonGenerator(2, rate=1.0)
    net = dn.Network([cells, noise, dn.MCSynapse(noise, cells.ampa, dn.One2One())])
    text = repr(net)
    assert "2 neurons, 4 compartments, 2 connections" in text
    assert "poissongenerator -> pair/ampa" in text
    assert "FireReset" in net.program(cells)


def test_refractory_time_holds_spikes_back():
    def spikes(refractory):
        neuron = dn.MCNeuron(1, V_th=-50.0, V_reset=-65.0, refractory=refractory, name="n")
        neuron.soma = dn.LeakyIF(1, V_rest=-65.0, gL=10.0, C=100.0, I_ext=2000.0)
        net = dn.Network([neuron])
        probe = net.probe(neuron, "spikes")
        net.run(100.0)
        return probe.t

    free, held = spikes(0.0), spikes(5.0)
    assert np.diff(free).max() < 1.0
    np.testing.assert_allclose(np.diff(held), 5.0)
    assert free[0] == held[0]
