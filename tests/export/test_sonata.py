"""SONATA files have the layout of the specification, according to h5py and, if it is installed, libsonata."""

import dendrion as dn
import h5py
import numpy as np
import pytest


def test_spikes(run, tmp_path):
    dn.export.sonata(run.trains, tmp_path / "spikes.h5", sample=1 if run.batch else None)
    with h5py.File(tmp_path / "spikes.h5") as file:
        assert (file.attrs["magic"], file.attrs["version"].tolist()) == (0x0A7A, [0, 1])
        assert sorted(file["spikes"]) == ["exc", "inh", "noise", "silent"]
        for spikes in run.trains:
            group = file["spikes"][spikes.name.removesuffix(".spikes")]
            mine = spikes.sample == (1 if run.batch else 0)
            assert (group["timestamps"].dtype, group["node_ids"].dtype) == (np.float64, np.uint64)
            np.testing.assert_array_equal(group["timestamps"][:], spikes.t[mine])
            np.testing.assert_array_equal(group["node_ids"][:], spikes.i[mine])
            assert group["timestamps"].attrs["units"] == "ms"
            order = h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype)
            assert order == {"none": 0, "by_id": 1, "by_time": 2}
            assert group.attrs["sorting"] == order["by_time"]


def test_a_report_of_one_element(run, tmp_path):
    run.some.to_sonata(tmp_path / "v.h5", sample=2 if run.batch else None)
    values = run.some.values[2] if run.batch else run.some.values
    with h5py.File(tmp_path / "v.h5") as file:
        group = file["report/inh"]
        # Columns are sorted by neuron, although neuron 3 was recorded before neuron 1.
        np.testing.assert_array_equal(group["data"][:], values[:, [1, 0]].astype(np.float32))
        assert (group["data"].dtype, group["data"].attrs["units"]) == (np.float32, "mV")
        mapping = group["mapping"]
        assert mapping["node_ids"][:].tolist() == [1, 3]
        assert mapping["node_ids"].attrs["sorted"] == 1
        assert mapping["index_pointers"][:].tolist() == mapping["index_pointer"][:].tolist() == [0, 1, 2]
        assert mapping["element_ids"][:].tolist() == [0, 0]
        assert mapping["element_pos"][:].tolist() == [0.5, 0.5]
        start, stop, step = mapping["time"][:].tolist()
        assert (start, step, mapping["time"].attrs["units"]) == (0.0, 0.5, "ms")
        assert stop == pytest.approx(len(values) * 0.5)
        types = {name: mapping[name].dtype.name for name in mapping}
        assert types == {
            "node_ids": "uint64",
            "index_pointers": "uint64",
            "index_pointer": "uint64",
            "element_ids": "uint32",
            "element_pos": "float32",
            "time": "float64",
        }


def test_compartments_are_elements_of_one_report(single, tmp_path):
    few = single.net.__class__([cell := single.exc.__class__(3, "cell")], dt=0.2)
    soma, dend = few.probe(cell.soma, "V"), few.probe(cell.dend, "V", indices=[2, 0])
    few.run(4.0)
    dn.export.sonata([soma, dend], tmp_path / "v.h5")
    with h5py.File(tmp_path / "v.h5") as file:
        mapping, data = file["report/cell/mapping"], file["report/cell/data"][:]
        assert mapping["node_ids"][:].tolist() == [0, 1, 2]
        pointers = mapping["index_pointers"][:].tolist()
        assert pointers == [0, 2, 3, 5]
        assert mapping["element_ids"].attrs["paths"].tolist() == ["cell/soma", "cell/dend"]
        found = {
            (node, int(mapping["element_ids"][c])): data[:, c]
            for node in range(3)
            for c in range(pointers[node], pointers[node + 1])
        }
    expected = {(i, 0): soma.values[:, i] for i in range(3)} | {(2, 1): dend.values[:, 0], (0, 1): dend.values[:, 1]}
    assert found.keys() == expected.keys()
    for key, column in expected.items():
        np.testing.assert_array_equal(found[key], column.astype(np.float32))


