"""Gradients of runs, by backpropagation through time."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._checks._warn import warn
from .._numbers import numbers
from .._quoted import counted, quoted
from .._suggest import Suggesting, unknown_name
from ..errors import GradientWarning, ParameterError, ParameterTypeError, RunError
from ..inputs.currents import CurrentGenerator
from ..modules._copies import NotCopied
from ..modules._fixed import Fixed
from ..recordings.recording import Recording, SpikeRecording
from ._states import shapes_of_transit
from .selection import GROUPS, chosen, is_pattern, listed_keys

if TYPE_CHECKING:
    from ..inputs.generators import Generator
    from ..simulation.network import Network

__all__ = ["Gradients", "Run"]

#: Default limit on the memory for a gradient (bytes).
MEMORY = 2**30


class Gradients(dict[str, NDArray[np.float64]]):
    """Gradients in a dict, as returned by [Run.backward][dendrion.Run.backward].

    Each gradient has the shape of its variable. The keys are those of ``net.parameters()`` and the paths of generators.
    If an input replaced a generator, the gradient is with respect to that input, of shape ``(steps, size)``, or
    ``(batch, steps, size)`` with a batch. For any other ``CurrentGenerator``, it is with respect to the waveform.
    """

    #: Gradients with respect to initial states, by keys such as ``cell/soma.V``. They have the shape ``(size,)``, or
    #: ``(batch, size)`` with a batch.
    states: dict[str, NDArray[np.float64]]


class Run(Fixed, NotCopied, Suggesting):
    """A differentiable run, created by ``net.run(duration, grad=True)``. ``backward`` can be called once.

    The run stores its parameters, so later changes to the network do not affect its gradients.
    """

    _instead: ClassVar[str] = "its values, or what backward() returns"
    _otherwise: ClassVar[str] = "a run is read-only; call net.run(duration, grad=True) to create a new one"
    _instead_of: ClassVar[Mapping[str, str]] = MappingProxyType(dict.fromkeys(("net", "steps", "batch"), _otherwise))

    def __init__(
        self,
        net: Network,
        trace: _core.Trace,
        begin: int,
        steps: int,
        batch: int | None,
        inputs: list[Generator],
    ) -> None:
        self.net, self.steps, self.batch = net, steps, batch
        self._trace, self._begin, self._inputs = trace, begin, inputs
        self._restarts = net._restarts
        self._shapes = net._shapes()
        self._frozen = net._frozen_keys()
        self._known = [key for key in net._sim.parameter_names() if key not in self._frozen]
        self._tied = dict(net._tied)
        self._waves = [m for m in net._parts.values() if isinstance(m, CurrentGenerator) and m not in inputs]
        self._built = True

    def __repr__(self) -> str:
        batch = "" if self.batch is None else f", batch of {self.batch}"
        left = "" if self._trace.is_left() else ", reversed"
        return f"<Run of {counted(self.steps, 'step')}{batch}{left}>"

    @property
    def memory(self) -> int:
        """Maximum memory (bytes) for the states that this run and its ``backward`` store at any time, for all samples.

        It does not exceed the ``memory`` passed to ``Network.run``, unless even the smallest plan needs more.
        """
        return self._trace.memory()

    def values(self, probe: Recording) -> NDArray[np.floating]:
        """Return the values recorded in this run, of shape ``(samples, columns)`` or ``(batch, samples, columns)``.

        Raises
        ------
        RunError
            If the recording was cleared by ``clear()``, ``reset()`` or ``load_state()``.
        """
        if not isinstance(probe, Recording) or not probe._is_probe_of(self.net):
            raise ParameterTypeError(f"values: {quoted(probe)}: expected a Recording of the network that ran")
        count, every = self._shape(probe)[-2], probe._every
        first = -(-self._begin // every) * every
        steps = probe._net._sim.sample_steps(probe._id)
        shown = int(np.searchsorted(steps, first))
        found = steps[shown : shown + count]
        cleared = len(found) < count or (count > 0 and int(found[0]) != first)
        if cleared or (probe._is_recorded_by(self.net) and self.net._restarts != self._restarts):
            raise RunError(
                f"values: {probe.name}: its recording of this run is not available, because clear(), reset() or "
                "load_state() cleared it, or because the probe did not record the run"
            )
        return probe.values[..., shown : shown + count, :]

    def backward(
        self,
        cotangents: Mapping[Recording | SpikeRecording, ArrayLike],
        wrt: Iterable[str] | None = None,
        *,
        final: Mapping[str, ArrayLike] | None = None,
    ) -> Gradients:
        """Return the gradient of a loss, given its derivatives with respect to the recordings of this run.

        The gradient is the exact derivative of the discrete time steps, except that the derivative of each spike
        is the surrogate of its population, or that of the time of the spike with [EventProp][dendrion.EventProp].

        Parameters
        ----------
        cotangents : dict
            For each probe, the derivatives of the loss with respect to its samples in this run. They have the shape of
            the values, ``(samples, columns)``, for a [Recording][dendrion.Recording], and ``(steps, size)`` for a
            [SpikeRecording][dendrion.SpikeRecording] of a population. With a batch, they have an additional first axis
            for the samples of the batch.
        wrt : str or list of str, optional
            Parameters and generators for which gradients are computed; a shorter list takes less time. Each entry is
            the key of a parameter, the path of a generator, a pattern such as ``"*.w"``, or the name of a group of
            parameters (see [Gradients](../gradients.md#which-parameters-to-train)). Defaults to all of
            ``net.parameters()``, all inputs, and the waveforms of current generators.
        final : dict, optional
            Derivatives of the loss with respect to states at the end of the run, with keys and shapes as in
            ``net.get_state()``.

        Raises
        ------
        ParameterError, RunError
            If a cotangent has the wrong shape or is not finite, a probe was created after the run, ``backward`` was
            called before, a parameter is frozen, or a gradient is not finite. In the last case, the message states the
            likely cause.

        Warns
        -----
        GradientWarning
            If the cotangent of a potential grows to more than 1e10 times the largest cotangent that was passed.
        """
        if not self._trace.is_left():
            raise RunError("backward: was already called for this run; run the network again with grad=True")
        if not isinstance(cotangents, Mapping):
            raise ParameterTypeError(
                f"backward: {type(cotangents).__name__}: expected a dict from probes to arrays of derivatives"
            )
        ends = {}
        for key, value in (final or {}).items():
            if key not in self.net._states:
                raise unknown_name("backward: no state", key, self.net._states)
            lead = () if self.batch is None else (self.batch,)
            shape = (*lead, *np.shape(self.net._state(key))[-len(self.net._shape_of_state(key)) :])
            array = numbers(f"backward: final: {key}", value, "numbers")
            if array.shape != shape:
                raise ParameterError(f"backward: final: {key} of shape {array.shape}: expected shape {shape}")
            ends[key] = array
        found = self._reverse(cotangents, wrt, ends if final is not None else None)
        found.states = {key: value for key, value in found.states.items() if key in self.net._states}
        return found

    def _reverse(
        self,
        cotangents: Mapping[Recording | SpikeRecording, ArrayLike],
        wrt: Iterable[str] | None,
        final: Mapping[str, NDArray[np.floating]] | None,
    ) -> Gradients:
        """Return the gradient. With ``final``, which may include input in transit, ``states`` includes it as well."""
        given = [self._cotangent(probe, value) for probe, value in cotangents.items()]
        wanted, ends = self._wanted(wrt), None
        if final is not None:
            ends = [(k, np.ascontiguousarray(v, dtype=np.float64).reshape(-1)) for k, v in final.items()]
        try:
            keys = dict.fromkeys(other for key in wanted for other in self._tied.get(key, (key,)))
            parameters, states, inputs, grown = self._trace.backward(given, list(keys), ends)
        except ParameterError:
            self._refuse_not_finite(given, list(cotangents))
            raise
        if grown is not None:
            warn(grown, GradientWarning)
        found = Gradients()
        for key in parameters if not self._tied else (key for key in wanted if key in parameters):
            # The gradient with respect to a tied value is the sum over its keys.
            each = [np.asarray(parameters[other], dtype=np.float64) for other in self._tied.get(key, (key,))]
            array = np.asarray(functools.reduce(np.add, each))
            found[key] = array.reshape(self._shapes.get(key, array.shape))
        for path, value in inputs.items():
            shape = self._input_shape(path)
            # A generator that drives nothing has no cotangents.
            found[path] = value.reshape(shape) if value.size else np.zeros(shape)
        lead = () if self.batch is None else (self.batch,)
        of = self.net._shape_of_state
        transit = {} if final is None else shapes_of_transit(self.net)
        found.states = {
            key: value.reshape(*lead, *(transit[key] if key in transit else of(key))) for key, value in states.items()
        }
        return found

    def _shape(self, probe: Recording | SpikeRecording) -> tuple[int, ...]:
        lead = () if self.batch is None else (self.batch,)
        if isinstance(probe, SpikeRecording):
            return (*lead, self.steps, probe._size)
        end = self._begin + self.steps
        samples = -(-end // probe._every) - -(-self._begin // probe._every)
        return (*lead, samples, probe._columns)

    def _cotangent(self, probe: Any, value: ArrayLike) -> tuple[int, NDArray[np.float64]]:
        if not isinstance(probe, (Recording, SpikeRecording)) or not probe._is_probe_of(self.net):
            raise ParameterTypeError(
                f"backward: {quoted(probe)}: expected a probe of the network that produced this run"
            )
        array: NDArray[Any]
        if type(value) is np.ndarray and value.dtype == np.float64:
            array = value
        else:
            if type(value).__module__.partition(".")[0] in ("xarray", "pandas"):
                # Times and units of recordings are known, so only the numbers are used.
                value = np.asarray(value)
            array = numbers(f"backward: cotangent of {probe._name}", value, "numbers")
        shape = self._shape(probe)
        if array.shape != shape:
            raise ParameterError(f"backward: cotangent of {probe._name} of shape {array.shape}: expected shape {shape}")
        weight = getattr(probe, "_weight", None)
        if weight is not None:
            array = np.stack([array * (1.0 - weight), array * weight], axis=-1)
        return probe._id, np.ascontiguousarray(array).reshape(-1)

    def _refuse_not_finite(self, given: list[tuple[int, NDArray[np.float64]]], probes: list[Any]) -> None:
        """Raise an error that names the first cotangent that is not finite, if there is one."""
        for (_, values), probe in zip(given, probes, strict=True):
            wrong = np.flatnonzero(~np.isfinite(values))
            if len(wrong):
                shape = self._shape(probe)
                # Interpolated recordings have two values for each cotangent.
                first = wrong[0] * math.prod(shape) // values.size
                at = tuple(int(i) for i in np.unravel_index(first, shape))
                value = values[wrong[0]]
                raise ParameterError(f"backward: cotangent of {probe._name}[{at}] = {value}: expected a finite number")

    def _wanted(self, wrt: Iterable[str] | None) -> list[str]:
        paths = [m.path for m in (*self._inputs, *self._waves)]
        if wrt is None:
            repeated = {key for keys in self._tied.values() for key in keys[1:]}
            return [*(key for key in self._known if key not in repeated), *paths]
        wanted: list[str] = []
        known = [*self._known, *paths]
        still = self.net._without_effect()
        usual = [key for key in known if key not in still]
        for key in listed_keys("backward: wrt", wrt):
            if key in self._frozen:
                raise ParameterError(f"backward: {key}: is frozen; expected a parameter that is not in frozen_params")
            if key in known:
                wanted.append(key)
            elif key in GROUPS or is_pattern(key):
                wanted += chosen("backward: wrt", self.net, key, usual, "frozen or without a gradient")
            else:
                raise unknown_name("backward: no parameter or input", key, [*known, *GROUPS])
        return list(dict.fromkeys(wanted))

    def _input_shape(self, path: str) -> tuple[int, ...]:
        lead = () if self.batch is None else (self.batch,)
        for generator in self._inputs:
            if generator.path == path:
                return (*lead, self.steps, generator.size)
        return next(wave.waveform.shape for wave in self._waves if wave.path == path)
