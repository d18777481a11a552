"""Plastic connections onto detailed cells equal those onto few-compartment neurons with the same spikes."""

import dendrion as dn
import numpy as np
import pytest

SIZE, DT = 4, 0.1
MEMBRANE = {"C": 1.0, "gL": 50.0, "V_rest": -65.0}
POPULATION = {
    "V_th": -50.0,
    "V_reset": -70.0,
    "reset": True,
    "stdp_tau": np.linspace(10.0, 40.0, SIZE),
    "tau_triplet": np.linspace(60.0, 120.0, SIZE),
    "dendritic_delay": np.array([1, 2, 3, 5]),
}
RULES = {"STDP": lambda: dn.STDP(lambda_=0.05), "triplet STDP": lambda: dn.TripletSTDP(A_plus=1e-3)}


def detailed():
    tree = dn.Morphology.cable(length=100.0, diameter=5.0)
    cells = dn.CableNeuron(SIZE, tree, cv=dn.PerSection(1), name="cells", **MEMBRANE, **POPULATION)
    # The receptors have no effect, so that both kinds of neurons emit the same spikes.
    cells.ampa = dn.AMPA(cells, at=[tree.at(0, 0.2), tree.at(0, 0.8)], g=0.0, t_decay=2.0)
    return cells, cells.ampa, cells.at("all"), 2


def flat():
    cells = dn.MCNeuron(SIZE, name="cells", odemethod="implicit_euler", **POPULATION)
    cells.soma = dn.LeakyIF(SIZE, length=100.0, diameter=5.0, **MEMBRANE)
    cells.ampa = dn.AMPA(SIZE, g=0.0, t_decay=2.0)
    cells.on = dn.MCConnSynapse(cells.ampa, cells.soma)
    return cells, cells.ampa, cells.soma, 1


def network(make, rule, **settings):
    cells, ampa, soma, sites = make()
    drive = dn.CurrentGenerator(SIZE, np.random.default_rng(0).uniform(0, 90, (4000, SIZE)), name="drive")
    source = dn.PoissonGenerator(6, rate=80.0, name="source")
    weights = np.repeat(np.eye(6)[:, :SIZE] + 1, sites, axis=1)
    syn = dn.MCSynapse(source, ampa, weights, delay=2.0, plasticity=RULES[rule](), name="syn")
    net = dn.Network([cells, drive, source, syn, dn.ConnGen(drive, soma)], dt=DT, **settings)
    return net, syn, net.probe(cells, "spikes")


@pytest.mark.parametrize("rule", RULES)
def test_weights(rule):
    net, syn, spikes = network(detailed, rule)
    other, expected, expected_spikes = network(flat, rule)
    net.run(300.0)
    other.run(300.0)
    assert len(spikes.t) > 20
    np.testing.assert_array_equal(spikes.t, expected_spikes.t)
    weights = syn.w.reshape(6, SIZE, 2)
    np.testing.assert_array_equal(weights[:, :, 0], weights[:, :, 1])
    np.testing.assert_allclose(weights[:, :, 0], expected.w.reshape(6, SIZE), rtol=1e-13)
    assert np.ptp(weights) > 1e-3


@pytest.mark.parametrize("rule", RULES)
def test_saved_states_and_threads(rule, tmp_path):
    net, syn, _ = network(detailed, rule)
    net.run(300.0)
    begun, _, _ = network(detailed, rule, threads=3)
    begun.run(120.0)
    begun.save_state(tmp_path / "state")
    resumed, weights, _ = network(detailed, rule, threads=2)
    resumed.load_state(tmp_path / "state")
    resumed.run(180.0)
    np.testing.assert_array_equal(weights.w, syn.w)
