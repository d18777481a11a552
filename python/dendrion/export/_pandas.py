"""Recordings as pandas DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._extras import needed
from ._meaning import member
from ._spikes import columns

if TYPE_CHECKING:
    import pandas as pd

    from ..recordings.recording import Recording, SpikeRecording


def recording_frame(recording: Recording) -> pd.DataFrame:
    """Return a table of samples by neurons; see [Recording.to_pandas][dendrion.Recording.to_pandas]."""
    pd = needed("pandas", "pandas", "to_pandas()")
    values, index = recording.values, recording.index
    if values.ndim == 3:
        batch, samples, _ = values.shape
        labels = pd.MultiIndex.from_product([range(batch), index], names=["sample", member(recording)])
        values = values.transpose(1, 0, 2).reshape(samples, len(labels))
    else:
        labels = pd.Index(index, name=member(recording))
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
