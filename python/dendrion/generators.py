"""Generators: spikes and currents from outside the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._numbers import numbers
from ._ownership import SENTINEL, Sentinel
from .errors import ParameterError, ParameterTypeError
from .module import Module, checked_size

__all__ = [
    "BernoulliGenerator",
    "CurrentGenerator",
    "DCGenerator",
    "Generator",
    "PoissonGenerator",
    "SpikeGenerator",
]


class Generator(Module):
    """Base of the generators: ``size`` sources that are on for ``start <= t < stop`` (ms)."""

    spiking: ClassVar[bool] = True
    start: float
    stop: float
    _built_in: ClassVar[tuple[str, ...]] = ("start", "stop")

    def _times(self, size: int, start: float, stop: float) -> None:
        self.size = checked_size(self, size)
        self.start, self.stop = start, stop

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("start", "stop"):
            value = self._time(name, value)
        super().__setattr__(name, value)

    def _time(self, name: str, value: Any) -> float:
        if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
            raise ParameterTypeError(f"{self._label}: {name} = {value!r}: expected a time >= 0 (ms)")
        if math.isnan(value) or value < 0 or (math.isinf(value) and name == "start"):
            raise ParameterError(f"{self._label}: {name} = {value}: expected a time >= 0 (ms)")
        return float(value)


class PoissonGenerator(Generator):
    """Independent Poisson processes. Counts are exact: a source may spike more than once in a step.

    Parameters
    ----------
    size : int
        Number of sources.
    rate : float or array
        Rate of each source (Hz), >= 0.
    start, stop : float
        On for ``start <= t < stop`` (ms).
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _kinds: ClassVar[tuple[str, ...]] = ("poisson",)

    def __init__(
        self,
        size: int = 1,
        rate: ArrayLike = 10.0,
        start: float = 0.0,
        stop: float = math.inf,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._times(size, start, stop)
        self._declare(rate=rate)
        super().__init__(parent, name, frozen_params)
        self._check_together("poisson")


class BernoulliGenerator(Generator):
    """Sources that spike in each step with a probability, at most once.

    Parameters
    ----------
    size : int
        Number of sources.
    start, stop : float
        On for ``start <= t < stop`` (ms).
    prob : float or array
        Probability of a spike in a step, in [0, 1].
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _kinds: ClassVar[tuple[str, ...]] = ("bernoulli",)

    def __init__(
        self,
        size: int = 1,
        start: float = 0.0,
        stop: float = math.inf,
        prob: ArrayLike = 0.01,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._times(size, start, stop)
        self._declare(prob=prob)
        super().__init__(parent, name, frozen_params)
        self._check_together("bernoulli")


class SpikeGenerator(Generator):
    """Spikes at given times.

    Parameters
    ----------
    size : int
        Number of sources.
    indices : array of int
        Source of each spike, below ``size``.
    times : array of float
        Time of each spike (ms), >= 0, in any order; rounded to the nearest step. The same spike twice counts twice.
    start, stop : float
        On for ``start <= t < stop`` (ms).
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
        times = np.atleast_1d(numbers(f"{self._label}: times", times, "times >= 0 (ms)"))
        indices = np.atleast_1d(indices)
        if times.ndim != 1 or indices.shape != times.shape:
            raise ParameterError(
                f"{self._label}: indices and times have shapes {indices.shape} and {times.shape}: "
                "expected the same (n,)"
            )
        if indices.size and indices.dtype.kind not in "iu":
            raise ParameterTypeError(f"{self._label}: indices of type {indices.dtype}: expected whole numbers")
        self._refer("times", times)
        for bad in np.flatnonzero((indices < 0) | (indices >= self.size))[:1]:
            raise ParameterError(
                f"{self._label}: indices[{bad}] = {indices[bad]}: expected whole numbers in 0..{self.size - 1}"
            )
        for bad in np.flatnonzero(~np.isfinite(self.times) | (self.times < 0))[:1]:
            raise ParameterError(f"{self._label}: times[{bad}] = {self.times[bad]}: expected finite times >= 0 (ms)")
        self._refer("indices", indices.astype(np.uint32))


class DCGenerator(Generator):
    """A constant current, switched on and off.

    Parameters
    ----------
    size : int
        Number of outlets: the size of the compartment it is injected into, or 1 for the same current everywhere.
    amplitude : float or array
        Current (pA); positive depolarises.
    start, stop : float
        On for ``start <= t < stop`` (ms).
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _kinds: ClassVar[tuple[str, ...]] = ("dc",)
    spiking: ClassVar[bool] = False

    def __init__(
        self,
        size: int = 1,
        amplitude: ArrayLike = 0.0,
        start: float = 0.0,
        stop: float = math.inf,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._times(size, start, stop)
        self._declare(amplitude=amplitude)
        super().__init__(parent, name, frozen_params)
        self._check_together("dc")


class CurrentGenerator(Generator):
    """A current given step by step.

    Parameters
    ----------
    size : int
        Number of outlets: the size of the compartment it is injected into, or 1.
    waveform : array
        Current (pA) of each step from ``start`` on, of shape ``(steps,)`` or ``(steps, size)``; 0 after its end.
    start, stop : float
        On for ``start <= t < stop`` (ms).
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    spiking: ClassVar[bool] = False
    _fixed: ClassVar[tuple[str, ...]] = ("size", "waveform")
    waveform: NDArray[np.float64]

    def __init__(
        self,
        size: int = 1,
        waveform: ArrayLike = (),
        start: float = 0.0,
        stop: float = math.inf,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._times(size, start, stop)
        super().__init__(parent, name, frozen_params)
        wave = numbers(f"{self._label}: waveform", waveform, "numbers (pA)")
        if wave.ndim not in (1, 2) or (wave.ndim == 2 and wave.shape[1] not in (1, self.size)):
            raise ParameterError(
                f"{self._label}: waveform of shape {wave.shape}: expected (steps,) or (steps, {self.size})"
            )
        if not np.isfinite(wave).all():
            bad = int(np.argwhere(~np.isfinite(wave))[0][0])
            raise ParameterError(f"{self._label}: waveform[{bad}] = {wave[bad]}: expected finite numbers (pA)")
        self._refer("waveform", wave)
