"""Generators whose spikes are defined by a user's function or table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._numbers import array_of
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError
from ..modules._ownership import SENTINEL, Sentinel
from ..modules._values import read_only
from ..modules.module import Module
from ..units import in_unit
from .generators import Generator

__all__ = ["CustomGenerator"]

#: Maximum number of steps per call to a function. Chunks of steps end at multiples of this number.
CHUNK = 1000


class CustomGenerator(Generator):
    """Spikes that are computed by a function while the network runs, or read from a table.

    Parameters
    ----------
    size : int
        Number of sources.
    start, stop : float
        The generator is on for ``start <= t < stop`` (ms).
    parent, name, frozen_params
        See [Module][dendrion.Module].
    fn : callable or array
        A function ``fn(t)`` that takes the times (ms) of ``k`` steps, an array of shape ``(k,)``, and returns the
        number of spikes of each source in each step: integers or bools of shape ``(k, size)``. Each step in which the
        generator is on is passed to the function exactly once, in order, in chunks of up to 1000 steps. The boundaries
        of chunks do not depend on how a simulation is split into runs. After ``net.reset()`` the function is called
        again from t = 0. If it raises an exception, the run ends at the beginning of the chunk. Alternatively, pass a
        table of spike counts of shape ``(steps, size)``, whose first row is for the step at ``start``.
    """

    _kinds: ClassVar[tuple[str, ...]] = ()
    _fixed: ClassVar[tuple[str, ...]] = ("size", "fn")
    fn: Callable[[NDArray[np.float64]], Any] | NDArray[np.int64]

    def __init__(
        self,
        size: int = 1,
        start: float = 0.0,
        stop: float = math.inf,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        fn: Callable[[NDArray[np.float64]], Any] | ArrayLike,
    ) -> None:
        self._times(size, start, stop)
        super().__init__(parent, name, frozen_params)
        if callable(fn):
            self._refer("fn", fn)
            return
        table = self._table(f"{self._label}: fn", fn)
        if table.ndim != 2 or table.shape[1] != self.size:
            raise ParameterError(f"{self._label}: fn of shape {table.shape}: expected (steps, {self.size})")
        self._refer("fn", read_only(self._counts(table, f"{self._label}: fn")))

    def _table(self, what: str, table: Any) -> NDArray[Any]:
        """Return a table as an array."""
        return array_of(what, in_unit(what, table, ""), f"spike counts (integers) of shape (steps, {self.size})")

    def _counts(self, table: Any, what: str) -> NDArray[np.int64]:
        """Return spike counts after checking them."""
        array = self._table(what, table)
        if array.dtype.kind == "f" and np.isfinite(array).all() and (array == np.rint(array)).all():
            array = np.clip(array, -1, 2**53).astype(np.int64)
        if array.dtype.kind not in "biu":
            raise ParameterTypeError(f"{what} of type {array.dtype}: expected integers (spike counts)")
        if (array < 0).any():
            step, source = (int(i) for i in np.argwhere(array < 0)[0])
            raise ParameterError(f"{what}: [{step}, {source}] = {array[step, source]}: expected an integer >= 0")
        most = int(_core.MOST_SPIKES_OF_A_SOURCE)
        if (array > most).any():
            step, source = (int(i) for i in np.argwhere(array > most)[0])
            raise ParameterError(
                f"{what}: [{step}, {source}] = {array[step, source]}: expected at most {most} spikes per source "
                "and step; use larger weights instead"
            )
        array = array.astype(np.int64)
        most = int(_core.MOST_SPIKES_OF_A_STEP)
        if ((total := array.sum(axis=1)) > most).any():
            step = int(np.argmax(total > most))
            raise ParameterError(
                f"{what}: step {step} has {total[step]} spikes: expected at most {most} spikes per step; use larger "
                "weights instead"
            )
        return array

    def _given(self, dt: float) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Return the sources and times (ms) of the spikes in the table."""
        table: Any = self.fn
        steps, sources = _repeated(table)
        return sources, np.multiply(steps + _step(self.start, dt), dt, dtype=np.float64)

    def _ask(self, begin: int, end: int, dt: float) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
        """Return the steps and sources of the spikes in the steps from ``begin`` to ``end - 1``."""
        begin = max(begin, _step(self.start, dt))
        end = end if math.isinf(self.stop) else min(end, _step(self.stop, dt))
        if begin >= end or not callable(self.fn):
            return np.empty(0, np.uint64), np.empty(0, np.uint32)
        what = f"{self.path}: fn(t), t = {begin * dt:g} ... {(end - 1) * dt:g} ms"
        try:
            table = self.fn(np.multiply(np.arange(begin, end), dt, dtype=np.float64))
        except Exception as error:
            raise ParameterError(f"{what} raised {quoted(error)}") from error
        expected = (end - begin, self.size)
        table = self._table(what, table)
        if table.shape != expected:
            raise ParameterError(f"{what} of shape {table.shape}: expected {expected}, steps by sources")
        steps, sources = _repeated(self._counts(table, what))
        return (steps + begin).astype(np.uint64), sources


def _step(ms: float, dt: float) -> int:
    """Return the nearest step. A network rejects times of 2^62 steps or more."""
    return int(min(_core.nearest_step(ms, dt), 2.0**62))


def _repeated(table: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return the steps and sources of all spikes in a table of spike counts."""
    steps, sources = np.nonzero(table)
    counts = table[steps, sources]
    return np.repeat(steps, counts), np.repeat(sources, counts).astype(np.uint32)
