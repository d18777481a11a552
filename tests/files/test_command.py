"""The command ``dendrion`` runs, checks and describes the model in the documentation."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest
from dendrion.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the model in the documentation, in a folder that is the working directory."""
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    (tmp_path / "model.toml").write_text(found.group(1))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "model.toml"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_run_leaves_what_python_would_see(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "run", "model.toml", "--duration", "200", "--out", "results", "--plot")
    assert (code, err) == (0, "")
    assert sorted(p.name for p in Path("results").iterdir()) == ["plot.png", "soma.npz", "spikes.npz", "summary.json"]
    net = dn.Network.load("model.toml")
    net.run(200.0)
    np.testing.assert_array_equal(dn.load_recording("results/soma.npz").values, net.recordings["soma"].values)
    np.testing.assert_array_equal(dn.load_recording("results/spikes.npz").t, net.recordings["spikes"].t)
    summary = json.loads(Path("results/summary.json").read_text())
    assert summary["spikes"] == len(net.recordings["spikes"]) > 0
    assert f"{summary['spikes']} spikes" in out
    assert Path("results/plot.png").read_bytes().startswith(b"\x89PNG")


def test_json_settings_and_states(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--set", "pyramidal/soma.I_ext=100", "--seed", "3", "--dtype", "float32", "--dt", "0.05", "--threads", "1"]
    code, out, _ = said(capsys, "run", "model.toml", "--json", *given)
    found = json.loads(out)
    assert (code, found["seed"], found["dtype"], found["dt_ms"], found["t_ms"]) == (0, 3, "float32", 0.05, 500.0)
    net = dn.Network.load("model.toml", seed=3, dtype="float32", dt=0.05)
    net["pyramidal/soma"].I_ext = 100.0
    net.run(500.0)
    assert found["spikes"] == net.info["spikes"]


def test_rates_are_over_the_time_that_was_simulated(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "run", "model.toml", "--json", "--duration", "100.06", "--set", "pyramidal/soma.I_ext=900")
    found = json.loads(out)
    assert found["duration_ms"] == pytest.approx(found["t_ms"]) == 100.1
    spikes = found["recordings"]["spikes"]
    assert spikes["spikes"] > 0
    assert spikes["rate_hz"] == pytest.approx(spikes["spikes"] / 0.1001 / 20, rel=1e-12)


def test_check_and_info(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "check", "model.toml")
    assert code == 0
    assert out.startswith("model.toml: ok (20 neurons, ")
    _, out, _ = said(capsys, "check", "model.toml", "--json")
    assert json.loads(out)["ok"] is True
    _, out, _ = said(capsys, "info", "model.toml")
    assert "pyramidal/nmda.g" in out
    assert "records: soma, spikes" in out
    _, out, _ = said(capsys, "info", "model.toml", "--json")
    found = json.loads(out)
    assert found["parameters"]["noise.rate"] == 10.0
    assert found["records"]["soma"]["indices"] == [0, 1, 2]
    assert {m["path"] for m in found["modules"]} >= {"pyramidal", "pyramidal/dend", "noise", "input"}


def test_what_is_wrong_is_said_as_in_the_docs(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = model.read_text().replace("gL = 40, C = 1, length = 30", "gl = 40, C = 1, length = 30")
    model.write_text(text)
    code, out, err = said(capsys, "check", "model.toml")
    assert (code, out) == (1, "")
    assert err.strip() in PAGE.read_text()
    code, out, _ = said(capsys, "run", "model.toml", "--json")
    error = json.loads(out)["error"]
    assert (code, error["kind"], error["line"], error["column"]) == (1, "ModelFileError", 12, 42)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "gone.toml"], "No such file or directory: 'gone.toml'"),
        (["run", "model.toml", "--set", "pyramidal/soma.I_ex=1"], 'did you mean "pyramidal/soma.I_ext"?'),
        (["run", "model.toml", "--set", "I_ext"], "expected PARAMETER=NUMBER"),
        (["run", "model.toml", "--set", "pyramidal/dend.gL=1e9"], "became infinite or NaN"),
        (["run", "model.toml", "--out", "model.toml"], "File exists: 'model.toml'"),
    ],
)
def test_failures_have_code_1(
    model: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, _, err = said(capsys, *arguments)
    assert code == 1
    assert err.startswith("dendrion: ")
    assert message in err


@pytest.mark.parametrize(
    "arguments", [[], ["walk"], ["run"], ["run", "m.toml", "--duration", "-1"], ["run", "m", "-x"]]
)
def test_commands_that_mean_nothing_have_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: dendrion" in capsys.readouterr().err


def test_a_model_that_says_no_duration(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model.write_text(model.read_text().replace("duration = 500", "# duration = 500"))
    code, _, err = said(capsys, "run", "model.toml")
    assert code == 1
    assert "pass --duration MS" in err


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "schema")
    assert code == 0
    assert json.loads(out) == dn.files.schema()


@pytest.mark.usefixtures("ctrl_c")
def test_installed_command_and_ctrl_c(model: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "dendrion",
        "run",
        "model.toml",
        "--duration",
        "1e6",
        "--quiet",
        "--out",
        "results",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    # The folder is created after the model is loaded, just before the run.
    deadline = time.monotonic() + 60.0
    while not Path("results").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "dendrion: stopped by Ctrl-C")
