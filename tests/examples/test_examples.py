"""The examples produce the results that they describe, at reduced size."""

import importlib.util
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(monkeypatch):
    """Return a function that imports an example by name."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def load(name):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


def test_the_cell_is_fitted(example, tmp_path, capsys):
    picture = tmp_path / "fit.png"
    worst = example("fit_ca1").main(["--iterations", "150", "--off", "0.15", "--out", str(picture)])
    assert worst < 0.04, capsys.readouterr().out
    assert picture.stat().st_size > 10_000


def test_the_network_learns_digits(example, tmp_path, capsys):
    picture = tmp_path / "digits.png"
    sizes = ["--epochs", "6", "--images", "480", "--repeats", "1"]
    accuracy = example("digits").main([*sizes, "--out", str(picture)])
    assert accuracy["dendrites"] > 0.75, capsys.readouterr().out
    assert picture.stat().st_size > 10_000


def test_surrogates_are_drawn(example, tmp_path):
    picture = tmp_path / "surrogates.png"
    example("surrogates").main(str(picture))
    assert picture.stat().st_size > 10_000


def test_the_reconstructed_cell_fires_with_its_nmda_spike(example, tmp_path):
    picture = tmp_path / "cell.png"
    movie = tmp_path / "cell.gif"
    arguments = ["--dpi", "60", "--out", str(picture), "--movie", str(movie)]
    assert example("reconstructed_cell").main(arguments) >= 2
    assert picture.stat().st_size > 10_000
    assert movie.stat().st_size > 10_000


def test_the_reconstructed_cell_can_be_a_file(example, tmp_path):
    (tmp_path / "cell.swc").write_text(example("grow_cell").pyramidal(seed=7))
    arguments = ["--swc", str(tmp_path / "cell.swc"), "--dpi", "60", "--out", str(tmp_path / "cell.png")]
    assert example("reconstructed_cell").main(arguments) >= 0
