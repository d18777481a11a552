"""Saving of recordings to NumPy archives (npz), without pickle."""

from __future__ import annotations

import numpy as np

from ..recordings.recording import FilePath, Recording, SpikeRecording
from ._archive import Arrays, write_arrays
from ._files import new_file
from ._layout import SAMPLES, SPIKES, VERSION


def save(recording: Recording | SpikeRecording, path: FilePath, *, overwrite: bool) -> None:
    """Write a recording; see [Recording.save][dendrion.Recording.save]."""
    arrays = _samples(recording) if isinstance(recording, Recording) else _spikes(recording)
    with new_file("save", path, overwrite) as partial:
        write_arrays(partial, arrays)


def _common(recording: Recording | SpikeRecording, kind: str) -> Arrays:
    return {
        "format": np.array(kind),
        "version": np.array(VERSION),
        "name": np.array(recording.name),
        "population": np.array(recording._population or ""),
        "index": recording._index,
        "step": np.array(recording._net.dt),
        "t": recording.t,
    }


def _samples(recording: Recording) -> Arrays:
    arrays = _common(recording, SAMPLES)
    steps = recording._net._sim.sample_steps(recording._id)
    arrays["values"] = recording.values
    arrays["unit"] = np.array(recording.unit)
    arrays["first"] = np.array(int(steps[0]) if len(steps) else 0)
    arrays["every"] = np.array(recording._every)
    if (gid := recording.gid) is not None:
        arrays["gid"] = gid
    if (cv := recording.cv_index) is not None:
        arrays["cv"] = cv
    return arrays


def _spikes(spikes: SpikeRecording) -> Arrays:
    arrays = _common(spikes, SPIKES)
    arrays["i"] = spikes.i
    arrays["size"] = np.array(spikes.size)
    arrays["begin"] = np.array(spikes._begin())
    arrays["steps"] = np.array(spikes._net._sim.steps())
    if spikes._first is not None:
        arrays["first_gid"] = np.array(spikes._first)
    if spikes._batch:
        arrays["spikes_per_sample"] = np.bincount(spikes.sample, minlength=spikes._batch)
    return arrays
