"""Recordings in NWB files that Dendrion wrote, as listed in the table ``dendrion``."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .._quoted import counted
from ..errors import ParameterError
from ._archive import Arrays
from ._hdf5_parts import NWB_TABLE, Reader, sample_arrays, spike_arrays, steps_of
from ._nwb_table import NUMBERS, TEXTS
from ._part import Part


def nwb_parts(reader: Reader) -> list[Part]:
    """Return the recordings in Dendrion's table."""
    columns: dict[str, list[Any]] = {name: reader.texts(f"{NWB_TABLE}/{name}") for name in TEXTS}
    columns |= {name: reader.array(f"{NWB_TABLE}/{name}").tolist() for name in NUMBERS}
    if len({len(column) for column in columns.values()}) != 1:
        raise ParameterError(f"{NWB_TABLE}: has columns of different lengths")
    parts = []
    for row in range(len(columns["recording"])):
        about = {name: column[row] for name, column in columns.items()}
        about["name"] = about["recording"]
        read = functools.partial(_spikes if not about["unit"] else _samples, reader, about)
        parts.append(Part(about["key"], about["name"], read))
    return parts


def _samples(reader: Reader, about: dict[str, Any]) -> Arrays:
    key = about["key"]
    table = f"processing/misc/{key}.columns"
    of = "neuron" if reader.has(f"{table}/neuron") else "connection"
    optional = reader.optional(table)
    names = [f"{key}.sample{k}" for k in range(about["batch"])] or [key]
    each = [reader.array(f"acquisition/{name}/data") for name in names]
    if len({(table.shape, table.dtype) for table in each}) != 1:
        raise ParameterError(f"{about['name']}: has samples of different shapes")
    values = np.stack(each) if about["batch"] else each[0]
    if values.ndim < 2:
        raise ParameterError(f"{about['name']}: data have shape {values.shape}; expected (samples, neurons)")
    return sample_arrays(about, reader.array(f"{table}/{of}"), values, optional)


def _spikes(reader: Reader, about: dict[str, Any]) -> Arrays:
    row, members, batch = about["row"], about["members"], about["batch"]
    ends = reader.array("units/spike_times_index").astype(np.int64)
    numbers = reader.array("units/neuron")
    rows = max(batch, 1) * members
    if min(row, members, batch) < 0 or row + rows > min(len(ends), len(numbers)):
        raise ParameterError(
            f"units: has {counted(len(ends), 'row')}; expected at least {row + rows} for {about['name']}"
        )
    bounds = np.append(ends[row - 1] if row else 0, ends[row : row + rows])
    times = reader.array("units/spike_times")
    if (np.diff(bounds) < 0).any() or bounds[0] < 0 or bounds[-1] > len(times):
        raise ParameterError("units: spike_times_index: expected ascending numbers up to the number of spike times")
    at = steps_of("units: spike_times", times[bounds[0] : bounds[-1]] * 1000.0, about["step"])
    who = np.repeat(numbers[row : row + rows], np.diff(bounds))
    trains = []
    for sample in range(max(batch, 1)):
        mine = slice(*(bounds[[sample * members, (sample + 1) * members]] - bounds[0]))
        order = np.lexsort((who[mine], at[mine]))
        trains.append((at[mine][order], who[mine][order]))
    return spike_arrays(about, numbers[row : row + members], trains, batch > 0)
