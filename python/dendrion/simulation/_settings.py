"""Validation of the settings of a network."""

from __future__ import annotations

import contextlib
import math

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._checks._warn import warn_of_all
from .._numbers import array_of, is_whole, numbers, real
from .._quoted import quoted, told
from ..errors import ParameterError, ParameterTypeError, RoundingWarning
from ..modules.module import Value
from ..units import in_unit


def positive(dt: object) -> float:
    """Return the time step after checking it."""
    value = real("network: dt", dt, "a number > 0 (ms)", "ms")
    if not (math.isfinite(value) and value > 0):
        raise ParameterError(f"network: dt = {told(dt)}: expected a finite number > 0 (ms)")
    return value


def whole(name: str, value: object, least: int, most: int) -> int:
    """Return an integer after checking its range."""
    if not is_whole(value):
        raise ParameterTypeError(f"network: {name} = {quoted(value)}: expected an integer >= {least}")
    if not least <= value <= most:  # type: ignore[operator]
        raise ParameterError(f"network: {name} = {told(value)}: expected an integer from {least} to {most}")
    return int(value)  # type: ignore[call-overload,no-any-return]


def size_in_bytes(name: str, value: object) -> int:
    """Return a number of bytes, which may be a float such as 2e9."""
    number = real(f"network: {name}", value, "a number >= 1 (bytes)")
    if not 1 <= number <= 2**62:
        raise ParameterError(f"network: {name} = {told(value)}: expected a finite number >= 1 (bytes)")
    return int(number)


def float_type(dtype: object) -> np.dtype[np.floating]:
    """Return the floating-point type."""
    found = None
    # NumPy interprets None as float64.
    if dtype is not None:
        with contextlib.suppress(Exception):
            found = np.dtype(dtype)  # type: ignore[call-overload]
    if found is None or found not in (np.dtype("float32"), np.dtype("float64")):
        raise ParameterError(f"network: dtype = {quoted(dtype)}: expected 'float64' or 'float32'")
    return found  # type: ignore[no-any-return]


def as_number(key: str, value: ArrayLike) -> Value:
    """Return a single number, or an array with one value per member."""
    array = numbers(key, value, "a number or an array of numbers")
    if array.ndim > 1:
        raise ParameterError(f"{key} = array of shape {array.shape}: expected a number or one value per neuron")
    return array if array.ndim else float(array)


def chosen(path: str, indices: ArrayLike, size: int) -> list[int]:
    """Return indices as integers. A boolean mask with one value per member selects the members for which it is true."""
    expected = "integers >= 0, or a boolean mask"
    array = np.atleast_1d(array_of(f"{path}: indices", in_unit(f"{path}: indices", indices, ""), expected))
    if array.size == 0 and array.ndim == 1 and array.dtype.kind in "biuf":
        return []
    if array.dtype.kind == "b":
        if array.shape != (size,):
            raise ParameterError(f"{path}: indices: mask of shape {array.shape}: expected ({size},)")
        return [int(i) for i in np.flatnonzero(array)]
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array < 0).any():
        raise ParameterError(f"{path}: indices = {quoted(indices)}: expected {expected}")
    # The engine checks smaller indices, but cannot represent larger ones.
    if (array > np.iinfo(np.int64).max).any():
        raise ParameterError(f"{path}: indices: {array.max()}: expected an index below {size}")
    return [int(i) for i in array]


def time_of(name: str, ms: float) -> float:
    """Return a time (ms) after checking that it is finite and >= 0."""
    time = real(f"network: {name}", ms, "a time (ms)", "ms")
    if not math.isfinite(time) or time < 0:
        raise ParameterError(f"network: {name} = {told(ms)}: expected a finite time >= 0 (ms)")
    return time


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
    """Return an interval in whole steps (at least one), and warn if rounding changes it."""
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
