"""Recordings in SONATA files: spikes, and element reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError, StructureError
from ..recordings.recording import FilePath, Recording, SpikeRecording
from ..simulation._settings import whole
from ._extras import needed
from ._given import Recorded, recordings
from ._hdf5 import new_hdf5
from ._hdf5_parts import SONATA_GROUP
from ._places import places
from ._sonata_read import describe

#: Number of values that are written at a time.
_BLOCK = 1 << 22
#: Magic number and version of the format, and the codes of the sort orders of spikes.
_MAGIC, _VERSION = 0x0A7A, (0, 1)
_SORTING = {"none": 0, "by_id": 1, "by_time": 2}


def sonata(
    given: Recorded | Iterable[Recorded], path: FilePath, *, overwrite: bool = False, sample: int | None = None
) -> None:
    """Write recordings to a SONATA file, the HDF5 format of the Allen Institute and the Blue Brain Project.

    Spikes are written to ``/spikes/<population>``: ``timestamps`` (ms), sorted by time, and ``node_ids``, the indices
    of the neurons in their population. Values are written to an element report, ``/report/<population>``: ``data`` of
    shape ``(samples, elements)`` with its unit, in single precision as the format requires, and ``mapping``. Recordings
    of the same variable in several compartments of a population become elements of one report, numbered in the order in
    which they are passed; an attribute of ``element_ids`` lists their paths. Elements of detailed cells are numbered by
    control volume. Slashes in population names become dots.
    The group ``/dendrion`` contains the additional information that [load_recording][dendrion.load_recording] needs.

    Parameters
    ----------
    given : Recording, SpikeRecording or list of them
        The recordings to write.
    path : str or path
        Path of the file, such as ``"spikes.h5"``.
    overwrite : bool
        Whether to replace an existing file.
    sample : int, optional
        The sample of a batch to write, because a file contains only one sample. Required if the recordings have a
        batch.

    Raises
    ------
    StructureError
        If a recording has weights, which SONATA cannot store, or if recordings do not fit into one report.
    ParameterError
        If recordings have a batch and ``sample`` is missing, the file exists already, or its folder does not exist.
    ImportError
        If h5py is missing; install it with ``pip install "dendrion[sonata]"``.
    """
    chosen = recordings("export.sonata", given)
    picked = [_sample(recording, sample) for recording in chosen]
    reports: dict[str, list[tuple[Recording, int]]] = {}
    spikes: dict[str, tuple[SpikeRecording, int]] = {}
    for recording, k in zip(chosen, picked, strict=True):
        if recording._population is None:
            raise StructureError(
                f"{recording.name}: SONATA cannot store weights of connections over time; use to_nwb(), to_xarray() or "
                "save()"
            )
        population = recording._population.replace("/", ".")
        if isinstance(recording, Recording):
            reports.setdefault(population, []).append((recording, k))
        elif population in spikes:
            raise StructureError(
                f"{recording.name}: was passed twice; a SONATA file can store the spikes of a population only once"
            )
        else:
            spikes[population] = recording, k
    for report in reports.values():
        _check_report([recording for recording, _ in report])
    h5py = needed("h5py", "sonata", "export.sonata")
    with new_hdf5("export.sonata", path, overwrite, "sonata") as file:
        file.attrs["magic"] = np.uint32(_MAGIC)
        file.attrs["version"] = np.array(_VERSION, dtype=np.uint32)
        for population, (recording, k) in spikes.items():
            _write_spikes(h5py, file.create_group(f"spikes/{population}"), recording, k)
        places: dict[int, Any] = {}
        for population, report in reports.items():
            places |= _write_report(file.create_group(f"report/{population}"), report)
        for k, recording in enumerate(chosen):
            describe(file.create_group(f"{SONATA_GROUP}/{k}"), recording, places.get(id(recording)))


def _sample(recording: Recorded, sample: int | None) -> int:
    """Return the index of the sample to write."""
    batch = recording._batch
    if batch and sample is None:
        raise ParameterError(
            f"{recording.name}: has a batch of {batch}, but a SONATA file can store only one; pass sample= with a "
            f"number from 0 to {batch - 1}"
        )
    if not batch and sample is not None:
        raise ParameterError(f"{recording.name}: sample = {sample}: the recording has no batch; expected sample = None")
    return 0 if sample is None else whole("sample", sample, 0, batch - 1)


def _write_spikes(h5py: Any, group: Any, spikes: SpikeRecording, k: int) -> None:
    step, i = spikes._net._sim.spikes(spikes._id, k)
    group.attrs.create("sorting", _SORTING["by_time"], dtype=h5py.enum_dtype(_SORTING, basetype="u1"))
    t = group.create_dataset("timestamps", data=np.multiply(step, spikes.dt, dtype=np.float64))
    t.attrs["units"] = "ms"
    group.create_dataset("node_ids", data=i.astype(np.uint64))


def _check_report(recordings: list[Recording]) -> None:
    """Raise an error unless the recordings have the same variable and times, and different elements."""
    first = recordings[0]
    for other in recordings[1:]:
        a, b = (r.name.rpartition(".")[2] for r in (first, other))
        if (a, first.unit) != (b, other.unit):
            raise StructureError(
                f"{other.name}: differs from {first.name}; a SONATA report stores one variable per population, so "
                "write them to separate files"
            )
        if not np.array_equal(first.t, other.t) or first.dt != other.dt:
            raise StructureError(
                f"{other.name}: sample times differ from those of {first.name}; a SONATA report requires equal times"
            )
    if any(recording.cv_index is None for recording in recordings) != all(
        recording.cv_index is None for recording in recordings
    ):
        raise StructureError(
            f"{first.name}: a SONATA report cannot contain control volumes together with other elements; write them to "
            "separate files"
        )
    seen: set[tuple[str, int, int]] = set()
    for recording in recordings:
        cvs = [-1] * len(recording.index) if recording.cv_index is None else recording.cv_index.tolist()
        for i, cv in zip(recording.index.tolist(), cvs, strict=True):
            key = recording.name if cv < 0 else "", i, cv
            if key in seen:
                what = f"neuron {i}" if cv < 0 else f"CV {cv} of neuron {i}"
                raise StructureError(f"{recording.name}: contains {what} twice; a SONATA report can store it only once")
            seen.add(key)


def _elements(recording: Recording, paths: list[str]) -> NDArray[np.uint32]:
    """Return the element id of each column: the id of a compartment, or the control volume of a detailed cell."""
    if recording.cv_index is not None:
        return recording.cv_index.astype(np.uint32)
    return np.full(len(recording.index), paths.index(recording.name.rpartition(".")[0]), dtype=np.uint32)


def _write_values(group: Any, tables: list[NDArray[np.floating[Any]]], order: NDArray[np.int64]) -> Any:
    """Write the columns of tables in an order. Ctrl-C takes effect between two blocks of rows."""
    shape = (len(tables[0]), len(order))
    chunks = True if min(shape) > 0 else None
    data = group.create_dataset("data", shape=shape, dtype=np.float32, chunks=chunks)
    # Whole chunks are written, because HDF5 would read partial ones again.
    height = data.chunks[0] if data.chunks else 1
    rows = height * max(1, _BLOCK // (height * max(shape[1], 1)))
    for k in range(0, shape[0] if chunks else 0, rows):
        block = [table[k : k + rows].astype(np.float32) for table in tables]
        data[k : k + rows] = np.concatenate(block, axis=1)[:, order]
    return data


def _write_report(group: Any, report: list[tuple[Recording, int]]) -> dict[int, Any]:
    """Write the report of a population, with columns sorted by neuron and then by element.

    Return the columns of each recording, keyed by the ``id`` of the recording.
    """
    paths = list(dict.fromkeys(recording.name.rpartition(".")[0] for recording, _ in report))
    nodes = np.concatenate([recording.index for recording, _ in report])
    elements = np.concatenate([_elements(recording, paths) for recording, _ in report])
    order = np.lexsort((elements, nodes))
    tables = [recording.values for recording, _ in report]
    chosen = [table[k] if table.ndim == 3 else table for table, (_, k) in zip(tables, report, strict=True)]
    first = report[0][0]
    data = _write_values(group, chosen, order)
    data.attrs["units"], data.attrs["variable"] = first.unit, first.name.rpartition(".")[2]
    mapping = group.create_group("mapping")
    node_ids, starts = np.unique(nodes[order], return_index=True)
    ids = mapping.create_dataset("node_ids", data=node_ids.astype(np.uint64))
    ids.attrs["sorted"] = np.int8(1)
    pointers = np.append(starts, len(nodes)).astype(np.uint64)
    mapping.create_dataset("index_pointers", data=pointers)
    # The specification originally used this name, and older readers expect it.
    mapping["index_pointer"] = mapping["index_pointers"]
    numbers = mapping.create_dataset("element_ids", data=elements[order])
    if report[0][0].cv_index is None:
        numbers.attrs["paths"] = paths
    _add_places(mapping, [recording for recording, _ in report], order)
    # Values are those of the middle of each element.
    mapping.create_dataset("element_pos", data=np.full(len(nodes), 0.5, dtype=np.float32))
    start = first.t[0] if len(first) else 0.0
    time = mapping.create_dataset("time", data=np.array([start, start + len(first) * first.dt, first.dt]))
    time.attrs["units"] = "ms"
    bounds = np.cumsum([len(recording.index) for recording, _ in report])[:-1]
    places = np.split(np.argsort(order), bounds)
    return {id(recording): columns for (recording, _), columns in zip(report, places, strict=True)}


def _add_places(mapping: Any, report: list[Recording], order: NDArray[np.int64]) -> None:
    """Write the positions of the elements of detailed cells, if all are known."""
    each = [places(recording) for recording in report]
    if not all(each):
        return
    for columns in zip(*each, strict=True):
        name, unit, about, _ = columns[0]
        values = np.concatenate([column.values for column in columns])[order]
        written = mapping.create_dataset(f"element_{name}", data=values)
        written.attrs["description"] = about
        if unit:
            written.attrs["units"] = unit
