"""Recordings in files of SONATA: spikes, and reports of elements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import ParameterError, StructureError
from ..recordings.recording import FilePath, Recording, SpikeRecording
from ..simulation._settings import whole
from ._extras import needed
from ._given import Recorded, recordings
from ._hdf5 import new_hdf5
from ._hdf5_parts import SONATA_GROUP
from ._sonata_read import describe

#: What each file has, and by which numbers the order of spikes is named.
_MAGIC, _VERSION = 0x0A7A, (0, 1)
_SORTING = {"none": 0, "by_id": 1, "by_time": 2}


def sonata(
    given: Recorded | Iterable[Recorded], path: FilePath, *, overwrite: bool = False, sample: int | None = None
) -> None:
    """Write recordings to a file of SONATA, the format of the Allen Institute and the Blue Brain Project (HDF5).

    Spikes go to ``/spikes/<population>``: ``timestamps`` (ms), sorted by time, and ``node_ids``, the neurons' numbers
    in their population, from 0 on. Values go to a report of elements, ``/report/<population>``: ``data`` of shape
    ``(samples, elements)`` with its unit, in single precision as the format says, and ``mapping``. Recordings of one
    variable in several compartments of a population are elements of one report, numbered in the order given; their
    paths are in an attribute of ``element_ids``. Slashes in names of populations become dots. The group ``/dendrion``
    has what [load_recording][dendrion.load_recording] needs beyond the format.

    Parameters
    ----------
    given : Recording, SpikeRecording or list of them
        What to write.
    path : str or path
        The file, such as ``"spikes.h5"``.
    overwrite : bool
        Replace a file that is there already.
    sample : int, optional
        The sample to write, after runs with a batch: a file holds one.

    Raises
    ------
    StructureError
        Weights, since elements belong to neurons; recordings that do not fit into one report.
    ParameterError
        Recordings of a batch without ``sample``; where there is a file already, or no such folder.
    ImportError
        Without h5py, which ``pip install "dendrion[sonata]"`` brings.
    """
    chosen = recordings("export.sonata", given)
    picked = [_sample(recording, sample) for recording in chosen]
    reports: dict[str, list[tuple[Recording, int]]] = {}
    spikes: dict[str, tuple[SpikeRecording, int]] = {}
    for recording, k in zip(chosen, picked, strict=True):
        if recording._population is None:
            raise StructureError(
                f"{recording.name}: SONATA has no weights of connections over time; expected recordings of neurons, "
                "or to_nwb(), to_xarray() or save()"
            )
        population = recording._population.replace("/", ".")
        if isinstance(recording, Recording):
            reports.setdefault(population, []).append((recording, k))
        elif population in spikes:
            raise StructureError(
                f"{recording.name}: was given twice; a SONATA file has the spikes of a population once"
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
    """Return the sample of a recording to write."""
    batch = recording._batch
    if batch and sample is None:
        raise ParameterError(
            f"{recording.name}: was run with a batch of {batch}, and a SONATA file holds one sample: expected sample = "
            f"0 to {batch - 1}"
        )
    if not batch and sample is not None:
        raise ParameterError(f"{recording.name}: sample = {sample}: was run without a batch; expected None")
    return 0 if sample is None else whole("sample", sample, 0, batch - 1)


def _write_spikes(h5py: Any, group: Any, spikes: SpikeRecording, k: int) -> None:
    step, i = spikes._net._sim.spikes(spikes._id, k)
    group.attrs.create("sorting", _SORTING["by_time"], dtype=h5py.enum_dtype(_SORTING, basetype="u1"))
    t = group.create_dataset("timestamps", data=np.multiply(step, spikes.dt, dtype=np.float64))
    t.attrs["units"] = "ms"
    group.create_dataset("node_ids", data=i.astype(np.uint64))


def _check_report(recordings: list[Recording]) -> None:
    """Raise unless the recordings are one variable of different elements, at the same times."""
    first = recordings[0]
    for other in recordings[1:]:
        a, b = (r.name.rpartition(".")[2] for r in (first, other))
        if (a, first.unit) != (b, other.unit):
            raise StructureError(
                f"{other.name}: a SONATA report has one variable of a population, and {first.name} is another; "
                "expected a file for each"
            )
        if not np.array_equal(first.t, other.t) or first.dt != other.dt:
            raise StructureError(
                f"{other.name}: was not recorded at the times of {first.name}; expected the same in a SONATA report"
            )
    seen: set[tuple[str, int]] = set()
    for recording in recordings:
        for i in recording.index.tolist():
            if (recording.name, i) in seen:
                raise StructureError(f"{recording.name}: has neuron {i} twice; expected each once in a SONATA report")
            seen.add((recording.name, i))


def _write_report(group: Any, report: list[tuple[Recording, int]]) -> dict[int, Any]:
    """Write what was recorded of a population, column by column, by neuron, then element.

    Returns the columns of each recording, by its id.
    """
    paths = list(dict.fromkeys(recording.name.rpartition(".")[0] for recording, _ in report))
    nodes = np.concatenate([recording.index for recording, _ in report])
    elements = np.concatenate(
        [np.full(len(r.index), paths.index(r.name.rpartition(".")[0]), dtype=np.uint32) for r, _ in report]
    )
    order = np.lexsort((elements, nodes))
    tables = [recording.values for recording, _ in report]
    chosen = [table[k] if table.ndim == 3 else table for table, (_, k) in zip(tables, report, strict=True)]
    values = np.concatenate([table.astype(np.float32) for table in chosen], axis=1)[:, order]
    first = report[0][0]
    data = group.create_dataset("data", data=values, chunks=True if values.size else None)
    data.attrs["units"], data.attrs["variable"] = first.unit, first.name.rpartition(".")[2]
    mapping = group.create_group("mapping")
    node_ids, starts = np.unique(nodes[order], return_index=True)
    ids = mapping.create_dataset("node_ids", data=node_ids.astype(np.uint64))
    ids.attrs["sorted"] = np.int8(1)
    pointers = np.append(starts, len(nodes)).astype(np.uint64)
    mapping.create_dataset("index_pointers", data=pointers)
    # The name that the format had first, and that older readers look for.
    mapping["index_pointer"] = mapping["index_pointers"]
    numbers = mapping.create_dataset("element_ids", data=elements[order])
    numbers.attrs["paths"] = paths
    mapping.create_dataset("element_pos", data=np.full(len(nodes), 0.5, dtype=np.float32))
    start = first.t[0] if len(first) else 0.0
    time = mapping.create_dataset("time", data=np.array([start, start + len(first) * first.dt, first.dt]))
    time.attrs["units"] = "ms"
    bounds = np.cumsum([len(recording.index) for recording, _ in report])[:-1]
    places = np.split(np.argsort(order), bounds)
    return {id(recording): columns for (recording, _), columns in zip(report, places, strict=True)}
