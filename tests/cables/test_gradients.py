"""Gradients with respect to densities, formulas, membranes, initial states and weights."""

import dendrion as dn
import numpy as np
import pytest

from .cells import random_tree

TREE = random_tree()


def model(**settings):
    cells = dn.CableNeuron(2, TREE, cv=dn.PerSection(2), V_rest=-65.0, name="cell", **settings)
    dn.channels.HHNa(cells, on="soma", g=[[100.0], [110.0]], name="na")
    dn.channels.HHK(cells, on="soma", g=36.0, name="k")
    dn.channels.Ih(cells, on="all", g="g0 * exp(distance/lam)", g0=0.02, lam=200.0, name="ih")
    ampa = dn.AMPA(cells, at=[TREE.at(2, 0.5), TREE.at(4, 0.9)], t_decay=2.0, name="ampa")
    step, source = dn.DCGenerator(1, 300.0, name="step"), dn.SpikeGenerator(1, [0, 0], [0.5, 1.5], name="source")
    syn = dn.MCSynapse(source, ampa, dn.All2All(), weight=2.0, name="syn")
    net = dn.Network([cells, step, source, syn, dn.ConnGen(step, cells.at("soma"))], dt=0.05)
    cells.gL = np.full((2, len(cells.cvs)), 40.0)
    return cells, net, net.probe(cells.at([TREE.at(0, 0.5), TREE.at(4, 1.0)]), "V")


SETTINGS = [{}, {"gates": "cnexp", "staggered": True}, {"odemethod": "crank_nicolson"}]


@pytest.mark.parametrize("settings", SETTINGS)
def test_gradients_equal_central_differences(settings):
    rng = np.random.default_rng(1)
    cotangent = rng.normal(size=(60, 4))

    def loss(changes):
        _, net, v = model(**settings)
        parameters = {key: value for key, value in changes.items() if not key.endswith(".V")}
        net.set_parameters(parameters)
        # Initial states depend on parameters.
        net.reset()
        net.set_state({key: value for key, value in changes.items() if key.endswith(".V")})
        net.run(3.0)
        return float((v.values * cotangent).sum())

    cells, net, v = model(**settings)
    start = {"cell.V": cells.V.copy()}
    run = net.run(3.0, grad=True)
    found = run.backward({v: cotangent})
    assert found["cell.gL"].shape == found.states["cell.V"].shape == (2, len(cells.cvs))
    assert found["cell/na.g"].shape == (2, 2)
    values = {**net.parameters(), **start}
    tried = ["cell.gL", "cell.C", "cell.V_rest", "cell.r_axial", "cell/na.g", "cell/k.g", "cell/ih.g0", "cell/ih.lam"]
    for key in [*tried, "cell/ampa.g", "syn.w", "step.amplitude", "cell.V"]:
        direction = rng.normal(size=np.shape(values[key]))
        step = 1e-4 * max(1.0, np.abs(values[key]).max()) if key != "cell/ih.g0" else 1e-6
        up, down = (loss({key: values[key] + sign * step * direction}) for sign in (1, -1))
        gradient = found.states[key] if key == "cell.V" else found[key]
        expected = (up - down) / (2 * step)
        assert np.sum(gradient * direction) == pytest.approx(expected, rel=1e-5, abs=1e-6), key
