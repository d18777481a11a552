"""Cells on random trees agree with NEURON 9, for the same control volumes (see data/make_neuron.py)."""

import json
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest

from .data import trees

EULER, MIDPOINT = dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON
DATA = json.loads(Path(__file__).with_name("data").joinpath("neuron.json").read_text())
#: Current (pA) into the soma from 2 to 22 ms.
CURRENTS = {"passive": 100.0, "hh": 1000.0, "calcium": 1000.0, "synapse": 0.0}
SUBTHRESHOLD = 50.0
DURATION, EVERY = 30.0, 1.0


def cell(tree, mechanisms, settings):
    """Return a cell, and the index of each section of the tree."""
    morphology = dn.Morphology.from_points(tree.points, tree.diameters, tree.parents, tree.kinds)
    ends = [tuple(shape[-1, :3]) for shape in trees.shapes(tree)]
    order = [ends.index(tuple(morphology.samples(s.index)[-1][:3])) for s in morphology.sections]
    rule = dn.PerSection(np.array(trees.divisions(tree))[order])
    is_passive = mechanisms in ("passive", "synapse")
    leak = {"gL": 50.0, "V_rest": -65.0} if is_passive else {"gL": 300.0, "V_rest": -54.3}
    cells = dn.CableNeuron(1, morphology, cv=rule, C=1.0, r_axial=100.0, V_init=-65.0, V_th=-20.0, **leak, **settings)
    if not is_passive:
        cells.na = dn.channels.HHNa(cells, on="all", g=120.0, E=50.0)
        cells.k = dn.channels.HHK(cells, on="all", g=36.0, E=-77.0)
    if mechanisms == "calcium":
        cells.cal = dn.channels.CaL(cells, on="all", g=1.0)
        cells.pool = dn.channels.CaPool(cells, on="all")
        cells.kca = dn.channels.KCa(cells, on="all", g=1.0)
    return cells, np.argsort(order)


def simulated(case, current, dt, **settings):
    """Return V at three sites, and spike times."""
    tree = trees.random_tree(case["seed"], case["forks"])
    cells, sections = cell(tree, case["mechanisms"], settings)
    places = [(0, 0.5), (len(sections) // 2, 1.0), (-1, 1.0)]
    sites = [cells.tree.at(sections[section], x) for section, x in places]
    step = dn.DCGenerator(1, current, start=2.0, stop=22.0)
    modules = [cells, step, dn.ConnGen(step, cells.at("soma"))]
    if case["mechanisms"] == "synapse":
        cells.ampa = dn.AMPA(cells, at=cells.tree.at(sections[-1], 0.5), g=1.0, t_decay=2.0)
        # A spike that arrives in the step from t to t + dt acts from t + dt on, and in NEURON from t on.
        arrivals = dn.SpikeGenerator(1, [0] * 4, np.array([3.0, 5.0, 5.025, 11.3]) - dt)
        modules += [arrivals, dn.MCSynapse(arrivals, cells.ampa, dn.All2All(), weight=2.0, delay=0.0)]
    net = dn.Network(modules, dt=dt)
    v, spikes = net.probe(cells.at(sites), "V", every=EVERY), net.probe(cells, "spikes")
    net.run(DURATION + dt)
    return v.values.T, spikes.t


def cases(*mechanisms):
    chosen = [c for c in DATA if c["mechanisms"] in mechanisms]
    return pytest.mark.parametrize("case", chosen, ids=[f"{c['mechanisms']}-{c['forks']} forks" for c in chosen])


@cases("passive", "hh", "calcium", "synapse")
def test_default_method_of_neuron(case, report):
    v, spikes = simulated(case, CURRENTS[case["mechanisms"]], 0.025, odemethod=EULER, gates="cnexp", staggered=True)
    expected = case["default"]
    difference = np.abs(v - expected["v"]).max()
    report("NEURON, default", forks=case["forks"], mechanisms=case["mechanisms"], difference=difference)
    assert difference < 1e-6
    # Spikes have the time of the beginning of their step, and in NEURON that of its end.
    np.testing.assert_allclose(spikes + 0.025, expected["spikes"], rtol=0, atol=1e-6)


@cases("passive", "hh", "calcium", "synapse")
@pytest.mark.parametrize(("gates", "tolerance"), [("cnexp", 1e-6), ("rational", 1e-3)])
def test_second_order_method_of_neuron_below_threshold(case, gates, tolerance, report):
    current = 0.0 if case["mechanisms"] == "synapse" else SUBTHRESHOLD
    v, _ = simulated(case, current, 0.025, odemethod=MIDPOINT, gates=gates)
    difference = np.abs(v - case["second order"]["v"]).max()
    report("NEURON, second order", forks=case["forks"], mechanisms=case["mechanisms"], gates=gates, error=difference)
    assert difference < tolerance


@cases("hh", "calcium")
def test_spike_times_of_the_second_order_method_of_neuron(case):
    _, spikes = simulated(case, CURRENTS[case["mechanisms"]], 0.001, odemethod=MIDPOINT)
    assert len(spikes) > 0
    np.testing.assert_allclose(spikes, case["fine"]["spikes"], rtol=0, atol=0.01)


IONS = json.loads(Path(__file__).with_name("data").joinpath("neuron_ions.json").read_text())


@pytest.mark.parametrize("case", IONS, ids=["default", "second order"])
def test_ions(case):
    """Calcium mechanisms in different regions, and the Nernst potential (see data/make_neuron_ions.py)."""
    method = MIDPOINT if case["order"] else EULER
    tree = trees.random_tree(2, 4)
    cells, _ = cell(tree, "passive", {"odemethod": method, "gates": "cnexp", "staggered": True})
    first = cells.at(cv=np.flatnonzero(cells.cvs.section == 0))
    others = cells.at(cv=np.flatnonzero(cells.cvs.section != 0))
    dn.channels.CaL(cells, on=first, g=1.0)
    dn.channels.KCa(cells, on=others, g=1.0)
    ion = dn.Ion(cells, "Ca", inside=1e-4, outside=2.0, reversal="nernst", depth=0.1, gamma=0.05, tau=80.0)
    step = dn.DCGenerator(1, 1e3 * case["amplitude"], start=2.0, stop=22.0)
    net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
    v, calcium = net.probe(cells.at("soma"), "V", every=EVERY), net.probe(ion, "Ca", every=EVERY)
    net.run(DURATION + 0.025)
    np.testing.assert_allclose(v.values[:, 0], case["v"], rtol=0, atol=3e-6)
    middle = int(cells.at("soma").cv[0])
    np.testing.assert_allclose(calcium.values[:, middle], case["cai"], rtol=1e-6)
