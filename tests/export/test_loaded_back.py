"""load_recording reads every format that Dendrion writes, and returns the recorded values."""

import os
import shutil
import sys

import dendrion as dn
import h5py
import numpy as np
import pytest
import zarr

from .runs import made

pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """Return recordings in memory, the folder of the same recordings on disk, and the recordings on disk."""
    folder = tmp_path_factory.mktemp("streamed") / "run.zarr"
    kept = made()
    run = made(duration=0.0)
    both = [*run.samples, *run.trains]
    again = []
    for recording in both:
        path, _, variable = recording.name.rpartition(".")
        module = next(m for m in run.net._parts.values() if m.path == path)
        given = {"to": folder}
        if isinstance(recording, dn.Recording):
            given["every"] = recording.dt
        if recording is run.some:
            given["indices"] = [3, 1]
        again.append(run.net.probe(module, variable, **given))
    run.net.run(33.3)
    run.net.run(26.7)
    return [*kept.samples, *kept.trains], folder, again


def same(found, recording, single=False, sample=None):
    """Assert that two recordings are the same, in single precision or for one sample of a batch if so written."""
    assert type(found).__mro__[1] is type(recording)
    for name in ("name", "dt", "_population"):
        assert getattr(found, name) == getattr(recording, name), name
    np.testing.assert_array_equal(found.index, recording.index)
    assert found._batch == (0 if sample is not None else recording._batch)
    if isinstance(recording, dn.Recording):
        assert found.unit == recording.unit
        np.testing.assert_array_equal(found.t, recording.t)
        expected = recording.values if sample is None else recording.values[sample]
        assert found.values.dtype == (np.float32 if single else expected.dtype)
        np.testing.assert_array_equal(found.values, expected.astype(found.values.dtype))
        assert (found.gid is None) == (recording.gid is None)
        if found.gid is not None:
            np.testing.assert_array_equal(found.gid, recording.gid)
        return
    assert found.size == recording.size
    assert found._first == recording._first
    mine = slice(None) if sample is None else recording.sample == sample
    np.testing.assert_array_equal(found.t, recording.t[mine])
    np.testing.assert_array_equal(found.i, recording.i[mine])
    if sample is None:
        np.testing.assert_array_equal(found.counts(), recording.counts())
        np.testing.assert_array_equal(found.sample, recording.sample)
    if recording._net._sim.steps():
        np.testing.assert_array_equal(found.rate(), recording.rate() if sample is None else recording.rate()[sample])


def test_npz(run, tmp_path):
    for k, recording in enumerate([*run.samples, *run.trains]):
        recording.save(tmp_path / f"{k}.npz")
        same(dn.load_recording(tmp_path / f"{k}.npz"), recording)
        same(dn.load_recording(tmp_path / f"{k}.npz", name=recording.name), recording)


def test_nwb_with_several(run, tmp_path):
    both = [*run.samples, *run.trains]
    dn.export.nwb(both, tmp_path / "all.nwb")
    for recording in both:
        same(dn.load_recording(tmp_path / "all.nwb", name=recording.name), recording)


def test_nwb_with_one(run, tmp_path):
    for k, recording in enumerate([*run.samples, *run.trains]):
        recording.to_nwb(tmp_path / f"{k}.nwb")
        same(dn.load_recording(tmp_path / f"{k}.nwb"), recording)


def test_sonata(run, tmp_path):
    sample = 1 if run.batch else None
    both = [r for r in [*run.samples, *run.trains] if r._population is not None]
    reports = [run.v, run.dend, run.some, *run.trains]
    dn.export.sonata(reports, tmp_path / "all.h5", sample=sample)
    for recording in reports:
        same(dn.load_recording(tmp_path / "all.h5", name=recording.name), recording, True, sample)
    for k, recording in enumerate(both):
        recording.to_sonata(tmp_path / f"{k}.h5", sample=sample)
        same(dn.load_recording(tmp_path / f"{k}.h5"), recording, True, sample)


