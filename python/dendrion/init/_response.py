"""Responses of V to single spikes and to constant input, measured in a copy of a population."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..connections.connectivity import All2All
from ..connections.synapse import ConnGen, MCSynapse
from ..errors import DendrionError, ModelWarning, ParameterError, StructureError
from ..inputs.generators import Generator, SpikeGenerator
from ..inputs.noise import Noise
from ..neurons.mc_neuron import MCNeuron
from ..simulation.network import Network

__all__ = ["Response", "Scratch"]

#: A threshold (mV) that V does not reach.
_NEVER = 1e6
#: Weight of the test spike. It is small, so that the response is linear.
_TEST = 1e-2
#: Initial and maximum time (ms) for V to become constant, and for the response to a spike.
_SHORTEST, _LONGEST = 200.0, 12800.0
#: Largest change of V (relative to the range of V) at which V counts as constant.
_CONSTANT = 1e-3


@dataclass(frozen=True)
class Response:
    """The mean potential, and the responses to a spike of weight 1 of each synapse, averaged over the neurons."""

    #: V (mV) under constant input.
    mean: float
    #: Integral of the response (mV ms) for each synapse.
    area: NDArray[np.float64]
    #: Integral of the squared response (mV^2 ms) for each synapse.
    square: NDArray[np.float64]


class Scratch:
    """A network with a copy of one population, which cannot spike, and one source for each of its synapses."""

    def __init__(self, net: Network, population: MCNeuron, synapses: Sequence[MCSynapse]) -> None:
        _check(net, population, synapses)
        cell = copy.deepcopy(population)
        cell.V_th = _NEVER
        for module in cell.modules():
            if isinstance(module, Noise):
                # Samples draw different noise, which would hide their difference.
                module.sigma = 0.0
        twins = dict(zip((m.path for m in population.modules()), cell.modules(), strict=True))
        self._sources = [SpikeGenerator(1, [], [], name=f"source{n}") for n in range(len(synapses))]
        connections = [
            MCSynapse(source, tuple(twins[r.path] for r in synapse.post), All2All(), weight=1.0)  # type: ignore[misc]
            for source, synapse in zip(self._sources, synapses, strict=True)
        ]
        self._path = population.path
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ModelWarning)
            method = net._methods[id(population)].name
            self._net = Network([cell, *self._sources, *connections], dt=net.dt, odemethod=method)
            self._v = self._net.probe(cell.soma, "V")

    def measure(self, drive: NDArray[np.float64]) -> Response:
        """Return the response, given the mean weight that arrives per ms through each synapse."""
        duration = _SHORTEST
        while True:
            found = self._measure(drive, duration)
            if found is not None:
                return found
            duration *= 2.0
            if duration > _LONGEST:
                raise StructureError(
                    f"fluctuation_driven: {self._path}: V is not constant under constant input after "
                    f"{_LONGEST / 2:g} ms; expected neurons with a leak and without intrinsic oscillations"
                )

    def _measure(self, drive: NDArray[np.float64], duration: float) -> Response | None:
        """Return the response if V is constant after ``duration`` and again twice as late; otherwise ``None``."""
        net, count = self._net, len(self._sources)
        steps = round(duration / net.dt)
        # Sample 0 has no test spike, and sample n + 1 has one in source n.
        inputs: dict[Generator, ArrayLike] = {}
        for n, source in enumerate(self._sources):
            given = np.full((count + 1, 2 * steps, 1), drive[n] * net.dt)
            given[n + 1, steps] += _TEST
            inputs[source] = given
        net.reset()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ModelWarning)
                net.run(2 * steps * net.dt, batch=count + 1, inputs=inputs)
        except DendrionError as error:
            raise ParameterError(f"fluctuation_driven: {self._path}: measuring its response failed: {error}") from None
        v = self._v.values
        base = v[0]
        span = max(float(np.ptp(base)), 1.0)
        response = (v[1:, steps:] - base[steps:]) / _TEST
        peak = np.abs(response).max(axis=1, keepdims=True)
        settled = np.abs(base[-1] - base[steps - 1]).max() < _CONSTANT * span
        if not settled or (np.abs(response[:, -1:]) > _CONSTANT * peak).any():
            return None
        if not (peak > 0).all():
            raise StructureError(f"fluctuation_driven: {self._path}: V does not respond to each of its synapses")
        area, square = (np.sum(r, axis=1).mean(axis=-1) * net.dt for r in (response, response**2))
        return Response(float(base[-1].mean()), area, square)


def _check(net: Network, population: MCNeuron, synapses: Sequence[MCSynapse]) -> None:
    """Raise an error for networks in which V would fluctuate differently than in the copy."""
    path = population.path
    if any(isinstance(m, MCSynapse) for m in population.modules()):
        raise StructureError(
            f"fluctuation_driven: {path}: contains an MCSynapse; expected synapses that are not parts of a population"
        )
    for synapse in synapses:
        if synapse.plasticity is not None and not synapse.plasticity._learns:
            raise StructureError(
                f"fluctuation_driven: {synapse.path}: has short-term plasticity, which changes the effect of spikes; "
                "expected a synapse without it"
            )
    parts = {id(m) for m in population.modules()}
    for module in net._parts.values():
        if isinstance(module, ConnGen) and id(getattr(module.mc, "neuron", module.mc)) in parts:
            raise StructureError(
                f"fluctuation_driven: {module.path}: is an input of {path} besides its synapses; expected I_ext for "
                "constant currents, and MCSynapse for spikes"
            )
