"""Recordings in Neurodata Without Borders (NWB) files, written by pynwb."""

from __future__ import annotations

import datetime
import uuid
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import _core
from .._quoted import quoted
from .._suggest import hint
from ..errors import ParameterError, ParameterTypeError
from ..modules.module import unused
from ..recordings.recording import FilePath, Recording, SpikeRecording
from ._extras import needed
from ._given import Recorded, recordings
from ._hdf5 import new_hdf5
from ._meaning import meaning, member
from ._nwb_table import row_of, table_of
from ._places import places
from ._spikes import by_member
from ._units import si

#: Session metadata for which ``nwb`` has no separate parameters.
_METADATA = (
    "experimenter",
    "experiment_description",
    "session_id",
    "institution",
    "keywords",
    "notes",
    "pharmacology",
    "protocol",
    "related_publications",
    "source_script",
    "source_script_file_name",
    "data_collection",
    "stimulus_notes",
    "lab",
    "subject",
    "timestamps_reference_time",
)


def nwb(
    given: Recorded | Iterable[Recorded],
    path: FilePath,
    *,
    overwrite: bool = False,
    session_description: str | None = None,
    identifier: str | None = None,
    session_start_time: datetime.datetime | None = None,
    **metadata: Any,
) -> None:
    """Write recordings to a Neurodata Without Borders (NWB) file.

    Each [Recording][dendrion.Recording] becomes a ``TimeSeries`` of shape ``(samples, neurons)`` in ``acquisition``.
    Its name has dots instead of slashes (``pyramidal.soma.V``). With a batch there is one time series per sample
    (``pyramidal.soma.V.sample0``). Values are stored as recorded. Multiplying them by ``conversion`` converts them to
    the SI unit in ``unit``. The table ``pyramidal.soma.V.columns`` in the processing module ``misc`` lists the neuron
    and the ``gid`` of each column and, for detailed cells, its control volume (``cv``), the section and the position
    along it (``x``, from 0 to 1), the path length from the soma (``distance``, um) and the coordinates (``position``,
    um).

    All spike recordings share the table ``units``, with one row per neuron and sample, including silent neurons. Its
    columns are the spike times and the observation interval (s), ``population``, ``neuron``, ``gid`` (-1 for sources of
    generators) and ``sample``.

    The table ``dendrion`` in ``misc`` contains the additional information that
    [load_recording][dendrion.load_recording] needs.

    Parameters
    ----------
    given : Recording, SpikeRecording or list of them
        The recordings to write.
    path : str or path
        Path of the file, ending in ``.nwb``.
    overwrite : bool
        Whether to replace an existing file.
    session_description : str, optional
        Description of the session. By default it names Dendrion and its version.
    identifier : str, optional
        Globally unique identifier; random by default.
    session_start_time : datetime, optional
        Date and time, with a time zone, that correspond to t = 0. Defaults to the current time.
    **metadata
        Additional arguments of ``pynwb.NWBFile``, such as ``experimenter``, ``lab``, ``institution``, ``keywords``,
        ``notes``, ``subject``.

    Raises
    ------
    ParameterError
        If the file exists already, its folder does not exist, or NWB does not support an item of metadata.
    ImportError
        If pynwb is missing; install it with ``pip install "dendrion[nwb]"``.
    """
    chosen = recordings("export.nwb", given)
    for name in metadata:
        if name not in _METADATA:
            raise ParameterError(f"export.nwb: no metadata field named {quoted(name)}{hint(name, list(_METADATA))}")
    pynwb = needed("pynwb", "nwb", "export.nwb")
    about = {
        "session_description": session_description or f"simulation with Dendrion {_core.__version__}",
        "identifier": identifier or str(uuid.uuid4()),
        "session_start_time": session_start_time or datetime.datetime.now(datetime.timezone.utc),
        **metadata,
    }
    with new_hdf5("export.nwb", path, overwrite, "nwb", ".nwb") as opened:
        file = _file(pynwb, about)
        # "misc" is one of the names that the format recommends.
        module = file.create_processing_module("misc", "columns of the time series, and Dendrion's table of recordings")
        samples = [r for r in chosen if isinstance(r, Recording)]
        spikes = [r for r in chosen if isinstance(r, SpikeRecording)]
        keys = _names(chosen)
        _add_series(pynwb, file, module, dict(zip(keys, samples, strict=False)))
        if spikes:
            file.units = _units(pynwb, spikes)
        ends = np.cumsum([max(r._batch, 1) * len(r._index) for r in spikes]).tolist()
        rows = [*[0] * (len(samples) + bool(spikes)), *ends[:-1]]
        ordered: list[Recorded] = [*samples, *spikes]
        table = [row_of(r, key, row) for r, key, row in zip(ordered, keys, rows, strict=True)]
        module.add(table_of(pynwb, table))
        with warnings.catch_warnings():
            # pynwb 3 warns because it cannot check the suffix of a path when it gets an open file.
            warnings.filterwarnings("ignore", "The file path provided: None")
            with pynwb.NWBHDF5IO(file=opened, mode="w") as io:
                io.write(file)


