"""Passive cells approach the solution of the linear equations of their CVs."""

import dendrion as dn
import numpy as np
import pytest

from .cells import conductances, random_tree


def steady(cells, currents, gL, V_rest):
    """Return V of all CVs of a cell at rest with constant currents (pA)."""
    axial, cv = conductances(cells.cvs, float(np.max(cells.r_axial)))
    inside = cv >= 0
    leak, current = np.zeros(len(cv)), np.zeros(len(cv))
    leak[inside] = 1e-5 * np.broadcast_to(gL, len(cells.cvs))[cv[inside]] * cells.cvs.area[cv[inside]]
    current[inside] = currents[cv[inside]]
    rest = np.zeros(len(cv))
    rest[inside] = np.broadcast_to(V_rest, len(cells.cvs))[cv[inside]]
    v = np.linalg.solve(axial + np.diag(leak), leak * rest + current)
    return v[inside][np.argsort(cv[inside])]


# Oscillations of Crank-Nicolson with a long step decay slowly.
@pytest.mark.parametrize(("method", "accuracy"), [("implicit_euler", 1e-10), ("crank_nicolson", 1e-6)])
def test_injection_at_a_location(method, accuracy):
    tree = random_tree()
    cells = dn.CableNeuron(1, tree, cv=dn.PerSection(4), gL=100.0, odemethod=method)
    site = cells.at(tree.at(section=4, x=0.6))
    step = dn.DCGenerator(1, 50.0)
    net = dn.Network([cells, step, dn.ConnGen(step, site)], dt=1.0)
    net.run(1000.0)
    currents = np.zeros(len(cells.cvs))
    currents[site.cv] = 50.0
    np.testing.assert_allclose(cells.V[0], steady(cells, currents, 100.0, -70.0), rtol=accuracy)


def test_leaks_per_region_and_per_cell():
    tree = random_tree()
    cells = dn.CableNeuron(
        2, tree, cv=dn.PerSection(2), gL={"all": 50.0, "soma": 200.0}, V_rest=lambda d: -80.0 + 0.05 * d
    )
    uniform = cells.gL
    cells.gL = np.stack([uniform, 2 * uniform])
    net = dn.Network([cells], dt=1.0)
    net.run(2000.0)
    for cell in range(2):
        expected = steady(cells, np.zeros(len(cells.cvs)), cells.gL[cell], cells.V_rest)
        np.testing.assert_allclose(cells.V[cell], expected, rtol=1e-10)


def test_a_clamp_holds_the_potential_behind_its_resistance():
    tree = random_tree()
    cells = dn.CableNeuron(2, tree, cv=dn.PerSection(2), gL=100.0)
    site = cells.at("soma")
    clamp = dn.VoltageClamp(site, [[-40.0], [-30.0]], r_series=10.0)
    net = dn.Network([cells], dt=1.0)
    current = net.probe(clamp, "I")
    net.run(1000.0)
    np.testing.assert_allclose(current.values[-1], (np.array([-40.0, -30.0]) - cells.V[:, site.cv[0]]) / 0.01)
    for cell in range(2):
        currents = np.zeros(len(cells.cvs))
        currents[site.cv] = current.values[-1, cell]
        np.testing.assert_allclose(cells.V[cell], steady(cells, currents, 100.0, -70.0), rtol=1e-9)
    clamp.V_clamp = -60.0
    net.run(1000.0)
    assert cells.V[0, site.cv[0]] == pytest.approx(cells.V[1, site.cv[0]])
