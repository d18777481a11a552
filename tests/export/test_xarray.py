"""xarray objects have named dimensions, coordinates and units, with bit-identical values."""

import numpy as np
import xarray as xr

from .runs import tables


def test_samples(run):
    for recording in run.samples:
        array = recording.to_xarray()
        column = "connection" if recording.name == "syn.w" else "neuron"
        assert array.dims == (("sample",) if run.batch else ()) + ("time", column)
        assert array.dtype == recording.values.dtype
        np.testing.assert_array_equal(array.values, recording.values)
        np.testing.assert_array_equal(array["time"].values, recording.t)
        np.testing.assert_array_equal(array[column].values, recording.index)
        assert array.attrs["units"] == recording.unit
        assert array["time"].attrs["units"] == "ms"
        assert array.attrs["dt"] == recording.dt


def test_coordinates_select(batched, single):
    some = single.some.to_xarray()
    gid = single.net.gids(single.inh)[1]
    np.testing.assert_array_equal(some.sel(neuron=1).values, single.some.values[:, 1])
    np.testing.assert_array_equal(some.swap_dims(neuron="gid").sel(gid=gid).values, single.some.values[:, 1])
    array = batched.v.to_xarray()
    np.testing.assert_array_equal(array.sel(sample=2, time=slice(1.0, 2.0)).values, tables(batched.v)[2][10:21])
    assert array.attrs["long_name"] == "membrane potential of exc/soma"


def test_spikes(run):
    for spikes in run.trains:
        data = spikes.to_xarray()
        assert data["t"].dims == ("spike",)
        assert data["t"].attrs["units"] == "ms"
        for name in data.data_vars:
            np.testing.assert_array_equal(data[name].values, getattr(spikes, name))
        assert ("gid" in data) == (spikes in (run.spikes, run.inhibitory))
        assert ("sample" in data) == bool(run.batch)
        assert data.attrs["size"] == spikes.size


def test_dictionaries_and_back(single):
    for recording in (single.v, single.weights):
        array = recording.to_xarray()
        assert xr.DataArray.from_dict(array.to_dict()).identical(array)
    data = single.spikes.to_xarray()
    assert xr.Dataset.from_dict(data.to_dict()).identical(data)


def test_names_are_those_of_a_file(single, tmp_path):
    # netCDF rejects a slash in a name, because it separates groups. SciPy writes netCDF 3, without 64-bit integers.
    array = single.v.to_xarray()
    array.to_netcdf(tmp_path / "v.nc", engine="scipy")
    with xr.open_dataarray(tmp_path / "v.nc", engine="scipy") as read:
        np.testing.assert_array_equal(read.values, single.v.values)
        assert read.attrs["units"] == "mV"
