"""Membranes without a leak: gradients with respect to gL = 0."""

import dendrion as dn
import numpy as np
import pytest


def loss(gL, gradient=False):
    tree = dn.Morphology.cable(length=500.0, diameter=2.0)
    cells = dn.CableNeuron(1, tree, cv=dn.PerSection(5), gL=gL, V_rest=-65.0, V_init=-60.0, name="cells")
    net = dn.Network([cells], dt=0.1)
    v = net.probe(cells.at("all"), "V")
    run = net.run(5.0, grad=gradient)
    weights = np.random.default_rng(0).normal(size=v.values.shape)
    if not gradient:
        return float((weights * v.values).sum())
    return run.backward({v: weights})["cells.gL"]


@pytest.mark.filterwarnings("ignore::dendrion.UnitWarning")
def test_a_leak_of_zero():
    difference = (loss(1e-3) - loss(0.0)) / 1e-3
    assert abs(difference) > 1e-3
    np.testing.assert_allclose(loss(0.0, gradient=True), difference, rtol=1e-3)
