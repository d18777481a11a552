"""Parameters of generators and clamps that are piecewise constant functions of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import numbers, plain_numbers, refuse_masks
from .._quoted import counted
from .._suggest import suggests
from ..errors import ParameterError
from ..modules._fixed import FixedOnceMade
from ..modules._values import read_only
from ..units import sampled

__all__ = ["Piecewise"]


@suggests
class Piecewise(FixedOnceMade):
    """A piecewise constant function of time: ``values[k]`` from ``times[k]`` on, and 0 before ``times[0]``.

    Parameters
    ----------
    times : array
        Times (ms), >= 0 and ascending, of shape ``(k,)``. In a step in which the value changes, the time average is
        used, so that no charge is lost.
    values : array
        Values of shape ``(k,)``, or ``(k, size)`` for one value per source. Quantities are converted to Hz, pA, mV
        or dimensionless numbers, and parameters with a different unit reject them. If the values are a signal with
        sample times, these must equal ``times``.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]
    #: Unit of the values, if they were quantities.
    _unit: str | None

    def __init__(self, times: ArrayLike, values: ArrayLike) -> None:
        self.times = np.atleast_1d(numbers("Piecewise: times", times, "times >= 0 (ms)", "ms"))
        refuse_masks("Piecewise: values", values, "numbers")
        signal = sampled("Piecewise: values", values, "Hz, or pA, or mV, or 1")
        self._unit = signal.unit
        self.values = np.atleast_1d(plain_numbers("Piecewise: values", signal.values, "numbers"))
        if self.times.ndim != 1 or self.times.size == 0:
            raise ParameterError(f"Piecewise: times of shape {self.times.shape}: expected (k,) with at least one time")
        for bad in np.flatnonzero(~np.isfinite(self.times) | (self.times < 0))[:1]:
            raise ParameterError(f"Piecewise: times[{bad}] = {self.times[bad]}: expected a finite time >= 0 (ms)")
        for bad in np.flatnonzero(np.diff(self.times) <= 0)[:1] + 1:
            before = self.times[bad - 1]
            raise ParameterError(f"Piecewise: times[{bad}] = {self.times[bad]}: expected a time after {before} ms")
        if signal.interval is not None and self.values.shape[1:] == (1,):
            # A single channel of a signal applies to all sources.
            self.values = self.values[:, 0]
        if signal.interval is not None and not self._are_times_of(signal.start, signal.interval):
            raise ParameterError(
                f"Piecewise: values have a sample every {signal.interval:g} ms from {signal.start:g} ms on; expected "
                "the same times, or values without times"
            )
        for bad in np.flatnonzero(~np.isfinite(self.values))[:1]:
            value = self.values.reshape(-1)[bad]
            raise ParameterError(f"Piecewise: values[{bad}] = {value}: expected a finite number")
        if self.values.ndim > 2 or len(self.values) != len(self.times):
            k = len(self.times)
            raise ParameterError(f"Piecewise: values of shape {self.values.shape}: expected ({k},) or ({k}, size)")

        self.times, self.values = read_only(self.times), read_only(self.values)

    def _are_times_of(self, start: float, interval: float) -> bool:
        own = start + interval * np.arange(len(self.values))
        return own.shape == self.times.shape and bool(np.allclose(own, self.times, rtol=0.0, atol=1e-3 * interval))

    def __call__(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return the values at times ``t`` (ms). One value per source adds a last axis."""
        row = np.searchsorted(self.times, numbers("Piecewise: t", t, "times (ms)", "ms"), side="right") - 1
        here = self.values[np.maximum(row, 0)]
        return np.where((row >= 0).reshape(row.shape + (1,) * (self.values.ndim - 1)), here, 0.0)

    def __repr__(self) -> str:
        return f"Piecewise({counted(len(self.times), 'value')} from {self.times[0]:g} ms on)"
