"""Recordings in SONATA files that Dendrion wrote, as listed in the group ``/dendrion``."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .._quoted import counted
from ..errors import ParameterError
from ..recordings.recording import Recording, SpikeRecording
from ._archive import Arrays
from ._given import Recorded
from ._hdf5_parts import SONATA_GROUP, Reader, sample_arrays, spike_arrays, steps_of
from ._part import Part

_TEXTS, _NUMBERS = ("name", "population", "unit"), ("step", "every", "first", "size", "first_gid", "begin", "steps")


def describe(group: Any, recording: Recorded, columns: Any) -> None:
    """Write information that the format does not define; ``columns`` are the recording's columns in its report."""
    steps = recording._net._sim
    about: dict[str, Any] = dict.fromkeys(_NUMBERS, 0)
    about |= {"name": recording.name, "population": recording._population, "unit": "", "step": recording._net.dt}
    about["first_gid"] = -1
    group.create_dataset("index", data=recording._index)
    if isinstance(recording, SpikeRecording):
        about |= {"size": recording.size, "begin": recording._begin(), "steps": steps.steps()}
        if recording._first is not None:
            about["first_gid"] = recording._first
    elif isinstance(recording, Recording):
        samples = steps.sample_steps(recording._id)
        about |= {"unit": recording.unit, "every": recording._every, "first": int(samples[0]) if len(samples) else 0}
        group.create_dataset("columns", data=np.asarray(columns, dtype=np.uint64))
        for name, each in (("gid", recording.gid), ("cv", recording.cv_index)):
            if each is not None:
                group.create_dataset(name, data=each)
    group.attrs.update(about)


def sonata_parts(reader: Reader) -> list[Part]:
    """Return the recordings in the file."""
    keys = sorted(reader.group(SONATA_GROUP), key=lambda key: (len(key), key))
    parts: list[Part] = []
    for key in keys:
        attributes = reader.group(f"{SONATA_GROUP}/{key}").attrs
        about: dict[str, Any] = {name: str(attributes[name]) for name in _TEXTS}
        about |= {name: attributes[name].item() for name in _NUMBERS}
        read = functools.partial(_spikes if not about["unit"] else _samples, reader, f"{SONATA_GROUP}/{key}", about)
        parts.append(Part(f"{about['name']} ({key})", about["name"], read))
    return parts


def _samples(reader: Reader, path: str, about: dict[str, Any]) -> Arrays:
    report = f"report/{about['population'].replace('/', '.')}"
    data, columns = reader.array(f"{report}/data"), reader.array(f"{path}/columns").astype(np.int64)
    if data.ndim != 2 or ((columns < 0) | (columns >= data.shape[1])).any():
        raise ParameterError(f"{report}: data have shape {data.shape}; expected (samples, columns of {about['name']})")
    return sample_arrays(about, reader.array(f"{path}/index"), data[:, columns], reader.optional(path))


def _spikes(reader: Reader, path: str, about: dict[str, Any]) -> Arrays:
    group = f"spikes/{about['population'].replace('/', '.')}"
    times, who = reader.array(f"{group}/timestamps"), reader.array(f"{group}/node_ids")
    if times.shape != who.shape:
        raise ParameterError(
            f"{group}: has {counted(times.size, 'timestamp')} and {counted(who.size, 'node id')}; expected one of "
            "each per spike"
        )
    at = steps_of(f"{group}/timestamps", times, about["step"])
    return spike_arrays(about, reader.array(f"{path}/index"), [(at, who)], False)
