"""Dendrion's table in NWB files, with information that loading requires but that the format does not define."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..recordings.recording import Recording, SpikeRecording
from ._given import Recorded

#: Names and descriptions of the columns with strings and of those with numbers.
TEXTS = {
    "recording": "name of the recording",
    "key": "name of its time series; for spikes, name of the recording",
    "population": "population or generator; empty for connections",
    "unit": "unit of the values; empty for spikes",
}
NUMBERS = {
    "step": "time step of the simulation (ms)",
    "every": "number of steps between samples",
    "first": "step of the first sample",
    "size": "number of neurons or sources in the population",
    "first_gid": "index of its first neuron in the whole network; -1 for generators and connections",
    "begin": "first step whose spikes were recorded",
    "steps": "number of simulated steps; spikes were recorded before this step",
    "batch": "number of samples in the batch; 0 without a batch",
    "row": "first row in units",
    "members": "number of rows in units for each sample of the batch",
}


def row_of(recording: Recorded, key: str, row: int) -> dict[str, Any]:
    """Return the row for a recording whose spikes start at ``row`` of the units table."""
    found: dict[str, Any] = dict.fromkeys(NUMBERS, 0)
    found |= {"recording": recording.name, "key": key, "population": recording._population or "", "unit": ""}
    found |= {"step": recording._net.dt, "batch": recording._batch, "first_gid": -1}
    sim = recording._net._sim
    if isinstance(recording, SpikeRecording):
        found |= {"size": recording.size, "begin": recording._begin(), "steps": sim.steps()}
        found |= {"row": row, "members": len(recording._index)}
        if recording._first is not None:
            found["first_gid"] = recording._first
    elif isinstance(recording, Recording):
        steps = sim.sample_steps(recording._id)
        found |= {"unit": recording.unit, "every": recording._every, "first": int(steps[0]) if len(steps) else 0}
    return found


def table_of(pynwb: Any, rows: list[dict[str, Any]]) -> Any:
    """Return the table with these rows."""
    columns = []
    for name, description in {**TEXTS, **NUMBERS}.items():
        values: Any = [row[name] for row in rows]
        if name in NUMBERS:
            values = np.array(values, dtype=np.float64 if name == "step" else np.int64)
        columns.append(pynwb.core.VectorData(name=name, description=description, data=values))
    about = "recordings of Dendrion; dendrion.load_recording uses this table"
    return pynwb.core.DynamicTable(name="dendrion", description=about, columns=columns)
