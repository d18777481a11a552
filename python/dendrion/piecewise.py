"""Parameters of generators that take one value after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._fixed import FixedOnceMade
from ._numbers import numbers
from ._suggest import suggests
from ._values import read_only
from .errors import ParameterError
from .units import fitting, in_unit

__all__ = ["Piecewise"]


@suggests
class Piecewise(FixedOnceMade):
    """A piecewise constant function of time: ``values[k]`` from ``times[k]`` on, and 0 before the first time.

    Parameters
    ----------
    times : array
        Times (ms), >= 0 and ascending, rounded to whole steps; shape ``(k,)``.
    values : array
        Values of shape ``(k,)``, or ``(k, size)`` for values per source. Quantities become Hz, pA or pure numbers, and
        are refused by parameters of another unit.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]
    #: Unit of the values, where they were quantities.
    _unit: str | None

    def __init__(self, times: ArrayLike, values: ArrayLike) -> None:
        self.times = np.atleast_1d(numbers("Piecewise: times", times, "times >= 0 (ms)", "ms"))
        values, self._unit = fitting("Piecewise: values", values, "Hz, or pA, or 1")
        self.values = np.atleast_1d(numbers("Piecewise: values", values, "numbers"))
        if self.times.ndim != 1 or self.times.size == 0:
            raise ParameterError(f"Piecewise: times of shape {self.times.shape}: expected (k,), at least one")
        for bad in np.flatnonzero(~np.isfinite(self.times) | (self.times < 0))[:1]:
            raise ParameterError(f"Piecewise: times[{bad}] = {self.times[bad]}: expected finite times >= 0 (ms)")
        for bad in np.flatnonzero(np.diff(self.times) <= 0)[:1] + 1:
            before = self.times[bad - 1]
            raise ParameterError(f"Piecewise: times[{bad}] = {self.times[bad]}: expected a time after {before} ms")
        if self.values.ndim > 2 or len(self.values) != len(self.times):
            k = len(self.times)
            raise ParameterError(f"Piecewise: values of shape {self.values.shape}: expected ({k},) or ({k}, size)")

        self.times, self.values = read_only(self.times), read_only(self.values)

    def __call__(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return the values at times ``t`` (ms), of the shape of ``t`` and, for values per source, ``size``."""
        row = np.searchsorted(self.times, np.asarray(in_unit("Piecewise: t", t, "ms")), side="right") - 1
        here = self.values[np.maximum(row, 0)]
        return np.where((row >= 0).reshape(row.shape + (1,) * (self.values.ndim - 1)), here, 0.0)

    def __repr__(self) -> str:
        return f"Piecewise({len(self.times)} values from {self.times[0]:g} ms on)"
