"""A network as a differentiable function of parameters and inputs, shared by the PyTorch and JAX interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._quoted import counted, quoted
from .._suggest import unknown_name
from ..connections.synapse import MCSynapse
from ..errors import ParameterError, ParameterTypeError, RunError, StructureError
from ..inputs.generators import BernoulliGenerator, Generator, PoissonGenerator
from ..inputs.noise import Noise
from ..modules._copies import NotCopied
from ..recordings.recording import Recording, SpikeRecording
from ..simulation._settings import size_in_bytes, whole_steps
from ..simulation.network import Network
from ._filters import Filtered
from ._states import final_state, resume, shapes_of_transit
from .gradients import MEMORY, Run
from .selection import GROUPS, chosen, is_pattern, listed_keys

__all__ = ["Call", "Carried", "Differentiable", "Output", "Outputs", "trainable"]

Outputs = list[NDArray[np.floating]]
Output = Recording | SpikeRecording | Filtered


def trainable(net: Network, keys: Iterable[str] | None) -> list[str]:
    """Return the keys of the parameters to train; by default, all that are not frozen and have a gradient.

    Each of ``keys`` is a key, a shell-style pattern, or the name of a group. Patterns and groups select from the
    parameters that are trained by default.
    """
    known, frozen, still = net._sim.parameter_names(), net._frozen_keys(), net._without_effect()
    usual = [key for key in known if key not in still and key not in frozen]
    if keys is None:
        return _without_repetition(net, usual)
    found: list[str] = []
    for text in listed_keys("train", keys):
        if text not in known and (text in GROUPS or is_pattern(text)):
            found += chosen("train", net, text, usual, "frozen or without a gradient")
        else:
            check_keys([text], [*(key for key in known if key not in frozen), *GROUPS], frozen)
            found.append(text)
    return _without_repetition(net, found)


def _without_repetition(net: Network, keys: Iterable[str]) -> list[str]:
    """Return keys without duplicates. Tied parameters are represented by their first key."""
    return list(dict.fromkeys(net._together(key)[0] for key in keys))


def check_keys(keys: Iterable[str], known: list[str], frozen: set[str]) -> None:
    """Raise an error if a key is unknown or belongs to a frozen parameter."""
    for key in keys:
        if key in frozen:
            raise ParameterError(f"{key}: is frozen; expected a parameter that is not in frozen_params")
        if key not in known:
            raise unknown_name("network: no parameter", key, known)


@dataclass
class Carried:
    """The state that a call continues from."""

    #: Number of steps before the call.
    step: int
    #: Input in transit and states of filters, by key. The states of the network are those of the call.
    others: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)


@dataclass
class Call:
    """The arguments of one call to the function."""

    #: Parameters by key. Parameters that are left out keep the values they had when the function was created.
    values: Mapping[str, Any]
    #: One input for each generator.
    inputs: Sequence[NDArray[np.floating]]
    #: Seed for noise and random spikes.
    seed: int
    #: Initial states by key.
    states: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)
    #: Whether the call starts at t = 0; otherwise it continues from the current state of the network.
    reset: bool = True
    #: The state from which the call continues, if it returns a state.
    carried: Carried | None = None
    #: The batch size of the state, if the call has one.
    batch: int | None = None


@dataclass
class Passed:
    """The results of a run."""

    outputs: Outputs
    #: The state at the end, by key, if the call returns one.
    final: dict[str, NDArray[np.floating]]
    run: Run | None
    #: The number of steps before the run.
    begin: int


class Differentiable(NotCopied):
    """A network as a function from parameters and generator inputs to recordings.

    Only one thread at a time runs ``forward``; other threads wait. A copy of a layer shares the function and the
    network.
    """

    _instead = "layer.state_dict() for the parameters, and net.save(path) for the network"

    def __init__(
        self,
        net: Network,
        duration: float,
        inputs: Sequence[Generator],
        outputs: Sequence[Output],
        memory: float = MEMORY,
    ) -> None:
        if not isinstance(net, Network):
            raise ParameterTypeError(f"{quoted(net)}: expected a Network")
        self.net, self.duration, self.memory = net, duration, size_in_bytes("memory", memory)
        self.steps = whole_steps(duration, net.dt)
        self.inputs, self.outputs = list(inputs), list(outputs)
        for generator in self.inputs:
            if not isinstance(generator, Generator):
                raise ParameterTypeError(f"inputs: {quoted(generator)}: expected generators of the network")
            net._path(generator)
        for output in self.outputs:
            probe = output.spikes if isinstance(output, Filtered) else output
            if not isinstance(probe, (Recording, SpikeRecording)) or not probe._is_recorded_by(net):
                raise ParameterTypeError(
                    f"outputs: {quoted(output)}: expected probes of the network, or Filtered spikes"
                )
        #: Filters by the key of their state.
        self.filters = {f"filter{i}": o for i, o in enumerate(self.outputs) if isinstance(o, Filtered)}
        if not self.outputs:
            raise StructureError("outputs: expected at least one probe of the network")
        self._shapes: dict[str, tuple[int, ...]] | None = None
        with net._lock:
            self._snapshot()

    def __deepcopy__(self, memo: dict[int, Any]) -> Differentiable:
        return self

    def _snapshot(self) -> None:
        """Store the current values of all parameters. Calls use them for parameters that are not passed."""
        net = self.net
        self.seed = net.noise_seed
        self.frozen = net._frozen_keys()
        self.fixed: dict[str, Any] = dict(net.state_dict())
        self.known = [key for key in self.fixed if key not in self.frozen]
        piecewise = ((k, m) for k, (m, _) in net._owners.items() if isinstance(m, Generator) and m._piecewise)
        self._piecewise = {key: module for key, module in piecewise if key in self.fixed}
        self._held = {key: net._changes.get(key, 0) for key in self.fixed}
        # Weights that a run changes.
        learnt = (m for m in net._parts.values() if isinstance(m, MCSynapse) and m.plasticity)
        self._learnt = {f"{m.path}.w" for m in learnt} & set(self.fixed)
        random = (Noise, PoissonGenerator, BernoulliGenerator)
        self.is_random = any(isinstance(m, random) and m not in self.inputs for m in net._parts.values())

    def _parameters(self, values: Mapping[str, Any]) -> None:
        """Set the values that a call passes, and restore the stored values of other parameters that have changed."""
        changes, held = self.net._changes, self._held
        given = {other for key in values for other in self.net._together(key)}
        others = {
            key: value
            for key, value in self.fixed.items()
            if key not in given and (changes.get(key, 0) != held[key] or key in self._learnt)
        }
        for key in others:
            if key in self._piecewise and self._piecewise[key]._piecewise is None:
                raise RunError(
                    f"{key}: was a Piecewise when the layer or function was created, but no longer is; create a new "
                    "layer or function"
                )
        self.net._set({**others, **values})
        held.update({key: changes[key] for key in others})

    def forward(self, call: Call, grad: bool) -> Passed:
        """Run the network and return the results, including the run if ``grad``. The network then follows no layer."""
        net, batch = self.net, call.batch
        if call.carried is None:
            batch = self.batch(call.inputs, call.states)
        with net._lock:
            follows = net._follows
            net._follow(None)
            try:
                return self._run(call, batch, grad)
            except BaseException:
                net._follow_again(follows)
                raise

    def _run(self, call: Call, batch: int | None, grad: bool) -> Passed:
        net = self.net
        for probe in self.probes():
            if not probe._is_recorded_by(net):
                raise RunError(f"outputs: {probe.name}: was removed from the network; create a new layer or function")
        self._parameters(call.values)
        if call.reset:
            net.reset(seed=call.seed)
        else:
            for probe in self.probes():
                net._sim.forget_recording(probe._id)
        others = {} if call.carried is None else call.carried.others
        if call.carried is not None:
            resume(net, call.carried.step, batch, {k: v for k, v in others.items() if k not in self.filters})
        if call.states:
            net.set_state(call.states)
        begin = net._sim.steps()
        given = dict(zip(self.inputs, call.inputs, strict=True))
        run = None
        if grad:
            run = net.run(self.duration, grad=True, batch=batch, inputs=given, memory=self.memory)
        else:
            net.run(self.duration, batch=batch, inputs=given)
        outputs: Outputs = []
        final: dict[str, NDArray[np.floating]] = {} if call.carried is None else final_state(net, batch)
        for i, output in enumerate(self.outputs):
            if not isinstance(output, Filtered):
                outputs.append(self._recorded(output, begin))
                continue
            counts = self._recorded(output.spikes, begin)
            found, traces = output._run(counts, begin, others.get(f"filter{i}"))
            outputs.append(found)
            if call.carried is not None:
                final[f"filter{i}"] = traces
        return Passed(outputs, final, run, begin)

    def probes(self) -> list[Recording | SpikeRecording]:
        """Return the probe of each output."""
        return [output.spikes if isinstance(output, Filtered) else output for output in self.outputs]

    def _recorded(self, probe: Recording | SpikeRecording, begin: int) -> NDArray[Any]:
        """Return the data that a probe recorded from step ``begin`` on."""
        if isinstance(probe, Recording):
            # Return a new array, because the array in the property ``values`` is cached and read-only.
            return np.asarray(probe._read_values())
        if begin == 0:
            return probe.counts()
        sample, step, neuron = probe._spikes()
        batch = probe._batch
        table = np.zeros((max(batch, 1), self.net._sim.steps() - begin, probe._size), dtype=np.int64)
        np.add.at(table, (sample, step.astype(np.int64) - begin, neuron), 1)
        return table if batch else table[0]

    def backward(
        self,
        passed: Passed,
        cotangents: Sequence[NDArray[np.floating] | None],
        wanted: Sequence[str],
        final: Mapping[str, NDArray[np.floating]] | None = None,
    ) -> dict[str, NDArray[np.float64]]:
        """Return the gradients with respect to ``wanted`` (keys and paths) and to all initial states.

        ``final`` contains the cotangents of the state at the end, if the call returned it.
        """
        run, final = passed.run, None if final is None else dict(final)
        assert run is not None
        given: dict[Recording | SpikeRecording, Any] = {}
        initial: dict[str, NDArray[np.float64]] = {}
        lead = () if run.batch is None else (run.batch,)
        for i, (output, cotangent) in enumerate(zip(self.outputs, cotangents, strict=True)):
            probe = output.spikes if isinstance(output, Filtered) else output
            if isinstance(output, Filtered):
                last = None if final is None else final.pop(f"filter{i}", None)
                shape = (*lead, run.steps, output.spikes._size)
                cotangent, initial[f"filter{i}"] = output._reverse(cotangent, last, shape, passed.begin)
            if cotangent is not None:
                given[probe] = given[probe] + cotangent if probe in given else cotangent
        found = run._reverse(given, wanted, final)
        return {**found.states, **initial, **found}

    def batch(self, inputs: Sequence[Any], states: Mapping[str, Any]) -> int | None:
        """Return the common batch size of the inputs or, if they have none, of the initial states."""
        if len(inputs) != len(self.inputs):
            raise ParameterError(
                f"got {counted(len(inputs), 'input')}; expected {len(self.inputs)}, one for each generator"
            )
        batches = {np.shape(x)[0] if np.ndim(x) == 3 else None for x in inputs}
        if len(batches) > 1:
            raise ParameterError(f"inputs have batch sizes {batches}; expected a single batch size, or no batch at all")
        batch = batches.pop() if batches else None
        for key, state in states.items():
            # A state of detailed cells has one axis for cells and one for sites.
            if np.ndim(state) == 1 + len(self.shapes_of_state().get(key, (0,))):
                batch = np.shape(state)[0] if batch is None else batch
                if np.shape(state)[0] != batch:
                    raise ParameterError(f"{key} = array of shape {np.shape(state)}: expected a batch size of {batch}")
        return batch

    def shapes_of_state(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all entries of a state, without the batch, in the order in which calls return them."""
        net = self.net
        if self._shapes is None:
            shapes: dict[str, tuple[int, ...]] = {}
            lead = 1 if net._sim.batch() else 0
            for key in net._states:
                shapes[key] = np.shape(net._state(key))[lead:]
            shapes.update(shapes_of_transit(net))
            shapes.update({key: (f._traces, f.spikes._size) for key, f in self.filters.items()})
            self._shapes = shapes
        return self._shapes

    def check_inputs(self, inputs: Sequence[Any]) -> None:
        """Raise an error if an input has the wrong shape."""
        batch = self.batch(inputs, {})
        for generator, given in zip(self.inputs, inputs, strict=True):
            shape = (self.steps, generator.size) if batch is None else (batch, self.steps, generator.size)
            if np.shape(given) != shape:
                raise ParameterError(f"{generator.path}: input of shape {np.shape(given)}: expected shape {shape}")

    def shapes(self, batch: int | None) -> list[tuple[int, ...]]:
        """Return the shapes of the outputs."""
        lead = () if batch is None else (batch,)
        shapes = []
        for output in self.outputs:
            if isinstance(output, SpikeRecording):
                shapes.append((*lead, self.steps, output._size))
            else:
                every = output._step if isinstance(output, Filtered) else output._every
                columns = output.spikes._size if isinstance(output, Filtered) else output._columns
                shapes.append((*lead, -(-self.steps // every), columns))
        return shapes
