"""What probes recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .network import Network

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

    def __init__(self, net: Network, probe: int, label: str, size: int) -> None:
        super().__init__(net, probe, label)
        self._size = size

    @property
    def t(self) -> NDArray[np.float64]:
        """Time of each spike (ms)."""
        return np.multiply(self._net._sim.spikes(self._id)[0], self._net.dt, dtype=np.float64)

    @property
    def i(self) -> NDArray[np.int64]:
        """Neuron of each spike."""
        return self._net._sim.spikes(self._id)[1].astype(np.int64)

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
