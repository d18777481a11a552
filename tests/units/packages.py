"""Quantities by the package they are of, from a number and a unit written as Python writes it."""

from __future__ import annotations

import functools
import importlib.util

import pytest

from . import brian2_like

#: Brian2 itself only where it is installed: the tests do not depend on it.
NAMES = ("pint", "quantities", "brian2_like", *(("brian2",) if importlib.util.find_spec("brian2") else ()))


@functools.cache
def maker(package):
    """Return a function of a number and a unit, such as ``uS/cm**2``; skip where the package is missing."""
    if package == "pint":
        return pytest.importorskip("pint").UnitRegistry().Quantity
    if package == "quantities":
        return pytest.importorskip("quantities").Quantity
    units = brian2_like.UNITS if package == "brian2_like" else vars(pytest.importorskip("brian2"))

    def make(number, unit):
        if not unit:
            # A product without a dimension would be a plain number.
            return units["Quantity"](number)
        factors = f"/ {unit[2:]}" if unit.startswith("1/") else f"* {unit}"
        return eval(f"number {factors}", {**units, "number": number})

    return make
