"""Signals of Neo, xarray and pandas, which carry sample times. None of these packages is imported here."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .foreign import Measure, UnreadableError, read
from .scale import scaled
from .texts import parsed

__all__ = ["Timed", "timed"]

#: Names of coordinates and of columns that hold times.
_TIME = re.compile(r"(t|times?)\b", re.IGNORECASE)
#: How far a sample may be from its place, in intervals.
_JITTER = 1e-3


class Timed(NamedTuple):
    """A regularly sampled signal."""

    #: What it is, for messages.
    what: str
    #: Its values in their unit, or as they are if it has no unit.
    values: Measure | NDArray[Any]
    #: Time of the first sample, and between samples (ms).
    start: float
    interval: float


def timed(value: Any, strict: bool = False) -> Timed | None:
    """Return a signal that carries times of its samples, ``None`` for anything else.

    Parameters
    ----------
    value : object
        Anything.
    strict : bool
        Refuse an index of real numbers that may be times.

    Raises
    ------
    UnreadableError
        Times that are not regular, or have no unit.
    """
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    if package == "neo" or any(base.__module__.startswith("neo.") for base in kind.__mro__):
        return _neo(value, {base.__name__ for base in kind.__mro__})
    if package == "xarray" and hasattr(kind, "dims") and hasattr(kind, "data"):
        return _xarray(value)
    if package == "pandas" and hasattr(kind, "index") and hasattr(kind, "to_numpy"):
        return _pandas(value, strict)
    if package == "brian2" and kind.__name__ == "TimedArray":
        raise UnreadableError("a TimedArray: expected its values, with interval= or in a Piecewise")
    return None


def _neo(value: Any, names: set[str]) -> Timed | None:
    if "AnalogSignal" in names:
        interval = _ms(value.sampling_period)
        return Timed("an AnalogSignal", _plain(value), _ms(value.t_start), float(interval))
    if "IrregularlySampledSignal" in names:
        start, interval = _regular("an IrregularlySampledSignal", np.asarray(_ms(value.times)))
        return Timed("an IrregularlySampledSignal", _plain(value), start, interval)
    return None


def _plain(signal: Any) -> Measure | NDArray[Any]:
    measure = read(signal)
    return np.asarray(signal) if measure is None else measure


def _ms(quantity: Any) -> Any:
    """Return a time, or times, in ms."""
    measure = read(quantity)
    if measure is None or measure.dimension != parsed("ms").dimension:
        raise UnreadableError(f"its times are {quantity!s}: expected a unit of time")
    return scaled(measure.numbers, measure.factor, parsed("ms").power)


def _xarray(array: Any) -> Timed | None:
    for axis, name in enumerate(array.dims):
        if name not in array.coords:
            continue
        coordinate = array.coords[name]
        times = np.asarray(coordinate.data)
        unit = str(coordinate.attrs.get("units", ""))
        if not _is_time(times, str(name), unit):
            continue
        if axis:
            raise UnreadableError(f"its dimension {name!r} is axis {axis}: expected time as its first axis")
        start, interval = _regular("a DataArray", _in_ms(times, unit, f"its coordinate {name!r}"))
        measure = read(array)
        return Timed("a DataArray", np.asarray(array.data) if measure is None else measure, start, interval)
    return None


def _pandas(table: Any, strict: bool) -> Timed | None:
    index, name = table.index, str(table.index.name or "")
    times = np.asarray(index)
    unit = (re.search(r"[(\[](.*)[)\]]", name) or ["", ""])[1]
    what = f"a {type(table).__name__}"
    if not _is_time(times, name, unit):
        if strict and times.dtype.kind == "f" and not np.array_equal(times, np.arange(len(times))):
            raise UnreadableError(
                f"{what} whose index is not 0, 1, 2, ...: expected an index named 'time (ms)' or of type timedelta, or "
                "a plain array"
            )
        return None
    start, interval = _regular(what, _in_ms(times, unit, "its index"))
    measure = read(table)
    return Timed(what, table.to_numpy() if measure is None else measure, start, interval)


def _is_time(times: NDArray[Any], name: str, unit: str) -> bool:
    if times.dtype.kind in "mM":
        return True
    if times.dtype.kind not in "iuf":
        return False
    try:
        return bool(_TIME.match(name)) or (unit != "" and parsed(unit).dimension == parsed("ms").dimension)
    except ValueError:
        return False


def _in_ms(times: NDArray[Any], unit: str, what: str) -> NDArray[np.float64]:
    if times.dtype.kind == "M":
        times = times - times[:1]
    if times.dtype.kind == "m":
        return times / np.timedelta64(1, "ns") * 1e-6
    try:
        known = parsed(unit)
    except ValueError:
        known = parsed("")
    if known.dimension != parsed("ms").dimension:
        raise UnreadableError(f"{what} has no unit of time: expected one such as ms, or values and interval=")
    return np.asarray(scaled(times.astype(np.float64), 10.0**known.power, parsed("ms").power), dtype=np.float64)


def _regular(what: str, times: NDArray[Any]) -> tuple[float, float]:
    """Return the first time and the interval (ms) of samples that are equally far apart."""
    if len(times) < 2 or not np.isfinite(times).all():
        raise UnreadableError(f"{what} with {len(times)} samples: expected at least 2 at finite times")
    start, interval = float(times[0]), float(times[-1] - times[0]) / (len(times) - 1)
    off = np.abs(times - (start + interval * np.arange(len(times))))
    if interval <= 0 or off.max() > _JITTER * interval:
        raise UnreadableError(f"{what} whose samples are not equally far apart: expected one interval (resample it)")
    # Of 0.1 ms and its sums the mean is 0.1 ms but for rounding.
    near = float(f"{interval:.12g}")
    return start, near if abs(near - interval) <= 1e-9 * interval else interval
