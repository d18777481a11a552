"""Inputs that are too large raise errors, and neither overflow the stack nor exhaust the memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest

#: Limits the address space to 3 GB, so that inputs that would exhaust the machine's memory fail at once.
HEAD = """
import threading
import dendrion as dn
import numpy as np
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
except ImportError:
    pass


def cell(text=None, size=1, **kwargs):
    made = dn.MCNeuron(size, V_th=-50.0, V_reset=-60.0, name="cell", **kwargs)
    made.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
    if text is not None:
        made.own = type("Own", (dn.Channel,), {"equations": text})(size, on=made.soma)
    return made


def with_small_stack(function):
    failed = []

    def run():
        try:
            function()
        except BaseException as error:
            failed.append(error)

    threading.stack_size(64 << 10)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
"""


def process(code: str, **env: str) -> str:
    command = [sys.executable, "-c", HEAD + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **env})
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    return done.stdout


def test_repeated_squares_take_one_product_each() -> None:
    out = process("""
lines = ["a0 = V/mV", *(f"a{i + 1} = a{i}*a{i}" for i in range(40)), "I = 1 pA*tanh(a40)"]
for method in ("euler", "rk4", "heun3"):
    net = dn.Network([cell("\\n".join(lines))], dt=0.1, odemethod=method)
    v = net.probe(net["cell/soma"], "V")
    net.run(1.0)
    print(float(v.values[-1, 0]))
""")
    # a40 is infinite and its tanh is 1, so there is a constant current of 1 pA.
    euler = -65.0
    for _ in range(9):
        euler += 0.1 * (10.0 * (-65.0 - euler) + 1.0) / 200.0
    values = [float(v) for v in out.split()]
    assert len(values) == 3
    assert values[0] == pytest.approx(euler, abs=1e-9)


@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
def test_long_products_have_the_right_value_and_gradient() -> None:
    # V^(2^7) has more factors than a term may have.
    class Own(dn.Channel):
        equations = (
            "a0 = V/(65 mV)\n" + "\n".join(f"a{i + 1} = a{i}*a{i}" for i in range(7)) + "\nI = g*a7 : pA\ng = 3 pA"
        )

    cell = dn.MCNeuron(1, V_th=0.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(1, V_rest=-65.0, C=200.0, gL=10.0)
    cell.own = Own(1, on=cell.soma)
    net = dn.Network([cell], dt=0.1, odemethod="euler")
    v = net.probe(cell.soma, "V")
    run = net.run(0.3, grad=True)
    expected, slope = [-65.0], [0.0]
    for _ in range(2):
        a = (expected[-1] / 65.0) ** 128
        da = 128 * (expected[-1] / 65.0) ** 127 / 65.0
        slope.append(slope[-1] + 0.1 * (-10.0 * slope[-1] + a + 3.0 * da * slope[-1]) / 200.0)
        expected.append(expected[-1] + 0.1 * (10.0 * (-65.0 - expected[-1]) + 3.0 * a) / 200.0)
    np.testing.assert_allclose(v.values[:3, 0], expected, rtol=1e-12)
    found = run.backward({v: np.eye(len(v.values))[2][:, None]})
    np.testing.assert_allclose(found["cell/own.g"], slope[2], rtol=1e-9)


@pytest.mark.parametrize("line", ["tanh(a{i})", "a{i} + 0.001*tanh(a{i})", "a{i}*0.99 + 0.01"])
def test_chains_of_names_need_no_large_stack(line: str) -> None:
    out = process(f"""
lines = ["a0 = V/(65 mV)", *(f"a{{i + 1}} = {line}" for i in range(800)), "I = 0.1 pA*a800"]

def run():
    for method in ("euler", "exp_euler"):
        net = dn.Network([cell("\\n".join(lines))], dt=0.1, odemethod=method)
        v = net.probe(net["cell/soma"], "V")
        r = net.run(0.2, grad=True)
        r.backward({{v: np.ones(v.values.shape)}})
        assert np.isfinite(v.values).all()

with_small_stack(run)
print("done")
""")
    assert out == "done\n"


def test_nested_parentheses_need_no_large_stack() -> None:
    out = process("""
