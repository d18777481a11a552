"""Error messages are short even if the input is long, and environment variables are checked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dendrion as dn
import pytest

LONG = 2_000_000


def test_messages_do_not_echo_long_values() -> None:
    with pytest.raises(dn.DendrionError) as caught:
        dn.MCNeuron(2, name="cell", V_th="x" * LONG)
    assert str(caught.value).startswith("MCNeuron: V_th = ")
    assert len(str(caught.value)) < 11_000
    assert "..." in str(caught.value)


@pytest.mark.parametrize("text", ["I = {} : pA", "I = 1 pA + {} : pA", "I = 1 pA : pA {}", "{}I = 1 : pA"])
@pytest.mark.parametrize("word", ["x", "1 + ", "é", "(", " "])
def test_errors_in_long_lines_show_the_place(text: str, word: str) -> None:
    long = text.format(word * (20_000 // len(word)) + " ?")
    with pytest.raises(dn.EquationError) as caught:
        type("Own", (dn.Channel,), {"equations": long})(2)
    message = str(caught.value)
    assert len(message) < 6_000
    _, source, carets = message.splitlines()[-3:]
    assert len(source) < 200
    assert len(carets) <= len(source) + 2
    assert "^" in carets


def test_a_long_line_of_a_model_file(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text('{"dendrion": 2, "dt": [' + "1," * LONG + "]}")
    with pytest.raises(dn.ModelFileError) as caught:
        dn.Network.load(path)
    assert len(str(caught.value)) < 6_000


def test_a_long_line_of_nmodl() -> None:
    with pytest.raises(dn.EquationError) as caught:
        dn.nmodl.loads("NEURON { SUFFIX a } PARAMETER { " + "b " * 50_000 + "}")
    assert len(str(caught.value)) < 6_000


@pytest.mark.parametrize("level", ["base", "", "AVX9"])
def test_an_unknown_level_is_an_error(level: str) -> None:
    script = (
        "import dendrion as dn\n"
        "cell = dn.MCNeuron(1, V_th=-50.0, V_reset=-60.0); cell.soma = dn.LeakyIF(1)\n"
        "try: dn.Network([cell])\n"
        "except dn.DendrionError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | {"DENDRION_LEVEL": level}, capture_output=True, text=True
    )
    assert f'DENDRION_LEVEL = "{level}": expected a level that this processor supports: baseline' in done.stdout, (
        done.stderr
    )
