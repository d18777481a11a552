"""Functions that make quantities of a package from a number and a unit in Python syntax."""

from __future__ import annotations

import functools
import importlib.util

import pytest

from . import brian2_like

#: Brian2 itself is included only if it is installed, because the tests do not depend on it.
NAMES = ("pint", "quantities", "brian2_like", *(("brian2",) if importlib.util.find_spec("brian2") else ()))


@functools.cache
def maker(package):
    """Return a function of a number and a unit, such as ``uS/cm**2``; skip the test if the package is missing."""
    if package == "pint":
        return pytest.importorskip("pint").UnitRegistry().Quantity
    if package == "quantities":
        return pytest.importorskip("quantities").Quantity
    units = brian2_like.UNITS if package == "brian2_like" else vars(pytest.importorskip("brian2"))

    def make(number, unit):
        if not unit:
            # Without this, a dimensionless product would be a plain number.
            return units["Quantity"](number)
        factors = f"/ {unit[2:]}" if unit.startswith("1/") else f"* {unit}"
        return eval(f"number {factors}", {**units, "number": number})

    return make
