"""Densities as numbers, per region, functions, formulas and arrays."""

import copy
import pickle

import dendrion as dn
import numpy as np
import pytest

from .cells import random_tree

TREE = random_tree()


def cells(size=2):
    return dn.CableNeuron(size, TREE, cv=dn.PerSection(3), V_rest=-65.0)


def test_functions_and_formulas_give_the_same_currents():
    cell = cells()
    formula = dn.channels.Ih(cell, on="apical", g="g0 * exp(distance/lam) + c/diameter", g0=0.02, lam=323.0, c=0.1)
    cvs = cell.at("apical").cv
    values = 0.02 * np.exp(cell.cvs.distance[cvs] / 323.0) + 0.1 / cell.cvs.diameter[cvs]
    array = dn.channels.Ih(cell, on="apical", g=values)
    function = dn.channels.HHK(cell, on="apical", g=lambda distance: 3.0 + distance)
    np.testing.assert_allclose(formula.g, values, rtol=1e-14)
    np.testing.assert_array_equal(function.g, 3.0 + cell.cvs.distance[cvs])
    net = dn.Network([cell], dt=0.025)
    one, other, density = net.probe(formula, "I"), net.probe(array, "I"), net.probe(formula, "g")
    net.run(5.0)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-12)
    np.testing.assert_allclose(density.values[0], np.tile(values, 2), rtol=1e-14)


def test_values_per_region_take_the_last_one():
    cell = cells()
    k = dn.channels.HHK(cell, on="all", g={"all": 1.0, "apical": 2.0, TREE.region("apical", order=(2, 9)): lambda d: d})
    expected = np.full(len(cell.cvs), 1.0)
    expected[cell.at("apical").cv] = 2.0
    distal = cell.cvs.select(TREE.region("apical", order=(2, 9)))
    expected[distal] = cell.cvs.distance[distal]
    np.testing.assert_array_equal(k.g, expected)


def test_parameters_of_formulas_are_parameters_of_the_network():
    cell = cells()
    ih = dn.channels.Ih(cell, on="all", g="g0 * (1 + distance/lam)", g0=[[0.1], [0.2]], lam=100.0)
    net = dn.Network([cell], dt=0.025)
    assert {"cableneuron/ih.g0", "cableneuron/ih.lam"} < set(net.parameters())
    assert "cableneuron/ih.g" not in net.parameters()
    assert net.parameters()["cableneuron/ih.g0"].shape == (2, 27)
    density = net.probe(ih, "g")
    net.run(0.025)
    ih.g0, ih.lam = 0.4, 50.0
    net.run(0.025)
    np.testing.assert_allclose(density.values[1], np.tile(0.4 * (1 + cell.cvs.distance / 50.0), 2))
    np.testing.assert_allclose(ih.g, 0.4 * (1 + cell.cvs.distance / 50.0))


def test_formulas_of_text_channels_keep_the_other_statements():
    class Twice(dn.Channel):
        equations = "I = a*g*(E - V) : pA/um2; g = 5 mS/cm2 (>= 0); a = 2 # a factor\nE = -45 mV"

    cell = cells(1)
    twice = Twice(cell, on="soma", g="2 if distance > 1000 else 7", E=-40.0)
    assert (twice.a, twice.E, twice.g.tolist()) == (2.0, -40.0, [7.0] * 3)
    assert Twice.equations.startswith("I = a*g")


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda cell: pickle.loads(pickle.dumps(cell))])
def test_copies_have_the_same_densities(twin):
    cell = cells()
    dn.channels.Ih(cell, on="apical", g="g0 + distance/1000", g0=0.1, name="ih")
    other = twin(cell)
    (ih,) = other.children()
    assert ih._placement.neuron is other
    assert np.array_equal(ih.g, next(cell.children()).g)
    net = dn.Network([other], dt=0.025)
    net.run(1.0)
    assert np.isfinite(other.V).all()


def test_membrane_parameters_have_the_same_forms():
    cell = dn.CableNeuron(2, TREE, cv=dn.PerSection(1), C={"all": 1.0, "apical": 2.0}, V_init=lambda d: -60.0 - d / 100)
    assert cell.C[cell.at("apical").cv].tolist() == [2.0] * len(cell.at("apical"))
    net = dn.Network([cell], dt=0.025)
    np.testing.assert_allclose(cell.V, np.tile(-60.0 - cell.cvs.distance / 100, (2, 1)))
    cell.gL = {"all": 10.0, "soma": 50.0}
    assert cell.gL.tolist() == [50.0, *[10.0] * 8]
    net.set_parameters({"cableneuron.gL": np.full((2, 9), 20.0)})
    assert cell.gL.shape == (2, 9)


