"""The tutorials, which assert their own claims, run as scripts without warnings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("*.py"))


def test_there_are_tutorials():
    assert {path.stem for path in TUTORIALS} == {
        "dendritic_integration",
        "first_neuron",
        "fitting",
        "fitting_densities",
        "from_brian2",
        "from_neurai",
        "network_with_inhibition",
        "plasticity",
        "reconstructed_cell",
        "training",
    }


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path, tmp_path):
    # All figures stay open until the end, and matplotlib warns if there are more than 20.
    ignored = "ignore:More than 20 figures have been opened"
    command = [sys.executable, "-W", "error", "-W", ignored, str(path)]
    environment = os.environ | {"MPLBACKEND": "Agg"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_is_a_notebook(path):
    cells = path.read_text().split("\n# %%")
    assert cells[1].startswith(" [markdown]\n# # "), "begins with its title"
    assert any(cell.startswith("\n") and "assert " in cell for cell in cells[1:]), "asserts what it says"
