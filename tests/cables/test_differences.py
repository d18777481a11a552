"""Gradients of recordings with respect to all parameters agree with central differences, on random trees."""

import dendrion as dn
import numpy as np
import pytest

from .cells import random_tree

EULER, MIDPOINT = dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON
STEPS, DT = 160, 0.05


class Cell(dn.CableNeuron):
    """A cell with densities per CV, per region and as a formula, and with receptors that share CVs."""

    def __init__(self, size, tree, n, **settings):
        super().__init__(size, tree, cv=dn.PerSection(n), name="cells", V_th=-20.0, **settings)
        count = len(self.cvs)
        self.C, self.r_axial, self.V_rest = 1.1, 120.0, -66.0
        self.gL = 40.0 + np.arange(size * count).reshape(size, count) / count
        self.na = dn.channels.HHNa(self, on="all", g=np.linspace(100.0, 140.0, count), name="na")
        self.k = dn.channels.HHK(self, on="all", g={"all": 30.0, "soma": 40.0}, name="k")
        self.ih = dn.channels.Ih(self, on="all", g="g0 * exp(distance/lam)", g0=2.0, lam=300.0, name="ih")
        tip = tree.at(len(tree.sections) - 1, 1.0)
        self.ampa = dn.AMPA(self, at=[tip, tree.at(0, 0.5), tip], g=1.5, t_decay=3.0, t_rise=1.0, name="ampa")


