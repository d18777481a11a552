"""pynwb finds NWB files valid, and reads the recorded values from them."""

import datetime

import dendrion as dn
import numpy as np
import pynwb
import pytest

from .runs import tables, train


@pytest.fixture
def opened(tmp_path):
    """Return a function that writes recordings, and returns the file as read and validated by pynwb."""
    ios = []

    def write(recordings, **metadata):
        path = tmp_path / f"{len(ios)}.nwb"
        dn.export.nwb(recordings, path, **metadata)
        assert pynwb.validate(path=str(path)) == []
        ios.append(pynwb.NWBHDF5IO(path, "r"))
        return ios[-1].read()

    yield write
    for io in ios:
        io.close()


def test_series(run, opened):
    file = opened([*run.samples, *run.trains])
    for recording in run.samples:
        name = recording.name.replace("/", ".")
        for sample, table in enumerate(tables(recording)):
            series = file.acquisition[f"{name}.sample{sample}" if run.batch else name]
            data = series.data[:]
            assert data.dtype == table.dtype
            np.testing.assert_array_equal(data, table)
            times = series.starting_time + np.arange(len(data)) / series.rate
            np.testing.assert_allclose(times, recording.t / 1000.0, rtol=1e-12)
        columns = file.processing["misc"][f"{name}.columns"].to_dataframe()
        kind = "connection" if recording.name == "syn.w" else "neuron"
        assert columns[kind].tolist() == recording.index.tolist()
        if recording.gid is not None:
            assert columns["gid"].tolist() == recording.gid.tolist()


def test_values_are_converted_to_the_si(single, opened):
    file = opened(single.samples)
    said = {name: (s.unit, s.conversion) for name, s in file.acquisition.items()}
    assert said == {
        "exc.soma.V": ("volts", 1e-3),
        "exc.dend.V": ("volts", 1e-3),
        "inh.soma.V": ("volts", 1e-3),
        "inh.dend.I": ("amperes", 1e-12),
        "exc.ampa.s": ("1", 1.0),
        "exc.pool.Ca": ("mol/m^3", 1e-3),
        "syn.w": ("1", 1.0),
    }
    volts = file.acquisition["exc.soma.V"].get_data_in_units()
    np.testing.assert_allclose(volts, single.v.values * 1e-3, rtol=1e-12)
    assert file.acquisition["exc.soma.V"].description == "membrane potential of exc/soma"


def test_units(run, opened):
    units = opened(run.trains).units
    rows = units.to_dataframe()
    assert len(rows) == (6 + 4 + 12 + 3) * (run.batch or 1)
    by_name = {spikes.name.removesuffix(".spikes"): spikes for spikes in run.trains}
    for k, row in rows.iterrows():
        spikes = by_name[row["population"]]
        seconds = np.array(train(spikes, row["sample"], row["neuron"])) / 1000.0
        np.testing.assert_array_equal(units["spike_times"][k], seconds)
        np.testing.assert_array_equal(units["obs_intervals"][k], [[0.0, run.net.t / 1000.0]])
        populations = {"exc": run.exc, "inh": run.inh}
        own = populations.get(row["population"])
        assert row["gid"] == (-1 if own is None else run.net.gids(own)[row["neuron"]])
    assert units.resolution == 1e-4


def test_one_recording(single, opened, tmp_path):
    single.spikes.to_nwb(tmp_path / "spikes.nwb", lab="here")
    with pynwb.NWBHDF5IO(tmp_path / "spikes.nwb", "r") as io:
        file = io.read()
        assert file.lab == "here"
        assert len(file.units) == 6
        assert not file.acquisition


def test_two_recordings_of_one_name_are_both_there(single, opened):
    file = opened([single.v, single.v])
    assert sorted(file.acquisition) == ["exc.soma.V", "exc.soma.V_1"]
    tables = sorted(name for name in file.processing["misc"].data_interfaces if name != "dendrion")
    assert tables == ["exc.soma.V.columns", "exc.soma.V_1.columns"]


def test_metadata(single, opened):
    start = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.timezone.utc)
    file = opened(
        single.v,
        session_description="a test",
        identifier="one",
        session_start_time=start,
        experimenter=["Ramon y Cajal, Santiago"],
        keywords=["dendrite"],
        subject=pynwb.file.Subject(subject_id="none", species="Mus musculus"),
    )
    assert (file.session_description, file.identifier, file.session_start_time) == ("a test", "one", start)
    assert list(file.experimenter) == ["Ramon y Cajal, Santiago"]
    assert file.subject.species == "Mus musculus"
    assert list(file.was_generated_by[0]) == ["Dendrion", dn.__version__]


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        (
            {"experimentor": "x"},
            dn.ParameterError,
            "no metadata field named 'experimentor'; did you mean 'experimenter'",
        ),
        ({"lab": 3}, dn.ParameterTypeError, "lab"),
        (
            {"session_start_time": datetime.datetime(2026, 1, 1)},
            dn.ParameterError,
            "session_start_time = 2026-01-01 00:00:00: expected a datetime with a time zone",
        ),
    ],
)
def test_metadata_that_nwb_does_not_have(single, tmp_path, metadata, error, message):
    with pytest.raises(error, match=message):
        single.v.to_nwb(tmp_path / "v.nwb", **metadata)
    assert not list(tmp_path.iterdir())


def test_a_file_needs_its_ending(single, tmp_path):
    with pytest.raises(dn.ParameterError, match=r"v\.h5': expected a name that ends in \.nwb"):
        single.v.to_nwb(tmp_path / "v.h5")
