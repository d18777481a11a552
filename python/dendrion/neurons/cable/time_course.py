"""Time-dependent potentials of voltage clamps, written in the equation language.

A state counts steps, because a state that counted time would accumulate rounding errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ... import _core
from ..._checks._warn import warn_of_all
from ..._numbers import numbers, real
from ..._quoted import quoted, told
from ...errors import ParameterError, RoundingWarning
from ...inputs.piecewise import Piecewise
from ...modules._values import read_only
from ...units import check_unit, sampled

if TYPE_CHECKING:
    from .sites import Site

__all__ = ["TimeCourse", "of_piecewise", "of_samples"]

#: Maximum number of values of a Piecewise, each of which is a parameter, and of samples, which are part of the text.
MOST_VALUES, MOST_SAMPLES = 100, 1000

_HEAD = "# A voltage clamp with a time course\n"
_TEXT = """\
I = (V_command - V)/r_series  : pA
V_command = {command} : mV
{index}time = (step + 0.5)*dt : ms      # the middle of the step
dstep/dt = 1/dt : 1             # the number of steps since the beginning
step(0) = 0
r_series = 1 Mohm (> 0)         # series resistance
"""
_TIME = re.compile(r"time < (\S+) ms")
_SAMPLE = re.compile(r"(\S+) mV(?: \+|[,)])")
_INTERVAL = re.compile(r"time/\((\S+) ms\)")


class TimeCourse(NamedTuple):
    """Equations of a clamp with a time course, and the values of the time course if they are parameters."""

    equations: str
    values: Mapping[str, Any]

    @staticmethod
    def is_written_in(equations: object) -> bool:
        """Return whether equations are those of a clamp with a time course."""
        return isinstance(equations, str) and equations.startswith(_HEAD)

    def given(self) -> Piecewise | NDArray[np.float64]:
        """Return the argument from which the equations were written, with the present values."""
        if _INTERVAL.search(self.equations):
            command = self.equations.partition("V_command = ")[2].partition(" : mV")[0]
            samples: NDArray[np.float64] = read_only(np.array([float(v) for v in _SAMPLE.findall(f"{command})")]))
            return samples
        values = [np.ravel(self.values[name]) for name in sorted(self.values, key=_number)]
        table = np.stack(np.broadcast_arrays(*values))
        return Piecewise([0.0, *self.times()], table[:, 0] if table.shape[1] == 1 else table)

    def times(self) -> list[float]:
        """Return the times (ms) at which a piecewise constant potential changes."""
        return [] if _INTERVAL.search(self.equations) else sorted(map(float, _TIME.findall(self.equations)))

    def check_steps(self, path: str, dt: float) -> None:
        """Warn if times are rounded to whole steps, and raise an error if steps are longer than the samples."""
        if found := _INTERVAL.search(self.equations):
            if float(found[1]) < dt * (1.0 - 1e-9):
                raise ParameterError(
                    f"{path}: interval = {found[1]} ms: expected at least the time step of the network, {dt:g} ms"
                )
            return
        message = _core.rounding(path, "V_clamp", np.array(self.times()), dt)
        if message is not None:
            warn_of_all([message], RoundingWarning)


def _number(name: str) -> int:
    return int(name.partition("_")[2])


def of_piecewise(what: str, given: Piecewise, site: Site) -> TimeCourse:
    """Return the time course of a piecewise constant potential."""
    check_unit(what, given, given._unit, "mV")
    if given.times[0] != 0.0:
        raise ParameterError(
            f"{what} = {quoted(given)}: begins at {given.times[0]:g} ms, but a clamp needs a potential from the "
            "beginning; expected times that begin at 0"
        )
    count = len(given.times)
    if count > MOST_VALUES:
        raise ParameterError(
            f"{what} = {quoted(given)}: expected at most {MOST_VALUES} values; pass samples with interval= instead"
        )
    sites, cells = len(site.cv), site.neuron.size
    rows = given.values
    if rows.ndim == 2 and rows.shape[1] not in (sites, cells * sites):
        raise ParameterError(
            f"{what} = {quoted(given)} of shape {rows.shape}: expected shape ({count},), ({count}, {sites}) with one "
            f"value per site, or ({count}, {cells * sites}) with one per cell and site"
        )
    if rows.ndim == 2 and rows.shape[1] != sites:
        rows = rows.reshape(count, cells, sites)
    command = _chosen(0, count, lambda k: f"time < {float(given.times[k])!r} ms", lambda k: f"V_{k}")
    declared = "".join(f"V_{k} : mV\n" for k in range(count))
    text = _HEAD + _TEXT.format(command=command, index="") + declared
    return TimeCourse(text, {f"V_{k}": row if row.ndim else float(row) for k, row in enumerate(rows)})


def of_samples(what: str, given: Any, interval: Any) -> TimeCourse | None:
    """Return the time course defined by samples, or ``None`` if they have neither an interval nor times."""
    signal = sampled(what, given, "mV")
    spacing = signal.interval
    if interval is not None:
        spacing = real(f"{what}: interval", interval, "a time > 0 (ms)", "ms")
        if not 0.0 < spacing < np.inf:
            raise ParameterError(f"{what}: interval = {told(interval)}: expected a finite time > 0 (ms)")
    if spacing is None:
        return None
    if signal.interval is not None and not np.isclose(spacing, signal.interval, rtol=1e-6, atol=0.0):
        raise ParameterError(
            f"{what}: interval = {spacing:g} ms: the signal has a sample every {signal.interval:g} ms; expected that "
            "interval, or samples without times"
        )
    if signal.start != 0.0:
        raise ParameterError(f"{what}: the signal begins at {signal.start:g} ms; expected a signal that begins at 0 ms")
    wave = numbers(what, signal.values, "samples (mV)")
    wave = wave[:, 0] if wave.ndim == 2 and wave.shape[1] == 1 else wave
    if wave.ndim != 1 or not 2 <= wave.size <= MOST_SAMPLES:
        raise ParameterError(
            f"{what} of shape {wave.shape}: expected shape (samples,) with 2 to {MOST_SAMPLES} samples, which all "
            "cells and sites share"
        )
    for bad in np.flatnonzero(~np.isfinite(wave))[:1]:
        raise ParameterError(f"{what}[{bad}] = {wave[bad]}: expected finite numbers (mV)")
    with np.errstate(over="ignore"):
        steep = np.flatnonzero(~np.isfinite(np.diff(wave)))
    for bad in steep[:1]:
        raise ParameterError(
            f"{what}[{bad + 1}] = {wave[bad + 1]} after {wave[bad]}: their difference exceeds the largest number; "
            "expected potentials (mV) below 8e307 in magnitude"
        )
    return TimeCourse(_of_wave(wave, spacing), {})


def _of_wave(wave: NDArray[np.float64], interval: float) -> str:
    """Return the equations of linear interpolation between samples. The potential is constant after the last sample."""

    def between(k: int) -> str:
        if k == wave.size - 1 or wave[k] == wave[k + 1]:
            return f"{float(wave[k])!r} mV"
        return f"{float(wave[k])!r} mV + {float(wave[k + 1] - wave[k])!r} mV*(index - {k})"

    command = _chosen(0, wave.size, lambda k: f"index < {k}", between)
    return _HEAD + _TEXT.format(command=command, index=f"index = time/({interval!r} ms) : 1\n")


def _chosen(low: int, high: int, before: Callable[[int], str], value: Callable[[int], str]) -> str:
    """Return an expression that finds by bisection the value ``k`` with ``before(k + 1)`` but not ``before(k)``."""
    if high - low == 1:
        return value(low)
    middle = (low + high) // 2
    return f"where({before(middle)}, {_chosen(low, middle, before, value)}, {_chosen(middle, high, before, value)})"
