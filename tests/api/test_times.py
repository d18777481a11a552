"""Runs end at the step nearest to the time requested so far, so that rounding does not accumulate."""

import dendrion as dn
import numpy as np
import pytest
from dendrion import _core


class Cell(dn.MCNeuron):
    def __init__(self, size=2, current=400.0):
        super().__init__(size, V_th=-50.0, V_reset=-65.0, name="cells")
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=100.0, gL=5.0, I_ext=current)
        self.noise = dn.WhiteNoise(self.soma, 20.0)


def network(dt=0.1, **settings):
    return dn.Network([Cell()], dt=dt, seed=2, **settings)


def ends(net, durations):
    """Return the step at which each run ends."""
    return [round(net.run(duration).t / net.dt) for duration in durations]


def test_rounding_does_not_accumulate():
    net = network()
    for _ in range(400):
        net.run(0.25)
    assert net.t == 100.0


@pytest.mark.parametrize("dt", [0.1, 0.025, 0.3, 1 / 3])
@pytest.mark.parametrize("duration", [0.25, 0.07, 0.04, 1.0, 1.1, 1 / 3])
def test_many_runs_end_at_the_nearest_step(dt, duration):
    net = network(dt)
    steps = ends(net, [duration] * 300)
    total = np.arange(1, 301) * duration
    np.testing.assert_array_equal(steps, [_core.nearest_step(t, dt) for t in total])
    assert abs(net.t - 300 * duration) <= 0.5 * dt * (1 + 1e-5)


def test_halves_are_rounded_up_and_short_runs_may_take_no_step():
    assert ends(network(), [0.25] * 4) == [3, 5, 8, 10]
    # 0.15 / 0.1 is less than 1.5 in binary arithmetic.
    assert ends(network(), [0.15, 0.15]) == [2, 3]
    assert ends(network(), [0.04] * 5) == [0, 1, 1, 2, 2]
    assert ends(network(), [0.0, 0.3, 0.1, 0.2]) == [0, 3, 4, 6]


def test_two_halves_are_bit_identical_to_the_whole(tmp_path):
    nets = [network(), network(), network()]
    nets[0].run(100.0)
    nets[1].run(50.0).run(50.0)
    for _ in range(400):
        nets[2].run(0.25)
    for k, net in enumerate(nets):
        net.save_state(tmp_path / f"{k}.state")
    first = (tmp_path / "0.state").read_bytes()
    assert (tmp_path / "1.state").read_bytes() == first
    assert (tmp_path / "2.state").read_bytes() == first


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_requested_time_is_saved(tmp_path, count):
    path = tmp_path / "run.state"
    net = network()
    ends(net, [0.25] * count)
    net.save_state(path)
    other = network()
    other.run(7.77)
    other.load_state(path)
    assert other.t == net.t
    assert ends(other, [0.25] * 5) == ends(net, [0.25] * 5)


def test_a_run_that_saves_itself_saves_the_requested_time(tmp_path):
    path = tmp_path / "run.state"
    net = network()
    net.run(0.25, save_state=path)
    other = network()
    other.load_state(path)
    assert ends(other, [0.25]) == [5]
    # During a run, the requested time is the time of the step.
    seen = []
    net = network()
    save = dn.Network._save_state

    def noting(saved, path):
        save(saved, path)
        between = network()
        between.load_state(path)
        seen.append((round(between.t, 9), *ends(between, [0.05])))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dn.Network, "_save_state", noting)
        net.run(2.23, save_state=path, save_every=1.0)
    assert seen == [(1.0, 11), (2.0, 21), (2.2, 23)]


def test_reset_forgets_the_requested_time():
    net = network()
    net.run(0.24)
    net.reset()
    assert ends(net, [0.24]) == [2]


class Growth(dn.Channel):
    equations = """
    I = g * x : pA
    dx/dt = (1 + x * x) / (10 ms) : 1
    g = 0 pA
    """


class StopError(Exception):
    pass