def _file(pynwb: Any, about: dict[str, Any]) -> Any:
    start = about["session_start_time"]
    if isinstance(start, datetime.datetime) and start.tzinfo is None:
        raise ParameterError(f"export.nwb: session_start_time = {start}: expected a datetime with a time zone")
    try:
        return pynwb.NWBFile(**about, was_generated_by=[["Dendrion", _core.__version__]])
    except TypeError as error:
        raise ParameterTypeError(f"export.nwb: {error}") from error
    except ValueError as error:
        raise ParameterError(f"export.nwb: {error}") from error


def _names(chosen: list[Recorded]) -> list[str]:
    """Return a name within the file for each recording; state recordings come first."""
    names: dict[str, None] = {"dendrion": None}
    numbers: dict[str, int] = {}
    for recording in sorted(chosen, key=lambda r: isinstance(r, SpikeRecording)):
        base = recording.name.replace("/", ".").replace(":", "_")
        names[unused(base, names.__contains__, numbers)] = None
    return list(names)[1:]


def _add_series(pynwb: Any, file: Any, module: Any, chosen: dict[str, Recording]) -> None:
    """Add the time series of each recording, and a table that describes their columns."""
    for name, recording in chosen.items():
        values = recording.values
        if values.ndim == 2:
            file.add_acquisition(_series(pynwb, name, meaning(recording), values, recording))
        else:
            for sample, table in enumerate(values):
                about = f"{meaning(recording)}, sample {sample} of a batch"
                file.add_acquisition(_series(pynwb, f"{name}.sample{sample}", about, table, recording))
        module.add(_columns(pynwb, name, recording))


def _series(pynwb: Any, name: str, description: str, table: Any, recording: Recording) -> Any:
    unit, conversion = si(recording.unit)
    t = recording.t
    return pynwb.TimeSeries(
        name=name,
        description=description,
        comments=f"Recorded in {recording.unit} every {recording.dt:g} ms by a probe of {recording.name}.",
        data=table,
        unit=unit,
        conversion=conversion,
        starting_time=float(t[0]) / 1000.0 if len(t) else 0.0,
        rate=1000.0 / recording.dt,
    )


def _columns(pynwb: Any, name: str, recording: Recording) -> Any:
    """Return a table that describes the columns of a recording."""
    of = member(recording)
    about = {
        "neuron": "index in its population",
        "connection": "index of the connection, ordered by source and then by target",
    }
    columns = [_column(pynwb, of, about[of], recording.index)]
    if (gid := recording.gid) is not None:
        columns.append(_column(pynwb, "gid", "index of the neuron in the whole network", gid))
    if (cv := recording.cv_index) is not None:
        columns.append(_column(pynwb, "cv", "control volume of the detailed cell", cv))
    for place in places(recording):
        unit = f" ({place.unit})" if place.unit else ""
        columns.append(_column(pynwb, place.name, f"{place.about}{unit}", place.values))
    description = f"columns of {recording.name}" + (f", in {recording._population}" if recording._population else "")
    return pynwb.core.DynamicTable(name=f"{name}.columns", description=description, columns=columns)


def _units(pynwb: Any, spikes: list[SpikeRecording]) -> Any:
    """Return the units table, which contains all spikes."""
    times: list[Any] = []
    rows: dict[str, list[Any]] = {"population": [], "neuron": [], "gid": [], "sample": []}
    observed: list[Any] = []
    for recording in spikes:
        begin, end = recording._begin(), recording._net._sim.steps()
        for sample, trains in enumerate(by_member(recording)):
            times += trains
            rows["population"] += [recording._population] * len(trains)
            rows["neuron"] += recording._index.tolist()
            first = recording._first
            rows["gid"] += [-1] * len(trains) if first is None else (first + recording._index).tolist()
            rows["sample"] += [sample] * len(trains)
            observed += [(begin * recording.dt / 1000.0, end * recording.dt / 1000.0)] * len(trains)
    about = {
        "population": "population or generator",
        "neuron": "index in its population",
        "gid": "index of the neuron in the whole network; -1 for sources of generators",
        "sample": "sample of the batch; 0 without a batch",
    }
    types = {"population": object, "neuron": np.int64, "gid": np.int64, "sample": np.int64}
    flat = np.concatenate([np.empty(0), *times]) / 1000.0
    columns = [
        *_ragged(pynwb, "spike_times", "time of each spike (s)", flat, np.cumsum([len(t) for t in times])),
        *_ragged(
            pynwb,
            "obs_intervals",
            "interval in which all spikes were recorded (s)",
            np.array(observed, dtype=np.float64).reshape(-1, 2),
            np.arange(1, len(times) + 1),
        ),
        *(_column(pynwb, name, about[name], np.array(values, dtype=types[name])) for name, values in rows.items()),
    ]
    steps = {recording.dt for recording in spikes}
    resolution = steps.pop() / 1000.0 if len(steps) == 1 else None
    description = "spikes of neurons and generators, with one row per neuron and sample of a batch"
    return pynwb.misc.Units(name="units", description=description, columns=columns, resolution=resolution)


def _column(pynwb: Any, name: str, description: str, values: Any) -> Any:
    return pynwb.core.VectorData(name=name, description=description, data=values)


def _ragged(pynwb: Any, name: str, description: str, values: Any, ends: Any) -> list[Any]:
    """Return a column whose rows have different lengths, and the column of their ends."""
    data = _column(pynwb, name, description, values)
    return [data, pynwb.core.VectorIndex(name=f"{name}_index", target=data, data=ends.astype(np.uint64))]
