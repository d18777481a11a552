"""A few inputs of each reader, in the program and in Python, find no fault; the program's own tests run more."""

from __future__ import annotations

import random
import subprocess

import pytest

from . import _reader
from ._target import FaultError, case_of

READERS = ["equations", "nmodl", "swc", "models", "arrays", "states"]


@pytest.fixture
def small(monkeypatch, tmp_path):
    if not _reader.program().exists():
        pytest.skip("cargo test builds dendrion-fuzz")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_reader, "INPUTS", 100)


@pytest.mark.filterwarnings("ignore::dendrion.ModelWarning")
@pytest.mark.parametrize("target", READERS)
def test_inputs_end_well_or_in_an_error_of_dendrion(small, monkeypatch, target):
    monkeypatch.setattr(_reader, "IN_PYTHON", 15)
    steps = []
    outcomes = case_of(target)(random.Random(1), steps.append)
    assert len(outcomes) == len(steps) == 115
    assert sum(kind.startswith("accepted") for kind in outcomes) > 3
    assert sum(kind.startswith("in Python") for kind in outcomes) == 15


def test_a_crash_names_its_input(small, monkeypatch, tmp_path):
    program = tmp_path / "program"
    program.write_text(f"""#!/bin/sh
if [ "$1" = show ]; then exec {_reader.program()} "$@"; fi
printf 17 > "$5"; echo "out of memory" >&2; exit 134
""")
    program.chmod(0o755)
    monkeypatch.setattr(_reader, "program", lambda: program)
    steps = []
    with pytest.raises(FaultError, match=r"input 17: .*show models \d+ 17") as error:
        case_of("models")(random.Random(1), steps.append)
    assert error.value.key == "crash: models: ['out of memory']"
    assert len(steps) == 18


def test_the_program_ends_with_whoever_started_it(small, tmp_path):
    command = [str(_reader.program()), "models", "1", "0", str(10**9), str(tmp_path / "place")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process.stdin.close()
    assert process.wait(timeout=60) == 3
