"""Recordings that were loaded from a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..recordings._kept import Kept
from ..recordings.recording import Recording, SpikeRecording, fix


@dataclass
class Origin:
    """The attributes that both kinds of recordings share."""

    name: str
    #: Path of the population or generator; ``None`` for connections.
    population: str | None
    #: Index of each recorded member.
    index: NDArray[np.int64]
    #: Time step (ms).
    dt: float


class LoadedRecording(Recording):
    """A [Recording][dendrion.Recording] from a file, without a network.

    Parameters
    ----------
    origin : Origin
        Name, population, index and time step.
    unit : str
        Unit of the values.
    gid : array of int or None
        Network-wide id of each column's neuron.
    every : int
        Steps between samples.
    steps : array of int
        Step of each sample.
    values : array of float
        Values of shape ``(samples, columns)``, or with a batch ``(batch, samples, columns)``.
    cv : array of int or None
        Control volume of each column, for detailed cells.
    """

    def __init__(
        self,
        origin: Origin,
        unit: str,
        gid: NDArray[np.int64] | None,
        every: int,
        steps: NDArray[np.uint64],
        values: NDArray[np.floating],
        cv: NDArray[np.int64] | None = None,
    ) -> None:
        done = int(steps[-1]) + 1 if len(steps) else 0
        self._net = Kept(origin.dt, done, len(values) if values.ndim == 3 else 0, at=steps, table=values)
        self._id, self._name, self._population, self._index = 0, origin.name, origin.population, origin.index
        self._unit, self._gid, self._every, self._columns = unit, gid, every, values.shape[-1]
        self._cv = cv
        fix(self._index, self._gid, self._cv)


class LoadedSpikes(SpikeRecording):
    """A [SpikeRecording][dendrion.SpikeRecording] from a file, without a network.

    Parameters
    ----------
    origin : Origin
        Name, population, index and time step.
    size : int
        Size of the population or generator.
    first : int or None
        Network-wide id of the population's first neuron.
    begin, steps : int
        Spikes were recorded from step ``begin`` up to but not including step ``steps``.
    batch : bool
        Whether ``trains`` has one entry per sample of a batch.
    trains : list of pairs of arrays
        Step and neuron of each spike, as one pair per sample of the batch, or a single pair if there is no batch.
    """

    def __init__(
        self,
        origin: Origin,
        size: int,
        first: int | None,
        begin: int,
        steps: int,
        batch: bool,
        trains: list[tuple[NDArray[np.uint64], NDArray[np.uint32]]],
    ) -> None:
        self._net = Kept(origin.dt, steps, len(trains) if batch else 0, begin=begin, trains=trains)
        self._id, self._name, self._population, self._index = 0, origin.name, origin.population, origin.index
        self._size, self._first = size, first
        fix(self._index)
