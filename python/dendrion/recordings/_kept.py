"""Data of recordings that have no network, because they were loaded from a file or their probe was removed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .. import _core

__all__ = ["Kept"]


@dataclass
class Kept:
    """The data that a recording needs, with the interface of a network and its simulation."""

    #: Time step (ms).
    dt: float
    done: int
    samples_of_batch: int
    #: Steps and values of samples.
    at: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    table: NDArray[np.floating] = field(default_factory=lambda: np.empty((0, 0)))
    #: First step of the recording: all spikes from this step on are recorded.
    begin: int = 0
    #: Step and neuron of each spike: a pair of arrays per sample of a batch, or one pair without a batch.
    trains: list[tuple[NDArray[np.uint64], NDArray[np.uint32]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table.flags.writeable = False

    @staticmethod
    def of(sim: _core.Simulation, probe: int, dt: float) -> Kept:
        """Return a copy of the data that a probe of a simulation has recorded."""
        batch = sim.batch()
        trains = [sim.spikes(probe, sample) for sample in range(max(batch, 1))]
        at, begin = sim.sample_steps(probe), sim.recording_begin(probe)
        return Kept(dt, sim.steps(), batch, at, sim.values(probe), begin, trains)

    @property
    def _sim(self) -> Kept:
        return self

    def batch(self) -> int:
        return self.samples_of_batch

    def steps(self) -> int:
        return self.done

    def values(self, probe: int) -> NDArray[np.floating]:
        return self.table

    def recording_begin(self, probe: int) -> int:
        return self.begin

    def sample_steps(self, probe: int) -> NDArray[np.uint64]:
        return self.at.copy()

    def spikes(self, probe: int, sample: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
        return self.trains[sample]

    def version(self) -> int:
        """Return a number that changes when the data change. It is constant, because these data never change."""
        return 0
