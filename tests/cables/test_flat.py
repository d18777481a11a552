"""Cells with one CV equal few-compartment neurons, including spikes, resets and surrogate gradients."""

import dendrion as dn
import numpy as np
import pytest

EULER, MIDPOINT = dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON
SIZE, STEPS, DT = 5, 400, 0.1
MEMBRANE = {"C": 1.0, "gL": 50.0, "V_rest": -65.0}


def cable(settings, membrane):
    tree = dn.Morphology.cable(length=100.0, diameter=5.0)
    cells = dn.CableNeuron(SIZE, tree, cv=dn.PerSection(1), name="cells", **settings, **membrane)
    return cells, cells.at("all"), "cells"


def flat(settings, membrane):
    cells = dn.MCNeuron(SIZE, name="cells", **settings)
    cells.soma = dn.LeakyIF(SIZE, length=100.0, diameter=5.0, **membrane)
    return cells, cells.soma, "cells/soma"


def compare(one, other):
    (v, spikes, found), (w, expected_spikes, expected) = one, other
    np.testing.assert_allclose(v, w, rtol=0, atol=1e-11)
    assert len(spikes[0]) > 10
    assert all(map(np.array_equal, spikes, expected_spikes))
    for name, value in expected.items():
        assert np.abs(found[name] - value).max() <= 1e-9 * np.abs(value).max(), name


def results(make, wave, settings, membrane=MEMBRANE):
    """Return V, the spikes, and gradients of a function of both, with respect to all parameters and the current."""
    cells, soma, path = make(settings, membrane)
    current = dn.CurrentGenerator(SIZE, wave, name="wave")
    net = dn.Network([cells, current, dn.ConnGen(current, soma)], dt=DT)
    v, spikes = net.probe(soma, "V"), net.probe(cells, "spikes")
    run = net.run(STEPS * DT, grad=True)
    rng = np.random.default_rng(1)
    found = run.backward({v: 1e-3 * rng.normal(size=(STEPS, SIZE)), spikes: rng.normal(size=(STEPS, SIZE))})
    gradients = {name: found[f"{path}.{name}"] for name in membrane}
    gradients |= {"V_th": found["cells.V_th"], "wave": found["wave"]}
    if settings.get("V_reset") is not None:
        gradients["V_reset"] = found["cells.V_reset"]
    return v.values, (spikes.t, spikes.i), gradients


@pytest.mark.filterwarnings("ignore::dendrion.GradientWarning")
@pytest.mark.parametrize("method", [EULER, MIDPOINT])
@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize("refractory", [0.0, 1.0])
@pytest.mark.parametrize("V_reset", [-70.0, None], ids=["to a value", "by subtraction"])
def test_leaky_integrate_and_fire(method, detach_reset, refractory, V_reset):
    wave = np.random.default_rng(0).uniform(0, 60, (STEPS, SIZE))
    settings = {
        "reset": True,
        "V_th": -50.0 if V_reset is not None else 12.0,
        "V_reset": V_reset,
        "refractory": refractory,
        "odemethod": method,
        "detach_reset": detach_reset,
        "surrogate_grad_fn": dn.Sigmoid(1.0),
    }
    membrane = MEMBRANE if V_reset is not None else MEMBRANE | {"V_rest": 0.0}
    compare(results(cable, wave, settings, membrane), results(flat, wave, settings, membrane))


@pytest.mark.parametrize("method", [EULER, MIDPOINT])
def test_upward_crossings(method):
    wave = 60.0 * np.sin(np.arange(STEPS)[:, None] / 9.0 + np.arange(SIZE))
    settings = {"V_th": -62.0, "reset": False, "odemethod": method, "surrogate_grad_fn": dn.Sigmoid(1.0)}

    compare(results(cable, wave, settings), results(flat, wave, settings))
