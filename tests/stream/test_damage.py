"""Recordings on disk stay readable if the process is killed, and a missing folder raises an error."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest

pytest.importorskip("zarr", minversion="3")
xarray = pytest.importorskip("xarray")


def build() -> tuple[dn.Network, dn.MCNeuron]:
    cell = dn.MCNeuron(5, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(5, V_rest=-65.0, gL=10.0, C=200.0, I_ext=400.0)
    return dn.Network([cell]), cell


def opened(path: Path, group: str) -> xarray.Dataset:
    return xarray.open_dataset(path, group=group, engine="zarr", chunks=None)


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
import dendrion.recordings._stream as stream
import test_damage as t
stream.LONGEST = 20
net, cell = t.build()
net.probe(cell.soma, "V", to=sys.argv[2])
net.probe(cell, "spikes", to=sys.argv[2])
net.run(5.0)
print("ready", flush=True)
net.run(1e7)
"""


def test_a_killed_run_leaves_groups_that_xarray_opens(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    net, cell = build()
    v = net.probe(cell.soma, "V")
    net.run(2000.0)
    for k in range(5):
        path = tmp_path / f"{k}.zarr"
        child = subprocess.Popen([sys.executable, "-c", KILLED, here, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(0.05 + 0.013 * k)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = opened(path, "cell.soma.V")
        rows = min(found.sizes["time"], len(v.t))
        assert rows >= 50
        np.testing.assert_array_equal(found["values"].values[:rows], v.values[:rows])
        np.testing.assert_array_equal(found["t"].values[:rows], v.t[:rows])
        spikes = opened(path, "cell.spikes")
        assert len(spikes["t"]) == len(spikes["i"]) == len(spikes["step"])
        assert len(dn.load_recording(path, name="cell/soma.V").t) >= 50


def test_xarray_reads_a_group_while_it_grows(tmp_path: Path) -> None:
    net, cell = build()
    v = net.probe(cell.soma, "V", to=tmp_path / "run.zarr")
    assert opened(tmp_path / "run.zarr", "cell.soma.V").sizes["time"] == 0
    for _ in range(2):
        net.run(5.0)
        found = opened(tmp_path / "run.zarr", "cell.soma.V")
        np.testing.assert_array_equal(found["values"].values, v.values)
        assert found.attrs["steps"] == round(net.t / 0.1)
    net.reset()
    assert opened(tmp_path / "run.zarr", "cell.soma.V").sizes["time"] == 0
    net.run(1.0)
    assert opened(tmp_path / "run.zarr", "cell.soma.V").sizes["time"] == 10


@pytest.mark.parametrize(
    "part", [".", "cell.soma.V", "cell.soma.V/values", "cell.soma.V/step/c", "cell.soma.V/zarr.json"]
)
def test_a_folder_that_is_removed_during_a_run_is_an_error(tmp_path: Path, part: str) -> None:
    net, cell = build()
    v = net.probe(cell.soma, "V", to=tmp_path / "run.zarr")
    net.run(5.0)
    gone = tmp_path / "run.zarr" / part
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises(OSError, match=r"cell/soma\.V: the zarr folder .* was removed or changed"):
        net.run(5.0)
    with pytest.raises(OSError, match=r"was removed or changed"):
        _ = v.values
    with pytest.raises(OSError, match="was removed or changed"):
        net.remove(v)
    net.run(5.0)


def test_a_folder_that_was_replaced_is_an_error(tmp_path: Path) -> None:
    net, cell = build()
    net.probe(cell.soma, "V", to=tmp_path / "run.zarr")
    net.run(5.0)
    shutil.move(tmp_path / "run.zarr", tmp_path / "moved.zarr")
    other, same = build()
    other.probe(same.soma, "V", to=tmp_path / "run.zarr")
    other.run(3.0)
    with pytest.raises(OSError, match="was removed or changed"):
        net.run(5.0)
    assert opened(tmp_path / "run.zarr", "cell.soma.V").sizes["time"] == 30
    assert opened(tmp_path / "moved.zarr", "cell.soma.V").sizes["time"] == 50
