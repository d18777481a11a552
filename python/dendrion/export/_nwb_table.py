"""Dendrion's table in files of NWB: what the format has no place for, so that recordings can be read again."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..recordings.recording import Recording, SpikeRecording
from ._given import Recorded

#: Columns of texts and of numbers, with what they are.
TEXTS = {
    "recording": "name of the recording",
    "key": "name of its time series; for spikes that of the recording",
    "population": "population or generator; empty for connections",
    "unit": "unit of the values; empty for spikes",
}
NUMBERS = {
    "step": "time step of the simulation (ms)",
    "every": "steps between samples",
    "first": "step of the first sample",
    "size": "neurons or sources in the population",
    "first_gid": "number of its first neuron in the whole network; -1 for none",
    "begin": "step from which on all spikes were recorded",
    "steps": "step before which all spikes were recorded",
    "batch": "samples of the batch; 0 without one",
    "row": "first row in units",
    "members": "rows in units for each sample of the batch",
}


def row_of(recording: Recorded, key: str, row: int) -> dict[str, Any]:
    """Return the row of a recording, whose spikes are in units from a row on."""
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
    """Return the table."""
    columns = []
    for name, description in {**TEXTS, **NUMBERS}.items():
        values: Any = [row[name] for row in rows]
        if name in NUMBERS:
            values = np.array(values, dtype=np.float64 if name == "step" else np.int64)
        columns.append(pynwb.core.VectorData(name=name, description=description, data=values))
    about = "what Dendrion recorded; dendrion.load_recording reads recordings by this table"
    return pynwb.core.DynamicTable(name="dendrion", description=about, columns=columns)
