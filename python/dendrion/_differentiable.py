"""What the layers for PyTorch and JAX share: a network as a function of parameters and inputs, and its reverse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._settings import size_in_bytes
from .errors import ParameterError, ParameterTypeError, StructureError, UnknownNameError
from .generators import Generator
from .gradients import MEMORY, Run
from .module import hint
from .network import Network
from .recording import Recording, SpikeRecording

__all__ = ["Differentiable", "Outputs", "trainable"]

Outputs = list[NDArray[np.floating]]


def trainable(net: Network, keys: Iterable[str] | None) -> list[str]:
    """Return the keys of the parameters to train: those given, or all that are not frozen and have a gradient."""
    known = net.parameters()
    if keys is None:
        return [key for key in known if key not in net._without_effect()]
    found = [keys] if isinstance(keys, str) else list(keys)
    for key in found:
        if key in net._frozen_keys():
            raise ParameterError(f"{key}: is frozen; expected a parameter that is not in frozen_params")
        if key not in known:
            raise UnknownNameError(f"network: no parameter named {key!r}{hint(str(key), list(known))}")
    return list(dict.fromkeys(found))


class Differentiable:
    """A network as a function: from parameters and what stands in for generators to what probes record."""

    def __init__(
        self,
        net: Network,
        duration: float,
        inputs: Sequence[Generator],
        outputs: Sequence[Recording | SpikeRecording],
        memory: float = MEMORY,
    ) -> None:
        if not isinstance(net, Network):
            raise ParameterTypeError(f"{net!r}: expected a Network")
        self.net, self.duration, self.memory = net, duration, size_in_bytes("memory", memory)
        self.steps = net._steps("duration", duration)
        self.inputs, self.outputs = list(inputs), list(outputs)
        for generator in self.inputs:
            if not isinstance(generator, Generator):
                raise ParameterTypeError(f"inputs: {generator!r}: expected generators of the network")
            net._path(generator)
        for probe in self.outputs:
            if not isinstance(probe, (Recording, SpikeRecording)) or not probe._is_recorded_by(net):
                raise ParameterTypeError(f"outputs: {probe!r}: expected probes of the network")
        if not self.outputs:
            raise StructureError("outputs: expected at least one probe of the network")

    def forward(
        self, values: Mapping[str, Any], inputs: Sequence[NDArray[np.floating]], grad: bool
    ) -> tuple[Outputs, Run | None]:
        """Run from t = 0 with these parameters and inputs; return what was recorded and, if wanted, what to reverse."""
        batch = self.batch(inputs)
        net = self.net
        for probe in self.outputs:
            if not probe._is_recorded_by(net):
                raise StructureError(f"outputs: {probe.name}: was removed from the network; expected a probe of it")
        net.set_parameters(values)
        net.reset()
        given = dict(zip(self.inputs, inputs, strict=True))
        if grad:
            run = net.run(self.duration, grad=True, batch=batch, inputs=given, memory=self.memory)
        else:
            net.run(self.duration, batch=batch, inputs=given)
            run = None
        # Arrays of their own: those of the property are read-only, and kept.
        found = [p.counts() if isinstance(p, SpikeRecording) else p._read_values() for p in self.outputs]
        return [np.asarray(f) for f in found], run

    def backward(
        self, run: Run, cotangents: Sequence[NDArray[np.floating] | None], wanted: Sequence[str]
    ) -> dict[str, NDArray[np.float64]]:
        """Return the gradients of what is wanted by key or path."""
        given: dict[Recording | SpikeRecording, Any] = {}
        for probe, cotangent in zip(self.outputs, cotangents, strict=True):
            if cotangent is not None:
                given[probe] = given[probe] + cotangent if probe in given else cotangent
        return run.backward(given, wrt=wanted)

    def batch(self, inputs: Sequence[Any]) -> int | None:
        """Return the batch that the inputs have, all the same."""
        if len(inputs) != len(self.inputs):
            raise ParameterError(f"{len(inputs)} inputs: expected {len(self.inputs)}, one for each generator")
        batches = {np.shape(x)[0] if np.ndim(x) == 3 else None for x in inputs}
        if len(batches) > 1:
            raise ParameterError(f"inputs with batches {batches}: expected one batch, or none")
        return batches.pop() if batches else None

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