def test_zarr(streamed):
    kept, folder, again = streamed
    for recording, mine in zip(kept, again, strict=True):
        same(dn.load_recording(folder, name=recording.name), recording)
        key = recording.name.replace("/", ".")
        same(dn.load_recording(folder, name=key), recording)
        same(dn.load_recording(folder / key), recording)
        np.testing.assert_array_equal(mine.t, recording.t)


def test_zarr_of_single_precision_and_of_a_network_that_has_not_run(tmp_path):
    run = made(dtype="float32", duration=0.0)
    v = run.net.probe(run.exc.soma, "V", indices=[5, 2], to=tmp_path / "run.zarr")
    spikes = run.net.probe(run.exc, "spikes", to=tmp_path / "run.zarr")
    for _ in range(2):
        same(dn.load_recording(tmp_path / "run.zarr", name=v.name), v)
        same(dn.load_recording(tmp_path / "run.zarr", name=spikes.name), spikes)
        run.net.run(30.0)
    assert dn.load_recording(tmp_path / "run.zarr", name=v.name).values.dtype == np.float32


@pytest.mark.parametrize("form", ["npz", "nwb", "h5", "zarr"])
def test_what_was_recorded_from_later_on(tmp_path, form):
    run = made(duration=0.0)
    run.net.run(10.05)
    place = {"to": tmp_path / "x.zarr"} if form == "zarr" else {}
    v = run.net.probe(run.exc.soma, "V", every=0.7, indices=[4], **place)
    spikes = run.net.probe(run.exc, "spikes", indices=[4, 1], **place)
    run.net.run(40.0)
    assert spikes._begin() > 0
    if form == "npz":
        v.save(tmp_path / "v.npz")
        spikes.save(tmp_path / "s.npz")
        found = dn.load_recording(tmp_path / "v.npz"), dn.load_recording(tmp_path / "s.npz")
    else:
        if form == "nwb":
            dn.export.nwb([spikes, v], tmp_path / "x.nwb")
        elif form == "h5":
            dn.export.sonata([spikes, v], tmp_path / "x.h5")
        found = tuple(dn.load_recording(tmp_path / f"x.{form}", name=r.name) for r in (v, spikes))
    same(found[0], v, form == "h5")
    same(found[1], spikes)


def test_loaded_ones_go_on_to_other_formats(run, tmp_path):
    """A chain of formats loses only the precision that SONATA does not store."""
    run.some.to_nwb(tmp_path / "a.nwb")
    first = dn.load_recording(tmp_path / "a.nwb")
    first.save(tmp_path / "b.npz")
    dn.load_recording(tmp_path / "b.npz").to_nwb(tmp_path / "c.nwb")
    same(dn.load_recording(tmp_path / "c.nwb"), run.some)


@pytest.mark.parametrize("form", ["nwb", "h5", "zarr"])
def test_several_are_chosen_by_name(single, streamed, tmp_path, form):
    path = streamed[1] if form == "zarr" else tmp_path / f"x.{form}"
    if form == "nwb":
        dn.export.nwb([single.v, single.spikes], path)
    elif form == "h5":
        dn.export.sonata([single.v, single.spikes], path)
    with pytest.raises(
        dn.ParameterError, match=r"has \d+ recordings; select one with name=, which accepts: .*'exc/soma\.V'"
    ):
        dn.load_recording(path)
    with pytest.raises(dn.UnknownNameError, match=r"no recording named 'exc/soma\.v'; did you mean 'exc/soma\.V'\?"):
        dn.load_recording(path, name="exc/soma.v")
    with pytest.raises(dn.ParameterTypeError, match="name = 3: expected the name of a recording"):
        dn.load_recording(path, name=3)