class Problem:
    """A network, and a linear function of its recordings as the loss."""

    #: The relative change of parameters and of potentials for differences.
    step = of_potentials = 2e-4

    def __init__(self, tree, n=1, size=2, threads=1, **settings):
        self.cells = Cell(size, tree, n, **settings)
        step = dn.DCGenerator(1, 300.0, name="dc")
        noise = dn.PoissonGenerator(5, rate=300.0, name="noise")
        inputs = dn.MCSynapse(noise, self.cells.ampa, dn.FixedProb(0.6), weight=dn.Uniform(1.0, 1.5), name="syn")
        modules = [self.cells, step, noise, inputs, dn.ConnGen(step, self.cells.at("soma"))]
        self.net = dn.Network(modules, dt=DT, seed=3, threads=threads)
        k, ampa = self.cells.k, self.cells.ampa
        self.probes = [self.net.probe(*each) for each in ((self.cells, "V"), (k, "n"), (k, "I"), (ampa, "I"))]
        rng = np.random.default_rng(5)
        scales = (1e-2, 1.0, 1e-2, 1e-2)
        self.weights = [s * rng.normal(size=(STEPS, p._columns)) for p, s in zip(self.probes, scales, strict=True)]

    def loss(self, **parameters):
        self.net.set_parameters(parameters)
        # The initial potential depends on V_rest.
        self.net.reset()
        self.net.run(STEPS * DT)
        return sum(np.vdot(p.values, w) for p, w in zip(self.probes, self.weights, strict=True))

    def gradient(self, **how):
        run = self.net.run(STEPS * DT, grad=True, **how)
        return run.backward(dict(zip(self.probes, self.weights, strict=True)))

    def difference(self, key, direction):
        """Return the derivative of the loss in a direction, by a central difference of order 4."""
        value = np.asarray(self.net.parameters()[key])
        step = self.of_potentials if key.endswith((".E", ".V_rest")) else self.step
        h = step * (float(np.abs(value).max()) or 1.0)
        sides = [self.loss(**{key: value + i * h * direction}) for i in (1, -1, 2, -2)]
        self.net.set_parameters({key: value})
        return (8 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / (12 * h)

    def errors(self, key, gradient):
        """Return the errors for single members and in a random direction, relative to the largest derivative.

        In large cells, only the random direction is tried, because every derivative takes four runs.
        """
        gradient = np.asarray(gradient)
        rng = np.random.default_rng(7)
        directions = [rng.choice([-1.0, 1.0], gradient.shape)]
        for member in {gradient.size // 2, gradient.size - 1} if len(self.cells.cvs) < 50 else ():
            directions.append(np.zeros(gradient.shape))
            directions[-1].flat[member] = 1.0
        if key.endswith((".length", ".diameter")):
            # The largest CVs are much larger than the smallest ones.
            value = np.asarray(self.net.parameters()[key])
            directions = [d * value / value.max() for d in directions]
        pairs = [(self.difference(key, d), float((gradient * d).sum())) for d in directions]
        size = max(abs(expected) for expected, _ in pairs)
        return [abs(found - expected) / size for expected, found in pairs]


PARAMETERS = {
    *(
        "cells.C",
        "cells.gL",
        "cells.V_rest",
        "cells.r_axial",
        "cells.length",
        "cells.diameter",
        "cells/na.g",
        "cells/na.E",
        "cells/k.g",
        "cells/k.E",
    ),
    *("cells/ih.g0", "cells/ih.lam", "cells/ih.E"),
    *("cells/ampa.g", "cells/ampa.E", "cells/ampa.t_decay", "cells/ampa.t_rise", "dc.amplitude", "syn.w"),
}
WITHOUT_EFFECT = {"cells.V_th"}
#: Numbers of sections and of CVs per section.
TREES = [(5, 1), (9, 3), (20, 5)]


@pytest.mark.parametrize(("sections", "n"), TREES, ids=["5 CVs", "27 CVs", "100 CVs"])
@pytest.mark.parametrize("method", [EULER, MIDPOINT])
@pytest.mark.parametrize("gates", ["rational", "cnexp", "coupled"])
def test_gradients_of_all_parameters(sections, n, method, gates):
    problem = Problem(random_tree(sections, sections), n, odemethod=method, gates=gates)
    assert problem.cells.cvs.section.size == sections * n
    found = problem.gradient()
    assert set(found) >= PARAMETERS
    for key in PARAMETERS:
        assert max(problem.errors(key, found[key])) < 1e-6, key
    for key in WITHOUT_EFFECT:
        assert not np.any(found[key])


@pytest.mark.parametrize(("method", "gates"), [(EULER, "rational"), (MIDPOINT, "coupled")])
def test_gradients_of_a_large_tree(method, gates):
    problem = Problem(random_tree(8, 60), 5, size=1, odemethod=method, gates=gates)
    # Action potentials in many CVs make the loss very nonlinear.
    problem.step, problem.of_potentials = 5e-5, 5e-6
    assert len(problem.cells.cvs) == 300
    found = problem.gradient()
    for key in ("cells.V_rest", "cells.diameter", "cells/ih.lam", "cells/ampa.t_decay"):
        assert max(problem.errors(key, found[key])) < 1e-6, key


@pytest.mark.parametrize("method", [EULER, MIDPOINT])
def test_gradients_with_the_other_order_of_gates(method):
    problem = Problem(random_tree(4, 7), 2, odemethod=method, staggered=method is EULER)
    found = problem.gradient()
    for key in PARAMETERS:
        assert max(problem.errors(key, found[key])) < 1e-6, key


def test_gradients_of_initial_states():
    problem = Problem(random_tree(4, 7), 2)
    found = problem.gradient().states
    begin = {key: np.asarray(value) for key, value in Problem(random_tree(4, 7), 2).net.get_state().items()}
    for key in ("cells.V", "cells/na.m", "cells/k.n", "cells/ampa.s"):

        def of(h, key=key):
            problem.net.reset()
            problem.net.set_state({key: begin[key] + h * np.ones_like(begin[key])})
            problem.net.run(STEPS * DT)
            return sum(np.vdot(p.values, w) for p, w in zip(problem.probes, problem.weights, strict=True))

        h = 1e-4
        expected = (8 * (of(h) - of(-h)) - (of(2 * h) - of(-2 * h))) / (12 * h)
        assert found[key].sum() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("memory", [10**9, 300_000, 100_000])
@pytest.mark.parametrize("threads", [1, 3])
def test_checkpoints_and_threads_give_the_same_bits(memory, threads):
    tree = random_tree(1, 9)
    expected = Problem(tree, 2, size=9).gradient()
    found = Problem(tree, 2, size=9, threads=threads).gradient(memory=memory)
    for key in expected:
        assert np.array_equal(found[key], expected[key]), key
    for key in expected.states:
        assert np.array_equal(found.states[key], expected.states[key]), key
