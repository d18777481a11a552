"""Threads, signal handlers and callbacks can read a running network; attempts to change it raise errors."""

import contextlib
import itertools
import signal
import sys
import threading
import time

import dendrion as dn
import numpy as np
import pytest

ALARMS = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")


def made(size=200, fn=None, learns=False, threads=2):
    cell = dn.MCNeuron(size, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(size, V_rest=-65.0, C=20.0, gL=1.0, I_ext=20.0)
    cell.ampa = dn.AMPA(size, g=1.0, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    source = dn.PoissonGenerator(20, rate=50.0, name="source")
    if fn is not None:
        source = dn.CustomGenerator(20, fn=fn, name="source")
    rule = dn.STDP(w_max=10.0) if learns else None
    drive = dn.MCSynapse(source, cell.ampa, dn.FixedIndegree(2), weight=0.5, plasticity=rule, name="drive", delay=1.0)
    net = dn.Network([cell, source, drive], seed=3, threads=threads)
    return net, net.probe(cell.soma, "V", every=1.0, indices=[0, 5]), net.probe(cell, "spikes")


class Calls:
    """A stream for a progress bar that calls a function."""

    def __init__(self, function):
        self.function = function

    def write(self, text):
        self.function()

    def flush(self):
        pass


def changes(net, v, tmp_path):
    cell, drive = net["cell"], net["drive"]
    return {
        "run": lambda: net.run(1.0),
        "run with a gradient": lambda: net.run(1.0, grad=True),
        "reset": net.reset,
        "save_state": lambda: net.save_state(tmp_path / "x.state"),
        "load_state": lambda: net.load_state(tmp_path / "saved.state"),
        "save": lambda: net.save(tmp_path / "x.toml"),
        "set a parameter": lambda: setattr(cell.soma, "gL", 2.0),
        "set parameters": lambda: net.set_parameters({"cell/soma.gL": 2.0}),
        "set weights": lambda: setattr(drive, "w", 2.0),
        "set a state": lambda: setattr(cell.soma, "V", -60.0),
        "probe": lambda: net.probe(cell, "spikes"),
        "remove": lambda: net.remove(v),
        "clear": v.clear,
        "clear_recordings": net.clear_recordings,
        "eval": net.eval,
    }


def reads(net, v, spikes):
    cell = net["cell"]
    return {
        "t": lambda: net.t,
        "repr": lambda: repr(net),
        "print": lambda: str(net),
        "HTML": net._repr_html_,
        "repr of a module": lambda: repr(cell),
        "HTML of a module": cell._repr_html_,
        "repr of a recording": lambda: repr(v),
        "names": lambda: (cell.soma.path, list(net.recordings), dir(cell.soma)),
        "parameter": lambda: cell.soma.gL,
        "info": lambda: net.info,
        "noise_seed": lambda: net.noise_seed,
        "values": lambda: v.values,
        "spikes": lambda: (spikes.t, spikes.i, spikes.counts()),
        "statistics": lambda: spikes.dense(),
        "parameters": net.parameters,
        "states": net.get_state,
        "state": lambda: cell.soma.V,
        "connections": lambda: net["drive"].connections,
    }


def errors_of(uses):
    """Return the exception that each use raises, by name; None if it succeeds."""
    found = {}
    for name, use in uses.items():
        try:
            use()
            found[name] = None
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


def check_refused(found, where):
    # Each exception is one of Dendrion's, and its message states that the network is running.
    wrong = {
        name: text
        for name, text in found.items()
        if not any(word in str(text) for word in ("running", "runs", "during a run"))
    }
    assert wrong == {}, where
    assert all(text.startswith("RunError") for text in found.values()), found


@contextlib.contextmanager
def running(run):
    """Run in another thread during the context, and wait until the run has ended."""
    errors = []

    def target():
        try:
            run()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(60)
    assert not thread.is_alive()
    assert errors == []


def test_another_thread_reads_and_changes_nothing(tmp_path):
    net, v, spikes = made()
    net.save_state(tmp_path / "saved.state")
    gone, go_on = threading.Event(), threading.Event()

    def hold(done):
        gone.set()
        go_on.wait(20)

    def run():
        # Call the engine directly, because a progress bar is also drawn between calls to the engine.
        with net._alone("run"):
            net._sim.run(3000, hold)

    with running(run):
        assert gone.wait(20)
        try:
            found = errors_of(reads(net, v, spikes))
            refused = errors_of(changes(net, v, tmp_path))
        finally:
            go_on.set()
    assert [name for name, text in found.items() if text is not None] == []
    check_refused(refused, "another thread")
    net.run(1.0)


def test_another_thread_reads_all_the_time():
    net, v, spikes = made()
    whole, v_whole, spikes_whole = made()
    whole.run(2000.0)
    # On a busy machine, this thread may not get a turn during a run, so there are several attempts.
    for _ in range(20):
        net.reset()
        times = []
        with running(lambda: net.run(2000.0)) as thread:
            while thread.is_alive():
                times.append((net.t, len(v.values)))
                # The recordings are those of a complete run.
                values = v.values
                assert np.array_equal(values, v_whole.values[: len(values)])
                assert spikes.counts().sum() <= len(spikes_whole.t)
                assert repr(net)
        if any(0.0 < t < 2000.0 for t, _ in times):
            break
    assert any(0.0 < t < 2000.0 for t, _ in times)
    assert times == sorted(times)
    np.testing.assert_array_equal(v.values, v_whole.values)
    np.testing.assert_array_equal(spikes.t, spikes_whole.t)
    np.testing.assert_array_equal(spikes.i, spikes_whole.i)


def test_a_progress_callback_reads(tmp_path):
    net, v, spikes = made()
    whole, v_whole, _ = made()
    whole.run(300.0)
    net.save_state(tmp_path / "saved.state")
    found, refused, seen = [], [], []

    def look():
        found.append(errors_of(reads(net, v, spikes)))
        refused.append(errors_of(changes(net, v, tmp_path)))
        seen.append((net.t, len(v.t), len(v.values)))

    # Use the engine's own progress callback, so that it is called during a run.
    with net._alone("run"):
        net._sim.run(3000, lambda done: look())
    assert all(text is None for each in found for text in each.values()), found
    for each in refused:
        check_refused(each, "progress")
    # The recordings up to this time are available.
    assert seen
    assert all(rows == times == int(np.ceil(round(t, 9))) for t, times, rows in seen)
    np.testing.assert_array_equal(v.values, v_whole.values)
    found.clear(), refused.clear()
    net.run(1.0, progress=Calls(look))
    assert found
    assert all(text is None for each in found for text in each.values()), found


@ALARMS
@pytest.mark.parametrize("kind", ["plain", "gradient", "batch", "stream", "function"])
def test_a_signal_handler_reads(kind, tmp_path):
    if kind == "stream":
        pytest.importorskip("zarr")
    net, v, spikes = made(fn=(lambda t: np.zeros((len(t), 20), dtype=int)) if kind == "function" else None)
    if kind == "stream":
        net.probe(net["cell"].soma, "V", to=tmp_path / "run.zarr", indices=[1])
    net.run(1.0)
    net.save_state(tmp_path / "saved.state")
    found, refused = [], []
    always = (
        "t",
        "repr",
        "print",
        "HTML",
        "repr of a module",
        "HTML of a module",
        "names",
        "parameter",
        "info",
        "noise_seed",
    )

    def look(*_):
        if not net._is_running:
            # The signal arrived between two runs.
            return
        uses = reads(net, v, spikes)
        found.append(errors_of({name: use for name, use in uses.items() if name in always}))
        rest = errors_of({name: use for name, use in uses.items() if name not in always})
        # Reading data of a run that cannot be interrupted raises errors.
        check_refused({name: text for name, text in rest.items() if text is not None}, "reads")
        if kind in ("plain", "function", "stream"):
            assert all(text is None for text in rest.values()), rest
        refused.append(errors_of(changes(net, v, tmp_path)))

    before = signal.signal(signal.SIGALRM, look)
    options = {"gradient": {"grad": True}, "batch": {"batch": 2}}.get(kind, {})
    try:
        begun = time.monotonic()
        # Each run has one signal, because handlers would interrupt each other if they took longer than the time between
        # two signals. Its time varies, because the runs of a fast machine may be over before a late signal.
        for delay in itertools.cycle([0.03, 0.01, 0.003]):
            signal.setitimer(signal.ITIMER_REAL, delay)
            net.run(150.0, **options)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if found or time.monotonic() - begun > 60:
                break
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert found
    assert [text for each in found for text in each.values() if text is not None] == []
    for each in refused:
        check_refused(each, "signal handler")


@pytest.mark.parametrize("options", [{"grad": True}, {"batch": 3}, {"batch": 2, "grad": True}])
def test_what_describes_a_network_can_be_read_in_runs_that_are_not_interrupted(options, tmp_path):
    # Use one thread, so that the thread that calls progress also computes.
    net, v, spikes = made(threads=1)
    net.run(2.0)
    net.save_state(tmp_path / "saved.state")
    gone, go_on, found, refused = threading.Event(), threading.Event(), {}, {}

    def hold():
        gone.set()
        go_on.wait(20)

    def engine():
        # Call the engine directly, because a progress bar is also drawn between calls to the engine.
        batch, trace = options.get("batch"), 1 << 30 if "grad" in options else None
        with net._alone("run"):
            net._sim.run_with(2000, lambda done: hold(), batch, [], trace)

    with running(engine):
        assert gone.wait(20)
        try:
            found = errors_of(reads(net, v, spikes))
            refused = errors_of(changes(net, v, tmp_path))
        finally:
            go_on.set()
    data = {"values", "spikes", "statistics", "parameters", "states", "state", "connections", "repr of a recording"}
    assert {name for name, text in found.items() if text is not None} <= data, found
    check_refused({name: text for name, text in found.items() if text is not None}, "reads")
    check_refused(refused, "changes")
    net.reset()
    net.run(1.0)


def test_the_network_is_free_while_a_run_is_reversed():
    net, v, spikes = made()
    run = net.run(200.0, grad=True)
    cotangent = np.ones_like(v.values)
    found = {}
    with running(lambda: run.backward({v: cotangent}, ["cell/soma.gL"])):
        found = errors_of(reads(net, v, spikes))
        assert run.memory
        assert repr(run)
        net.run(5.0)
        net.reset()
    assert [name for name, text in found.items() if text is not None] == []


def test_a_function_of_a_generator_cannot_change_its_network(tmp_path):
    found, looked = [], []

    def fn(t):
        if not found:
            found.append(errors_of(changes(net, v, tmp_path)))
            looked.append(errors_of(reads(net, v, spikes)))
        return np.zeros((len(t), 20), dtype=int)

    net, v, spikes = made(fn=fn)
    net.run(5.0)
    check_refused(found[0], "a generator's function")
    assert [name for name, text in looked[0].items() if text is not None] == []
    assert net.t == pytest.approx(5.0)
    assert len(net.recordings) == 2


def test_a_stream_is_whole_for_another_thread(tmp_path):
    pytest.importorskip("zarr")
    net, _, _ = made()
    stream = net.probe(net["cell"].soma, "V", to=tmp_path / "run.zarr", indices=[0])
    net._streams.piece = lambda: 300
    with running(lambda: net.run(150.0)) as thread:
        while thread.is_alive():
            values, t = stream.values, stream.t
            assert np.array_equal(t[: len(values)], np.arange(min(len(values), len(t))) * 0.1)
    assert len(stream.values) == 1500


def test_readers_do_not_keep_a_run_from_going_on():
    net, v, _ = made(size=20)
    stop = threading.Event()

    def read():
        while not stop.is_set():
            assert len(v.values) <= 2000

    readers = [threading.Thread(target=read) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        for reader in readers:
            reader.start()
        net.run(200.0)
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        for reader in readers:
            reader.join(20)
    assert net.t == pytest.approx(200.0)


def test_learning_is_not_switched_while_the_network_runs():
    net, _, _ = made(learns=True)
    found = []

    def switch():
        try:
            net.eval()
        except dn.RunError as error:
            found.append(str(error))
        found.append(net["drive"].training)

    net.run(5.0, progress=Calls(switch))
    assert "during a run" in found[0]
    assert found[1] is True
