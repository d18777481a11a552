"""Recordings of detailed cells in all formats, with the control volume of each column."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Cell, driven


@pytest.fixture(params=[None, 2])
def recordings(request):
    cells = Cell(2)
    net = driven(cells)
    tree = cells.tree
    v = net.probe(cells.at([tree.at(3, 1.0), tree.at(1, 0.5)]), "V", every=0.1)
    gate = net.probe(cells.ih, "m", every=0.1)
    net.run(2.0, batch=request.param)
    return v, gate


def same(loaded, recording, exact=True):
    assert (loaded.name, loaded.unit, loaded.dt) == (recording.name, recording.unit, recording.dt)
    for name in ("index", "gid", "cv", "t"):
        assert np.array_equal(getattr(loaded, name), getattr(recording, name)), name
    found = np.array_equal if exact else (lambda a, b: np.allclose(a, b, rtol=1e-6))
    assert found(loaded.values, recording.values)


@pytest.mark.parametrize("which", [0, 1])
def test_npz(recordings, which, tmp_path):
    recordings[which].save(tmp_path / "v.npz")
    same(dn.load_recording(tmp_path / "v.npz"), recordings[which])


def test_nwb(recordings, tmp_path):
    pytest.importorskip("pynwb")
    dn.export.nwb(list(recordings), tmp_path / "v.nwb")
    for recording in recordings:
        same(dn.load_recording(tmp_path / "v.nwb", name=recording.name), recording)


def test_sonata_numbers_elements_by_cv(recordings, tmp_path):
    h5py = pytest.importorskip("h5py")
    v = recordings[0]
    v.to_sonata(tmp_path / "v.h5", sample=0 if v.values.ndim == 3 else None)
    with h5py.File(tmp_path / "v.h5") as file:
        mapping = file["report/cell/mapping"]
        assert mapping["node_ids"][:].tolist() == [0, 1]
        assert mapping["index_pointers"][:].tolist() == [0, 2, 4]
        assert mapping["element_ids"][:].tolist() == sorted(v.cv[:2]) * 2
    loaded = dn.load_recording(tmp_path / "v.h5")
    assert loaded.cv.tolist() == v.cv.tolist()
    values = v.values[0] if v.values.ndim == 3 else v.values
    assert np.allclose(loaded.values, values, rtol=1e-6)


def test_sonata_refuses_what_it_cannot_hold(tmp_path):
    pytest.importorskip("h5py")
    cells = Cell(2)
    net = driven(cells)
    twice = net.probe(cells.at(cv=[3, 3]), "V")
    net.run(1.0)
    with pytest.raises(dn.StructureError, match=r"cell\.V: has CV 3 of neuron 0 twice"):
        twice.to_sonata(tmp_path / "v.h5")


def test_zarr(tmp_path):
    pytest.importorskip("zarr")
    cells, twin = Cell(2), Cell(2)
    net, other = driven(cells), driven(twin)
    v = net.probe(cells.at("apical"), "V", to=tmp_path / "run.zarr")
    w = other.probe(twin.at("apical"), "V")
    net.run(2.0)
    other.run(2.0)
    same(v, w)
    same(dn.load_recording(tmp_path / "run.zarr"), w)


def test_tables(recordings):
    pandas, v = pytest.importorskip("pandas"), recordings[0]
    frame = v.to_pandas()
    names = ["neuron", "cv"] if v.values.ndim == 2 else ["sample", "neuron", "cv"]
    assert list(frame.columns.names) == names
    key = (1, int(v.cv[1])) if v.values.ndim == 2 else (1, 1, int(v.cv[1]))
    last = v.values[:, 3] if v.values.ndim == 2 else v.values[1, :, 3]
    assert np.array_equal(frame[key].to_numpy(), last)
    assert isinstance(frame.columns, pandas.MultiIndex)


def test_xarray_and_neo(recordings):
    pytest.importorskip("xarray")
    v = recordings[0]
    assert v.to_xarray()["cv"].values.tolist() == v.cv.tolist()
    pytest.importorskip("neo")
    signals = v.to_neo()
    signal = signals[0] if v.values.ndim == 3 else signals
    assert signal.array_annotations["cv"].tolist() == v.cv.tolist()
