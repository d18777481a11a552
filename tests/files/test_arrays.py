"""A model file cannot be loaded with the arrays of another one, and no save destroys another file."""

import os
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest

W = "mcsynapse.w"


def model(seed: int) -> dn.Network:
    """Return a network with 1,000 weights that are drawn with a seed."""
    source = dn.PoissonGenerator(50, rate=10.0)
    cell = dn.MCNeuron(20, V_th=-50.0, V_reset=-60.0)
    cell.soma = dn.LeakyIF(20)
    cell.ampa = dn.AMPA(20, g=1.0, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    weights = np.random.default_rng(seed).random((50, 20))
    return dn.Network([cell, source, dn.MCSynapse(source, cell.ampa, weights)])


def weights(path: Path) -> np.ndarray:
    return np.reshape(dn.Network.load(path).state_dict()[W], (50, 20))


def of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((50, 20))


def arrays(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.suffix == ".npz")


def test_models_of_one_name_do_not_share_arrays(tmp_path: Path) -> None:
    model(1).save(tmp_path / "a.toml")
    model(2).save(tmp_path / "a.json")
    np.testing.assert_array_equal(weights(tmp_path / "a.toml"), of(1))
    np.testing.assert_array_equal(weights(tmp_path / "a.json"), of(2))


def test_a_recording_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run.npz").write_bytes(b"a recording")
    model(1).save(tmp_path / "run.toml")
    assert (tmp_path / "run.npz").read_bytes() == b"a recording"


def test_saving_again_leaves_one_file_of_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for seed in (1, 2, 2):
        model(seed).save(path)
        np.testing.assert_array_equal(weights(path), of(seed))
    assert len(arrays(tmp_path)) == 1
    cell = dn.MCNeuron(2, V_th=-50.0, V_reset=-60.0)
    cell.soma = dn.LeakyIF(2)
    dn.Network([cell]).save(path)
    assert os.listdir(tmp_path) == ["a.toml"]


def test_arrays_that_a_copy_of_the_model_names_are_kept(tmp_path: Path) -> None:
    model(1).save(tmp_path / "a.toml")
    (tmp_path / "copy.toml").write_bytes((tmp_path / "a.toml").read_bytes())
    model(2).save(tmp_path / "a.toml")
    np.testing.assert_array_equal(weights(tmp_path / "copy.toml"), of(1))
    model(3).save(tmp_path / "copy.toml")
    np.testing.assert_array_equal(weights(tmp_path / "a.toml"), of(2))


def test_files_named_by_hand_are_never_removed(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", w=of(1))
    model(1).save(tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text()
    name = arrays(tmp_path)[0]
    (tmp_path / "a.json").write_text(text.replace(name, "mine.npz"))
    model(2).save(tmp_path / "a.json")
    assert "mine.npz" in arrays(tmp_path)


def test_other_arrays_are_refused(tmp_path: Path) -> None:
    model(1).save(tmp_path / "a.toml")
    (name,) = arrays(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    model(2).save(other / "a.toml")
    (tmp_path / name).write_bytes((other / arrays(other)[0]).read_bytes())
    with pytest.raises(
        dn.ModelFileError, match=r"has the SHA-256 checksum \w+, but the model was saved with arrays of checksum"
    ):
        weights(tmp_path / "a.toml")
    (tmp_path / name).unlink()
    with pytest.raises(dn.ModelFileError, match=name):
        weights(tmp_path / "a.toml")


def test_a_model_is_loaded_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    model(1).save(tmp_path / "store" / "a.toml")
    (tmp_path / "link.toml").symlink_to("store/a.toml")
    np.testing.assert_array_equal(weights(tmp_path / "link.toml"), of(1))
    model(2).save(tmp_path / "link.toml")
    np.testing.assert_array_equal(weights(tmp_path / "store" / "a.toml"), of(2))
    assert arrays(tmp_path) == []
    assert len(arrays(tmp_path / "store")) == 1


SAVES = """
import sys
sys.path.insert(0, sys.argv[1])
import test_arrays as t
nets = [t.model(1), t.model(2)]
print("ready", flush=True)
while True:
    for net in nets:
        net.save(sys.argv[2])
"""


def test_a_kill_leaves_a_model_that_loads(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    here = str(Path(__file__).parent)
    for k in range(6):
        child = subprocess.Popen([sys.executable, "-c", SAVES, here, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        while not path.exists():
            time.sleep(0.001)
        time.sleep(0.02 + 0.0037 * k)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = weights(path)
        assert any(np.array_equal(found, of(seed)) for seed in (1, 2))
    model(1).save(path)
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")] == []


def test_version_1_is_read(tmp_path: Path) -> None:
    text = TEXT.replace("dendrion = 2", "dendrion = 1").replace('{ file = "mine.npz" }', '"mine.npz"')
    (tmp_path / "m.toml").write_text(text)
    np.savez(tmp_path / "mine.npz", x=np.arange(4.0))
    np.testing.assert_array_equal(dn.Network.load(tmp_path / "m.toml")["cell/soma"].I_ext, np.arange(4.0))
    (tmp_path / "m.toml").write_text(text.replace("= 1", "= 3", 1))
    with pytest.raises(dn.ModelFileError, match="dendrion = 3: unknown format version; expected 1 or 2"):
        dn.Network.load(tmp_path / "m.toml")


TEXT = """
dendrion = 2
arrays = { file = "mine.npz" }
[populations.cell]
V_th = -50
V_reset = -60
size = 4
compartments.soma = { kind = "LeakyIF", I_ext = { array = "x" } }
"""


def refused(tmp_path: Path, message: str) -> None:
    with pytest.raises(dn.ModelFileError, match=message):
        dn.Network.load(tmp_path / "m.toml")


def test_npz_files_that_are_not_plain_numbers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(TEXT)
    npz = tmp_path / "mine.npz"
    np.savez(npz, x=np.arange(4.0))
    dn.Network.load(tmp_path / "m.toml")
    whole = npz.read_bytes()
    npz.write_bytes(whole + b"more")
    refused(tmp_path, "bytes follow the archive")
    npz.write_bytes(b"more" + whole)
    refused(tmp_path, "is not an npz file, or is damaged")
    for kind in ("M8[D]", "m8[ms]", "c16", "?"):
        np.savez(npz, x=np.zeros(4, dtype=kind))
        refused(tmp_path, "expected numbers")
    with zipfile.ZipFile(npz, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            with archive.open("x.npy", "w") as entry:
                np.lib.format.write_array(entry, np.arange(4.0))
    refused(tmp_path, "several arrays have the same name")
    with zipfile.ZipFile(npz, "w") as archive, archive.open("x.npy", "w") as entry:
        np.lib.format.write_array(entry, np.arange(4.0))
        entry.write(bytes(8))
    refused(tmp_path, "there are bytes after the values")


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(TEXT)
    os.mkfifo(tmp_path / "mine.npz")
    refused(tmp_path, "is not a regular file")
    for name in ("pipe.toml", "endless.toml"):
        path = tmp_path / name
        os.mkfifo(path) if name == "pipe.toml" else path.symlink_to("/dev/zero")
        with pytest.raises(OSError, match="is not a regular file"):
            dn.Network.load(path)
