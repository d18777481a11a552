"""Recordings as pandas DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._extras import needed
from ._meaning import member
from ._spikes import columns

if TYPE_CHECKING:
    import pandas as pd

    from ..recordings.recording import Recording, SpikeRecording


def recording_frame(recording: Recording) -> pd.DataFrame:
    """Return a table with one row per sample; see [Recording.to_pandas][dendrion.Recording.to_pandas]."""
    pd = needed("pandas", "pandas", "to_pandas()")
    values, levels = recording.values, {member(recording): recording.index}
    if recording.cv_index is not None:
        levels["cv"] = recording.cv_index
    if values.ndim == 3:
        batch, samples, count = values.shape
        levels = {"sample": np.repeat(np.arange(batch), count)} | {k: np.tile(v, batch) for k, v in levels.items()}
        values = values.transpose(1, 0, 2).reshape(samples, batch * count)
    names, arrays = list(levels), list(levels.values())
    labels = pd.Index(arrays[0], name=names[0]) if len(arrays) == 1 else pd.MultiIndex.from_arrays(arrays, names=names)
    frame = pd.DataFrame(values, index=pd.Index(recording.t, name="time (ms)"), columns=labels)
    frame.attrs.update(name=recording.name, unit=recording.unit, dt=recording.dt)
    if (gid := recording.gid) is not None:
        # Store a list, because pandas compares attributes with ==, which is ambiguous for arrays.
        frame.attrs["gid"] = gid.tolist()
    return frame


def spike_frame(spikes: SpikeRecording) -> pd.DataFrame:
    """Return a table with one row per spike; see [SpikeRecording.to_pandas][dendrion.SpikeRecording.to_pandas]."""
    pd = needed("pandas", "pandas", "to_pandas()")
    frame = pd.DataFrame(columns(spikes))
    frame.attrs.update(name=spikes.name, units={"t": "ms"}, size=spikes.size, dt=spikes.dt)
    return frame
