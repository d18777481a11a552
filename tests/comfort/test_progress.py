"""The progress bar shows the completed time, the speed and the remaining time of a run."""

import io
import re
import sys

import dendrion as dn
import pytest
from dendrion.simulation import progress


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self):
        return True


class Clock:
    """Replacement for the time module, whose time the test sets (s)."""

    def __init__(self):
        self.now = 100.0

    def perf_counter(self):
        return self.now


def driven(pair, size=100):
    cells, noise = pair(size, name="cells"), dn.PoissonGenerator(50, rate=50.0)
    return dn.Network([cells, noise, dn.MCSynapse(noise, cells.ampa, dn.FixedProb(0.2))], threads=1)


def without_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_a_run_ends_at_its_total(pair, monkeypatch, with_tqdm):
    if not with_tqdm:
        without_tqdm(monkeypatch)
    net, stream = driven(pair), io.StringIO()
    net.run(250.0, progress=stream)
    last = stream.getvalue().rstrip("\n").split("\r")[-1]
    assert "simulating" in last
    assert "100%" in last
    assert ("250/250 ms" if with_tqdm else "250 of 250 ms") in last
    assert re.search(r"[\d,.]+ ms/s, [\d,.]+x real time", last)
    assert stream.getvalue().endswith("\n")


def test_speed_and_time_left_without_tqdm(monkeypatch):
    without_tqdm(monkeypatch)
    clock, stream = Clock(), io.StringIO()
    monkeypatch.setattr(progress, "time", clock)
    with progress.bar(10_000, 0.1, stream) as show:
        for done, seconds in ((0, 0.0), (2_500, 25.0), (2_501, 25.01), (5_000, 130.0)):
            clock.now = 100.0 + seconds
            show(done)
    lines = [line.rstrip() for line in stream.getvalue().strip("\r\n").split("\r")]
    # 250 ms in 25 s are 10 ms/s, so the other 750 ms take 75 s. Updates less than 0.1 s apart are not written.
    assert lines == [
        "simulating   0%, 0 of 1000 ms, 0 ms/s, 0x real time",
        "simulating  25%, 250 of 1000 ms, 10 ms/s, 0.01x real time, 01:15 left",
        "simulating  50%, 500 of 1000 ms, 3.8 ms/s, 0.0038x real time, 02:10 left",
    ]


def test_a_shorter_line_leaves_nothing_of_a_longer_one(monkeypatch):
    without_tqdm(monkeypatch)
    clock, stream = Clock(), io.StringIO()
    monkeypatch.setattr(progress, "time", clock)
    with progress.bar(10_000, 0.1, stream) as show:
        for done in (5_000, 10_000):
            clock.now += 4000.0
            show(done)
    before, after = stream.getvalue().strip("\r\n").split("\r")
    assert "1:06:40 left" in before
    assert len(after) >= len(before)


def test_speed_with_tqdm(monkeypatch):
    clock, stream = Clock(), io.StringIO()
    monkeypatch.setattr(progress, "time", clock)
    with progress.bar(10_000, 0.1, stream) as show:
        clock.now += 2.0
        show(10_000)
    assert "1000/1000 ms" in stream.getvalue()
    assert "500 ms/s, 0.5x real time]" in stream.getvalue()


@pytest.mark.parametrize("with_tqdm", [True, False])
@pytest.mark.parametrize("functions", [False, True])
def test_what_was_reached_is_shown_after_ctrl_c(pair, monkeypatch, ctrl_c, with_tqdm, functions):
    if not with_tqdm:
        without_tqdm(monkeypatch)
    cells = pair(100, name="cells")
    cells.soma.I_ext = 300.0
    modules = [cells]
    if functions:
        clock = dn.CustomGenerator(1, fn=lambda t: (t % 10 < 0.05)[:, None])
        modules += [clock, dn.MCSynapse(clock, cells.ampa, dn.All2All())]
    net, stream = dn.Network(modules), io.StringIO()
    net.run(7.0)
    ctrl_c(0.3, after=lambda: "\r" in stream.getvalue() and net.t > 8.0)
    with pytest.raises(KeyboardInterrupt):
        net.run(1e8, progress=stream)
    last = stream.getvalue().rstrip("\n").split("\r")[-1]
    (shown,) = re.search(r"([\d.]+)(?:/| of )100000000 ms", last).groups()
    assert 0 < float(shown) == round(net.t - 7.0)


def test_ctrl_c_in_a_run_for_a_gradient(pair, ctrl_c):
    net, stream = driven(pair), io.StringIO()
    ctrl_c(0.3, after=lambda: re.search(r"[1-9]\d*(\.\d+)?/1000000 ms", stream.getvalue()))
    with pytest.raises(KeyboardInterrupt):
        net.run(1e6, grad=True, memory=1e8, progress=stream)
    (shown,) = re.search(r"([\d.]+)/1000000 ms", stream.getvalue().split("\r")[-1]).groups()
    assert 0 < float(shown) < 1e6
    assert stream.getvalue().endswith("\n")


@pytest.mark.parametrize("options", [{"grad": True}, {"batch": 3}])
def test_gradients_and_batches_have_it_too(pair, options):
    net, stream = driven(pair), io.StringIO()
    net.run(50.0, progress=stream, **options)
    assert "50/50 ms" in stream.getvalue()


def test_short_times_have_decimals(pair):
    net, stream = driven(pair), io.StringIO()
    net.run(0.7, progress=stream)
    assert "0.7/0.7 ms" in stream.getvalue()


def test_it_is_shown_to_a_terminal_and_to_nothing_else(pair, monkeypatch):
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        driven(pair).run(50.0, progress=True)
        assert bool(stream.getvalue()) is shown
    monkeypatch.setattr(sys, "stderr", None)
    driven(pair).run(50.0, progress=True)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    driven(pair).run(50.0)
    assert terminal.getvalue() == ""


def test_it_is_shown_in_a_notebook(pair, tmp_path):
    nbformat, client = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    code = """
import dendrion as dn
cells = dn.MCNeuron(10, V_th=-40.0, V_reset=-60.0, name="cells")
cells.soma = dn.LeakyIF(10, V_rest=-65.0, C=100.0, gL=5.0, I_ext=200.0)
dn.Network([cells]).run(100.0, progress=True)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    texts = "".join(str(output) for output in notebook.cells[0].outputs)
    assert "100/100 ms" in texts


@pytest.mark.parametrize("wrong", [1, "yes", object()])
def test_what_is_no_stream(pair, wrong):
    with pytest.raises(dn.ParameterTypeError, match=r"network: progress = .*: expected True, False, or a stream to"):
        driven(pair).run(1.0, progress=wrong)
