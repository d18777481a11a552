"""Dendrion's notation of units in tables and equations: ``mV``, ``uS/cm2``, ``pA ms^1/2``, ``1/mV``."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

__all__ = [
    "COMMON",
    "PARTS",
    "PREFIXES",
    "SI",
    "Dimension",
    "Factor",
    "Unit",
    "alternatives",
    "dimension",
    "expected",
    "factors",
    "first_of",
    "parsed",
]

#: Denominator of exponents, which are stored as integers so that roots stay exact.
PARTS = 60

#: Nonzero exponents of base dimensions, in sixtieths.
Dimension = frozenset[tuple[str, int]]

#: Base dimensions and their SI units.
SI = {"mass": "kg", "length": "m", "time": "s", "current": "A", "temperature": "K", "substance": "mol"}

#: Symbols, with the exponents of base dimensions in the order of ``SI``, and a power of ten.
_SYMBOLS = {
    "V": ((1, 2, -3, -1, 0, 0), 0),
    "s": ((0, 0, 1, 0, 0, 0), 0),
    "A": ((0, 0, 0, 1, 0, 0), 0),
    "m": ((0, 1, 0, 0, 0, 0), 0),
    "M": ((0, -3, 0, 0, 0, 1), 3),
    "K": ((0, 0, 0, 0, 1, 0), 0),
    "S": ((-1, -2, 3, 2, 0, 0), 0),
    "F": ((-1, -2, 4, 2, 0, 0), 0),
    "ohm": ((1, 2, -3, -2, 0, 0), 0),
    "Hz": ((0, 0, -1, 0, 0, 0), 0),
    "C": ((0, 0, 1, 1, 0, 0), 0),
    "J": ((1, 2, -2, 0, 0, 0), 0),
    "L": ((0, 3, 0, 0, 0, 0), -3),
    "mol": ((0, 0, 0, 0, 0, 1), 0),
}
#: Prefixes and their powers of ten.
PREFIXES = {"": 0, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "k": 3, "M": 6, "G": 9}

#: A factor of a unit: operator, name, and exponent (``cm2``, ``ms^-1``, ``ms^1/2``).
_FACTOR = re.compile(r"\s*([*/]?)\s*(1|[^\W\d_]+)([23]?)(?:(?:\^|\*\*)(-?\d+(?:/\d+|\.\d+)?))?")

#: Units in which values without a unit of their own are shown.
COMMON = (
    *("1", "mV", "ms", "pA", "nS", "pF", "um", "Hz", "mM", "uS/cm2", "uF/cm2", "pA/um2", "ohm cm", "Mohm"),
    *("1/mV", "K", "um2", "nS/mV", "nS/ms", "mV/ms", "pA ms^1/2", "nS ms^1/2"),
)


class Unit(NamedTuple):
    """A unit: its dimension, and its power of ten relative to the SI unit."""

    dimension: Dimension
    power: float


def dimension(exponents: Iterable[tuple[str, Any]]) -> Dimension:
    """Return a dimension from pairs of a name and an exponent, which may be a float such as 0.5."""
    exact = ((name, round(float(exponent) * PARTS)) for name, exponent in exponents)
    return frozenset((name, parts) for name, parts in exact if parts)


class Factor(NamedTuple):
    """A prefix, a symbol and an exponent; for the ``cm2`` of ``uS/cm2``: c, m and -2."""

    prefix: str
    symbol: str
    power: float


def factors(text: str) -> list[Factor]:
    """Return the factors of a unit without conditions, such as ``uS/cm2``; an empty list for dimensionless values.

    Raises
    ------
    ValueError
        If the text is not a valid unit.
    """
    found, at = [], 0
    while at < len(text.rstrip()):
        factor = _FACTOR.match(text, at)
        if factor is None:
            raise ValueError(f"{text!r}: expected a unit such as mV, uS/cm2 or 1/ms")
        sign, name, short, long = factor.groups()
        above, _, below = (long or short or "1").partition("/")
        power = float(above) / float(below or 1) * (-1 if sign == "/" else 1)
        if name != "1":
            found.append(Factor(*_taken_apart(text, name), power))
        at = factor.end()
    return found


def _taken_apart(text: str, name: str) -> tuple[str, str]:
    """Return the prefix and the symbol of a unit name."""
    name = name.replace("\u00b5", "u").replace("\u03bc", "u")
    if name in _SYMBOLS:
        return "", name
    if name[0] in PREFIXES and name[1:] in _SYMBOLS:
        return name[0], name[1:]
    raise ValueError(f"{text!r}: {name!r} is not a unit")


@functools.cache
def parsed(text: str) -> Unit:
    """Return the unit that a text without conditions denotes; an empty text is dimensionless."""
    exponents = [0.0] * len(SI)
    tens = 0.0
    for prefix, symbol, power in factors(text):
        of, own = _SYMBOLS[symbol]
        exponents = [e + power * o for e, o in zip(exponents, of, strict=True)]
        tens += power * (own + PREFIXES[prefix])
    return Unit(dimension(zip(SI, exponents, strict=True)), tens)


def alternatives(text: str) -> list[str]:
    """Return the units of a text such as ``nS, or uS/cm2 with length and diameter``, without conditions."""
    return [part.partition(" with")[0] for part in text.split(", or ")]


def expected(text: str) -> str:
    """Return the expected units for messages: ``nS or uS/cm2``, or one unit with its condition."""
    several = [unit if unit not in ("", "1") else "a pure number" for unit in alternatives(text)]
    if len(several) == 1:
        return text if text not in ("", "1") else several[0]
    return f"{', '.join(several[:-1])} or {several[-1]}"


def first_of(found: Dimension) -> str | None:
    """Return a common unit of a dimension, or ``None``."""
    return next((unit for unit in COMMON if parsed(unit).dimension == found), None)
