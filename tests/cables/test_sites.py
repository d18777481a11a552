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
    assert at.cv_index.tolist() == [*tip.cv] * 3
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
    assert gate.cv_index.tolist() == [*cells.at("apical").cv] * 2
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


def test_interpolated_potentials():
    cells = dn.CableNeuron(2, random_tree(), cv=dn.PerSection(4), V_init=lambda d: -70.0 + d / 10)
    tree = cells.tree
    net = dn.Network([cells], dt=0.025)
    places = [tree.at(2, 0.5), tree.at(2, 0.3), tree.at(2, 1.0), tree.at(2, 0.0), tree.at(3, 0.125)]
    probe = net.probe(cells.at(places), "V", interpolate=True)
    some = net.probe(cells.at(places), "V", interpolate=True, indices=[6, 0])
    everywhere = net.probe(cells, "V")
    net.run(1.0)
    v = everywhere.values.reshape(-1, 2, 36)
    expected = [(v[..., 9] + v[..., 10]) / 2, 0.3 * v[..., 8] + 0.7 * v[..., 9], v[..., 11], v[..., 8], v[..., 12]]
    expected[1] = v[..., 8] + 0.7 * (v[..., 9] - v[..., 8])
    np.testing.assert_allclose(probe.values, np.stack(expected, axis=-1).reshape(-1, 10), rtol=1e-14)
    assert np.array_equal(some.values, probe.values[:, [6, 0]])
    assert probe.cv_index.tolist() == [10, 9, 11, 8, 12] * 2


def test_gradients_of_interpolated_potentials():
    found = []
    for interpolate in (True, False):
        cells = dn.CableNeuron(1, random_tree(), cv=dn.PerSection(4), V_init=lambda d: -70.0 + d / 10)
        net = dn.Network([cells], dt=0.025)
        at = cells.at(cells.tree.at(2, 0.3)) if interpolate else cells.at(cv=[8, 9])
        probe = net.probe(at, "V", interpolate=interpolate)
        run = net.run(1.0, grad=True)
        cotangent = np.linspace(1.0, 2.0, 40)[:, np.newaxis]
        gradients = run.backward({probe: cotangent if interpolate else cotangent * [0.3, 0.7]})
        found.append((gradients["cableneuron.gL"], gradients.states["cableneuron.V"]))
        with pytest.raises(dn.DendrionError):
            run.backward({probe: np.full((40, 1), np.nan)})
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_interpolation_is_for_potentials_at_sites(tmp_path):
    cells = Cell(1)
    net = driven(cells)
    for place, variable in ((cells, "V"), (cells.na, "m")):
        with pytest.raises(dn.ParameterError, match="interpolate = True: expected V at a site"):
            net.probe(place, variable, interpolate=True)
    with pytest.raises(dn.ParameterTypeError, match="interpolate = 3: expected True or False"):
        net.probe(cells.at("soma"), "V", interpolate=3)
    net.probe(cells.at("soma"), "V", interpolate=True)
    with pytest.raises(dn.StructureError, match=r"cell.V: a recording with interpolate=True cannot be saved"):
        net.save(tmp_path / "model.toml")


@pytest.mark.parametrize("index", [6, 2**63 - 1, np.uint64(2**64 - 1)])
def test_indices_of_columns_are_checked(index):
    cells = dn.CableNeuron(2, random_tree(), cv=dn.PerSection(1), name="cells")
    net = dn.Network([cells], dt=0.025)
    with pytest.raises(dn.ParameterError, match=r"cells: indices.*expected an index below 6"):
        net.probe(cells.at(cv=[0, 1, 2]), "V", indices=[index])
