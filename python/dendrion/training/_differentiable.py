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
from .gradients import MEMORY, Run
from .selection import GROUPS, chosen, is_pattern, listed_keys

__all__ = ["Call", "Differentiable", "Outputs", "trainable"]

Outputs = list[NDArray[np.floating]]


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
        outputs: Sequence[Recording | SpikeRecording],
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
        for probe in self.outputs:
            if not isinstance(probe, (Recording, SpikeRecording)) or not probe._is_recorded_by(net):
                raise ParameterTypeError(f"outputs: {quoted(probe)}: expected probes of the network")
        if not self.outputs:
            raise StructureError("outputs: expected at least one probe of the network")
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

    def forward(self, call: Call, grad: bool) -> tuple[Outputs, Run | None]:
        """Run the network and return the recordings and, if ``grad``, the run. The network then follows no layer."""
        net, batch = self.net, self.batch(call.inputs, call.states)
        with net._lock:
            follows = net._follows
            net._follow(None)
            try:
                return self._run(call, batch, grad)
            except BaseException:
                net._follow_again(follows)
                raise

    def _run(self, call: Call, batch: int | None, grad: bool) -> tuple[Outputs, Run | None]:
        net = self.net
        for probe in self.outputs:
            if not probe._is_recorded_by(net):
                raise RunError(f"outputs: {probe.name}: was removed from the network; create a new layer or function")
        self._parameters(call.values)
        if call.reset:
            net.reset(seed=call.seed)
        else:
            for probe in self.outputs:
                net._sim.forget_recording(probe._id)
        if call.states:
            net.set_state(call.states)
        begin = net._sim.steps()
        given = dict(zip(self.inputs, call.inputs, strict=True))
        run = None
        if grad:
            run = net.run(self.duration, grad=True, batch=batch, inputs=given, memory=self.memory)
        else:
            net.run(self.duration, batch=batch, inputs=given)
        return [self._recorded(probe, begin) for probe in self.outputs], run

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
        self, run: Run, cotangents: Sequence[NDArray[np.floating] | None], wanted: Sequence[str]
    ) -> dict[str, NDArray[np.float64]]:
        """Return the gradients with respect to ``wanted`` (keys and paths) and to all initial states."""
        given: dict[Recording | SpikeRecording, Any] = {}
        for probe, cotangent in zip(self.outputs, cotangents, strict=True):
            if cotangent is not None:
                given[probe] = given[probe] + cotangent if probe in given else cotangent
        found = run.backward(given, wrt=wanted)
        return {**found.states, **found}

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
            if np.ndim(state) == 2:
                batch = np.shape(state)[0] if batch is None else batch
                if np.shape(state)[0] != batch:
                    raise ParameterError(f"{key} = array of shape {np.shape(state)}: expected a batch size of {batch}")
        return batch

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
        for probe in self.outputs:
            if isinstance(probe, SpikeRecording):
                shapes.append((*lead, self.steps, probe._size))
            else:
                shapes.append((*lead, -(-self.steps // probe._every), probe._columns))
        return shapes
