"""Statistics of recorded spikes: spike trains, rates, inter-spike intervals and their variation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._numbers import numbers
from .._quoted import quoted
from ..errors import ParameterError, RunError

if TYPE_CHECKING:
    from .recording import _Ran

__all__ = ["SpikeStatistics"]

Trains = list[NDArray[np.float64]]

#: Tolerance for matching a time to a step, in steps.
_ROUNDING = 1e-6


class SpikeStatistics:
    """Statistics per recorded neuron or source, in the order of ``index``, including silent ones.

    After runs with a batch, results have one entry per sample.
    """

    _net: _Ran
    _name: str
    _index: NDArray[np.int64]

    @property
    def _batch(self) -> int:
        raise NotImplementedError

    def _spikes(self) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint32]]:
        raise NotImplementedError

    def _begin(self) -> int:
        raise NotImplementedError

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        raise NotImplementedError

    def trains(self, *, start: float | None = None, stop: float | None = None) -> Trains | list[Trains]:
        """Return the spike times (ms) of each recorded neuron or source, in the order of ``index``.

        Parameters
        ----------
        start, stop : float, optional
            Time window (ms), ``start <= t < stop``. Defaults to the whole recording.

        Returns
        -------
        list of array
            Ascending spike times of each neuron; the array of a silent neuron is empty. With a batch, one such
            list per sample.

        Raises
        ------
        ParameterError
            If the window is not within the recording, or ``stop <= start``.

        Examples
        --------
        >>> first, *rest = spikes.trains()
        """
        begin, end = self._window("trains", start, stop)
        return self._of_samples(self._trains(begin, end))

    def rate(self, *, start: float | None = None, stop: float | None = None) -> NDArray[np.float64]:
        """Return the firing rate (Hz) of each recorded neuron or source: the number of spikes per recorded time.

        Parameters
        ----------
        start, stop : float, optional
            Time window (ms), ``start <= t < stop``. Defaults to the whole recording.

        Returns
        -------
        array of float
            Rates of shape ``(neurons,)``, in the order of ``index``; with a batch ``(batch, neurons)``.

        Raises
        ------
        ParameterError
            If the window is not within the recording, or ``stop <= start``.
        RunError
            If nothing has been recorded: before a run, or after ``clear()``.

        Examples
        --------
        >>> spikes.rate(start=200.0).mean()
        """
        begin, end = self._window("rate", start, stop)
        if end == begin:
            raise RunError(f"{self._name}: rate: nothing has been recorded yet; run the network first")
        counts = np.array([[len(train) for train in trains] for trains in self._trains(begin, end)], dtype=np.int64)
        rates = counts / ((end - begin) * self._net.dt * 1e-3)
        return rates if self._batch else rates[0]

    def isi(self, *, start: float | None = None, stop: float | None = None) -> Trains | list[Trains]:
        """Return the inter-spike intervals (ms) of each recorded neuron or source, in chronological order.

        Use ``np.concatenate(spikes.isi())`` to pool them. Intervals of 0 occur if a source of a generator spikes
        several times in a step.

        Parameters
        ----------
        start, stop : float, optional
            Time window (ms), ``start <= t < stop``, that contains both spikes of an interval. Defaults to the whole
            recording.

        Returns
        -------
        list of array
            Intervals of each neuron; the array of a neuron with fewer than two spikes is empty. With a batch,
            one such list per sample.

        Raises
        ------
        ParameterError
            If the window is not within the recording, or ``stop <= start``.
        """
        begin, end = self._window("isi", start, stop)
        return self._of_samples([[self._intervals(t) for t in trains] for trains in self._steps_by_member(begin, end)])

    def cv(self, *, start: float | None = None, stop: float | None = None) -> NDArray[np.float64]:
        """Return the coefficient of variation of each neuron's inter-spike intervals: standard deviation over mean.

        The coefficient is 0 for regular firing and about 1 for a Poisson process. The standard deviation is computed
        with ``ddof=0``.

        Parameters
        ----------
        start, stop : float, optional
            Time window (ms), ``start <= t < stop``, that contains both spikes of an interval. Defaults to the whole
            recording.

        Returns
        -------
        array of float
            Coefficients of shape ``(neurons,)``, in the order of ``index``; with a batch ``(batch, neurons)``. NaN for
            neurons with fewer than three spikes, and for neurons whose intervals are all 0; use ``np.nanmean`` to
            ignore them.

        Raises
        ------
        ParameterError
            If the window is not within the recording, or ``stop <= start``.
        """
        begin, end = self._window("cv", start, stop)
        found = np.array([[_variation(s) for s in trains] for trains in self._steps_by_member(begin, end)])
        found = found.reshape(max(self._batch, 1), len(self._index))
        return found if self._batch else found[0]

    def _window(self, what: str, start: float | None, stop: float | None) -> tuple[int, int]:
        """Return the first step of the window and the step after its last step."""
        dt = self._net.dt
        first, last = self._begin(), max(self._net._sim.steps(), self._begin())
        given = [_step(f"{self._name}: {what}: {n}", t, dt) for n, t in (("start", start), ("stop", stop))]
        begin, end = (first if given[0] is None else given[0]), (last if given[1] is None else given[1])
        for name, time, step in (("start", start, begin), ("stop", stop, end)):
            if time is not None and not first <= step <= last:
                raise ParameterError(
                    f"{self._name}: {what}: {name} = {time} ms: expected a time within the recording, from "
                    f"{first * dt:g} to {last * dt:g} ms"
                )
        if (start is not None or stop is not None) and end <= begin:
            raise ParameterError(
                f"{self._name}: {what}: start = {begin * dt:g} ms, stop = {end * dt:g} ms: expected start < stop"
            )
        return begin, end

    def _by_member(self) -> list[list[NDArray[np.uint64]]]:
        """Return the steps in which each recorded member spiked, per sample if there is a batch."""
        return self._once("trains", self._sorted)  # type: ignore[no-any-return]

    def _sorted(self) -> list[list[NDArray[np.uint64]]]:
        sample, step, i = self._spikes()
        ends = np.searchsorted(sample, np.arange(max(self._batch, 1) + 1))
        found = []
        for a, b in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            order = np.argsort(i[a:b], kind="stable")
            steps, members = step[a:b][order], i[a:b][order]
            bounds = (np.searchsorted(members, self._index, side) for side in ("left", "right"))
            found.append([steps[c:d] for c, d in zip(*(b.tolist() for b in bounds), strict=True)])
        return found

    def _steps_by_member(self, begin: int, end: int) -> list[list[NDArray[np.uint64]]]:
        return [[s[slice(*np.searchsorted(s, (begin, end)))] for s in steps] for steps in self._by_member()]

    def _trains(self, begin: int, end: int) -> list[Trains]:
        dt = self._net.dt
        return [[np.multiply(s, dt, dtype=np.float64) for s in steps] for steps in self._steps_by_member(begin, end)]

    def _intervals(self, steps: NDArray[np.uint64]) -> NDArray[np.float64]:
        # Subtract integer steps, because differences of times would have rounding errors.
        return np.multiply(np.diff(steps), self._net.dt, dtype=np.float64)

    def _of_samples(self, each: list[Trains]) -> Trains | list[Trains]:
        return each if self._batch else each[0]


def _step(what: str, time: float | None, dt: float) -> int | None:
    """Return the first step at or after a time (ms)."""
    if time is None:
        return None
    value = numbers(what, time, "a time (ms)")
    if value.ndim or not math.isfinite(value):
        raise ParameterError(f"{what} = {quoted(time)}: expected a finite time (ms), or None")
    # For a very large time the division overflows to infinity. Any step beyond these limits is outside all recordings.
    return math.ceil(min(max(float(value) / dt - _ROUNDING, -(2.0**62)), 2.0**62))


def _variation(steps: NDArray[np.uint64]) -> float:
    """Return the coefficient of variation of intervals, or NaN if it is undefined."""
    intervals = np.diff(steps).astype(np.float64)
    mean = intervals.mean() if len(intervals) > 1 else 0.0
    return float(intervals.std() / mean) if mean > 0 else math.nan
