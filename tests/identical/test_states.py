"""Saved states resume bit-identically: in another process, with other threads, and at any time."""

import contextlib
import errno
import gc
import subprocess
import sys
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest
from dendrion.simulation import running

from . import states
from .states import NETWORKS, watched


def elsewhere(name, dtype, threads, state, duration, end):
    """Continue from a state in a separate process, and return the results."""
    arguments = [name, dtype, threads, state, duration, end]
    done = subprocess.run([sys.executable, states.__file__, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.load(f"{end}.npz")


def check(net, spikes, found, since):
    """Compare all states, parameters, learned weights and spikes."""
    own = {**net.get_state(), **net.state_dict()}
    arrays = dict(found.items())
    times = [arrays.pop(f"arr_{i}") for i in range(4)]
    assert arrays.keys() == own.keys()
    for key, value in own.items():
        assert value.tobytes() == arrays[key].tobytes(), key
    for probe, (t, i) in zip(spikes, (times[:2], times[2:]), strict=True):
        late = probe.t >= since - 1e-9
        np.testing.assert_array_equal(probe.t[late], t)
        np.testing.assert_array_equal(probe.i[late], i)
        assert len(t) > 20


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_goes_on_in_another_process(name, dtype, tmp_path):
    # Save inside an epoch, while spikes are in transit.
    whole = NETWORKS[name](dtype=dtype, threads=1)
    spikes = watched(whole)
    whole.run(100.0)
    whole.save_state(tmp_path / "whole.state")
    first = NETWORKS[name](dtype=dtype, threads=2)
    first.run(37.3)
    first.save_state(tmp_path / "first.state")
    found = elsewhere(name, dtype, 3, tmp_path / "first.state", 62.7, tmp_path / "end.state")
    check(whole, spikes, found, 37.3)
    # The order in a file is that of neurons and connections for any number of threads, so the files are equal.
    assert (tmp_path / "end.state").read_bytes() == (tmp_path / "whole.state").read_bytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_two_breaks_and_a_state_saved_again(name, tmp_path):
    path, again = tmp_path / "run.state", tmp_path / "again.state"
    whole = NETWORKS[name]()
    whole.run(50.0)
    net = NETWORKS[name](threads=1)
    for piece, threads in ((0.1, 2), (11.7, 3), (13.2, 1), (25.0, 2)):
        net.run(piece)
        net.save_state(path)
        net = NETWORKS[name](threads=threads)
        net.load_state(path)
        net.save_state(again)
        assert again.read_bytes() == path.read_bytes()
    whole.save_state(again)
    assert again.read_bytes() == path.read_bytes()
    assert net.t == 50.0


@pytest.mark.parametrize("name", NETWORKS)
def test_there_and_back_in_one_network(name, tmp_path):
    """A network can return to a state. Recordings restart there, and reset() returns to t = 0."""
    path = tmp_path / "run.state"
    net = NETWORKS[name]()
    of = {m.name: m for m in net.modules}
    v, spikes = net.probe(of["cells"].soma, "V"), watched(net)
    sparse = net.probe(of["cells"].soma, "V", every=0.7, indices=[3, 1])
    probes = [v, sparse, *([net.probe(of["learnt"], "w", every=5.0)] if "learnt" in of else [])]
    net.run(20.0)
    net.save_state(path)
    assert len(v) == 200
    runs = []
    for _ in range(2):
        net.run(30.0)
        values = [p.values[p.t >= 20.0 - 1e-9] for p in probes]
        runs.append([*values, spikes[0].t[spikes[0].t >= 20.0 - 1e-9], net.get_state(), net.state_dict()])
        net.load_state(path)
        assert net.t == 20.0
        assert sum(len(p) for p in [*probes, *spikes]) == 0
    for a, b in zip(*runs, strict=True):
        np.testing.assert_equal(a, b)
    net.run(2.0)
    np.testing.assert_allclose(v.t, 20.0 + np.arange(20) * 0.1)
    np.testing.assert_allclose(sparse.t, [20.3, 21.0, 21.7])
    np.testing.assert_array_equal(v.values, runs[0][0][:20])
    net.reset()
    net.run(5.0)
    assert v.t[0] == 0.0
    if "learnt" not in of:
        fresh = NETWORKS[name]()
        fresh.run(5.0)
        np.testing.assert_equal(net.get_state(), fresh.get_state())


def test_functions_are_asked_on_from_where_they_were(tmp_path):
    """Functions are called once for each step; the state contains the spikes that they returned before the save."""
    path, asked = tmp_path / "run.state", []

    def fn(t):
        asked.append((round(t[0] / 0.1), round(t[-1] / 0.1)))
        return states.chance(t)

    def made(fn):
        cells = dn.MCNeuron(2, V_th=-60.0, V_reset=-65.0, name="cells")
        cells.soma = dn.LeakyIF(2, V_rest=-65.0, C=100.0, gL=5.0)
        cells.ampa = dn.AMPA(2, g=5.0, t_decay=3.0)
        cells.on = dn.MCConnSynapse(cells.ampa, cells.soma)
        source = dn.CustomGenerator(2, fn=fn, name="noise")
        return dn.Network([cells, source, dn.MCSynapse(source, cells.ampa, dn.One2One(), delay=1.0, name="s")])

    whole = made(states.chance)
    spikes = watched(whole)
    whole.run(250.0)
    net = made(states.chance)
    net.run(137.0)
    net.save_state(path)
    for _ in range(2):
        other, asked[:] = made(fn), []
        mine = watched(other)
        other.load_state(path)
        other.run(113.0)
        assert asked == [(2000, 2999)]
        for a, b in zip(spikes, mine, strict=True):
            np.testing.assert_array_equal(a.t[a.t >= 137.0 - 1e-9], b.t)
        np.testing.assert_equal(other.get_state(), whole.get_state())


def test_what_was_set_comes_along(tmp_path):
    """The state contains parameters, the outdated times of a rate, and which connections learn."""
    path = tmp_path / "run.state"

    def modules(net):
        return {m.name: m for m in net.modules}

    net = NETWORKS["learning"]()
    net.run(20.0)
    early = tmp_path / "early.state"
    net.save_state(early)
    of = modules(net)
    of["cells"].dend.gL = np.linspace(1.9, 2.1, states.SIZE)
    of["noise"].rate = 55.0
    of["learnt"].lambda_ = 0.02
    of["in_learnt"].eval()
    net.run(10.0)
    net.save_state(path)
    other = NETWORKS["learning"]()
    mine = modules(other)
    other.load_state(path)
    assert (mine["noise"].rate, mine["learnt"].lambda_) == (55.0, 0.02)
    assert (mine["learnt"].training, mine["in_learnt"].training) == (True, False)
    np.testing.assert_array_equal(mine["cells"].dend.gL, of["cells"].dend.gL)
    for each in (net, other):
        each.train()
        each.run(15.0)
    np.testing.assert_equal(other.state_dict(), net.state_dict())
    # Return to the rate with its times, which the module then has again.
    other.load_state(early)
    np.testing.assert_array_equal(mine["noise"].rate, [80.0, 160.0, 50.0])
    del other
    gc.collect()
    assert mine["learnt"].lambda_ == 0.01
    np.testing.assert_array_equal(mine["noise"].rate, [80.0, 160.0, 50.0])


def test_gradients_after_loading(pair, tmp_path):
    def made():
        cells, noise = pair(6, name="cells"), dn.PoissonGenerator(6, rate=200.0, name="noise")
        net = dn.Network([cells, noise, dn.MCSynapse(noise, cells.nmda, dn.One2One(), delay=0.7, name="s")], seed=3)
        return net, net.probe(cells.soma, "V")

    def gradient(net, v):
        run = net.run(25.0, grad=True)
        return dict(run.backward({v: np.ones(run.values(v).shape)}).items())

    net, v = made()
    net.run(30.3)
    net.save_state(tmp_path / "run.state")
    other, mine = made()
    other.load_state(tmp_path / "run.state")
    here, there = gradient(net, v), gradient(other, mine)
    assert np.abs(here["cells/dend.gL"]) > 0
    np.testing.assert_equal(there, here)


def test_batches_go_on(tmp_path):
    def made(threads):
        net = NETWORKS["driven"](threads=threads)
        return net, net.probe(next(m for m in net.modules if m.name == "cells").soma, "V")

    (net, v), (other, mine) = made(2), made(3)
    net.run(20.0, batch=3)
    net.save_state(tmp_path / "run.state")
    net.run(15.0, batch=3)
    other.load_state(tmp_path / "run.state")
    other.run(15.0, batch=3)
    np.testing.assert_array_equal(mine.values, v.values[:, 200:])
    assert not np.array_equal(mine.values[0], mine.values[1])


def saves(monkeypatch, net):
    """Return a list to which the time is appended whenever the network is saved."""
    times, save = [], dn.Network._save_state

    def noting(saved, path):
        if saved is net:
            times.append(round(net.t, 6))
        save(net, path)

    monkeypatch.setattr(dn.Network, "_save_state", noting)
    return times


def test_saved_at_multiples_and_at_the_end(tmp_path, monkeypatch):
    path = tmp_path / "run.state"
    net = NETWORKS["driven"]()
    times = saves(monkeypatch, net)
    net.run(3.0, save_state=path)
    net.run(10.0, save_state=path, save_every=4.0)
    net.run(3.0, save_state=path, save_every=4.0)
    net.run(2.0)
    net.run(0.0, save_state=str(path))
    assert times == [3.0, 4.0, 8.0, 12.0, 13.0, 16.0, 18.0]
    whole = NETWORKS["driven"]()
    whole.run(18.0)
    whole.save_state(tmp_path / "whole.state")
    assert (tmp_path / "whole.state").read_bytes() == path.read_bytes()


def goes_on(path, end):
    """Check that a run from the saved state gives the same results as an uninterrupted run."""
    whole, net = NETWORKS["driven"](), NETWORKS["driven"]()
    whole.run(end)
    net.load_state(path)
    assert 0 < net.t < end
    net.run(end - net.t)
    np.testing.assert_equal(net.get_state(), whole.get_state())


def test_an_interrupted_run_is_saved(tmp_path, ctrl_c):
    path = tmp_path / "run.state"
    net = NETWORKS["driven"]()
    net.run(1.0)
    ctrl_c(0.2, after=lambda: net.t > 1.0)
    with pytest.raises(KeyboardInterrupt):
        net.run(1e7, save_state=path)
    other = NETWORKS["driven"]()
    other.load_state(path)
    assert other.t == net.t
    assert 1.0 < net.t < 1e7
    net.run(20.0)
    other.run(20.0)
    np.testing.assert_equal(other.get_state(), net.get_state())


@pytest.mark.parametrize("error", [OSError("no space for what is recorded"), InterruptedError()])
def test_so_is_one_that_fails_but_can_go_on(error, tmp_path, monkeypatch):
    @contextlib.contextmanager
    def failing(steps, dt, stream):
        def show(done):
            if done > 100:
                raise error

        yield show

    monkeypatch.setattr(running, "bar", failing)
    path = tmp_path / "run.state"
    net = NETWORKS["driven"](threads=1)
    with pytest.raises(type(error)):
        net.run(1000.0, progress=sys.stderr, save_state=path, save_every=5.0)
    assert Path(path).exists()
    goes_on(path, 1010.0)


def test_so_is_one_whose_recordings_find_no_room(tmp_path, monkeypatch):
    pytest.importorskip("zarr", minversion="3")
    path = tmp_path / "run.state"
    net = NETWORKS["driven"]()
    soma = next(m for m in net.modules if m.name == "cells").soma
    v = net.probe(soma, "V", to=tmp_path / "run.zarr")
    streams, flush, left = net._streams, net._streams.flush, [3]

    def full():
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush()

    monkeypatch.setattr(streams, "flush", full)
    monkeypatch.setattr(streams, "piece", lambda: 70)
    with pytest.raises(OSError, match="No space left"):
        net.run(100.0, save_state=path)
    monkeypatch.setattr(streams, "flush", flush)
    goes_on(path, 110.0)
    # The recording restarts at the time of the state.
    net.run(3.0)
    net.load_state(path)
    assert len(v) == 0
    net.run(10.0)
    np.testing.assert_allclose(v.t, 21.0 + np.arange(100) * 0.1)
    whole = NETWORKS["driven"]()
    expected = whole.probe(next(m for m in whole.modules if m.name == "cells").soma, "V")
    whole.run(31.0)
    np.testing.assert_array_equal(v.values, expected.values[210:])
