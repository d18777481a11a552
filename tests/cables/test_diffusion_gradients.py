"""Gradients through the diffusion of ions agree with central differences."""

import dendrion as dn
import numpy as np
import pytest

from .cells import random_tree
from .test_differences import Problem
from .test_ions import HOW, MIDPOINT

DT, STEPS = 0.05, 120


class Spreading(Problem):
    """Cells whose calcium enters at the soma and diffuses into dendrites, where it opens channels."""

    of_potentials = 2e-5

    def __init__(self, size=2, dtype="float64", individual=False, threads=1, **settings):
        tree = random_tree(2, 5)
        self.cells = cells = dn.CableNeuron(size, tree, cv=dn.PerSection(2), V_rest=-65.0, name="cells", **settings)
        dn.channels.HHNa(cells, on="soma", name="na")
        dn.channels.CaL(cells, on="soma", g=1.0, name="cal")
        ion = {"inside": 1e-4, "outside": 2.0, "reversal": "nernst", "tau": 20.0}
        ca = dn.Ion(cells, "Ca", **ion, diffusion="d0*exp(-distance/lam)", d0=50.0, lam=300.0, name="ca")
        dn.channels.KCa(cells, on="basal", g=1.0, name="kca")
        # Another ion, on a part of the cell, whose coefficient differs between CVs. Nothing imports it.
        x = dn.Ion(cells, "X", inside="1 + distance/100", valence=1, tau=50.0, diffusion=5.0, on="apical", name="x")
        x.diffusion = np.linspace(2.0, 9.0, len(cells.cvs.select("apical")))
        if individual:
            rng = np.random.default_rng(1)
            for name in ("length", "diameter"):
                value = np.asarray(getattr(cells.cvs, name))
                setattr(cells, name, value * rng.uniform(0.7, 1.4, (size, len(value))))
        step = dn.DCGenerator(1, 300.0, name="dc")
        self.net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=DT, dtype=dtype, threads=threads)
        kca = next(m for m in cells.modules() if m.name == "kca")
        self.probes = [self.net.probe(*each) for each in ((cells, "V"), (ca, "Ca"), (kca, "z"), (x, "X"))]
        rng = np.random.default_rng(5)
        scales = (1e-2, 1e4, 1.0, 1.0)
        self.weights = [s * rng.normal(size=(STEPS, p._columns)) for p, s in zip(self.probes, scales, strict=True)]

    def loss(self, **parameters):
        self.net.set_parameters(parameters)
        self.net.reset()
        self.net.run(STEPS * DT)
        return sum(np.vdot(p.values, w) for p, w in zip(self.probes, self.weights, strict=True))

    def gradient(self, **how):
        self.net.reset()
        run = self.net.run(STEPS * DT, grad=True, **how)
        return run.backward(dict(zip(self.probes, self.weights, strict=True)))


KEYS = ("ca.d0", "ca.lam", "ca.tau", "ca.inside", "x.diffusion", "x.tau", "cal.g", "kca.g")


@pytest.mark.parametrize("how", [*HOW, {"gates": "coupled"}, {"gates": "coupled", "odemethod": MIDPOINT}])
@pytest.mark.parametrize("individual", [False, True])
def test_gradients_equal_central_differences(how, individual):
    problem = Spreading(individual=individual, **how)
    found = problem.gradient()
    for key in (*(f"cells/{name}" for name in KEYS), "cells.length", "cells.diameter", "cells.C"):
        assert np.any(found[key]), key
        assert max(problem.errors(key, found[key])) < 1e-6, key


