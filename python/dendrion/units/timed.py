"""Signals from Neo, xarray and pandas that carry sample times. The packages are not imported here."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._quoted import counted, quoted
from .foreign import Measure, UnreadableError, read
from .scale import scaled
from .texts import parsed

__all__ = ["Timed", "timed"]

#: Names of coordinates and columns that contain times.
_TIME = re.compile(r"(t|times?)\b", re.IGNORECASE)
#: Maximum deviation of a sample time from a regular grid, in sampling intervals.
_JITTER = 1e-3


class Timed(NamedTuple):
    """A regularly sampled signal."""

    #: Description for messages.
    what: str
    #: Values with their unit, or a plain array if the signal has no unit.
    values: Measure | NDArray[Any]
    #: Time of the first sample, and sampling interval (ms).
    start: float
    interval: float


def timed(value: Any, strict: bool = False) -> Timed | None:
    """Return a signal that carries sample times, or ``None`` for any other value.

    Parameters
    ----------
    value : object
        Any value.
    strict : bool
        Whether to reject an index of real numbers that might be times.

    Raises
    ------
    UnreadableError
        If the sample times are irregular or have no unit.
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
        raise UnreadableError("is a TimedArray; pass its values with interval=, or use a Piecewise")
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
    """Convert a time, or an array of times, to ms."""
    measure = read(quantity)
    if measure is None or measure.dimension != parsed("ms").dimension:
        raise UnreadableError(f"its times are {quantity!s}; expected a unit of time")
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
            raise UnreadableError(f"its time dimension {quoted(name)} is axis {axis}; expected time as the first axis")
        start, interval = _regular("a DataArray", _in_ms(times, unit, f"its coordinate {quoted(name)}"))
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
                f"the index of {what} is not 0, 1, 2, ...; expected an index named 'time (ms)' or of type timedelta, "
                "or a plain array"
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
        raise UnreadableError(f"{what} has no unit of time; expected a unit such as ms, or plain values and interval=")
    return np.asarray(scaled(times.astype(np.float64), 10.0**known.power, parsed("ms").power), dtype=np.float64)


def _regular(what: str, times: NDArray[Any]) -> tuple[float, float]:
    """Return the first time and the interval (ms) of equidistant samples."""
    if len(times) < 2 or not np.isfinite(times).all():
        raise UnreadableError(
            f"{what} requires at least 2 samples at finite times; got {counted(len(times), 'sample')}"
        )
    start, interval = float(times[0]), float(times[-1] - times[0]) / (len(times) - 1)
    off = np.abs(times - (start + interval * np.arange(len(times))))
    if interval <= 0 or off.max() > _JITTER * interval:
        raise UnreadableError(f"{what} requires equidistant samples; resample it at a constant interval")
    # The mean interval of accumulated times such as 0.1, 0.2, ... differs from 0.1 ms only by rounding.
    near = float(f"{interval:.12g}")
    return start, near if abs(near - interval) <= 1e-9 * interval else interval
