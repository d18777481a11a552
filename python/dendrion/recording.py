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

    def __init__(
        self, net: Network, probe: int, label: str, gid: NDArray[np.int64] | None, every: int, columns: int
    ) -> None:
        super().__init__(net, probe, label)
        self._gid, self._every, self._columns = gid, every, columns

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
        """Samples of shape ``(samples, neurons)`` in the network's dtype, each before the step of its time.

        After runs with a batch of shape ``(batch, samples, neurons)``.
        """
        return self._net._sim.values(self._id)

    def __len__(self) -> int:
        return len(self._net._sim.sample_steps(self._id))


class SpikeRecording(_Probe):
    """Spikes of a population or a generator, by time, then neuron or source. Made by ``Network.probe``.

    A generator's source may spike more than once in a step, and is listed as often. After runs with a batch, ``t`` and
    ``i`` list the spikes of all samples, one after the other, and ``sample`` says which; ``dense`` and ``counts`` have
    a first axis for samples.
    """

    def __init__(self, net: Network, probe: int, label: str, module: MCNeuron | Generator) -> None:
        super().__init__(net, probe, label)
        self._module, self._size = module, module.size

    @property
    def t(self) -> NDArray[np.float64]:
        """Time of each spike (ms)."""
        return np.multiply(self._spikes()[1], self._net.dt, dtype=np.float64)

    @property
    def sample(self) -> NDArray[np.int64]:
        """Sample of the batch that each spike is of; 0 without a batch."""
        return self._spikes()[0]

    @property
    def i(self) -> NDArray[np.int64]:
        """Neuron of each spike."""
        return self._spikes()[2].astype(np.int64)

    @property
    def gid(self) -> NDArray[np.int64]:
        """Number in the whole network of the neuron of each spike. Sources of generators have none."""
        first = self._net._identities.get(id(self._module))
        if first is None:
            raise StructureError(f"{self._name}: gid: sources of generators have no number; expected a population")
        return first.first + self.i

    def dense(self) -> NDArray[np.bool_]:
        """Return a table of shape ``(steps, size)`` that is true where one spiked, once or more, from t = 0 on."""
        table = np.zeros(self._shape(), dtype=bool)
        table[self._spikes()] = True
        return table if self._net._sim.batch() else table[0]

    def counts(self) -> NDArray[np.int64]:
        """Return how often each spiked in each step from t = 0 on, of shape ``(steps, size)``."""
        table = np.zeros(self._shape(), dtype=np.int64)
        np.add.at(table, self._spikes(), 1)
        return table if self._net._sim.batch() else table[0]

    def _shape(self) -> tuple[int, int, int]:
        return max(self._net._sim.batch(), 1), self._net._sim.steps(), self._size

    def _spikes(self) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint32]]:
        """Return sample, step and neuron of each spike."""
        samples = range(max(self._net._sim.batch(), 1))
        each = [self._net._sim.spikes(self._id, sample) for sample in samples]
        which = np.repeat(np.arange(len(each), dtype=np.int64), [len(steps) for steps, _ in each])
        return which, np.concatenate([s for s, _ in each]), np.concatenate([i for _, i in each])

    def __len__(self) -> int:
        return len(self._spikes()[0])
