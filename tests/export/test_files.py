"""Files are written completely or not at all, and replace existing files only if this is requested."""

import errno
import os
import subprocess
import sys

import dendrion as dn
import h5py
import numpy as np
import pynwb
import pytest

WRITERS = {
    "save": ("x.npz", lambda recording, path, **more: recording.save(path, **more)),
    "nwb": ("x.nwb", lambda recording, path, **more: recording.to_nwb(path, **more)),
    "sonata": ("x.h5", lambda recording, path, **more: recording.to_sonata(path, **more)),
}


@pytest.fixture(params=WRITERS)
def writer(request):
    """Return the name of a file and a function that writes it."""
    return WRITERS[request.param]


def test_a_file_is_replaced_only_where_told(single, writer, tmp_path):
    name, write = writer
    path = tmp_path / name
    path.write_bytes(b"precious")
    with pytest.raises(dn.ParameterError, match=rf"{name}': already exists; use another name, or pass overwrite=True"):
        write(single.v, path)
    assert path.read_bytes() == b"precious"
    write(single.v, str(path), overwrite=True)
    assert path.stat().st_size > single.v.values.nbytes / 2
    assert os.listdir(tmp_path) == [name]


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def stopped(*args, **kwargs):
    raise KeyboardInterrupt


@pytest.mark.parametrize(("fails", "error"), [(full, OSError), (stopped, KeyboardInterrupt)])
def test_what_fails_half_way_leaves_what_was_there(single, writer, tmp_path, monkeypatch, fails, error):
    name, write = writer
    write(single.v, tmp_path / name)
    before = (tmp_path / name).read_bytes()

    class Second:
        """Writes once, then fails."""

        def __init__(self, original):
            self.original, self.calls = original, 0

        def __get__(self, owner, kind=None):
            return lambda *args, **kwargs: self(owner, *args, **kwargs)

        def __call__(self, *args, **kwargs):
            self.calls += 1
            return fails() if self.calls > 1 else self.original(*args, **kwargs)

    original = np.lib.format.write_array
    second = Second(original)
    monkeypatch.setattr(np.lib.format, "write_array", lambda *args, **kwargs: second(*args, **kwargs))
    monkeypatch.setattr(h5py.Group, "create_dataset", Second(h5py.Group.create_dataset))
    monkeypatch.setattr(pynwb.NWBHDF5IO, "write", fails)
    with pytest.raises(error):
        write(single.v, tmp_path / name, overwrite=True)
    assert (tmp_path / name).read_bytes() == before
    with pytest.raises(error):
        write(single.v, tmp_path / f"new-{name}")
    assert os.listdir(tmp_path) == [name]


FULL = """
import resource, sys
import dendrion as dn
cell = dn.MCNeuron(300, V_th=-40.0, V_reset=-60.0, name="cell")
cell.soma = dn.LeakyIF(300, parent=cell)
net = dn.Network([cell])
v = net.probe(cell.soma, "V")
net.run(20.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    getattr(v, sys.argv[1])(sys.argv[2])
except OSError as error:
    print("refused", error.errno)
"""


@pytest.mark.parametrize("method", ["save", "to_nwb", "to_sonata"])
def test_a_file_that_the_system_cuts_off_is_not_left(tmp_path, method):
    name = {"save": "x.npz", "to_nwb": "x.nwb", "to_sonata": "x.h5"}[method]
    command = [sys.executable, "-c", FULL, method, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert os.listdir(tmp_path) == [], done.stderr
    assert done.stdout.startswith("refused"), done.stderr


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("nowhere/{}", dn.ParameterError, "the folder .* does not exist"),
        (".", dn.ParameterError, "is a folder|expected a name"),
        (7, dn.ParameterTypeError, "path = 7: expected the name of a file"),
    ],
)
def test_paths_that_cannot_be(single, writer, tmp_path, monkeypatch, path, error, message):
    name, write = writer
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        write(single.v, path.format(name) if isinstance(path, str) else path)


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("pandas", "pandas", lambda v, path: v.to_pandas()),
        ("xarray", "xarray", lambda v, path: v.to_xarray()),
        ("neo", "neo", lambda v, path: v.to_neo()),
        ("quantities", "neo", lambda v, path: v.to_neo()),
        ("neo", "neo", lambda v, path: dn.export.neo([v])),
        ("pynwb", "nwb", lambda v, path: v.to_nwb(path / "x.nwb")),
        ("h5py", "sonata", lambda v, path: v.to_sonata(path / "x.h5")),
    ],
)
@pytest.mark.parametrize("kind", ["v", "spikes"])
def test_a_missing_package_is_named_with_its_extra(single, tmp_path, monkeypatch, package, extra, use, kind):
    monkeypatch.setitem(sys.modules, package, None)
    # Neo needs quantities, and an earlier test may have imported Neo.
    missing = "(quantities|neo)" if package == "quantities" else package
    with pytest.raises(ImportError, match=rf'requires {missing}; install it with: pip install "dendrion\[{extra}\]"'):
        use(getattr(single, kind), tmp_path)
    assert os.listdir(tmp_path) == []


def test_what_is_given_is_checked(single):
    with pytest.raises(dn.ParameterTypeError, match=r"export\.nwb: <MCNeuron|Cell exc"):
        dn.export.nwb([single.v, single.exc], "x.nwb")
    with pytest.raises(dn.ParameterTypeError, match=r"export\.neo: 3: expected a Recording or a SpikeRecording"):
        dn.export.neo(3)
    with pytest.raises(dn.ParameterError, match=r"export\.sonata: no recordings; expected at least one"):
        dn.export.sonata([], "x.h5")


def test_large_arrays_are_written_in_pieces(monkeypatch):
    # Python handles Ctrl-C between two system calls.
    from dendrion.export import _hdf5

    monkeypatch.setattr(_hdf5, "_PIECE", 1000)
    sizes = []

    class File:
        def write(self, data):
            sizes.append(len(data))
            return len(data)

    assert _hdf5._Watched(File()).write(np.zeros(400)) == 3200
    assert sizes == [1000, 1000, 1000, 200]


def test_ctrl_c_between_two_pieces_ends_the_write(monkeypatch):
    from dendrion.export import _hdf5

    monkeypatch.setattr(_hdf5, "_PIECE", 1000)
    sizes = []

    class File:
        def write(self, data):
            sizes.append(len(data))
            if len(sizes) == 2:
                raise KeyboardInterrupt
            return len(data)

    file = _hdf5._Watched(File())
    # HDF5 is told that all bytes were written; the failure is raised when the file is closed.
    assert file.write(np.zeros(400)) == 3200
    assert file.write(np.zeros(400)) == 3200
    assert sizes == [1000, 1000]
    assert isinstance(file.failure, KeyboardInterrupt)
