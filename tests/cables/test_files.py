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
    for name in ("index", "gid", "cv_index", "t"):
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
        assert mapping["element_ids"][:].tolist() == sorted(v.cv_index[:2]) * 2
    loaded = dn.load_recording(tmp_path / "v.h5")
    assert loaded.cv_index.tolist() == v.cv_index.tolist()
    values = v.values[0] if v.values.ndim == 3 else v.values
    assert np.allclose(loaded.values, values, rtol=1e-6)


def centres(v):
    """Return the position of the control volume of each column."""
    (cells,) = [m for m in v._owner().modules if isinstance(m, dn.CableNeuron)]
    cvs = cells.cvs
    return cvs, np.array([cells.tree.position(dn.Location(int(cvs.section[k]), float(cvs.x[k]))) for k in v.cv_index])


def everywhere():
    cells = Cell(2)
    net = driven(cells)
    v = net.probe(cells.at("all"), "V", every=0.1)
    net.run(1.0)
    return net, v


def test_nwb_contains_positions(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    _net, v = everywhere()
    v.to_nwb(tmp_path / "v.nwb")
    cvs, expected = centres(v)
    with pynwb.NWBHDF5IO(tmp_path / "v.nwb", "r") as io:
        table = io.read().processing["misc"]["cell.V.columns"]
        assert table["cv"][:].tolist() == v.cv_index.tolist()
        assert np.array_equal(table["section"][:], cvs.section[v.cv_index])
        assert np.array_equal(table["x"][:], cvs.x[v.cv_index])
        assert np.array_equal(table["distance"][:], cvs.distance[v.cv_index])
        assert np.array_equal(table["position"][:], expected)
        assert "(um)" in table["position"].description
    loaded = dn.load_recording(tmp_path / "v.nwb")
    same(loaded, v)
    # Without a network, positions are not known.
    loaded.to_nwb(tmp_path / "w.nwb")
    same(dn.load_recording(tmp_path / "w.nwb"), v)


def test_sonata_contains_positions(tmp_path):
    h5py, libsonata = pytest.importorskip("h5py"), pytest.importorskip("libsonata")
    net, v = everywhere()
    v.to_sonata(tmp_path / "v.h5")
    cvs, expected = centres(v)
    with h5py.File(tmp_path / "v.h5") as file:
        mapping = file["report/cell/mapping"]
        assert np.array_equal(mapping["element_ids"], v.cv_index)
        assert np.array_equal(mapping["element_section"], cvs.section[v.cv_index])
        assert np.array_equal(mapping["element_x"], cvs.x[v.cv_index])
        assert np.array_equal(mapping["element_distance"], cvs.distance[v.cv_index])
        assert np.array_equal(mapping["element_position"], expected)
        assert mapping["element_position"].attrs["units"] == "um"
        assert (mapping["element_pos"][:] == 0.5).all()
    population = libsonata.ElementReportReader(str(tmp_path / "v.h5"))["cell"]
    frame = population.get(node_ids=[1], tstart=0.0, tstop=1.0)
    assert np.array_equal(np.array(frame.ids), [(1, cv) for cv in range(len(cvs))])
    assert np.allclose(frame.data, v.values[:, v.index == 1], rtol=1e-6)
    # A report of two recordings, whose elements are sorted.
    site = net["cell"].at(cv=[5, 2])
    w, u = net.probe(site, "V"), net.probe(net["cell"].at(cv=[3]), "V")
    net.run(1.0)
    dn.export.sonata([w, u], tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5") as file:
        mapping = file["report/cell/mapping"]
        assert mapping["element_ids"][:].tolist() == [2, 3, 5] * 2
        assert np.array_equal(mapping["element_x"], cvs.x[[2, 3, 5] * 2])


def test_sonata_refuses_what_it_cannot_hold(tmp_path):
    pytest.importorskip("h5py")
    cells = Cell(2)
    net = driven(cells)
    twice = net.probe(cells.at(cv=[3, 3]), "V")
    net.run(1.0)
    with pytest.raises(dn.StructureError, match=r"cell\.V: contains CV 3 of neuron 0 twice"):
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
    key = (1, int(v.cv_index[1])) if v.values.ndim == 2 else (1, 1, int(v.cv_index[1]))
    last = v.values[:, 3] if v.values.ndim == 2 else v.values[1, :, 3]
    assert np.array_equal(frame[key].to_numpy(), last)
    assert isinstance(frame.columns, pandas.MultiIndex)


def test_xarray_and_neo(recordings):
    pytest.importorskip("xarray")
    v = recordings[0]
    assert v.to_xarray()["cv"].values.tolist() == v.cv_index.tolist()
    pytest.importorskip("neo")
    signals = v.to_neo()
    signal = signals[0] if v.values.ndim == 3 else signals
    assert signal.array_annotations["cv"].tolist() == v.cv_index.tolist()