text = "I = " + "(" * 90 + "V" + ")" * 90 + "*1 pA/mV"
with_small_stack(lambda: dn.Network([cell(text)], dt=0.1).run(0.2))
try:
    cell("I = " + "(" * 50000 + "V")
except dn.EquationError as error:
    assert "nested more than" in str(error)
    print("done")
""")
    assert out == "done\n"


def test_surrogates_have_a_limit() -> None:
    def deep(x):
        for _ in range(5000):
            x = np.tanh(x)
        return x

    cell = dn.MCNeuron(1, V_th=-50.0, V_reset=-60.0, name="cell", surrogate_grad_fn=deep)
    cell.soma = dn.LeakyIF(1, V_rest=-65.0, C=200.0, gL=10.0)
    with pytest.raises(
        dn.ParameterError, match=r"cell: surrogate_grad_fn = .*operations and numbers; expected at most 4096"
    ):
        dn.Network([cell], dt=0.1).run(0.1, grad=True)


def test_postfix_tokens_of_a_file_have_a_limit(tmp_path: Path) -> None:
    model = tmp_path / "m.toml"
    tokens = ['"x"', *['"neg"'] * 10_000]
    model.write_text(f"""
dendrion = 2
[populations.cell]
size = 1
V_th = -50
V_reset = -60
surrogate = {{ postfix = [{", ".join(tokens)}] }}
compartments.soma = {{ kind = "LeakyIF", V_rest = -65, gL = 10, C = 200 }}
""")
    with pytest.raises(dn.ModelFileError, match="10001 operations and numbers: expected at most 4096"):
        dn.Network.load(model)


def test_nested_files_need_no_large_stack(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('{"a": ' + "[" * 100_000)
    (tmp_path / "m.toml").write_text("a = " + "[" * 100_000)
    out = process(f"""
def load():
    for name in ("m.json", "m.toml"):
        try:
            dn.Network.load({str(tmp_path)!r} + "/" + name)
        except dn.ModelFileError:
            print(name)

load()
with_small_stack(load)
""")
    assert out.split() == ["m.json", "m.toml"] * 2


SIZE = """
dendrion = 2
[populations.cell]
size = {size}
V_th = -50
V_reset = -60
compartments.soma = {{ kind = "LeakyIF", V_rest = -65, gL = 10, C = 200 }}
"""


@pytest.mark.parametrize("method", ["implicit_euler", "exp_euler"])
def test_a_factor_that_overflows_is_no_endless_recursion(method: str) -> None:
    """Found by ``make fuzz``: a sum that was simplified to one of its own factors exhausted the memory."""
    process(
        f"""
cell = cell(odemethod={method!r}, text='''
g = 5 nS; E = -90 mV; k = 8 mV; tau = 3 ms
dx0/dt = x1/max(tau + 0.1 ms * (E - V)/k, 0.1 ms) : 1
dx1/dt = x1/tau : 1
dx2/dt = where(V > 0 mV, x1, x2) * where(V > 0 mV, x2 * x3/1e300^3, x1)/tau : 1
dx3/dt = where(not ((V + 40 mV)/k > x2 and V >= -40 mV), (x1 - 0.5) * x1^2/((E - V)/k), x2)/(3 ms) : 1
I = g * where(1/(1 + exp(-(V + 40 mV)/k)) <= x2, 1/(1 + exp(-V/k)), where(V > -40 mV or V < -40 mV,
    sqrt(x2 + (E - V)/k), (E - V)/k - x2) + (pow((V + 40 mV)/k if V > -40 mV else (E - V)/k, x2 + x0) +
    max(x2 + 1e-9, expm1(2)))) * (E - V) : pA
''')
dn.Network([cell], dt=0.1)
"""
    )


def test_the_memory_limit_is_checked_before_anything_is_allocated(tmp_path: Path) -> None:
    model = tmp_path / "m.toml"
    model.write_text(SIZE.format(size=4_000_000_000))
    out = process(
        f"""
expected = "cell: a population of size 4000000000 needs about 32.0 GB of memory: expected at most 1.0 GB"
for way in (
    lambda: dn.Network.load({str(model)!r}),
    lambda: dn._core.check_model({str(model)!r}),
    lambda: dn.Network([cell(size=4_000_000_000)], dt=0.1).run(0.1),
):
    try:
        way()
    except (dn.MemoryLimitError, dn.ModelFileError) as error:
        assert expected in str(error), error
        print(type(error).__name__)
