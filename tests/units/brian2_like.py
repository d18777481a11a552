"""A replacement for Brian2's quantities: arrays in SI units with a dimension, which NumPy drops silently."""

from __future__ import annotations

import numpy as np

NAMES = ("length", "mass", "time", "current", "temperature", "quantity of substance", "luminosity")


class Dimension:
    """Exponents of the seven base dimensions, in Brian2's order."""

    def __init__(self, exponents):
        self._dims = tuple(exponents)

    def get_dimension(self, name):
        return self._dims[NAMES.index(name)]

    def __eq__(self, other):
        return self._dims == other._dims

    __hash__ = None


class Quantity(np.ndarray):
    """Numbers in SI units, and their dimension."""

    dim = Dimension((0,) * 7)

    #: Higher than the priority of arrays, as in Brian2.
    __array_priority__ = 1000

    def __new__(cls, numbers, dim=dim):
        self = np.array(numbers, dtype=float).view(cls)
        self.dim = dim
        return self

    def __array_finalize__(self, other):
        self.dim = getattr(other, "dim", Dimension((0,) * 7))

    def has_same_dimensions(self, other):
        return self.dim == other.dim

    def __getitem__(self, key):
        return Quantity(np.asarray(self)[key], self.dim)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def _with(self, other, sign):
        theirs = getattr(other, "dim", Dimension((0,) * 7))
        pairs = zip(self.dim._dims, theirs._dims, strict=True)
        numbers = np.asarray(self) * np.asarray(other) if sign > 0 else np.asarray(self) / np.asarray(other)
        return Quantity(numbers, Dimension(a + sign * b for a, b in pairs))

    def __mul__(self, other):
        return self._with(other, 1)

    def __truediv__(self, other):
        return self._with(other, -1)

    __rmul__ = __mul__

    def __rtruediv__(self, other):
        return Quantity(np.asarray(other) / np.asarray(self), Dimension(-e for e in self.dim._dims))

    def __pow__(self, exponent):
        return Quantity(np.asarray(self) ** exponent, Dimension(e * exponent for e in self.dim._dims))


def _units():
    """Return units by name, created as in Brian2 from floats in SI units."""
    bases = {
        "volt": (2, 1, -3, -1, 0, 0, 0),
        "siemens": (-2, -1, 3, 2, 0, 0, 0),
        "farad": (-2, -1, 4, 2, 0, 0, 0),
        "ohm": (2, 1, -3, -2, 0, 0, 0),
        "amp": (0, 0, 0, 1, 0, 0, 0),
        "second": (0, 0, 1, 0, 0, 0, 0),
        "meter": (1, 0, 0, 0, 0, 0, 0),
        "Hz": (0, 0, -1, 0, 0, 0, 0),
        "mole": (0, 0, 0, 0, 0, 1, 0),
        "mmolar": (-3, 0, 0, 0, 0, 1, 0),
        "kelvin": (0, 0, 0, 0, 1, 0, 0),
    }
    short = {"V": "volt", "S": "siemens", "F": "farad", "A": "amp", "s": "second", "m": "meter"}
    units = {name: Quantity(1.0, Dimension(exponents)) for name, exponents in bases.items()}
    prefixes = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "k": 1e3}
    units |= {p + s: Quantity(size, units[name].dim) for p, size in prefixes.items() for s, name in short.items()}
    units |= {"mM": units["mmolar"], "kHz": Quantity(1e3, units["Hz"].dim)}
    return units | {"Quantity": Quantity}


UNITS = _units()
