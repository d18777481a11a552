"""No traceback appears if ``__del__`` uses a network when Python exits, or if output cannot be written."""

import os
import subprocess
import sys
import textwrap

import dendrion as dn
import pytest

FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


@pytest.mark.parametrize("arguments", ["1.0", "200.0, batch=2", "200.0, grad=True", "1.0, progress=True"])
def test_a_run_when_python_exits(arguments):
    code = f"""
    import builtins
    import dendrion as dn

    class Last:
        def __init__(self):
            self.cell = dn.MCNeuron(5, V_th=-50.0, V_reset=-60.0)
            self.cell.soma = dn.LeakyIF(5, I_ext=100.0)
            self.source = dn.PoissonGenerator(2)
            self.net = dn.Network([self.cell, self.source])
        def __del__(self):
            self.net.run({arguments})

    last = Last()
    last.itself = last
    # Modules keep nothing when this goes.
    builtins.last = last
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert "Traceback" not in found.stderr
    assert "panicked" not in found.stderr
    assert "ignored" not in found.stderr


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    cell = dn.MCNeuron(5, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(5, I_ext=100.0)
    net = dn.Network([cell])
    net.probe(cell.soma, "V")
    path = tmp_path_factory.mktemp("model") / "model.toml"
    net.save(path)
    return str(path)


COMMANDS = [
    ("run", "--duration", "1"),
    ("run", "--duration", "1", "--json"),
    ("info",),
    ("info", "--json"),
    ("check",),
    ("check", "--json"),
    ("schema",),
]


def command(arguments, model, **streams):
    needs_model = arguments[0] in ("run", "info", "check") and "--help" not in arguments
    given = [arguments[0], *([model] if needs_model else []), *arguments[1:]]
    return subprocess.run([sys.executable, "-m", "dendrion", *given], timeout=60, text=True, **streams)


@FULL
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_output_that_cannot_be_written(arguments, model):
    with open("/dev/full", "w") as full:
        found = command(arguments, model, stdout=full, stderr=subprocess.PIPE)
        assert found.returncode == 1
        assert "Traceback" not in found.stderr
        assert "Exception" not in found.stderr
        assert "No space left" in found.stderr
        # Error messages cannot be written either.
        found = command(arguments, model, stdout=full, stderr=full)
        assert found.returncode == 1


@FULL
@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("--version",)], ids=" ".join)
def test_help_that_cannot_be_written(arguments, model):
    with open("/dev/full", "w") as full:
        found = command(arguments, model, stdout=full, stderr=subprocess.PIPE)
    # argparse ignores errors while it writes.
    assert "Traceback" not in found.stderr
    assert "Exception" not in found.stderr


@FULL
def test_an_error_that_cannot_be_written(model):
    with open("/dev/full", "w") as full:
        found = command(("info", "--json"), model + ".gone", stdout=full, stderr=subprocess.PIPE)
        assert found.returncode == 1
        assert "Traceback" not in found.stderr
        assert command(("run",), model + ".gone", stdout=subprocess.PIPE, stderr=full).returncode == 1
        assert command(("run", "--nonsense"), model, stdout=subprocess.PIPE, stderr=full).returncode == 2
