"""Archives that ``save`` wrote are loaded bit-identically by load_recording, and by NumPy without pickle."""

import dendrion as dn
import numpy as np
import pytest


@pytest.fixture
def loaded(tmp_path):
    """Return a function that saves a recording and loads it."""

    def again(recording):
        recording.save(tmp_path / "saved.npz", overwrite=True)
        return dn.load_recording(tmp_path / "saved.npz")

    return again


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert a.tobytes() == b.tobytes()


def test_samples(run, loaded):
    for recording in run.samples:
        found = loaded(recording)
        assert isinstance(found, dn.Recording)
        assert [getattr(found, n) for n in ("name", "unit", "dt")] == [recording.name, recording.unit, recording.dt]
        for name in ("t", "values", "index"):
            same(getattr(found, name), getattr(recording, name))
        assert (found.gid is None) == (recording.gid is None)
        assert found.gid is None or found.gid.tolist() == recording.gid.tolist()
        assert len(found) == len(recording)


def test_spikes(run, loaded):
    for spikes in run.trains:
        found = loaded(spikes)
        assert isinstance(found, dn.SpikeRecording)
        assert [found.name, found.dt, found.size] == [spikes.name, spikes.dt, spikes.size]
        for name in ("t", "i", "sample"):
            same(getattr(found, name), getattr(spikes, name))
        same(found.dense(), spikes.dense())
        same(found.counts(), spikes.counts())


def test_numbers_in_the_network(single, loaded):
    np.testing.assert_array_equal(loaded(single.spikes).gid, single.spikes.gid)
    with pytest.raises(dn.StructureError, match=r"noise\.spikes: gid: sources of generators have no gid"):
        _ = loaded(single.generated).gid


def test_exporters_do_the_same(run, loaded, tmp_path):
    for recording in [*run.samples, *run.trains]:
        found = loaded(recording)
        assert found.to_pandas().equals(recording.to_pandas())
        assert found.to_xarray().identical(recording.to_xarray())
        assert repr(found.to_neo()) == repr(recording.to_neo())
        found.save(tmp_path / "again.npz", overwrite=True)
        assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "saved.npz").read_bytes()


def test_several_loaded_ones_go_into_one_file(batched, loaded, tmp_path):
    chosen = [loaded(r) for r in (batched.v, batched.spikes)]
    dn.export.nwb(chosen, tmp_path / "all.nwb")
    dn.export.sonata(chosen, tmp_path / "all.h5", sample=2)
    assert len(dn.export.neo(chosen).segments) == 3


def test_a_loaded_recording_is_detached(single, loaded):
    net = single.net.__class__([cell := single.exc.__class__(2, "cell")])
    v = net.probe(cell.soma, "V")
    net.run(1.0)
    found, before = loaded(v), v.values
    net.run(1.0)
    with pytest.raises(ValueError, match="read-only"):
        found.values[:] = 0.0
    same(found.values, before)
    run = net.run(1.0, grad=True)
    with pytest.raises(dn.ParameterTypeError, match="expected a probe of the network that produced this run"):
        run.backward({found: np.ones((10, 2))})


def test_numpy_reads_it(single, tmp_path):
    single.some.save(tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as arrays:
        same(arrays["values"], single.some.values)
        same(arrays["t"], single.some.t)
        assert (str(arrays["name"]), str(arrays["unit"])) == ("inh/soma.V", "mV")
        assert arrays["index"].tolist() == [3, 1]
    single.spikes.save(tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz", allow_pickle=False) as arrays:
        same(arrays["t"], single.spikes.t)
        same(arrays["i"], single.spikes.i)


def test_the_same_recording_gives_the_same_bytes(single, tmp_path):
    for name in ("a", "b"):
        single.spikes.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
