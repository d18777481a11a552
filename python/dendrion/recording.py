"""What probes recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .errors import StructureError

if TYPE_CHECKING:
    from .generators import Generator
    from .network import Network
    from .neuron import MCNeuron

__all__ = ["Recording", "SpikeRecording"]


class _Probe:
    def __init__(self, net: Network, probe: int, label: str) -> None:
        self._net, self._id, self._name = net, probe, label

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}: {len(self)}>"

    def __len__(self) -> int:
        raise NotImplementedError


class Recording(_Probe):
    """Samples of a state or current, as far as the network has run. Made by ``Network.probe``."""

    def __init__(self, net: Network, probe: int, label: str, gid: NDArray[np.int64] | None) -> None:
        super().__init__(net, probe, label)
        self._gid = gid

    @property
    def gid(self) -> NDArray[np.int64] | None:
        """Number in the whole network of the neuron of each column; ``None`` for what is not in neurons."""
        return None if self._gid is None else self._gid.copy()

    @property
    def t(self) -> NDArray[np.float64]:
        """Times of the samples (ms), of shape ``(samples,)``."""
        return np.multiply(self._net._sim.sample_steps(self._id), self._net.dt, dtype=np.float64)

    @property
    def values(self) -> NDArray[np.floating]:
        """Samples of shape ``(samples, neurons)`` in the network's dtype, each before the step of its time."""
        return self._net._sim.values(self._id)

    def __len__(self) -> int:
        return len(self._net._sim.sample_steps(self._id))


class SpikeRecording(_Probe):
    """Spikes of a population or a generator, by time, then neuron or source. Made by ``Network.probe``.

    A generator's source may spike more than once in a step, and is listed as often.
    """

    def __init__(self, net: Network, probe: int, label: str, module: MCNeuron | Generator) -> None:
        super().__init__(net, probe, label)
        self._module, self._size = module, module.size

    @property
    def t(self) -> NDArray[np.float64]:
        """Time of each spike (ms)."""
        return np.multiply(self._net._sim.spikes(self._id)[0], self._net.dt, dtype=np.float64)

    @property
    def i(self) -> NDArray[np.int64]:
        """Neuron of each spike."""
        return self._net._sim.spikes(self._id)[1].astype(np.int64)

    @property
    def gid(self) -> NDArray[np.int64]:
        """Number in the whole network of the neuron of each spike. Sources of generators have none."""
        first = self._net._identities.get(id(self._module))
        if first is None:
            raise StructureError(f"{self._name}: gid: sources of generators have no number; expected a population")
        return first.first + self.i

    def dense(self) -> NDArray[np.bool_]:
        """Return a table of shape ``(steps, size)`` that is true where one spiked, once or more, from t = 0 on."""
        steps, neurons = self._net._sim.spikes(self._id)
        table = np.zeros((self._net._sim.steps(), self._size), dtype=bool)
        table[steps, neurons] = True
        return table

    def counts(self) -> NDArray[np.int64]:
        """Return how often each spiked in each step from t = 0 on, of shape ``(steps, size)``."""
        steps, neurons = self._net._sim.spikes(self._id)
        table = np.zeros((self._net._sim.steps(), self._size), dtype=np.int64)
        np.add.at(table, (steps, neurons), 1)
        return table

    def __len__(self) -> int:
        return len(self._net._sim.spikes(self._id)[0])
