"""Generators of currents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._numbers import numbers
from ._ownership import SENTINEL, Sentinel
from ._values import read_only
from .errors import ParameterError
from .generators import Generator
from .module import Module
from .piecewise import Piecewise

__all__ = ["CurrentGenerator", "DCGenerator"]


class DCGenerator(Generator):
    """A constant current, switched on and off.

    Parameters
    ----------
    size : int
        Number of outlets: the size of the compartment it is injected into, or 1 for the same current everywhere.
    amplitude : float, array or Piecewise
        Current (pA); positive depolarises. Of all outlets, of each, or a function of time.
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
        amplitude: ArrayLike | Piecewise = 0.0,
        start: float = 0.0,
        stop: float = math.inf,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._times(size, start, stop)
        self._declare(amplitude=amplitude)
        super().__init__(parent, name, frozen_params)
        self._check_rate("dc", "amplitude")


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
        wave = numbers(f"{self._label}: waveform", waveform, "numbers (pA)", "pA")
        if wave.ndim not in (1, 2) or (wave.ndim == 2 and wave.shape[1] not in (1, self.size)):
            raise ParameterError(
                f"{self._label}: waveform of shape {wave.shape}: expected (steps,) or (steps, {self.size})"
            )
        if not np.isfinite(wave).all():
            bad = int(np.argwhere(~np.isfinite(wave))[0][0])
            raise ParameterError(f"{self._label}: waveform[{bad}] = {wave[bad]}: expected finite numbers (pA)")
        self._refer("waveform", read_only(wave))
