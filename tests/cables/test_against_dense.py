"""Potentials of cells with Hodgkin-Huxley channels equal a dense NumPy solution of the same steps."""

import dendrion as dn
import numpy as np
import pytest

from .cells import random_tree
from .dense import Dense

EULER, MIDPOINT = dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON


def axon(tree, method, gates, staggered):
    """Return a cell with HH channels on all CVs, and the sodium conductance of each CV."""
    cells = dn.CableNeuron(
        1, tree, cv=dn.PerSection(3), V_rest=-65.0, odemethod=method, gates=gates, staggered=staggered
    )
    na = np.linspace(100.0, 140.0, len(cells.cvs))
    cells.na = dn.channels.HHNa(cells, on="all", g=na)
    cells.k = dn.channels.HHK(cells, on="all")
    return cells, na


@pytest.mark.parametrize("method", [EULER, MIDPOINT])
@pytest.mark.parametrize("gates", ["rational", "cnexp"])
@pytest.mark.parametrize("staggered", [False, True])
def test_potentials_equal_the_dense_solution(method, gates, staggered):
    cells, na = axon(random_tree(seed=3), method, gates, staggered)
    step = dn.DCGenerator(1, 600.0)
    net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
    probe = net.probe(cells, "V")
    net.run(20.0)
    current = np.zeros(len(cells.cvs))
    current[cells.at("soma").cv] = 600.0
    expected = Dense(cells, na).run(800, 0.025, current, method, gates, staggered)
    assert probe.values.max() > 0.0
    np.testing.assert_allclose(probe.values, expected, rtol=0, atol=1e-8)


def test_gates_default_to_staggered_only_with_crank_nicolson():
    tree, found = random_tree(seed=3), {}
    for method in (EULER, MIDPOINT):
        for staggered in (None, False, True):
            cells, _ = axon(tree, method, "rational", staggered)
            step = dn.DCGenerator(1, 600.0)
            net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
            net.run(5.0)
            found[method, staggered] = cells.V
    for method, default in ((EULER, False), (MIDPOINT, True)):
        assert np.array_equal(found[method, None], found[method, default])
        assert not np.array_equal(found[method, None], found[method, not default])


@pytest.mark.parametrize(
    "regions", [("all",), ("soma", "all"), ("basal", "apical", "basal"), ("apical", "soma", "all", "apical")]
)
@pytest.mark.parametrize("where", ["soma", "basal", "apical"])
def test_currents_of_overlapping_regions_add_up(regions, where):
    """Channels of several placements on the same CVs, and a current into a CV with or without channels."""
    tree = random_tree(seed=3)
    cells = dn.CableNeuron(1, tree, cv=dn.PerSection([1] + [3] * 8), V_rest=-65.0)
    count = len(cells.cvs)
    na, k, current = np.zeros(count), np.zeros(count), np.zeros(count)
    for i, region in enumerate(regions):
        cvs = np.unique(cells.at(region).cv)
        setattr(cells, f"na{i}", dn.channels.HHNa(cells, on=region, g=40.0 + i))
        setattr(cells, f"k{i}", dn.channels.HHK(cells, on=region, g=10.0 + i))
        na[cvs] += 40.0 + i
        k[cvs] += 10.0 + i
    step = dn.DCGenerator(1, 300.0)
    site = cells.at(tree.random(where, n=1, seed=1))
    current[site.cv] = 300.0
    net = dn.Network([cells, step, dn.ConnGen(step, site)], dt=0.025)
    probe = net.probe(cells, "V")
    net.run(10.0)
    dense = Dense(cells, na)
    dense.k = dense.area * 1e-2 * dense._spread(k)
    expected = dense.run(400, 0.025, current, EULER, "rational", staggered=False)
    np.testing.assert_allclose(probe.values, expected, rtol=0, atol=1e-8)
