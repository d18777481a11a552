"""Passive membranes of a population in absolute units, and their rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..modules.module import Module, Value
from ..neurons.compartment import Compartment
from ..neurons.coupling import MCConn
from ..neurons.equations import Soma

__all__ = ["Membranes", "membranes"]

_CYLINDER = ("r_axial", "length", "diameter")

#: Maximum number of compartments for which the fastest mode is computed exactly.
EXACT = 200


class Membranes(NamedTuple):
    """Capacitances (pF), leaks and couplings (nS), each a single value or one per neuron."""

    parts: list[Compartment]
    capacitance: list[Value]
    leak: list[Value]
    #: Indices of the two compartments, and the conductance (nS).
    couplings: list[tuple[int, int, Value]]

    def axial(self) -> list[Value]:
        """Return the sum of the couplings of each compartment (nS)."""
        total: list[Any] = [0.0] * len(self.parts)
        for a, b, g in self.couplings:
            total[a], total[b] = total[a] + g, total[b] + g
        return total

    def fastest(self) -> tuple[float, int]:
        """Return an upper bound on the rates of all neurons (1/ms), and the index of the neuron that attains it."""
        bound: Any = 0.0
        for c, leak, axial in zip(self.capacitance, self.leak, self.axial(), strict=True):
            # Upper end of the Gershgorin discs.
            bound = np.maximum(bound, (leak + 2.0 * axial) / c)
        return float(np.max(bound)), int(np.argmax(bound))

    def mode(self, neuron: int) -> tuple[float, int]:
        """Return the rate of a neuron's fastest mode (1/ms), and the compartment in which this mode is largest.

        The rate is exact for up to ``EXACT`` compartments, and a lower bound for more.
        """
        c = np.array([_of(v, neuron) for v in self.capacitance])
        scale, size = 1.0 / np.sqrt(c), len(c)
        diagonal = np.array([_of(v, neuron) for v in self.leak]) + [_of(v, neuron) for v in self.axial()]
        # The eigenvalues of a principal submatrix do not exceed those of the whole symmetric matrix.
        kept = np.argsort(-diagonal / c, kind="stable")[:EXACT]
        place = np.full(size, -1)
        place[kept] = np.arange(len(kept))
        matrix = np.diag((diagonal / c)[kept])
        for a, b, g in self.couplings:
            i, j = place[a], place[b]
            if i >= 0 and j >= 0:
                matrix[i, j] -= _of(g, neuron) * scale[a] * scale[b]
                matrix[j, i] = matrix[i, j]
        rates, modes = np.linalg.eigh(matrix)
        return float(rates[-1]), int(kept[np.argmax(np.abs(modes[:, -1]))])


def membranes(parts: Sequence[Compartment], owned: Sequence[Module]) -> Membranes:
    """Return the membranes of all compartments that have one, with the couplings in ``owned``."""
    index = {id(part): k for k, part in enumerate(parts)}
    couplings = [
        (index[id(m.pre)], index[id(m.post)], _conductance(m))
        for m in owned
        if isinstance(m, MCConn) and id(m.pre) in index and id(m.post) in index
    ]
    return Membranes(list(parts), [_absolute(p, "C") for p in parts], [_leak(p) for p in parts], couplings)


def _of(value: Value, neuron: int) -> float:
    return float(value[neuron]) if isinstance(value, np.ndarray) and len(value) > 1 else float(np.ravel(value)[0])


def _absolute(part: Compartment, name: str) -> Value:
    """Return a capacitance in pF or a leak in nS."""
    names = (name, "length", "diameter", "area_factor")
    value, length, diameter, factor = (part._values[n] for n in names)
    assert value is not None
    assert factor is not None
    if length is None or diameter is None:
        return value
    # um2 uF/cm2 = 1e-2 pF, um2 uS/cm2 = 1e-5 nS.
    return value * length * diameter * factor * np.pi * (1e-2 if name == "C" else 1e-5)


def _leak(part: Compartment) -> Value:
    definition = part._definition if isinstance(part, Soma) else None
    # A soma with its own equation for V may not use gL.
    return 0.0 if definition is not None and definition.traits()[2] else _absolute(part, "gL")


def _conductance(coupling: MCConn) -> Value:
    """Return the conductance of a coupling in nS: the explicit value, or the conductance of two half cylinders."""
    given = coupling._values["g"]
    if given is not None:
        return given
    # The coupling has checked that both ends have a geometry.
    ends: list[Any] = [[part._values[n] for n in _CYLINDER] for part in (coupling.pre, coupling.post)]
    # ohm cm / um = 1e-5 / nS.
    first, second = (4e-5 * r * length / (np.pi * diameter**2) for r, length, diameter in ends)
    return 2.0 / (first + second)  # type: ignore[no-any-return]