""",
        DENDRION_MEMORY_LIMIT="1e9",
    )
    assert out.split() == ["ModelFileError", "ModelFileError", "MemoryLimitError"]


def test_a_check_does_not_build_large_networks(tmp_path: Path) -> None:
    model = tmp_path / "m.toml"
    model.write_text(
        SIZE.format(size=4_000_000_000) + '[record.v]\nof = "cell/soma"\nvariable = "V"\nindices = [3999999999]\n'
    )
    process(f"dn._core.check_model({str(model)!r})", DENDRION_MEMORY_LIMIT="1e15")
    model.write_text(model.read_text().replace("3999999999", "4000000000"))
    out = process(
        f"""
try:
    dn._core.check_model({str(model)!r})
except dn.ModelFileError as error:
    print(error)
""",
        DENDRION_MEMORY_LIMIT="1e15",
    )
    assert "record v: indices: 4000000000: expected an integer below 4000000000" in out


def test_the_command_check_does_not_build_large_networks(tmp_path: Path) -> None:
    model = tmp_path / "m.toml"
    model.write_text(SIZE.format(size=4_000_000_000))
    out = process(
        f"""
from dendrion.cli import main
for more in ([], ["--json"]):
    assert main(["check", {str(model)!r}, *more]) == 0
""",
        DENDRION_MEMORY_LIMIT="1e15",
    )
    text, _, found = out.partition("{")
    assert text.endswith("m.toml: ok (4000000000 neurons; the model is large, so connections were not counted)\n")
    assert json.loads("{" + found) == {
        "model": str(model),
        "ok": True,
        "neurons": 4_000_000_000,
        "compartments": 4_000_000_000,
        "connections": None,
    }


def test_connections_count_against_the_memory_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DENDRION_MEMORY_LIMIT", "1e6")
    cell = dn.MCNeuron(1000, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(1000, V_rest=-65.0, C=200.0, gL=10.0)
    cell.ampa = dn.AMPA(1000, g=1.0, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    cell.soma.I_ext = 10.0
    synapse = dn.MCSynapse(cell, cell.ampa, conn=dn.All2All(), name="all")
    with pytest.raises(dn.MemoryLimitError, match=r"all: a projection of 1000000 connections needs about .* MB"):
        dn.Network([cell, synapse], dt=0.1)
    monkeypatch.setenv("DENDRION_MEMORY_LIMIT", "1e9")
    dn.Network([cell, synapse], dt=0.1)


def test_a_memory_limit_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DENDRION_MEMORY_LIMIT", "lots")
    cell = dn.MCNeuron(1, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(1, V_rest=-65.0, C=200.0, gL=10.0)
    with pytest.raises(
        dn.ParameterError, match="environment: DENDRION_MEMORY_LIMIT = lots: expected a number of bytes"
    ):
        dn.Network([cell], dt=0.1).run(0.1)


def test_references_to_one_array_count_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "m.npz", a=np.full(10_000, 10.0))
    lines = ["dendrion = 2", "[arrays]", 'file = "m.npz"']
    for i in range(200):
        lines += [f"[populations.p{i}]", "size = 10000", "V_th = -50", "V_reset = -60"]
        lines += [f"[populations.p{i}.compartments.soma]", 'kind = "LeakyIF"', "V_rest = -65", "C = 200"]
        lines += ['gL = { array = "a" }']
    model = tmp_path / "m.toml"
    model.write_text("\n".join(lines))
    monkeypatch.setenv("DENDRION_MEMORY_LIMIT", "4e6")
    with pytest.raises(dn.ModelFileError, match=r"all arrays that the model refers to needs about 4.* MB"):
        dn.Network.load(model)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_only_regular_files_are_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mod"
    os.mkfifo(pipe)
    done = []

    def read() -> None:
        for way in (dn.nmodl.load, dn.load_recording):
            with pytest.raises(OSError, match="is not a regular file"):
                way(pipe)
            done.append(way)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(20)
    assert len(done) == 2
