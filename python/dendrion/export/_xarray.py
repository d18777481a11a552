"""Recordings as xarray objects, with named dimensions and units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._extras import needed
from ._meaning import meaning, member
from ._spikes import columns

if TYPE_CHECKING:
    import xarray as xr

    from ..recordings.recording import Recording, SpikeRecording

_ABOUT = {
    "time": {"units": "ms", "long_name": "time"},
    "neuron": {"units": "1", "long_name": "index of the neuron in its population"},
    "connection": {"units": "1", "long_name": "index of the connection, ordered by source and then by target"},
    "gid": {"units": "1", "long_name": "index of the neuron in the whole network"},
    "cv": {"units": "1", "long_name": "control volume of the detailed cell"},
    "sample": {"units": "1", "long_name": "sample of the batch"},
    "t": {"units": "ms", "long_name": "time of the spike"},
    "i": {"units": "1", "long_name": "neuron or source of the spike"},
}


def recording_array(recording: Recording) -> xr.DataArray:
    """Return an array with the dimensions time and neuron; see [Recording.to_xarray][dendrion.Recording.to_xarray]."""
    xarray = needed("xarray", "xarray", "to_xarray()")
    values, column = recording.values, member(recording)
    dims = ("sample", "time", column)[-values.ndim :]
    coords: dict[str, Any] = {"time": _about("time", "time", recording.t)}
    coords[column] = _about(column, column, recording.index)
    if (gid := recording.gid) is not None:
        coords["gid"] = _about(column, "gid", gid)
    if (cv := recording.cv_index) is not None:
        coords["cv"] = _about(column, "cv", cv)
    if values.ndim == 3:
        coords["sample"] = _about("sample", "sample", np.arange(len(values)))
    attrs = {"units": recording.unit, "long_name": meaning(recording), "dt": recording.dt}
    # netCDF and zarr interpret a slash as a group separator.
    name = recording.name.replace("/", ".")
    array: xr.DataArray = xarray.DataArray(values, coords, dims, name, attrs)
    return array


def spike_dataset(spikes: SpikeRecording) -> xr.Dataset:
    """Return spikes along one dimension; see [SpikeRecording.to_xarray][dendrion.SpikeRecording.to_xarray]."""
    xarray = needed("xarray", "xarray", "to_xarray()")
    variables = {name: _about("spike", name, values) for name, values in columns(spikes).items()}
    attrs = {"name": spikes.name, "long_name": f"spikes of {spikes._population}", "size": spikes.size, "dt": spikes.dt}
    dataset: xr.Dataset = xarray.Dataset(variables, attrs=attrs)
    return dataset


def _about(dimension: str, name: str, values: Any) -> tuple[str, Any, dict[str, str]]:
    return dimension, values, dict(_ABOUT[name])
