"""Recordings as Neo objects, with units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import _core
from ..errors import StructureError
from ..recordings.recording import Recording, SpikeRecording
from ._extras import needed
from ._given import Recorded, recordings
from ._meaning import meaning, member
from ._spikes import by_member
from ._units import quantity


def neo(given: Recorded | Iterable[Recorded], *, name: str | None = None) -> Any:
    """Return recordings as a ``neo.Block`` with one segment, or with one segment per sample of a batch.

    A segment has an ``AnalogSignal`` for each [Recording][dendrion.Recording], with one channel per neuron. For each
    [SpikeRecording][dendrion.SpikeRecording] it has a ``SpikeTrain`` per neuron, including silent neurons. Signals and
    spike trains have units.

    Parameters
    ----------
    given : Recording, SpikeRecording or list of them
        The recordings to include.
    name : str, optional
        Name of the block.

    Raises
    ------
    StructureError
        If the recordings have different batch sizes.
    ImportError
        If Neo is missing; install it with ``pip install "dendrion[neo]"``.
    """
    chosen = recordings("export.neo", given)
    module = needed("neo", "neo", "export.neo")
    batches = {recording._batch for recording in chosen}
    if len(batches) > 1:
        each = ", ".join(f"{r.name} has {r._batch or 'none'}" for r in chosen)
        raise StructureError(
            f"export.neo: recordings have different batch sizes ({each}); export each to its own block"
        )
    batch = batches.pop()
    parts = [analog_signals(r) if isinstance(r, Recording) else spike_trains(r) for r in chosen]
    block = module.Block(name=name, description="simulated by Dendrion", dendrion_version=_core.__version__)
    for sample in range(max(batch, 1)):
        segment = module.Segment(name=f"sample {sample}" if batch else None, index=sample)
        for recording, part in zip(chosen, parts, strict=True):
            if isinstance(recording, Recording):
                segment.analogsignals.append(part[sample])
            else:
                segment.spiketrains.extend(part[sample])
        block.segments.append(segment)
    return block


def analog_signals(recording: Recording) -> list[Any]:
    """Return one ``AnalogSignal`` per sample of the batch, or a single one if there is no batch."""
    module, pq = needed("neo", "neo", "to_neo()"), needed("quantities", "neo", "to_neo()")
    unit, t = quantity(pq, recording.unit), recording.t
    annotations = {member(recording): recording.index}
    if (gid := recording.gid) is not None:
        annotations["gid"] = gid
    if (cv := recording.cv_index) is not None:
        annotations["cv"] = cv
    values = recording.values
    return [
        module.AnalogSignal(
            table,
            units=unit,
            t_start=(t[0] if len(t) else 0.0) * pq.ms,
            sampling_period=recording.dt * pq.ms,
            name=recording.name,
            description=meaning(recording),
            array_annotations={key: each.copy() for key, each in annotations.items()},
            population=recording._population,
        )
        for table in (values if values.ndim == 3 else values[np.newaxis])
    ]


def spike_trains(spikes: SpikeRecording) -> list[list[Any]]:
    """Return one ``SpikeTrain`` per neuron and, if there is a batch, per sample."""
    module, pq = needed("neo", "neo", "to_neo()"), needed("quantities", "neo", "to_neo()")
    start, stop = spikes._begin() * spikes.dt * pq.ms, spikes._net._sim.steps() * spikes.dt * pq.ms
    found: list[list[Any]] = []
    for times in by_member(spikes):
        trains = []
        for i, t in zip(spikes._index.tolist(), times, strict=True):
            about = {"population": spikes._population, "neuron": i}
            if spikes._first is not None:
                about["gid"] = spikes._first + i
            trains.append(module.SpikeTrain(t, stop, units="ms", t_start=start, name=f"{spikes.name} {i}", **about))
        found.append(trains)
    return found
