"""Dense NumPy solutions of cells with Hodgkin-Huxley channels, independent of the engine."""

import dendrion as dn
import numpy as np

from .cells import conductances

#: mS/cm2 um2 in nS.
PER_AREA = 1e-2


def exprel(x):
    return np.where(np.abs(x) < 1e-12, 1 + x / 2, np.expm1(x) / np.where(x == 0, 1, x))


def rates(V):
    """Return the rates of opening and closing of m, h and n (1/ms)."""
    return [
        (1 / exprel(-(V + 40) / 10), 4 * np.exp(-(V + 65) / 18)),
        (0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))),
        (0.1 / exprel(-(V + 55) / 10), 0.125 * np.exp(-(V + 65) / 80)),
    ]


def advanced(gates, V, dt, how):
    """Return the gates after a step with V held."""
    moved = []
    for x, (a, b) in zip(gates, rates(V), strict=True):
        f, j = a * (1 - x) - b * x, -(a + b)
        moved.append(x + dt * f / (1 - dt / 2 * j) if how == "rational" else x + dt * exprel(dt * j) * f)
    return moved


class Dense:
    """The equations of the nodes of a cell, with sodium and potassium channels on all CVs."""

    def __init__(self, cells, na, k=36.0):
        self.axial, cv = conductances(cells.cvs, float(cells.r_axial))
        self.inside = cv >= 0
        self.cv = cv[self.inside]
        self.area = self._spread(cells.cvs.area)
        count = len(cells.cvs)
        self.C = 1e-2 * self.area * self._spread(np.broadcast_to(cells.C, count))
        self.leak = 1e-5 * self.area * self._spread(np.broadcast_to(cells.gL, count))
        self.rest = float(cells.V_rest)
        self.na = PER_AREA * self.area * self._spread(np.broadcast_to(na, count))
        self.k = PER_AREA * self.area * k

    def _spread(self, values):
        """Return values of CVs as values of nodes."""
        nodes = np.zeros(len(self.inside))
        nodes[self.inside] = np.asarray(values)[self.cv]
        return nodes

    def run(self, steps, dt, current, method, gates, staggered, clamp=0.0, command=None):
        """Return V of all CVs at the beginning of each step, for constant currents (pA) into CVs.

        ``clamp`` contains the conductances (nS) of voltage clamps, whose potential in each step is ``command``.
        """
        half, factor = (dt / 2, 2) if method is dn.SolverMethodODE.CRANK_NICOLSON else (dt, 1)
        V = np.full(len(self.inside), self.rest)
        x = [a / (a + b) for a, b in rates(V)]
        current, order, recorded = self._spread(current), np.argsort(self.cv), []
        clamp = self._spread(np.broadcast_to(clamp, len(self.cv)))
        for step in range(steps):
            recorded.append(V[self.inside][order])
            m, h, n = x
            na, k = self.na * m**3 * h, self.k * n**4
            total = self.leak * (self.rest - V) + na * (50 - V) + k * (-77 - V) + current
            if command is not None:
                total = total + clamp * (command[step] - V)
            if not staggered:
                x = advanced(x, V, dt, gates)
            matrix = np.diag(self.C / half + self.leak + na + k + clamp) + self.axial
            V = V + factor * np.linalg.solve(matrix, total - self.axial @ V)
            if staggered:
                x = advanced(x, V, dt, gates)
        return np.array(recorded)
