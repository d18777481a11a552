"""Dendrion's notation for units in tables and equations: ``mV``, ``uS/cm2``, ``pA ms^1/2``, ``1/mV``."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

from .. import _core

__all__ = [
    "COMMON",
    "PARTS",
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

#: The nonzero exponents of base dimensions, in sixtieths.
Dimension = frozenset[tuple[str, int]]

#: Base dimensions and their SI units.
SI = {"mass": "kg", "length": "m", "time": "s", "current": "A", "temperature": "K", "substance": "mol"}

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
    """A prefix with its power of ten, a symbol and an exponent; for the ``cm2`` of ``uS/cm2``: c, -2, m and -2."""

    prefix: str
    tens: int
    symbol: str
    power: float


@functools.cache
def _read(text: str) -> tuple[Unit, tuple[Factor, ...]]:
    try:
        exponents, tens, factors = _core.unit(text)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    found = frozenset((name, parts) for name, parts in zip(SI, exponents, strict=True) if parts)
    return Unit(found, tens), tuple(Factor(*factor) for factor in factors)


def parsed(text: str) -> Unit:
    """Return the unit that a string without conditions denotes; an empty string is dimensionless.

    Raises
    ------
    ValueError
        If the string is not a valid unit.
    """
    return _read(text)[0]


def factors(text: str) -> tuple[Factor, ...]:
    """Return the factors of a unit without conditions, such as ``uS/cm2``; none for dimensionless values.

    Raises
    ------
    ValueError
        If the string is not a valid unit.
    """
    return _read(text)[1]


def alternatives(text: str) -> list[str]:
    """Return the units in a string such as ``nS, or uS/cm2 with length and diameter``, without conditions."""
    return [part.partition(" with")[0] for part in text.split(", or ")]


def expected(text: str) -> str:
    """Return the expected units for messages, such as ``nS or uS/cm2``, or a single unit with its condition."""
    several = [unit if unit not in ("", "1") else "a pure number" for unit in alternatives(text)]
    if len(several) == 1:
        return text if text not in ("", "1") else several[0]
    return f"{', '.join(several[:-1])} or {several[-1]}"


def first_of(found: Dimension) -> str | None:
    """Return a common unit with this dimension, or ``None`` if no such unit exists."""
    return next((unit for unit in COMMON if parsed(unit).dimension == found), None)
