"""The base class of generators, and generators of spikes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._numbers import array_of, numbers, real
from .._paths import is_encodable
from .._quoted import quoted, told
from ..errors import ParameterError, ParameterTypeError, StructureError
from ..modules._attributes import check_assignment
from ..modules._fixed import Abstract
from ..modules._ownership import SENTINEL, Sentinel
from ..modules._values import read_only
from ..modules.module import Module, checked_size
from ..units import check_unit, in_unit
from .piecewise import Piecewise

__all__ = ["BernoulliGenerator", "Generator", "PoissonGenerator", "SpikeGenerator"]


class Generator(Abstract, Module):
    """Base class of the generators, which have ``size`` sources that are on for ``start <= t < stop`` (ms)."""

    _examples: ClassVar[str] = "PoissonGenerator(size, rate)"
    _otherwise_drawn: ClassVar[str] = "; a Piecewise is a function of time"
    spiking: ClassVar[bool] = True
    start: float
    stop: float
    _built_in: ClassVar[tuple[str, ...]] = ("start", "stop", "rng_col")
    _fixed: ClassVar[tuple[str, ...]] = ("size", "rng_col")

    #: The piecewise constant function of a parameter, if there is one.
    _piecewise: Piecewise | None = None
    #: Name of the random stream, if it is shared.
    rng_col: str | None = None

    def _times(self, size: int, start: float, stop: float) -> None:
        self.size = checked_size(self, size)
        self.start, self.stop = start, stop

    def _stream(self) -> str | None:
        return (self.rng_col or self.path) if self._kinds in (("poisson",), ("bernoulli",)) else None

    def _random(self, rng_col: str | None) -> None:
        self._check_stream(rng_col)
        self._refer("rng_col", rng_col)

    def _check_stream(self, rng_col: object) -> None:
        if rng_col is not None and (not isinstance(rng_col, str) or not rng_col or not is_encodable(rng_col)):
            raise ParameterTypeError(
                f"{self._label}: rng_col = {quoted(rng_col)}: expected the name of a stream, or None"
            )

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "rng_col":
            check_assignment(self, name, value)
            self._check_stream(value)
        if name in ("start", "stop"):
            check_assignment(self, name, value)
            value = self._time(name, value)
            start, stop = (value if n == name else self.__dict__.get(n, value) for n in ("start", "stop"))
            if stop < start:
                raise ParameterError(f"{self._label}: stop = {stop:g} ms: expected a time >= start ({start:g} ms)")
        super().__setattr__(name, value)

    # Piecewise parameters

    def _convert(self, name: str, value: Any) -> Any:
        """Return a number or a flat array. A Piecewise also sets the times; an array of the same shape keeps them."""
        if isinstance(value, Piecewise):
            check_unit(f"{self._label}: {name}", value, value._unit, self._unit_of(name))
            if value.values.ndim == 2 and value.values.shape[1] != self.size:
                raise ParameterError(
                    f"{self._label}: {name} = {quoted(value)} of shape {value.values.shape}: expected shape "
                    f"({len(value.times)}, {self.size})"
                )
            if self._network is not None:
                raise StructureError(
                    f"{self._label}: {name} = {quoted(value)}: the times are fixed once the network is built; "
                    "expected an array of values"
                )
            self._refer("_piecewise", value)
            if value._unit is not None:
                self._measured.add(name)
            return value.values.reshape(-1)
        if self._piecewise is not None:
            value = in_unit(f"{self._label}: {name}", value, self._unit_of(name))
            if np.shape(value) == self._piecewise.values.shape:
                return numbers(f"{self._label}: {name}", value, "numbers").reshape(-1)
            converted = super()._convert(name, value)
            self._refer("_piecewise", None)
            return converted
        return super()._convert(name, value)

    def _check(self, name: str, value: Any) -> None:
        if self._piecewise is not None and value is not None:
            _core.check(self._kinds[0], self._label, name, value, np.size(value))
            return
        super()._check(name, value)

    def _check_rate(self, kind: str, name: str) -> None:
        value = self._values[name]
        if value is None:
            raise ParameterError(f"{self._label}: {name} = None: expected a number")
        size = self.size if self._piecewise is None else np.size(value)
        _core.check_module(kind, self._label, {name: value}, size)

    def _shaped(self, name: str, value: Any) -> Any:
        return value if self._piecewise is None else np.reshape(value, self._piecewise.values.shape)

    def _time(self, name: str, value: Any) -> float:
        time = real(f"{self._label}: {name}", value, "a time >= 0 (ms)", "ms")
        if math.isnan(time) or time < 0 or (math.isinf(time) and name == "start"):
            raise ParameterError(f"{self._label}: {name} = {told(value)}: expected a time >= 0 (ms)")
        return time


class PoissonGenerator(Generator):
    """Independent Poisson processes. A source may spike several times in a step.

    Parameters
    ----------
    size : int
        Number of sources.
    rate : float, array or Piecewise
        Rate (Hz), >= 0: a single value, one per source, or a [piecewise constant][dendrion.Piecewise] function of time.
    start, stop : float
        The generator is on for ``start <= t < stop`` (ms). If it is switched on or off during a step, the time average
        of ``rate`` is used.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    rng_col : str, optional
        Name of the random stream. Generators that share a stream draw the same numbers for each source. By default
        each generator has its own stream.
    """

    _kinds: ClassVar[tuple[str, ...]] = ("poisson",)

    def __init__(
        self,
        size: int = 1,
        rate: ArrayLike | Piecewise = 10.0,
        start: float = 0.0,
        stop: float = math.inf,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        rng_col: str | None = None,
    ) -> None:
        self._random(rng_col)
        self._times(size, start, stop)
        self._declare(rate=rate)
        super().__init__(parent, name, frozen_params)
        self._check_rate("poisson", "rate")


class BernoulliGenerator(Generator):
    """Sources that spike at most once per step, with a specified probability.

    Parameters
    ----------
    size : int
        Number of sources.
    start, stop : float
        The generator is on for ``start <= t < stop`` (ms). If it is switched on or off during a step, the time average
        of ``prob`` is used.
    prob : float, array or Piecewise
        Probability of a spike per step, in [0, 1]: a single value, one per source, or a function of time.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    rng_col : str, optional
        Name of the random stream. Generators that share a stream draw the same numbers for each source. By default
        each generator has its own stream.
    """

    _kinds: ClassVar[tuple[str, ...]] = ("bernoulli",)

    def __init__(
        self,
        size: int = 1,
        start: float = 0.0,
        stop: float = math.inf,
        prob: ArrayLike | Piecewise = 0.01,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        rng_col: str | None = None,
    ) -> None:
        self._random(rng_col)
        self._times(size, start, stop)
        self._declare(prob=prob)
        super().__init__(parent, name, frozen_params)
        self._check_rate("bernoulli", "prob")


class SpikeGenerator(Generator):
    """Spikes at specified times.

    Parameters
    ----------
    size : int
        Number of sources.
    indices : array of int
        Source of each spike, 0 to ``size - 1``.
    times : array of float
        Time of each spike (ms), >= 0, in any order, rounded to whole steps with a warning. A spike that is listed twice
        counts twice. Times of a Neo ``SpikeTrain`` are used without subtracting its ``t_start``.
    start, stop : float
        The generator is on for ``start <= t < stop`` (ms).
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _fixed: ClassVar[tuple[str, ...]] = ("size", "indices", "times")
    indices: NDArray[np.uint32]
    times: NDArray[np.float64]

    def __init__(
        self,
        size: int = 1,
        indices: ArrayLike = (),
        times: ArrayLike = (),
        start: float = 0.0,
        stop: float = math.inf,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._times(size, start, stop)
        super().__init__(parent, name, frozen_params)
        times = np.atleast_1d(numbers(f"{self._label}: times", times, "times >= 0 (ms)", "ms"))
        given = in_unit(f"{self._label}: indices", indices, "")
        indices = np.atleast_1d(array_of(f"{self._label}: indices", given, "integers"))
        if times.ndim != 1 or indices.shape != times.shape:
            raise ParameterError(
                f"{self._label}: indices and times have shapes {indices.shape} and {times.shape}; "
                "expected the same shape (n,)"
            )
        if indices.size and indices.dtype.kind not in "iu":
            raise ParameterTypeError(f"{self._label}: indices of type {indices.dtype}: expected integers")
        self._refer("times", read_only(times))
        for bad in np.flatnonzero((indices < 0) | (indices >= self.size))[:1]:
            raise ParameterError(
                f"{self._label}: indices[{bad}] = {indices[bad]}: expected an integer from 0 to {self.size - 1}"
            )
        for bad in np.flatnonzero(~np.isfinite(self.times) | (self.times < 0))[:1]:
            raise ParameterError(f"{self._label}: times[{bad}] = {self.times[bad]}: expected a finite time >= 0 (ms)")
        self._refer("indices", read_only(indices.astype(np.uint32)))