def test_two_of_one_name_are_chosen_by_what_the_file_calls_them(single, tmp_path):
    net = single.net.__class__([cell := single.exc.__class__(3, "cell")])
    a, b = net.probe(cell.soma, "V", indices=[0]), net.probe(cell.soma, "V", indices=[2, 1])
    net.run(2.0)
    dn.export.nwb([a, b], tmp_path / "x.nwb")
    dn.export.sonata([a, b], tmp_path / "x.h5")
    for path, keys in (("x.nwb", ("cell.soma.V", "cell.soma.V_1")), ("x.h5", ("cell/soma.V (0)", "cell/soma.V (1)"))):
        with pytest.raises(dn.ParameterError) as error:
            dn.load_recording(tmp_path / path, name="cell/soma.V")
        assert all(repr(key) in str(error.value) for key in keys)
        for key, recording in zip(keys, (a, b), strict=True):
            same(dn.load_recording(tmp_path / path, name=key), recording, path == "x.h5")


def test_foreign_files(tmp_path):
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file["V"] = np.zeros(3)
    with h5py.File(tmp_path / "sonata.h5", "w") as file:
        file.attrs["magic"] = np.uint32(0x0A7A)
        file["spikes/exc/timestamps"] = np.zeros(3)
    with h5py.File(tmp_path / "other.nwb", "w") as file:
        file.attrs["nwb_version"] = "2.7.0"
    (tmp_path / "folder").mkdir()
    zarr.open_group(tmp_path / "other.zarr", mode="w").create_array("V", shape=(3,), dtype=float)
    for name, message in [
        ("own.h5", "is an HDF5 file, but neither NWB nor SONATA"),
        ("sonata.h5", "is a SONATA file that Dendrion did not write"),
        ("other.nwb", "is an NWB file that Dendrion did not write"),
        ("folder", "is a folder, but not a zarr folder"),
        ("other.zarr", "is a zarr folder, but contains no Dendrion recordings"),
    ]:
        with pytest.raises(
            dn.ParameterError, match=rf"load_recording: '.*{name}': {message}.*; expected a file written by"
        ):
            dn.load_recording(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        dn.load_recording(tmp_path / "none.nwb")
    with pytest.raises(dn.ParameterTypeError, match="path = 3: expected the name of a file"):
        dn.load_recording(3)


@pytest.mark.parametrize("form", ["nwb", "h5"])
def test_truncated_files(single, tmp_path, form):
    path = tmp_path / f"x.{form}"
    (dn.export.nwb if form == "nwb" else dn.export.sonata)([single.v, single.spikes], path)
    whole = path.read_bytes()
    for part in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(dn.ParameterError, match="is a damaged or truncated HDF5 file"):
            dn.load_recording(path, name="exc/soma.V")


CHANGES = {
    "nwb": [
        (lambda f: f.pop("acquisition/exc.soma.V"), "lacks 'acquisition/exc.soma.V/data'"),
        (lambda f: f.pop("processing/misc/dendrion/every"), "lacks 'processing/misc/dendrion/every'"),
        (
            lambda f: f["processing/misc/dendrion/step"].write_direct(np.zeros(2)),
            "step = 0.0: expected a finite number",
        ),
        (
            lambda f: f["units/spike_times"].write_direct(np.full(len(f["units/spike_times"]), np.nan)),
            "spike_times: exp",
        ),
        (
            lambda f: f["units/spike_times_index"].write_direct(np.arange(6, 0, -1, dtype="u1")),
            "spike_times_index: exp",
        ),
        (
            lambda f: f["processing/misc/dendrion/members"].write_direct(np.array([7, 7])),
            "units: has 6 rows; expected at least 7",
        ),
    ],
    "h5": [
        (lambda f: f.pop("report/exc/data"), "lacks 'report/exc/data'"),
        (lambda f: f["dendrion/0/columns"].write_direct(np.full(6, 99, dtype="u8")), "report/exc: data have shape"),
        (lambda f: f["dendrion/0"].attrs.pop("every"), "damaged"),
        (
            lambda f: f["spikes/exc/node_ids"].write_direct(np.full(len(f["spikes/exc/node_ids"]), 6, "u8")),
            "neurons below 6",
        ),
        (lambda f: f["dendrion/1"].attrs.__setitem__("steps", 3), "not before step 0 and before step 3"),
    ],
}


@pytest.mark.parametrize(("form", "change", "message"), [(f, *c) for f, all_of in CHANGES.items() for c in all_of])
def test_damaged_files(single, tmp_path, form, change, message):
    path = tmp_path / f"x.{form}"
    (dn.export.nwb if form == "nwb" else dn.export.sonata)([single.v, single.spikes], path)
    with h5py.File(path, "r+") as file:
        change(file)
    refusals = []
    for name in ("exc/soma.V", "exc.spikes"):
        try:
            dn.load_recording(path, name=name)
        except dn.ParameterError as error:
            refusals.append(str(error))
    assert refusals
    assert all(message in refusal for refusal in refusals), refusals


def test_a_file_that_asks_for_more_than_it_has(single, tmp_path):
    single.v.to_sonata(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        del file["report/exc/data"]
        file["report/exc"].create_dataset("data", shape=(10**9, 6), dtype="f4", chunks=(1000, 6))
    with pytest.raises(dn.ParameterError, match=r"report/exc/data: declares 24000000000 bytes, but the file has \d+"):
        dn.load_recording(tmp_path / "x.h5")


def test_damaged_folders(streamed, tmp_path):
    _, folder, _ = streamed

    def damaged(change):
        shutil.rmtree(tmp_path / "x.zarr", ignore_errors=True)
        shutil.copytree(folder, tmp_path / "x.zarr")
        change(tmp_path / "x.zarr" / "exc.soma.V")
        return dn.load_recording(tmp_path / "x.zarr", name="exc/soma.V")

    def cut(path):
        chunk = path / "values" / "c" / "0" / "0"
        chunk.write_bytes(chunk.read_bytes()[:100])

    for change, message in [
        (lambda path: (path / "values" / "c" / "0" / "0").unlink(), r"exc\.soma\.V: values: 1 of 1 chunks is missing"),
        (lambda path: shutil.rmtree(path / "step"), r"exc\.soma\.V: step: 1 of 1 chunks is missing"),
        (cut, r"exc\.soma\.V: is damaged"),
        (lambda path: (path.parent / "zarr.json").write_text("{"), "is not a zarr folder, or is damaged"),
    ]:
        with pytest.raises(dn.ParameterError, match=message):
            damaged(change)


def test_a_folder_of_a_run_that_was_killed_has_what_was_written_whole(streamed, tmp_path):
    kept, folder, _ = streamed
    shutil.copytree(folder, tmp_path / "x.zarr")
    for name in ("exc.soma.V", "exc.spikes"):
        group = zarr.open_group(tmp_path / "x.zarr", mode="r+")[name]
        first = "values" if "values" in group else "i"
        more = np.zeros((7, *group[first].shape[1:]), dtype=group[first].dtype)
        group[first].append(more)
        same(
            dn.load_recording(tmp_path / "x.zarr", name=group.attrs["name"]),
            next(r for r in kept if r.name == group.attrs["name"]),
        )


@pytest.mark.parametrize(
    ("form", "package", "extra"), [("h5", "h5py", "sonata"), ("nwb", "h5py", "sonata"), ("zarr", "zarr", "zarr")]
)
def test_without_the_package(single, streamed, tmp_path, monkeypatch, form, package, extra):
    path = streamed[1] if form == "zarr" else tmp_path / f"x.{form}"
    if form != "zarr":
        (dn.export.nwb if form == "nwb" else dn.export.sonata)(single.v, path)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf'requires {package}; install it with: pip install "dendrion\[{extra}\]"'):
        dn.load_recording(path)


def test_any_path_will_do(single, tmp_path):
    single.v.to_nwb(tmp_path / "x.nwb")
    same(dn.load_recording(os.fspath(tmp_path / "x.nwb")), single.v)
