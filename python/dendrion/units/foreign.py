"""Quantities from the packages ``pint``, ``quantities`` and ``brian2``.

They are recognized by attributes, without importing the packages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._quoted import quoted
from .scale import scaled
from .texts import PARTS, SI, Dimension, dimension, first_of, parsed

__all__ = ["Measure", "UnreadableError", "named", "read", "reader"]


class Measure(NamedTuple):
    """A quantity of any package: numbers, factor to SI units, dimension, and name of the unit if known."""

    numbers: Any
    factor: float
    dimension: Dimension
    text: str | None


class UnreadableError(Exception):
    """Raised if a quantity cannot be converted unambiguously. The message describes the accepted values."""


def read(value: Any) -> Measure | None:
    """Return a quantity as a Measure, or ``None`` if the value is not a quantity."""
    how = reader(type(value))
    return None if how is None else how(value)


def reader(kind: type) -> Callable[[Any], Measure | None] | None:
    """Return the function that reads quantities of a type, or ``None`` if the type carries no units."""
    if issubclass(kind, np.ndarray):
        # NumPy silently drops the units of ndarray subclasses, so every such subclass must be recognized here.
        if hasattr(kind, "rescale"):
            return _quantities
        if hasattr(kind, "dim") and hasattr(kind, "has_same_dimensions"):
            return _brian2
        return _unknown if hasattr(kind, "unit") or hasattr(kind, "units") else None
    if hasattr(kind, "dimensionality") and hasattr(kind, "compatible_units"):
        return _pint
    package = kind.__module__.partition(".")[0]
    if package == "xarray" and hasattr(kind, "data"):
        return lambda array: read(array.data) or _attributed(array)
    if package == "pandas" and hasattr(kind, "attrs"):
        return _attributed
    if package == "brian2" and hasattr(kind, "get_item"):
        # A variable of a Brian2 group.
        return lambda view: read(view[:])
    return None


#: Names of the base dimensions in each package.
_PINT = dict(zip(SI, ("kilogram", "meter", "second", "ampere", "kelvin", "mole"), strict=True))
_QUANTITIES = {f"Unit{name.capitalize()}": name for name in SI}
_BRIAN2 = {name: name for name in SI} | {"substance": "quantity of substance", "luminosity": "luminosity"}


def _pint(value: Any) -> Measure:
    if not hasattr(type(value), "magnitude"):
        # A pint unit without a number means 1 of that unit, as in the other packages.
        value = 1.0 * value
    exponents = {name.strip("[]"): exponent for name, exponent in value.dimensionality.items()}
    numbers, factor = value.magnitude, 1.0
    if exponents.keys() <= _PINT.keys():
        base = {_PINT[name]: exponent for name, exponent in exponents.items()}
        try:
            zero, one = (float(value._REGISTRY.Quantity(n, value.units).to(base).magnitude) for n in (0, 1))
            if zero:
                # Units with an offset, such as degrees Celsius, have no conversion factor.
                numbers = value.to(base).magnitude
            else:
                factor = one
        except Exception as error:
            raise UnreadableError(f"its unit registry cannot convert it to SI units ({error})") from error
    return Measure(numbers, factor, dimension(exponents.items()), _tidy(f"{value.units:~C}"))


def _quantities(value: Any) -> Measure:
    units = value.dimensionality
    if any(unit.name in ("Celsius", "Fahrenheit") for unit in units) and len(units) == 1:
        raise UnreadableError(
            "the quantities package treats degrees as temperature differences; expected a temperature in K"
        )
    if hasattr(value, "uncertainty"):
        raise UnreadableError("it has an uncertainty; expected a number or a quantity without an uncertainty")
    base = value.units.simplified.dimensionality
    exponents = {_QUANTITIES.get(type(unit).__name__, unit.name): exponent for unit, exponent in base.items()}
    factor = 1.0
    if exponents.keys() <= SI.keys():
        text = "*".join(f"{SI[name]}**{exponent}" for name, exponent in exponents.items()) or "dimensionless"
        factor = float(value.units.rescale(text).magnitude)
    return Measure(value.magnitude, factor, dimension(exponents.items()), _tidy(units.string))


def _brian2(value: Any) -> Measure:
    exponents = {name: value.dim.get_dimension(theirs) for name, theirs in _BRIAN2.items()}
    # Brian2 stores values in SI units; it does not store the original unit.
    return Measure(np.asarray(value), 1.0, dimension(exponents.items()), None)


def _attributed(value: Any) -> Measure | None:
    """Return the Measure of an xarray array or pandas table whose attributes name the unit of its values."""
    unit = value.attrs.get("units", value.attrs.get("unit"))
    if not isinstance(unit, str) or unit in ("", "1"):
        return None
    try:
        known = parsed(unit)
    except ValueError as error:
        raise UnreadableError(f"its units attribute is {quoted(unit)}; {str(error).partition(': ')[2]}") from error
    factor = float(f"1e{known.power:.0f}") if known.power.is_integer() else 10.0**known.power
    return Measure(np.asarray(value), factor, known.dimension, unit)


def _unknown(value: Any) -> Measure:
    raise UnreadableError("expected a plain number or array, or a quantity of pint, quantities or Brian2")


def named(measure: Measure) -> tuple[Any, str]:
    """Return numbers and a unit for messages: the quantity's own unit, else a common unit, else SI units."""
    numbers, factor, found, text = measure
    if text is not None:
        return numbers, text
    unit = first_of(found)
    if unit is not None:
        return scaled(numbers, factor, parsed(unit).power), "" if unit == "1" else unit
    return numbers, " ".join(f"{SI.get(name, name)}{_raised(parts / PARTS)}" for name, parts in sorted(found))


def _raised(exponent: float) -> str:
    return "" if exponent == 1 else f"{exponent:g}" if exponent in (2, 3) else f"^{exponent:g}"


def _tidy(text: str) -> str:
    """Return a unit in Dendrion's notation: ``uS/cm2`` for ``(µS/cm**2)``."""
    whole = re.fullmatch(r"\(([^()]*)\)", text)
    text = re.sub(r"\*\*([23])(?![\d.])", r"\1", (whole[1] if whole else text).replace("µ", "u"))
    return "" if text == "dimensionless" else text.replace("**", "^").replace("*", " ")
