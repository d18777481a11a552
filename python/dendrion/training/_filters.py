"""Filtered spikes: outputs of layers that have a state of their own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .._numbers import real
from .._quoted import quoted, told
from .._suggest import SuggestingKeywords
from ..errors import ParameterError, ParameterTypeError
from ..modules._fixed import FixedOnceMade
from ..recordings.recording import SpikeRecording
from ..simulation._settings import interval

__all__ = ["Filtered"]


class Filtered(FixedOnceMade, SuggestingKeywords):
    """Spikes of a population as a smooth output of a layer: each spike adds a kernel with a peak of 1.

    Pass it in the list of outputs of [dendrion.torch.Layer][dendrion.torch.Layer] or
    [dendrion.jax.function][dendrion.jax.function]. In a call with a state, the filter continues where the previous call
    ended.

    Parameters
    ----------
    spikes : SpikeRecording
        The spikes of a population, as returned by ``net.probe(cells, "spikes")``.
    tau : float
        Time constant of the decay (ms), > 0.
    tau_rise : float, optional
        Time constant of the rise (ms), > 0 and less than ``tau``. Without it, the kernel is ``exp(-t/tau)``, where
        ``t`` is the time since the step of the spike; with it, ``(exp(-t/tau) - exp(-t/tau_rise))/p``, where ``p`` is
        the maximum of the numerator over all ``t``.
    every : float, optional
        Time between samples (ms), a multiple of the time step. Defaults to the time step.

    Examples
    --------
    >>> import dendrion as dn
    >>> cells = dn.MCNeuron(2, V_th=-50.0, V_reset=-70.0)
    >>> cells.soma = dn.LeakyIF(2, I_ext=100.0)
    >>> net = dn.Network([cells])
    >>> dn.Filtered(net.probe(cells, "spikes"), tau=20.0, every=1.0).tau
    20.0
    """

    _otherwise: ClassVar[str] = "cannot change after construction; create a new Filtered"

    def __init__(
        self, spikes: SpikeRecording, tau: float, tau_rise: float | None = None, every: float | None = None
    ) -> None:
        if not isinstance(spikes, SpikeRecording):
            raise ParameterTypeError(
                f"Filtered: spikes = {quoted(spikes)}: expected the recorded spikes of a population, such as "
                'net.probe(cells, "spikes")'
            )
        self.spikes = spikes
        self.tau = _time("tau", tau)
        self.tau_rise = None if tau_rise is None else _time("tau_rise", tau_rise)
        if self.tau_rise is not None and self.tau_rise >= self.tau:
            raise ParameterError(f"Filtered: tau_rise = {self.tau_rise:g}: expected a time < tau = {self.tau:g} (ms)")
        self.every = every
        self._dt = spikes._net.dt
        self._step = 1 if every is None else interval("every", every, self._dt)
        taus = [self.tau] if self.tau_rise is None else [self.tau, self.tau_rise]
        self._decays = np.exp(-self._dt / np.array(taus))
        self._gains = np.array([1.0])
        if self.tau_rise is not None:
            peak_at = np.log(self.tau / self.tau_rise) / (1.0 / self.tau_rise - 1.0 / self.tau)
            peak = np.exp(-peak_at / self.tau) - np.exp(-peak_at / self.tau_rise)
            self._gains = np.array([1.0, -1.0]) / peak

    def __repr__(self) -> str:
        rise = "" if self.tau_rise is None else f", tau_rise={self.tau_rise:g}"
        return f"Filtered({self.spikes.name}, tau={self.tau:g}{rise})"

    @property
    def _traces(self) -> int:
        """Number of traces: one for each exponential."""
        return len(self._decays)

    def _columns(self) -> int:
        return self.spikes._size

    def _run(
        self, counts: NDArray[Any], begin: int, initial: NDArray[np.floating] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return samples of filtered spikes, and the traces at the end of the run.

        ``counts`` has the shape ``(..., steps, size)``, and traces have the shape ``(..., traces, size)``.
        """
        lead, (steps, size) = counts.shape[:-2], counts.shape[-2:]
        traces = np.zeros((*lead, self._traces, size)) if initial is None else np.array(initial, dtype=np.float64)
        samples, decays = [], self._decays[:, np.newaxis]
        for i in range(steps):
            traces = traces * decays + counts[..., i, np.newaxis, :]
            if (begin + i) % self._step == 0:
                samples.append(self._mixed(traces))
        found = np.stack(samples, axis=-2) if samples else np.zeros((*lead, 0, size))
        return found, traces

    def _mixed(self, traces: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.tensordot(self._gains, np.moveaxis(traces, -2, 0), axes=1))

    def _reverse(
        self,
        cotangents: NDArray[np.floating] | None,
        final: NDArray[np.floating] | None,
        shape: tuple[int, ...],
        begin: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the cotangents of spike counts of this shape, and those of the initial traces."""
        lead, (steps, size) = shape[:-2], shape[-2:]
        bars = np.zeros((*lead, self._traces, size)) if final is None else np.array(final, dtype=np.float64)
        counts, decays, gains = np.zeros(shape), self._decays[:, np.newaxis], self._gains[:, np.newaxis]
        left = 0 if cotangents is None else cotangents.shape[-2]
        for i in reversed(range(steps)):
            if cotangents is not None and (begin + i) % self._step == 0:
                left -= 1
                bars = bars + gains * cotangents[..., left, np.newaxis, :]
            counts[..., i, :] = bars.sum(axis=-2)
            bars = bars * decays
        return counts, bars


def _time(name: str, value: object) -> float:
    number = real(f"Filtered: {name}", value, "a time > 0 (ms)", "ms")
    if not (np.isfinite(number) and number > 0):
        raise ParameterError(f"Filtered: {name} = {told(value)}: expected a finite time > 0 (ms)")
    return number
