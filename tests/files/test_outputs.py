"""The command loses no results, even if names collide, files exist or a run is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest
from dendrion.cli import main
from dendrion.cli._places import file_stems

MODEL = """
dendrion = 2
dt = 0.1
duration = 20
[populations.cell]
size = 3
V_th = -50
V_reset = -60
compartments.soma = { kind = "LeakyIF", V_rest = -65, gL = 10, C = 200, I_ext = 300 }
[record."a/b"]
of = "cell/soma"
variable = "V"
[record.a_b]
of = "cell/soma"
variable = "V"
indices = [1]
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "m.toml").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_file_names_are_injective() -> None:
    names = ["a/b", "a_b", "a%2Fb", "a b", "A/B", "é", "x" * 300, "x" * 299 + "y", "..", "a\\b", "a:b", "CON*?"]
    stems = file_stems(names)
    assert list(stems) == names
    assert len({s.casefold() for s in stems.values()}) == len(names)
    assert all(len(s.encode()) < 240 and not set(s) & set('/\\:*?"<>|') for s in stems.values())


@pytest.mark.parametrize("form", ["npz", "csv"])
def test_recordings_of_similar_names_have_files_of_their_own(model: Path, form: str) -> None:
    assert main(["run", "m.toml", "--out", "r", "--format", form]) == 0
    assert sorted(os.listdir("r")) == [f"a%2Fb.{form}", f"a_b.{form}", "summary.json"]
    if form == "npz":
        assert dn.load_recording("r/a%2Fb.npz").values.shape[1] == 3
        assert dn.load_recording("r/a_b.npz").values.shape[1] == 1


@pytest.mark.parametrize("form", ["npz", "csv", "nwb", "sonata"])
def test_a_second_run_overwrites_only_when_told(model: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    # A SONATA report can contain each neuron only once.
    Path("m.toml").write_text(MODEL.split("[record.a_b]")[0])
    command = ["run", "m.toml", "--out", "r", "--format", form, "--plot"]
    assert main(command) == 0
    before = {p.name: p.stat().st_mtime_ns for p in Path("r").iterdir()}
    capsys.readouterr()
    assert main(command) == 1
    assert "choose another folder or name, or pass --overwrite" in capsys.readouterr().err
    assert {p.name: p.stat().st_mtime_ns for p in Path("r").iterdir()} == before
    assert main([*command, "--overwrite"]) == 0
    assert all(p.stat().st_mtime_ns > before[p.name] for p in Path("r").iterdir())
    assert sorted(before) == sorted(os.listdir("r"))


def test_a_picture_or_a_state_is_not_overwritten_either(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, arguments in {"plot.png": ["--plot"], "s.state": ["--save-state", "s.state"]}.items():
        Path(name).write_bytes(b"mine")
        assert main(["run", "m.toml", *arguments]) == 1
        assert Path(name).read_bytes() == b"mine"
        assert main(["run", "m.toml", *arguments, "--overwrite"]) == 0
    # A run that continues from a state may save to the same file.
    assert main(["run", "m.toml", "--load-state", "s.state", "--save-state", "s.state"]) == 0


def test_what_cannot_be_written_is_known_before_the_run(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("m.toml").write_text(MODEL.split("[record")[0])
    assert main(["run", "m.toml", "--plot"]) == 1
    assert "--plot: the model has no recordings" in capsys.readouterr().err


def test_an_interrupted_run_writes_what_it_has(model: Path, ctrl_c: object) -> None:
    command = [sys.executable, "-m", "dendrion", "run", "m.toml", "--duration", "1e7", "--out", "r", "--plot", "--json"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    while not Path("r").exists():
        time.sleep(0.01)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert json.loads(out)["error"]["kind"] == "KeyboardInterrupt"
    assert sorted(os.listdir("r")) == ["a%2Fb.npz", "a_b.npz", "plot.png", "summary.json"]
    summary = json.loads(Path("r/summary.json").read_text())
    assert summary["stopped"] == "interrupted"
    assert 0 < summary["t_ms"] < 1e7
    values = dn.load_recording("r/a_b.npz").values
    assert len(values) == round(summary["t_ms"] / 0.1) > 0


def test_a_diverged_run_writes_what_it_has(model: Path) -> None:
    assert (
        main(["run", "m.toml", "--out", "r", "--set", "cell.V_th=1e308", "--set", "cell/soma.gL=1e6", "--quiet"]) == 1
    )
    assert json.loads(Path("r/summary.json").read_text())["stopped"] == "diverged"
    assert np.isfinite(dn.load_recording("r/a_b.npz").values).all()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments", [["info", "m.toml"], ["run", "m.toml", "--json"], ["check", "gone.toml", "--json"]]
)
def test_output_that_cannot_be_written_is_an_error_without_a_traceback(model: Path, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "dendrion", *arguments], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert done.stderr.startswith(b"dendrion: ")
