"""Sites, and the order of cells and sites in probes, parameters, states and connections."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Cell, driven, random_tree


def test_sites_are_the_cvs_that_contain_locations():
    tree = random_tree()
    cells = dn.CableNeuron(2, tree, cv=dn.PerSection(3))
    assert cells.at("soma").cv.tolist() == [1]
    assert cells.at(tree.at(2, 0.0)).cv.tolist() == [6]
    assert cells.at(tree.at(2, 1.0)).cv.tolist() == [8]
    # A point on a boundary belongs to the distal CV.
    assert cells.at(tree.at(2, 1 / 3)).cv.tolist() == [7]
    assert cells.at([tree.at(1, 0.9), tree.at(1, 0.1), tree.at(1, 0.9)]).cv.tolist() == [5, 3, 5]
    assert cells.at("all").cv.tolist() == list(range(27))
    assert cells.at("apical").cv.tolist() == cells.cvs.select("apical").tolist()
    assert cells.at(cv=[4, 2]).cv.tolist() == [4, 2]
    assert cells.at("all").size == 54


def test_probes_at_sites_are_columns_of_all_potentials():
    cells = Cell(3)
    net = driven(cells)
    tip = cells.at([cells.tree.at(3, 1.0), cells.tree.at(1, 0.5)])
    everywhere, at, some = net.probe(cells, "V"), net.probe(tip, "V"), net.probe(tip, "V", indices=[5, 0])
    net.run(20.0)
    count = len(cells.cvs)
    columns = [cell * count + cv for cell in range(3) for cv in tip.cv]
    assert np.array_equal(at.values, everywhere.values[:, columns])
    assert np.array_equal(some.values, at.values[:, [5, 0]])
    assert at.index.tolist() == [0, 0, 1, 1, 2, 2]
    assert at.cv.tolist() == [*tip.cv] * 3
    assert at.gid.tolist() == [1, 1, 2, 2, 3, 3]
    assert np.array_equal(cells.V.reshape(-1).shape, (3 * count,))


def test_members_of_mechanisms_are_ordered_by_cell_then_site():
    cells = Cell(2)
    net = driven(cells)
    gate = net.probe(cells.ih, "m")
    net.run(5.0)
    last = cells.ih.m
    net.run(0.025)
    assert np.array_equal(gate.values[-1], last.reshape(-1))
    assert gate.cv.tolist() == [*cells.at("apical").cv] * 2
    assert last.shape == (2, len(cells.at("apical").cv))


def test_connections_reach_one_site_of_one_cell():
    tree = random_tree()
    cells = dn.CableNeuron(2, tree, cv=dn.PerSection(3), V_rest=-65.0)
    ampa = dn.AMPA(cells, at=[tree.at(2, 0.5), tree.at(4, 0.5), tree.at(2, 0.5)], g=1.0, t_decay=2.0)
    source = dn.SpikeGenerator(1, [0], [1.0])
    syn = dn.MCSynapse(source, ampa, dn.CustomConn([0], [4], [1.0]))
    net = dn.Network([cells, source, syn], dt=0.025)
    net.run(1.05)
    assert ampa.size == 6
    assert np.flatnonzero(ampa.s.reshape(-1)).tolist() == [4]
    net.run(1.0)
    assert (cells.V[0] == -65.0).all()
    assert cells.V[1].argmax() == cells.at(tree.at(4, 0.5)).cv[0]


def test_an_indegree_counts_pairs_of_cell_and_site():
    cells = Cell(3)
    net = driven(cells)
    assert cells.ampa.size == 12
    assert np.bincount(net["syn"].connections.post, minlength=12).tolist() == [5] * 12


def test_two_receptors_share_connections():
    tree = random_tree()
    cells = dn.CableNeuron(2, tree, cv=dn.PerSection(3), V_rest=-65.0)
    spines = tree.random("apical", n=5, seed=1)
    ampa, nmda = dn.AMPA(cells, at=spines, t_decay=2.0), dn.NMDA(cells, at=spines, t_decay=50.0, t_rise=1.0)
    elsewhere = dn.GABA(cells, at=spines[::-1], t_decay=5.0)
    source = dn.PoissonGenerator(3, 100.0)
    syn = dn.MCSynapse(source, (ampa, nmda), dn.FixedIndegree(2), weight=dn.Uniform(0.5, 1.0))
    net = dn.Network([cells, source, syn], dt=0.025)
    net.run(50.0)
    assert (ampa.s > 0).any()
    assert (nmda.s > 0).any()
    assert not elsewhere.s.any()


def test_spikes_cross_the_threshold_at_a_location():
    tree = random_tree()
    cells = Cell(2, tree, spike_at=tree.at(1, 0.9), V_th=-62.0)
    net = driven(cells)
    spikes, v = net.probe(cells, "spikes"), net.probe(cells.at(tree.at(1, 0.9)), "V")
    net.run(60.0)
    above = v.values > -62.0
    crossings = np.argwhere(above[1:] & ~above[:-1])
    assert len(spikes) == len(crossings) > 1
    assert sorted(zip(np.rint(spikes.t / 0.025), spikes.i, strict=True)) == sorted(map(tuple, crossings))


def test_a_reset_changes_only_its_cv():
    tree = random_tree()
    cells = dn.CableNeuron(1, tree, cv=dn.PerSection(3), V_th=-55.0, V_reset=-75.0, reset=True)
    step = dn.DCGenerator(1, 2000.0)
    net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
    v, spikes = net.probe(cells, "V"), net.probe(cells, "spikes")
    net.run(20.0)
    at = cells.spike_at.cv[0]
    after = round(spikes.t[0] / 0.025) + 1
    assert v.values[after, at] == -75.0 or v.values[after - 1, at] == -75.0
    assert (np.delete(v.values[after - 2 : after + 2], at, axis=1) > -75.0).all()


@pytest.mark.parametrize("size", [1, 3])
def test_currents_are_common_or_individual(size):
    cells = dn.CableNeuron(3, random_tree(), cv=dn.PerSection(1))
    step = dn.DCGenerator(size, np.arange(size) * 10.0 + 10.0)
    net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.1)
    net.run(5.0)
    rise = cells.V[:, 0] + 70.0
    expected = [1.0, 2.0, 3.0] if size == 3 else [1.0] * 3
    np.testing.assert_allclose(rise / rise[0], expected)
