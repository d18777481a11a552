"""Quantities from pint, quantities and Brian2 as parameter values: unit conversion and dimension checks.

Every argument that accepts a number also accepts a quantity with the same dimension. A plain number is interpreted in
the documented unit.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from .. import _core
from .._quoted import quoted
from ..errors import ParameterError
from .foreign import Measure, UnreadableError, named, read, reader
from .scale import scaled
from .texts import alternatives, expected, parsed
from .timed import Timed, timed

__all__ = [
    "Sampled",
    "alternatives",
    "check_unit",
    "described",
    "fitting",
    "has_units",
    "in_unit",
    "sampled",
    "unit_in_table",
]

#: Common types that carry no units.
_PLAIN: Final = frozenset((float, int, bool, np.ndarray, np.float64, np.float32, np.int64, str, type(None)))

#: Maximum nesting depth of lists that are searched for units: the maximum number of array dimensions.
_DEEPEST: Final = 64


def has_units(value: Any) -> bool:
    """Return whether a value carries units, or is a list or tuple with an item that does."""
    return _has_units(value, _DEEPEST)


def _has_units(value: Any, depth: int) -> bool:
    kind = type(value)
    if kind in _PLAIN:
        return False
    if kind is not list and kind is not tuple:
        return reader(kind) is not None
    kinds = set(map(type, value)) - _PLAIN
    if any(reader(k) for k in kinds):
        return True
    # The depth is limited, because a list may contain itself.
    return bool(kinds & {list, tuple}) and depth > 0 and any(_has_units(item, depth - 1) for item in value)


def in_unit(what: str, value: Any, unit: str) -> Any:
    """Return the numbers of a quantity, converted to a unit. A value without units is returned unchanged.

    Parameters
    ----------
    what : str
        Name of the parameter for error messages, such as ``cell/soma: gL``.
    value : object
        A quantity, a list of them, or anything else.
    unit : str
        The unit, in the notation of parameter tables: ``mV``, ``pA ms^1/2``, or an empty string for dimensionless
        values. It may contain a condition for error messages (``uS/cm2 with length and diameter``) or alternatives
        (``nS, or uS/cm2 with length and diameter``).

    Returns
    -------
    object
        A float or int for a single quantity, an array for an array, or a list for a list.

    Raises
    ------
    ParameterError
        If the quantity has a different dimension, or cannot be converted unambiguously.
    """
    return value if type(value) in _PLAIN else fitting(what, value, unit)[0]


def fitting(what: str, value: Any, unit: str) -> tuple[Any, str | None]:
    """Return the result of ``in_unit`` and the unit that matched, or ``None`` for plain numbers."""
    if not has_units(value):
        return value, None
    if isinstance(value, (list, tuple)):
        return _each(what, value, unit)
    try:
        found = _converted(what, read(value), unit)
        signal = timed(value)
    except UnreadableError as error:
        raise ParameterError(f"{what} = {_brief(value)}: {error}") from error
    if signal is not None:
        raise ParameterError(
            f"{what} = {signal.what} with a sample every {signal.interval:g} ms: this parameter does not accept "
            "signals with sample times; expected plain values (CurrentGenerator accepts a signal, Piecewise accepts "
            "times and values)"
        )
    return (np.asarray(value), None) if found is None else found


class Sampled(NamedTuple):
    """The values of a signal and, if the signal carries them, its sample times (ms)."""

    values: Any
    unit: str | None
    start: float = 0.0
    interval: float | None = None


def sampled(what: str, value: Any, unit: str) -> Sampled:
    """Return the values of a signal in a unit, with its sample times if it carries them.

    Neo signals carry sample times, and so do xarray arrays and pandas tables that have a time axis.

    Raises
    ------
    ParameterError
        If ``in_unit`` would raise it, or the sample times are not equidistant or have no unit.
    """
    try:
        signal = timed(value, strict=True)
        if signal is None:
            return Sampled(*fitting(what, value, unit))
        found = _signal(what, signal, unit)
    except UnreadableError as error:
        raise ParameterError(f"{what} = {_brief(value)}: {error}") from error
    return Sampled(*found, signal.start, signal.interval)


def _signal(what: str, signal: Timed, unit: str) -> tuple[Any, str | None]:
    if not isinstance(signal.values, Measure):
        return signal.values, None
    found = _converted(what, signal.values, unit)
    assert found is not None
    return found


def _converted(what: str, measure: Measure | None, unit: str) -> tuple[Any, str] | None:
    if measure is None:
        return None
    for one in alternatives(unit):
        known = parsed(one)
        if known.dimension == measure.dimension:
            return scaled(measure.numbers, measure.factor, known.power), one
    raise ParameterError(f"{what} = {_told(measure)}, expected {expected(unit)}")


def _brief(value: Any) -> str:
    return (
        str(value)
        if np.ndim(value) == 0 or np.size(value) < 10
        else f"{type(value).__name__} of shape {np.shape(value)}"
    )


def described(value: Any) -> str:
    """Return the description of a quantity for error messages, such as ``5 mV: got mV``."""
    if isinstance(value, (list, tuple)):
        return f"list of length {len(value)} that contains {described(next(filter(has_units, value)))}"
    measure = read(value)
    assert measure is not None
    return _told(measure)


def _told(measure: Measure) -> str:
    numbers, unit = named(measure)
    return f"{_shown(numbers, unit)}: got {expected(unit)}"


def _each(what: str, values: list[Any] | tuple[Any, ...], unit: str) -> tuple[Any, str | None]:
    found = [fitting(f"{what}[{i}]", value, unit) for i, value in enumerate(values)]
    fits = sorted({fit for _, fit in found if fit is not None})
    if len(fits) > 1:
        raise ParameterError(
            f"{what}: has units {' and '.join(map(expected, fits))}; expected the same unit throughout"
        )
    return [numbers for numbers, _ in found], fits[0] if fits else None


def _shown(numbers: Any, unit: str) -> str:
    if np.ndim(numbers):
        shape = f"array of shape {np.shape(numbers)}"
        return f"{shape} in {unit}" if unit else shape
    is_real = np.asarray(numbers).dtype.kind in "biuf"
    return f"{float(numbers):.12g} {unit}".rstrip() if is_real else f"{numbers} {unit}".rstrip()


def check_unit(what: str, value: object, own: str | None, unit: str) -> None:
    """Raise an error if a module's unit ``own`` differs from the required ``unit``; ``None`` is compatible with any."""
    if own not in (None, unit or "1"):
        raise ParameterError(f"{what} = {quoted(value)}: got {expected(own or '')}, expected {expected(unit)}")


def unit_in_table(kind: str, name: str) -> str | None:
    """Return the unit of a parameter of a kind of module, or ``None`` if this kind has no such parameter."""
    return next((unit for known, unit, *_ in _core.parameters(kind) if known == name), None)