def test_spikes_and_reports_in_one_file(single, tmp_path):
    dn.export.sonata([single.v, single.some, *single.trains], tmp_path / "all.h5")
    with h5py.File(tmp_path / "all.h5") as file:
        assert sorted(file["report"]) == ["exc", "inh"]
        assert len(file["spikes"]) == 4


def test_the_reader_of_the_format(batched, tmp_path):
    libsonata = pytest.importorskip("libsonata")
    path = str(tmp_path / "all.h5")
    dn.export.sonata([batched.v, batched.dend, *batched.trains], path, sample=0)
    spikes = libsonata.SpikeReader(path)["exc"]
    mine = batched.spikes.sample == 0
    assert spikes.sorting == "by_time"
    assert spikes.get() == list(zip(batched.spikes.i[mine], batched.spikes.t[mine], strict=True))
    report = libsonata.ElementReportReader(path)["exc"]
    assert (report.data_units, report.time_units, report.sorted) == ("mV", "ms", True)
    frame = report.get(node_ids=[4])
    assert frame.ids.tolist() == [[4, 0], [4, 1]]
    np.testing.assert_array_equal(frame.data[:, 0], batched.v.values[0, :, 4])
    np.testing.assert_array_equal(frame.data[:, 1], batched.dend.values[0, :, 4])
    np.testing.assert_allclose(frame.times, batched.v.t, rtol=1e-9)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (["weights"], r"syn\.w: SONATA cannot store weights"),
        (["v", "gate"], r"exc/ampa\.s: differs from exc/soma\.V; a SONATA report stores one variable"),
        (["v", "v"], r"exc/soma\.V: contains neuron 0 twice"),
        (["spikes", "spikes"], r"exc\.spikes: was passed twice"),
    ],
)
def test_what_does_not_fit_is_refused(single, tmp_path, chosen, message):
    with pytest.raises(dn.StructureError, match=message):
        dn.export.sonata([getattr(single, name) for name in chosen], tmp_path / "x.h5")
    assert not list(tmp_path.iterdir())


def test_times_that_differ_are_refused(single, tmp_path):
    net = single.net.__class__([cell := single.exc.__class__(1, "cell")])
    soma, dend = net.probe(cell.soma, "V"), net.probe(cell.dend, "V", every=1.0)
    net.run(3.0)
    with pytest.raises(dn.StructureError, match=r"cell/dend\.V: sample times differ from those of cell/soma\.V"):
        dn.export.sonata([soma, dend], tmp_path / "x.h5")


def test_a_batch_needs_a_sample(single, batched, tmp_path):
    with pytest.raises(
        dn.ParameterError, match=r"exc/soma\.V: has a batch of 3.*pass sample= with a number from 0 to 2"
    ):
        batched.v.to_sonata(tmp_path / "x.h5")
    with pytest.raises(dn.ParameterError, match=r"sample = 3: expected an integer from 0 to 2"):
        batched.v.to_sonata(tmp_path / "x.h5", sample=3)
    with pytest.raises(dn.ParameterError, match=r"exc/soma\.V: sample = 0: the recording has no batch"):
        single.v.to_sonata(tmp_path / "x.h5", sample=0)


@pytest.mark.parametrize("block", [1, 1000, 10_000])
def test_blocks_of_rows_are_the_whole_report(single, tmp_path, monkeypatch, block):
    dn.export.sonata(single.v, tmp_path / "whole.h5")
    monkeypatch.setattr("dendrion.export._sonata._BLOCK", block)
    dn.export.sonata(single.v, tmp_path / "blocks.h5")
    whole, blocks = (dn.load_recording(tmp_path / name) for name in ("whole.h5", "blocks.h5"))
    np.testing.assert_array_equal(blocks.values, whole.values)
    np.testing.assert_allclose(blocks.values, single.v.values, rtol=1e-6)