def test_after_an_interruption_the_requested_time_is_the_time_reached(tmp_path, monkeypatch):
    import contextlib
    import sys

    from dendrion.simulation import running

    @contextlib.contextmanager
    def stopping(steps, dt, stream):
        def show(done):
            if done < steps:
                raise StopError

        yield show

    monkeypatch.setattr(running, "bar", stopping)
    net = network()
    net.run(0.24)
    with pytest.raises(StopError):
        net.run(1e6, progress=sys.stderr, save_state=tmp_path / "run.state")
    reached = round(net.t / 0.1)
    assert 2 < reached < 1e7
    assert ends(net, [0.05, 0.05]) == [reached + 1, reached + 1]
    other = network()
    other.load_state(tmp_path / "run.state")
    assert ends(other, [0.05]) == [reached + 1]


def test_what_fails_before_it_begins_leaves_the_requested_time():
    net = network()
    net.run(0.24)
    with pytest.raises(dn.ParameterError, match="batch = 0"):
        net.run(5.0, batch=0)
    with pytest.raises(dn.ParameterError, match="expected None with grad"):
        net.run(5.0, grad=True, save_state="x")
    assert ends(net, [0.01]) == [3]


def test_after_a_divergence_the_requested_time_is_the_time_reached():
    cell = Cell(1)
    cell.growth = Growth(1, cell.soma, parent=cell)
    net = dn.Network([cell])
    net.run(0.24)
    with pytest.raises(dn.DivergenceError):
        net.run(200.0)
    step = round(net.t / 0.1)
    assert 2 < step < 2000
    assert net._sim.request(0.05) == (1, pytest.approx(step * 0.1 + 0.05))
    net.reset()
    assert ends(net, [0.24]) == [2]


@pytest.mark.parametrize("batch", [None, 3])
def test_gradients_and_batches_take_the_same_steps(batch):
    net = network()
    v = net.probe(net.populations[0].soma, "V")
    seen = []
    for _ in range(4):
        run = net.run(0.25, grad=True, batch=batch)
        shape = run.values(v).shape
        found = run.backward({v: np.ones(shape)}, wrt=["cells/soma.gL"])
        seen.append((run.steps, shape[-2]))
        assert np.isfinite(found["cells/soma.gL"])
    assert seen == [(3, 3), (2, 2), (3, 3), (2, 2)]
    assert net.t == 1.0


def test_a_run_of_no_steps_has_a_gradient_of_zero():
    net = network()
    v = net.probe(net.populations[0].soma, "V")
    run = net.run(0.04, grad=True)
    assert run.steps == 0
    assert run.backward({v: np.ones((0, 2))}, wrt=["cells/soma.gL"])["cells/soma.gL"] == 0


def test_inputs_have_a_row_for_each_step_of_the_run():
    cell, current = Cell(), dn.DCGenerator(2, name="current")
    net = dn.Network([cell, current, dn.ConnGen(current, cell.soma)])
    for rows in (3, 2, 3):
        for wrong in (rows - 1, rows + 1):
            match = (
                rf"current: input of shape \({wrong}, 2\): expected shape \({rows}, 2\), because this run takes "
                rf"{rows} steps"
            )
            with pytest.raises(dn.ParameterError, match=match):
                net.run(0.25, inputs={current: np.zeros((wrong, 2))})
        net.run(0.25, inputs={current: np.zeros((rows, 2))})
    assert net.t == pytest.approx(0.8)


def test_a_function_is_asked_for_each_step_once():
    asked = []
    cell = Cell()
    clock = dn.CustomGenerator(1, fn=lambda t: asked.append(t) or np.zeros((len(t), 1), int), name="clock")
    net = dn.Network([cell, clock])
    net.probe(clock, "spikes")
    for _ in range(40):
        net.run(0.25)
    times = np.concatenate(asked)
    np.testing.assert_allclose(times, np.arange(len(times)) * 0.1, atol=1e-12)


def test_recordings_to_disk_take_the_same_steps(tmp_path):
    pytest.importorskip("zarr")
    net = network()
    v = net.probe(net.populations[0].soma, "V", to=tmp_path / "run.zarr")
    assert ends(net, [0.25] * 4) == [3, 5, 8, 10]
    np.testing.assert_allclose(v.t, np.arange(10) * 0.1)
