"""Small detailed cells, and dense reference solutions of their equations."""

import dendrion as dn
import numpy as np


def random_tree(seed=1, n=9):
    """Return a random tree of cylinders with a soma."""
    rng = np.random.default_rng(seed)
    parent = [-1, *(int(rng.integers(0, i)) for i in range(1, n))]
    kinds = ["soma", *("apical" if i % 2 else "basal" for i in range(1, n))]
    return dn.Morphology.from_sections(rng.uniform(30, 200, n), rng.uniform(0.5, 4, n), parent, kinds)


class Cell(dn.CableNeuron):
    """A cell with channels in two regions and receptors in one."""

    def __init__(self, size=2, tree=None, **settings):
        tree = random_tree() if tree is None else tree
        given = {"cv": dn.PerSection(3), "V_rest": -65.0, "V_th": -20.0, **settings}
        super().__init__(size, tree, **given)
        self.na = dn.channels.HHNa(self, on="soma", g=100.0)
        self.k = dn.channels.HHK(self, on="soma", g=lambda distance: 30.0 + 0.1 * distance)
        self.ih = dn.channels.Ih(self, on="apical", g=0.2)
        self.ampa = dn.AMPA(self, at=tree.random("basal", n=4, seed=2), g=0.5, t_decay=2.0)


def driven(cells, **settings):
    """Return a network in which a current and spikes drive the cells."""
    step = dn.DCGenerator(1, 400.0, 2.0, name="step")
    noise = dn.PoissonGenerator(30, rate=50.0, name="noise")
    syn = dn.MCSynapse(noise, cells.ampa, dn.FixedIndegree(5), name="syn")
    return dn.Network([cells, step, noise, syn, dn.ConnGen(step, cells.at("soma"))], dt=0.025, **settings)


def conductances(cvs, r_axial):
    """Return the matrix of axial conductances (nS) between nodes, and the CV of each node, or -1."""
    nodes = cvs._cvs.nodes()
    matrix = np.zeros((len(nodes), len(nodes)))
    for a, (_, p, resistance) in enumerate(nodes):
        if p >= 0:
            g = 1e5 / (r_axial * resistance)
            matrix[[a, p], [a, p]] += g
            matrix[[a, p], [p, a]] -= g
    return matrix, np.array([cv for cv, *_ in nodes])
