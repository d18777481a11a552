"""Validation of the settings of a network."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._checks._warn import warn_of_all
from .._numbers import numbers
from ..errors import ParameterError, ParameterTypeError, RoundingWarning
from ..modules.module import Value
from ..units import in_unit


def positive(dt: object) -> float:
    """Return the time step after checking it."""
    dt = in_unit("network: dt", dt, "ms")
    if not isinstance(dt, (int, float, np.integer, np.floating)) or isinstance(dt, bool):
        raise ParameterTypeError(f"network: dt = {dt!r}: expected a number > 0 (ms)")
    if not (math.isfinite(dt) and dt > 0):
        raise ParameterError(f"network: dt = {dt}: expected a finite number > 0 (ms)")
    return float(dt)


def whole(name: str, value: object, least: int, most: int) -> int:
    """Return an integer after checking its range."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ParameterTypeError(f"network: {name} = {value!r}: expected an integer >= {least}")
    if not least <= value <= most:
        raise ParameterError(f"network: {name} = {value}: expected an integer from {least} to {most}")
    return int(value)


def size_in_bytes(name: str, value: object) -> int:
    """Return a number of bytes, which may be a float such as 2e9."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        raise ParameterTypeError(f"network: {name} = {value!r}: expected a number >= 1 (bytes)")
    if not (math.isfinite(value) and 1 <= value <= 2**62):
        raise ParameterError(f"network: {name} = {value}: expected a finite number >= 1 (bytes)")
    return int(value)


def float_type(dtype: object) -> np.dtype[np.floating]:
    """Return the floating-point type."""
    try:
        found = np.dtype(dtype)  # type: ignore[call-overload]
    except TypeError:
        found = None
    if found not in (np.dtype("float32"), np.dtype("float64")):
        raise ParameterError(f"network: dtype = {dtype!r}: expected 'float64' or 'float32'")
    return found  # type: ignore[no-any-return]


def as_number(key: str, value: ArrayLike) -> Value:
    """Return a single number, or an array with one value per member."""
    array = numbers(key, value, "a number or an array of numbers")
    if array.ndim > 1:
        raise ParameterError(f"{key} = array of shape {array.shape}: expected a number or one value per neuron")
    return array if array.ndim else float(array)


def chosen(path: str, indices: ArrayLike, size: int) -> list[int]:
    """Return indices as integers. A boolean mask with one value per member selects the true ones."""
    array = np.atleast_1d(np.asarray(in_unit(f"{path}: indices", indices, "")))
    if array.size == 0:
        return []
    if array.dtype.kind == "b":
        if array.shape != (size,):
            raise ParameterError(f"{path}: indices: mask of shape {array.shape}: expected ({size},)")
        return [int(i) for i in np.flatnonzero(array)]
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array < 0).any():
        raise ParameterError(f"{path}: indices = {indices!r}: expected integers >= 0, or a boolean mask")
    return [int(i) for i in array]


def time_of(name: str, ms: float) -> float:
    """Return a time (ms) after checking that it is finite and >= 0."""
    ms = in_unit(f"network: {name}", ms, "ms")
    if not isinstance(ms, (int, float, np.integer, np.floating)) or isinstance(ms, bool):
        raise ParameterTypeError(f"network: {name} = {ms!r}: expected a time (ms)")
    if not math.isfinite(ms) or ms < 0:
        raise ParameterError(f"network: {name} = {ms}: expected a finite time >= 0 (ms)")
    return float(ms)


def whole_steps(duration: float, dt: float) -> int:
    """Return the number of steps in a duration, which must be a multiple of the time step."""
    ms = time_of("duration", duration)
    steps = _core.nearest_step(ms, dt)
    if steps >= 2**62:
        raise ParameterError(f"network: duration = {ms}: expected fewer than 2^62 steps of {dt} ms")
    if _core.rounding("network", "duration", np.array([ms]), dt) is not None:
        below, above = (max(0, int(steps) + k) * dt for k in ((-1, 0) if steps * dt > ms else (0, 1)))
        raise ParameterError(
            f"network: duration = {ms:g}: expected a multiple of dt = {dt:g} ms, such as {below:g} or {above:g} ms"
        )
    return int(steps)


def interval(name: str, ms: float, dt: float) -> int:
    """Return an interval in whole steps, at least one, with a warning if rounding changes it."""
    ms = time_of(name, ms)
    if ms / dt >= 2**62:
        raise ParameterError(f"network: {name} = {ms}: expected fewer than 2^62 steps of {dt} ms")
    steps = int(_core.nearest_step(ms, dt))
    if steps == 0:
        raise ParameterError(f"network: {name} = {ms}: expected at least half a step ({dt / 2} ms)")
    message = _core.rounding("network", name, np.array([ms]), dt)
    if message is not None:
        warn_of_all([message], RoundingWarning)
    return steps