@pytest.mark.parametrize("how", [{}, {"gates": "cnexp", "staggered": True}, {"gates": "coupled"}])
def test_gradients_with_respect_to_initial_concentrations(how):
    problem = Spreading(**how)
    net, probes = problem.net, dict(zip(problem.probes, problem.weights, strict=True))
    keys = ("cells/ca.Ca", "cells/x.X")
    start = {key: np.asarray(net.get_state()[key]) * 1.5 for key in keys}

    def run(changed, **settings):
        net.reset()
        net.set_state(start | changed)
        return net.run(STEPS * DT, **settings)

    states = run({}, grad=True).backward(probes).states
    rng = np.random.default_rng(3)
    for key in keys:
        direction = rng.normal(size=start[key].shape)
        h = 1e-4 * start[key].max()
        sides = []
        for i in (1, -1, 2, -2):
            run({key: start[key] + i * h * direction})
            sides.append(sum(np.vdot(p.values, w) for p, w in probes.items()))
        expected = (8 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / (12 * h)
        assert np.vdot(states[key], direction) == pytest.approx(expected, rel=1e-6), key


class Passive(Problem):
    """One ion that only diffuses."""

    def __init__(self, sections, n, diffusion, on="all"):
        self.cells = cells = dn.CableNeuron(2, random_tree(sections, sections), cv=dn.PerSection(n), name="cells")
        where = cells.at(cv=on) if isinstance(on, np.ndarray) else on
        self.ion = ion = dn.Ion(
            cells, "X", valence=1, inside="1 + distance/100", diffusion=diffusion, on=where, name="x"
        )
        self.net = dn.Network([cells], dt=0.5)
        self.probes = [self.net.probe(ion, "X")]
        self.weights = [np.random.default_rng(5).normal(size=(160, self.probes[0]._columns))]

    def loss(self, **parameters):
        self.net.set_parameters(parameters)
        self.net.reset()
        self.net.run(80.0)
        return np.vdot(self.probes[0].values, self.weights[0])

    def gradient(self, **how):
        self.net.reset()
        return self.net.run(80.0, grad=True, **how).backward({self.probes[0]: self.weights[0]})


@pytest.mark.parametrize(("sections", "n"), [(2, 1), (8, 3), (15, 4)])
@pytest.mark.parametrize("is_partial", [False, True])
def test_gradients_of_diffusion_alone(sections, n, is_partial):
    count = len(Passive(sections, n, 1.0).cells.cvs)
    on = np.flatnonzero(np.random.default_rng(sections).random(count) < 0.7) if is_partial and count > 2 else "all"
    problem = Passive(sections, n, 3.0, on)
    found = problem.gradient()
    for key in ("cells/x.diffusion", "cells.length", "cells.diameter"):
        assert np.any(found[key])
        assert max(problem.errors(key, found[key])) < 1e-6, key


@pytest.mark.parametrize("sections", [2, 9])
def test_gradients_at_a_coefficient_of_zero(sections):
    """The limit for small coefficients, which one-sided differences approach."""
    problem = Passive(sections, 2, 0.0)
    found = float(problem.gradient()["cells/x.diffusion"])
    key, start = "cells/x.diffusion", problem.loss()
    slopes = [(problem.loss(**{key: h}) - start) / h for h in (1e-4, 2e-4)]
    assert found != 0.0
    assert found == pytest.approx(2 * slopes[0] - slopes[1], rel=1e-5)
    sides = Passive(sections, 2, np.where(np.arange(2 * sections) < 2, 0.0, 1.0))
    gradient = sides.gradient()[key]
    value = np.asarray(sides.net.parameters()[key])
    for member in (0, 1, 2, 2 * sections - 1):
        step = np.zeros(value.shape)
        step[member] = 1e-5
        one, two = (sides.loss(**{key: value + i * step}) for i in (1, 2))
        sides.loss(**{key: value})
        slope = (4 * one - two - 3 * sides.loss()) / 2e-5
        assert gradient[member] == pytest.approx(slope, rel=1e-4, abs=1e-6 * np.abs(gradient).max()), member


def test_gradients_do_not_depend_on_threads():
    found = []
    for threads in (1, 3):
        found.append(Spreading(size=20, threads=threads).gradient())
    for key in found[0]:
        np.testing.assert_array_equal(found[0][key], found[1][key])


def test_samples_of_a_batch_add_up():
    problem = Spreading()
    alone = problem.gradient()
    problem.net.reset()
    probes = dict(zip(problem.probes, (np.stack([w, 2.0 * w]) for w in problem.weights), strict=True))
    together = problem.net.run(STEPS * DT, batch=2, grad=True).backward(probes)
    for key in (f"cells/{name}" for name in KEYS):
        np.testing.assert_allclose(together[key], 3.0 * np.asarray(alone[key]), rtol=1e-10)
    np.testing.assert_allclose(together["cells.length"], 3.0 * np.asarray(alone["cells.length"]), rtol=1e-9, atol=1e-12)


def test_single_precision():
    exact, found = (Spreading(dtype=dtype).gradient() for dtype in ("float64", "float32"))
    for key in (*(f"cells/{name}" for name in KEYS), "cells.length", "cells.diameter"):
        size = np.abs(exact[key]).max()
        np.testing.assert_allclose(found[key], exact[key], rtol=0, atol=2e-2 * size)