@pytest.mark.parametrize(
    ("g", "message"),
    [
        (lambda d: -d - 1, r"Ih: g\[0\] = -.*: expected a finite number >= 0 \(mS/cm2\) \(CV 3, at x = 0.167 of"),
        (lambda d: np.where(d > 100, np.nan, 1.0), r"Ih: g: <lambda>\(.* um\) = nan: expected a finite number \(CV"),
        (lambda d: d[:2], r"Ih: g: <lambda>\(distances\) = array of shape \(2,\): expected one number for each of the"),
        (lambda d: 1 / 0, r"Ih: g: <lambda>\(distances\) raised ZeroDivisionError"),
        (
            [1.0, 2.0],
            r"Ih: g = array of shape \(2,\): expected a number, an array of shape \(12,\) with one value per CV, or",
        ),
        (np.ones((3, 12)), r"Ih: g = array of shape \(3, 12\): expected a number, an array of shape \(12,\)"),
        (np.full(12, -1.0), r"Ih: g\[0\] = -1: expected a finite number >= 0 .*CV 3"),
        ({"basal": 1.0}, r"has no value for CV 3.*; expected regions that contain all"),
        ({"apikal": 1.0}, r"unknown kind; did you mean 'apical'"),
        ({"axon": 1.0}, r"this morphology has no axon; expected one of: all, soma"),
        ("g0 * distance", r"Ih: g = 'g0 \* distance': g0 has no value; pass g0= with a number"),
        ("1/(distance", r"Ih: g = .*: line 1, column 12: unexpected end"),
        ("-distance", r"Ih: g\[0\] = -.*: expected a finite number >= 0 .*CV 3"),
        ("log(distance - 1e4)", r"Ih: g\[0\] = nan: expected a finite number"),
        ("V", r"'V' is not available; expected 'distance', 'diameter' or a parameter"),
        ("distance um", r"Ih: g = "),
        ("distance\ud800", r"Ih: g = 'distance\\ud800': expected text that can be encoded"),
        ("path * distance", r"Ih: g = 'path \* distance': path has no value"),
        ("1/0", r"Ih: g = .1/0.: error in the equations: line 8, column 9: division by 0"),
    ],
)
def test_errors_name_the_control_volume(g, message):
    with pytest.raises(dn.DendrionError, match=message):
        dn.channels.Ih(cells(), on="apical", g=g)


def test_other_errors():
    with pytest.raises(dn.StructureError, match="formulas may depend on the distance from the soma"):
        dn.channels.Ih(2, g="distance")
    with pytest.raises(dn.EquationError, match="already defines 'E'; choose another name"):
        dn.channels.Ih(cells(), on="all", g="E * distance", E=3.0)
    ih = dn.channels.Ih(cells(), on="all", g="g0", g0=1.0)
    with pytest.raises(dn.ParameterError, match=r"g\[0\] = -1: expected a finite number >= 0"):
        ih.g0 = -1.0
    with pytest.raises(
        dn.AssignmentError, match=r"Ih.g = 3.0: g is a formula of the distance; set its parameters \(g0\)"
    ):
        ih.g = 3.0
    with pytest.raises(dn.UnknownNameError, match="unexpected parameter gg = 'distance'"):
        dn.channels.Ih(cells(), on="all", gg="distance")


@pytest.mark.parametrize("name", ["path", "parameters", "_placement", "r_axial"])
def test_parameters_of_formulas_hide_no_attributes(name):
    with pytest.raises(dn.DendrionError, match=f"g = '{name}': {name} is already an attribute of every HHK; choose"):
        dn.channels.HHK(cells(), on="all", g=name, **{name: 3.0})


def test_a_formula_without_names_is_a_number():
    cell = cells(1)
    km = dn.channels.KM(cell, on="all", g="2 * 0.5", E="g0 - distance/1000", g0=-80.0)
    assert km.g == 1.0
    np.testing.assert_allclose(km.E, -80.0 - cell.cvs.distance / 1000)
    km.g = 2.0
    net = dn.Network([cell], dt=0.025)
    assert net.parameters()["cableneuron/km.g"] == 2.0
    net.run(1.0)
    assert np.isfinite(cell.V).all()


def test_new_parameters_of_a_formula_are_checked():
    tree = dn.Morphology.cable(length=500.0, diameter=2.0)
    cells = dn.CableNeuron(1, tree, cv=dn.PerSection(5), name="cells")
    cells.k = dn.channels.HHK(cells, on="all", g="g0 * exp(-distance/lam)", g0=10.0, lam=100.0)
    net = dn.Network([cells], dt=0.025)
    for values, message in (
        ({"cells/k.g0": -1.0}, r"cells/k: g\[0\] = -.*expected a finite number >= 0"),
        ({"cells/k.g0": 1e300, "cells/k.lam": -0.1}, r"cells/k: g\["),
    ):
        with pytest.raises(dn.ParameterError, match=message):
            net.set_parameters(values)
    assert (cells.k.g0, cells.k.lam) == (10.0, 100.0)
    net.set_parameters({"cells/k.g0": 20.0})
    assert cells.k.g0 == 20.0
