"""Lengths and diameters of control volumes (CVs) are parameters with exact gradients."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Cell, driven, random_tree
from .test_differences import EULER, MIDPOINT, Problem


def cylinders(length, diameter):
    """Return a branched tree of cylinders."""
    kinds = ["soma", "apical", "apical", "apical", "basal"]
    return dn.Morphology.from_sections(length, diameter, [-1, 0, 1, 1, 0], kinds)


LENGTH, DIAMETER = np.array([20.0, 150.0, 80.0, 90.0, 120.0]), np.array([18.0, 3.0, 1.0, 1.5, 2.0])


def active(tree, n, **settings):
    cells = dn.CableNeuron(2, tree, cv=dn.PerSection(n), gL=50.0, V_rest=-65.0, name="cells", **settings)
    dn.channels.HHNa(cells, on="soma", g=120.0, name="na")
    dn.channels.HHK(cells, on="all", g=20.0, name="k")
    return cells


def recorded(cells):
    step = dn.DCGenerator(1, 300.0, 1.0, name="step")
    net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
    v = net.probe(cells, "V")
    net.run(10.0)
    return v.values


@pytest.mark.parametrize("n", [1, 4])
@pytest.mark.parametrize("is_later", [False, True])
def test_scaled_cylinders_equal_cells_with_these_cylinders(n, is_later):
    rng = np.random.default_rng(2)
    longer, wider = rng.uniform(0.5, 2.0, (2, 5))
    expected = recorded(active(cylinders(LENGTH * longer, DIAMETER * wider), n))
    tree = cylinders(LENGTH, DIAMETER)
    sections = tree.cvs(dn.PerSection(n)).section
    changed = {"length": (LENGTH * longer / n)[sections], "diameter": (DIAMETER * wider)[sections]}
    cells = active(tree, n, **({} if is_later else changed))
    if is_later:
        step = dn.DCGenerator(1, 300.0, 1.0, name="step")
        net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
        net.set_parameters({f"cells.{name}": value for name, value in changed.items()})
        v = net.probe(cells, "V")
        net.run(10.0)
        found = v.values
    else:
        found = recorded(cells)
    assert expected.max() > 0.0
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def test_a_branch_in_the_middle_of_a_section_of_varying_diameter():
    points = [[0, 0, 0], [100, 0, 0], [200, 0, 0], [0, 100, 0], [0, 200, 0]]
    tree = dn.Morphology.from_points(points, [8.0, 4.0, 2.0, 1.0, 1.0], [-1, 0, 1, 0, 3], ["soma"] * 3 + ["basal"] * 2)
    problem = dn.CableNeuron(1, tree, cv=dn.PerSection(3), name="cells")
    whole = problem.cvs.length
    assert np.bincount(problem.cvs.section, whole) == pytest.approx([s.length for s in tree.sections])
    # Scaling all lengths by a and diameters by b scales areas by ab and axial conductances by b^2/a.
    a, b = 1.3, 0.8
    scaled = dn.CableNeuron(1, tree, cv=dn.PerSection(3), length=a * whole, diameter=b * problem.cvs.diameter)
    other = dn.CableNeuron(1, tree, cv=dn.PerSection(3), C=a * b, gL=30.0 * a * b, r_axial=100.0 * a / b**2)
    found = []
    for cells in (scaled, other):
        step = dn.DCGenerator(1, 50.0, name="step")
        net = dn.Network([cells, step, dn.ConnGen(step, cells.at(tree.at(1, 1.0)))], dt=0.1)
        v = net.probe(cells, "V")
        net.run(20.0)
        found.append(v.values)
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-10)


def test_the_original_geometry_gives_the_same_bits():
    tree = random_tree()
    bits = []
    for is_given in (False, True):
        cells = Cell(3, tree)
        if is_given:
            cells.length = np.tile(cells.cvs.length, (3, 1))
            cells.diameter = np.array(cells.cvs.diameter)
        net = driven(cells)
        v = net.probe(cells, "V")
        net.run(5.0)
        bits.append(v.values)
    assert np.array_equal(*bits)


class Geometry(Problem):
    """The cells of `test_differences.py` with other lengths and diameters."""

    def __init__(self, *args, is_individual=True, **settings):
        super().__init__(*args, **settings)
        rng = np.random.default_rng(1)
        for name in ("length", "diameter"):
            value = np.asarray(getattr(self.cells.cvs, name))
            shape = (self.cells.size, len(value)) if is_individual else value.shape
            setattr(self.cells, name, value * rng.uniform(0.7, 1.4, shape))
        self.net.reset()


@pytest.mark.parametrize("is_individual", [False, True])
@pytest.mark.parametrize("method", [EULER, MIDPOINT])
@pytest.mark.parametrize("gates", ["rational", "coupled"])
def test_gradients_of_scaled_cells(is_individual, method, gates):
    problem = Geometry(random_tree(6, 7), 3, is_individual=is_individual, odemethod=method, gates=gates)
    found = problem.gradient()
    for key in ("cells.length", "cells.diameter", "cells.r_axial", "cells.C", "cells/k.g"):
        assert np.any(found[key])
        assert np.shape(found[key]) == np.shape(problem.net.parameters()[key])
        assert max(problem.errors(key, found[key])) < 1e-6, key


class Passive(Problem):
    """Passive cells: the geometry changes only the tree."""

    def __init__(self, tree, n, method):
        self.cells = dn.CableNeuron(2, tree, cv=dn.PerSection(n), odemethod=method, name="cells")
        step = dn.DCGenerator(1, 300.0, name="dc")
        self.net = dn.Network([self.cells, step, dn.ConnGen(step, self.cells.at("soma"))], dt=0.05)
        self.probes = [self.net.probe(self.cells, "V")]
        self.weights = [np.random.default_rng(5).normal(size=(160, self.probes[0]._columns))]


@pytest.mark.parametrize(("sections", "n"), [(2, 1), (8, 3), (15, 4)])
@pytest.mark.parametrize("method", [EULER, MIDPOINT])
def test_gradients_of_passive_cells(sections, n, method):
    problem = Passive(random_tree(sections, sections), n, method)
    found = problem.gradient()
    for key in ("cells.length", "cells.diameter", "cells.C", "cells.r_axial"):
        assert max(problem.errors(key, found[key])) < 1e-6, key


def test_gradients_through_densities_that_read_the_diameter():
    tree = random_tree(4, 6)
    cells = dn.CableNeuron(2, tree, cv=dn.PerSection(2), name="cells")
    density = "g0 + k0/diameter"
    dn.channels.HHK(cells, on="all", g=density, g0=5.0, k0=20.0, name="k")
    dn.channels.Ih(cells, on="apical", g="g0 * diameter * exp(distance/lam)", g0=0.1, lam=200.0, name="ih")
    problem = Passive.__new__(Passive)
    problem.cells = cells
    step = dn.DCGenerator(1, 300.0, name="dc")
    problem.net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.05)
    problem.probes = [problem.net.probe(cells, "V")]
    problem.weights = [np.random.default_rng(5).normal(size=(160, problem.probes[0]._columns))]
    found = problem.gradient()
    for key in ("cells.length", "cells.diameter", "cells/k.k0", "cells/ih.g0"):
        assert max(problem.errors(key, found[key])) < 1e-6, key
    # Densities follow the diameter, and distances are those of the morphology.
    cvs = cells.cvs
    parts = {part.name: part for part in cells.modules()}
    wide = 2.0 * np.broadcast_to(cvs.diameter, (2, len(cvs)))
    cells.diameter, cells.length = wide, 3.0 * cvs.length
    np.testing.assert_allclose(parts["k"].g, 5.0 + 20.0 / wide)
    where = cvs.select("apical")
    np.testing.assert_allclose(parts["ih"].g, 0.1 * wide[:, where] * np.exp(cvs.distance[where] / 200.0))


def test_the_gradient_of_a_section_is_the_sum_over_its_cvs():
    tree = random_tree(3, 6)
    problem = Passive(tree, 3, EULER)
    cells, start = problem.cells, np.asarray(problem.cells.cvs.diameter)
    found = problem.gradient()["cells.diameter"]
    of_sections = np.bincount(cells.cvs.section, found * start)
    for section in range(6):
        inside = np.where(cells.cvs.section == section, start, 0.0)
        expected = problem.difference("cells.diameter", inside / start.max())
        assert of_sections[section] / start.max() == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_one_diameter_for_all_cvs():
    problem = Passive(random_tree(3, 6), 2, EULER)
    problem.cells.diameter = 2.0
    found = problem.gradient()["cells.diameter"]
    assert np.shape(found) == ()
    assert max(problem.errors("cells.diameter", found)) < 1e-6


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
@pytest.mark.parametrize("name", ["length", "diameter"])
def test_invalid_values_are_refused(name, value):
    tree = random_tree()
    cells = dn.CableNeuron(2, tree, cv=dn.PerSection(2), name="cells")
    values = np.full((2, len(cells.cvs)), 1.0)
    values[1, 3] = value
    with pytest.raises(dn.ParameterError, match=rf"cells: {name}\[{len(cells.cvs) + 3}\].*CV 3, at x"):
        setattr(cells, name, values)
    net = dn.Network([cells], dt=0.1)
    with pytest.raises(dn.ParameterError, match=rf"cells: {name}|cells\.{name}"):
        net.set_parameters({f"cells.{name}": values})
    with pytest.raises(dn.ParameterError, match=r"expected a number, an array of shape \(18,\)"):
        net.set_parameters({f"cells.{name}": np.ones(3)})
    assert np.array_equal(getattr(cells, name), getattr(cells.cvs, name))


def test_densities_outside_their_bounds_are_refused():
    cells = dn.CableNeuron(1, random_tree(), cv=dn.PerSection(1), name="cells")
    dn.channels.HHK(cells, on="all", g="10 - diameter", name="k")
    with pytest.raises(dn.ParameterError, match=r"cells/k: g|cells/k\.g"):
        cells.diameter = 20.0
    net = dn.Network([cells], dt=0.1)
    with pytest.raises(dn.ParameterError, match=r"cells/k: g|cells/k\.g"):
        cells.diameter = 20.0
    with pytest.raises(dn.ParameterError, match=r"cells/k: g|cells/k\.g"):
        net.set_parameters({"cells.diameter": 20.0})
    assert np.array_equal(cells.diameter, cells.cvs.diameter)


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_files_store_changed_geometry_only(tmp_path, suffix):
    tree = random_tree()
    cells = active(tree, 2)
    net = dn.Network([cells], dt=0.025)
    net.save(tmp_path / f"same.{suffix}")
    assert "length" not in (tmp_path / f"same.{suffix}").read_text().partition("morphology")[0]
    cells.diameter = 1.5 * np.stack([cells.cvs.diameter, 2.0 * cells.cvs.diameter])
    cells.length = 0.5 * cells.cvs.length
    net.save(tmp_path / f"other.{suffix}")
    for name in ("same", "other"):
        again = dn.Network.load(tmp_path / f"{name}.{suffix}")
        parameters, expected = again.parameters(), net.parameters()
        if name == "other":
            for key in ("cells.length", "cells.diameter"):
                assert np.array_equal(parameters[key], expected[key])
        else:
            assert np.array_equal(parameters["cells.length"], cells.cvs.length)
            assert np.array_equal(parameters["cells.diameter"], cells.cvs.diameter)


def test_saved_states_restore_the_geometry(tmp_path):
    cells = active(random_tree(), 2)
    net = dn.Network([cells], dt=0.025)
    cells.diameter = 1.5 * cells.cvs.diameter
    net.run(2.0)
    net.save_state(tmp_path / "state")
    net.run(2.0)
    v = cells.V.copy()
    other = active(random_tree(), 2)
    resumed = dn.Network([other], dt=0.025)
    resumed.load_state(tmp_path / "state")
    resumed.run(2.0)
    assert np.array_equal(other.V, v)
    assert np.array_equal(other.diameter, cells.diameter)
