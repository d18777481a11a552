"""Generators of currents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import plain_numbers, real, refuse_masks
from .._quoted import told
from ..errors import ParameterError, StructureError
from ..modules._ownership import SENTINEL, Sentinel
from ..modules._values import read_only
from ..modules.module import Module
from ..units import Sampled, has_units, sampled
from .generators import Generator
from .piecewise import Piecewise

__all__ = ["CurrentGenerator", "DCGenerator"]


class DCGenerator(Generator):
    """A constant current that is switched on and off.

    Parameters
    ----------
    size : int
        Number of outputs: the size of the compartment into which the current is injected, or 1 for the same current
        everywhere.
    amplitude : float, array or Piecewise
        Current (pA); positive currents depolarize. A single value, one per output, or a function of time.
    start, stop : float
        The current is on for ``start <= t < stop`` (ms). If it is switched on or off during a step, the time average is
        used.
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
    """A current that is defined by samples.

    Parameters
    ----------
    size : int
        Number of outputs: the size of the compartment into which the current is injected, or 1.
    waveform : array or signal
        Current (pA), of shape ``(samples,)`` or ``(samples, size)``. Without ``interval``, each step from ``start`` on
        uses one sample, and the current is 0 after the last sample. With ``interval``, the samples are at ``start``,
        ``start + interval`` and so on; the current is their linear interpolation, averaged over each step, and 0 after
        the last sample. Gradients are taken with respect to the samples. A signal with sample times defines the
        interval itself; it can be a Neo ``AnalogSignal``, an xarray ``DataArray`` with a time coordinate, or a pandas
        ``Series`` or ``DataFrame`` with a time index. If the signal does not begin at 0, its first time becomes
        ``start``.
    start, stop : float
        The current is on for ``start <= t < stop`` (ms). If it is switched on or off during a step, the time average is
        used.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    interval : float, optional
        Time between samples (ms).
    """

    spiking: ClassVar[bool] = False
    _fixed: ClassVar[tuple[str, ...]] = ("size", "waveform")
    waveform: NDArray[np.float64]
    #: Time between samples (ms); ``None`` for one sample per step.
    interval: float | None = None

    def __init__(
        self,
        size: int = 1,
        waveform: ArrayLike = (),
        start: float = 0.0,
        stop: float = math.inf,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        interval: float | None = None,
    ) -> None:
        self._times(size, start, stop)
        super().__init__(parent, name, frozen_params)
        refuse_masks(f"{self._label}: waveform", waveform, "numbers (pA)")
        signal = sampled(f"{self._label}: waveform", waveform, "pA")
        wave = plain_numbers(f"{self._label}: waveform", signal.values, "numbers (pA)")
        if wave.ndim not in (1, 2) or (wave.ndim == 2 and wave.shape[1] not in (1, self.size)):
            raise ParameterError(
                f"{self._label}: waveform of shape {wave.shape}: expected (samples,) or (samples, {self.size})"
            )
        if not np.isfinite(wave).all():
            bad = int(np.argwhere(~np.isfinite(wave))[0][0])
            raise ParameterError(f"{self._label}: waveform[{bad}] = {wave[bad]}: expected a finite number (pA)")
        if has_units(waveform):
            self._measured.add("waveform")
        self._refer("waveform", read_only(wave))
        self._refer("interval", self._spacing(signal, interval))
        if self.interval is not None and len(wave) < 2:
            raise ParameterError(f"{self._label}: waveform of shape {wave.shape}: expected at least 2 samples")

    def _spacing(self, signal: Sampled, interval: Any) -> float | None:
        """Return the sampling interval, explicit or from the signal, and set ``start`` to the signal's first time."""
        if interval is not None:
            time = real(f"{self._label}: interval", interval, "a time > 0 (ms)", "ms")
            if not 0 < time < math.inf:
                raise ParameterError(f"{self._label}: interval = {told(interval)}: expected a finite time > 0 (ms)")
            interval = time
        given: float | None = interval
        if signal.interval is None:
            return given
        if interval is not None and not math.isclose(interval, signal.interval, rel_tol=1e-6):
            raise ParameterError(
                f"{self._label}: interval = {interval:g} ms: the waveform has a sample every {signal.interval:g} ms; "
                "expected that interval, or a waveform without times"
            )
        if signal.start != 0 and not math.isclose(self.start, signal.start, rel_tol=1e-9):
            if self.start != 0 or signal.start < 0:
                raise ParameterError(
                    f"{self._label}: start = {self.start:g} ms: the waveform begins at {signal.start:g} ms; expected a "
                    "waveform that begins at t >= 0, and start = 0 or the same time"
                )
            self.start = signal.start
        return signal.interval

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "interval":
            raise StructureError(f"{self._label}: interval cannot change; create a new {type(self).__name__}")
        super().__setattr__(name, value)
