"""Voltage clamps whose potential is a function of time."""

from types import SimpleNamespace

import dendrion as dn
import numpy as np
import pytest

from .cells import random_tree
from .dense import Dense

EULER, MIDPOINT = dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON
DT = 0.025
STEPS = dn.Piecewise([0.0, 2.0, 6.0], [-70.0, -10.0, -65.0])
SAMPLES = np.array([-65.0, -65.0, 20.0, -30.0, -30.0, -80.0])


def axon(size=1, **settings):
    """Return cells with HH channels on all CVs."""
    cells = dn.CableNeuron(size, random_tree(seed=3), cv=dn.PerSection(3), V_rest=-65.0, name="cell", **settings)
    cells.na = dn.channels.HHNa(cells, on="all")
    cells.k = dn.channels.HHK(cells, on="all")
    return cells


def ran(cells, clamp, time=10.0, dt=DT, **settings):
    """Return recordings of a clamped cell."""
    net = dn.Network([cells], dt=dt, **settings)
    made = SimpleNamespace(net=net, I=net.probe(clamp, "I"), V=net.probe(cells, "V"))
    made.command = net.probe(clamp, "V_command")
    net.run(time)
    return made


def commands(given, steps, interval=None):
    """Return the potential in the middle of each step."""
    middle = (np.arange(steps) + 0.5) * DT
    return given(middle) if interval is None else np.interp(middle, interval * np.arange(len(given)), given)


@pytest.mark.parametrize("method", [EULER, MIDPOINT])
@pytest.mark.parametrize("staggered", [False, True])
@pytest.mark.parametrize("interval", [None, 1.5])
def test_potentials_equal_the_dense_solution(method, staggered, interval):
    cells = axon(odemethod=method, staggered=staggered)
    site = cells.at(cells.tree.random("apical", n=1, seed=1))
    given = STEPS if interval is None else SAMPLES
    clamp = dn.VoltageClamp(site, given, interval=interval, r_series=20.0)
    found = ran(cells, clamp)
    command = commands(given, 400, interval)
    np.testing.assert_allclose(found.command.values[:, 0], command, rtol=0, atol=1e-11)
    conductance = np.zeros(len(cells.cvs))
    conductance[site.cv] = 1e3 / 20.0
    none = np.zeros(len(cells.cvs))
    expected = Dense(cells, 120.0).run(400, DT, none, method, "rational", staggered, conductance, command)
    np.testing.assert_allclose(found.V.values, expected, rtol=0, atol=1e-8)
    at_site = found.V.values[:, site.cv[0]]
    np.testing.assert_allclose(found.I.values[:, 0], (command - at_site) * 50.0, rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("gates", ["rational", "cnexp", "coupled"])
def test_steps_on_the_grid_are_exact(gates, dtype):
    """Also after many steps, because a counter of steps does not accumulate rounding errors."""
    cells = dn.CableNeuron(1, dn.Morphology.cable(50.0, 2.0), cv=dn.PerSection(1), gates=gates)
    times = [0.0, 0.3, 99.975, 100.0, 1500.1]
    clamp = dn.VoltageClamp(cells.at(cv=[0]), dn.Piecewise(times, [-70.0, -60.0, -50.0, -40.0, -30.0]))
    net = dn.Network([cells], dt=DT, dtype=dtype)
    command, step = net.probe(clamp, "V_command"), net.probe(clamp, "step")
    net.run(1600.0)
    expected = np.repeat([-70.0, -60.0, -50.0, -40.0, -30.0], np.diff([0, 12, 3999, 4000, 60004, 64000]))
    assert np.array_equal(command.values[:, 0], expected)
    assert np.array_equal(step.values[:, 0], np.arange(64000))


def test_a_constant_time_course_equals_a_constant():
    one, other = axon(), axon()
    constant = dn.VoltageClamp(one.at("soma"), -30.0, r_series=5.0)
    net = dn.Network([one], dt=DT)
    current = net.probe(constant, "I")
    net.run(10.0)
    found = ran(other, dn.VoltageClamp(other.at("soma"), dn.Piecewise([0.0], [-30.0]), r_series=5.0))
    assert np.array_equal(current.values, found.I.values)


def test_values_per_site_and_per_cell():
    cells = axon(3)
    site = cells.at(cv=[0, 5])
    per_site = dn.VoltageClamp(site, dn.Piecewise([0.0, 1.0], [[-60.0, -61.0], [-50.0, -51.0]]), name="a")
    other = cells.at(cv=[9, 7])
    levels = np.arange(6.0)
    per_cell = dn.VoltageClamp(other, dn.Piecewise([0.0, 1.0], [np.full(6, -60.0), levels]), name="b")
    net = dn.Network([cells], dt=DT)
    a, b = net.probe(per_site, "V_command"), net.probe(per_cell, "V_command")
    net.run(2.0)
    assert (a.values[[0, -1]] == np.tile([[-60.0, -61.0], [-50.0, -51.0]], 3)).all()
    assert (b.values[[39, 40]] == [np.full(6, -60.0), levels]).all()
    assert np.array_equal(per_cell.V_1, levels.reshape(3, 2))
    assert np.array_equal(per_cell.V_clamp.values[1], levels)


def test_values_change_between_runs_and_time_begins_at_a_reset():
    cells = axon()
    clamp = dn.VoltageClamp(cells.at("soma"), STEPS)
    net = dn.Network([cells], dt=DT)
    command = net.probe(clamp, "V_command")
    net.run(3.0)
    clamp.V_1 = 5.0
    net.run(1.0)
    assert command.values[[0, 79, 80, 119, 120, 159], 0].tolist() == [-70.0, -70.0, -10.0, -10.0, 5.0, 5.0]
    assert clamp.V_clamp.values.tolist() == [-70.0, 5.0, -65.0]
    assert clamp.V_clamp.times.tolist() == [0.0, 2.0, 6.0]
    net.reset()
    net.run(2.05)
    assert command.values[[0, 79, 80], 0].tolist() == [-70.0, -70.0, 5.0]
    with pytest.raises(dn.AssignmentError, match="V_clamp is an argument of VoltageClamp; create a new instance"):
        clamp.V_clamp = 3.0


def test_samples():
    cells = axon()
    clamp = dn.VoltageClamp(cells.at("soma"), SAMPLES, interval=1.5)
    assert np.array_equal(clamp.V_clamp, SAMPLES)
    found = ran(cells, clamp)
    # The last sample is held.
    assert (found.command.values[-90:] == -80.0).all()
    other = axon()
    wave = np.random.default_rng(0).normal(-60.0, 20.0, 1000)
    clamp = dn.VoltageClamp(other.at("soma"), wave, interval=DT)
    assert np.array_equal(clamp.V_clamp, wave)
    found = ran(other, clamp, 25.0)
    np.testing.assert_allclose(found.command.values[:, 0], commands(wave, 1000, DT), rtol=0, atol=1e-9)


def test_signals_and_quantities():
    pint = pytest.importorskip("pint")
    pd = pytest.importorskip("pandas")
    unit = pint.UnitRegistry()
    cells = axon()
    wave = pd.Series([-65.0, -20.0, -30.0], index=pd.Index([0.0, 2.0, 4.0], name="time (ms)"))
    found = dn.VoltageClamp(cells.at("soma"), wave)
    assert found.V_clamp.tolist() == [-65.0, -20.0, -30.0]
    assert "time/(2.0 ms)" in found.equations
    steps = dn.Piecewise([0.0, 2.0], np.array([-0.07, -0.02]) * unit.volt)
    clamp = dn.VoltageClamp(cells.at("soma"), steps)
    np.testing.assert_allclose(clamp.V_1, -20.0)
    amplitude = dn.Piecewise([0.0, 2.0], np.array([-0.07, -0.02]) * unit.nA)
    with pytest.raises(dn.ParameterError, match=r"V_clamp = Piecewise.*: got .*pA.*, expected .*mV"):
        dn.VoltageClamp(cells.at("soma"), amplitude)
    with pytest.raises(dn.ParameterError, match=r"rate = Piecewise.*: got .*mV.*, expected .*Hz"):
        dn.PoissonGenerator(1, rate=steps)


def test_gradients_with_respect_to_values():
    cells = axon()
    clamp = dn.VoltageClamp(cells.at("soma"), STEPS, r_series=20.0, name="clamp")
    net = dn.Network([cells], dt=DT)
    V = net.probe(cells.at(cells.tree.random("apical", n=1, seed=1)), "V")

    def loss(value):
        net.reset()
        clamp.V_1 = value
        run = net.run(5.0, grad=True)
        gradient = run.backward({V: 2.0 * run.values(V)}, wrt=["cell/clamp.V_1", "cell/clamp.V_2"])
        return float((run.values(V) ** 2).sum()), gradient

    _, gradient = loss(-50.0)
    h = 1e-3
    difference = (loss(-50.0 + h)[0] - loss(-50.0 - h)[0]) / (2 * h)
    assert float(gradient["cell/clamp.V_1"]) == pytest.approx(difference, rel=1e-6)
    assert float(gradient["cell/clamp.V_2"]) == 0.0


@pytest.mark.parametrize("interval", [None, 1.5])
@pytest.mark.parametrize("ending", ["toml", "json"])
def test_files_and_saved_states(tmp_path, interval, ending):
    def build():
        cells = axon(2)
        given = SAMPLES if interval else dn.Piecewise([0.0, 2.0, 4.0], np.arange(12.0).reshape(3, 4) - 70.0)
        return cells, dn.VoltageClamp(cells.at(cv=[0, 4]), given, interval=interval, r_series=[5.0, 6.0], name="clamp")

    cells, clamp = build()
    net = dn.Network([cells], dt=DT)
    current = net.probe(clamp, "I")
    net.save(tmp_path / f"m.{ending}")
    net.run(3.0)
    net.save_state(tmp_path / "s")
    net.run(4.0)
    loaded = dn.Network.load(tmp_path / f"m.{ending}")
    other = loaded["cell/clamp"]
    assert isinstance(other, dn.VoltageClamp)
    a, b = clamp.V_clamp, other.V_clamp
    if interval is None:
        a, b = a.values, b.values
        assert np.array_equal(clamp.V_clamp.times, other.V_clamp.times)
    assert np.array_equal(a, b)
    loaded.run(7.0)
    assert np.array_equal(loaded.recordings["cell/clamp.I"].values, current.values)
    again = loaded
    again.load_state(tmp_path / "s")
    resumed = again.probe(other, "V_command")
    again.run(4.0)
    values = resumed.values
    assert len(values) == 160
    whole = commands(SAMPLES, 280, 1.5) if interval else clamp.V_clamp((np.arange(280) + 0.5) * DT)[:, 0]
    np.testing.assert_allclose(values[:, 0], whole[120:], rtol=0, atol=1e-11)


def test_batches():
    cells = axon()
    found = dn.VoltageClamp(cells.at("soma"), STEPS)
    net = dn.Network([cells], dt=DT)
    command = net.probe(found, "V_command")
    net.run(3.0, batch=2)
    assert (command.values[:, :, 0] == commands(STEPS, 120)).all()


def test_times_between_steps_are_rounded():
    cells = axon()
    clamp = dn.VoltageClamp(cells.at("soma"), dn.Piecewise([0.0, 1.01], [-70.0, 0.0]), name="clamp")
    with pytest.warns(dn.RoundingWarning, match=r"cell/clamp: V_clamp = 1.01 ms"):
        found = ran(cells, clamp, 2.0)
    assert found.command.values[[39, 40], 0].tolist() == [-70.0, 0.0]


def samples(n):
    return np.full(n, -65.0)


@pytest.mark.parametrize(
    ("given", "interval", "error", "message"),
    [
        (dn.Piecewise([1.0], [0.0]), None, dn.ParameterError, r"begins at 1 ms, but a clamp needs a potential from th"),
        (dn.Piecewise([0.0], [0.0]), 1.0, dn.ParameterError, "interval = 1.0: expected None, because a Piecewise has"),
        (dn.Piecewise(np.arange(101.0), samples(101)), None, dn.ParameterError, "expected at most 100 values; pass sa"),
        (
            dn.Piecewise([0.0], [[0.0] * 3]),
            None,
            dn.ParameterError,
            r"of shape \(1, 3\): expected shape \(1,\), \(1",
        ),
        (samples(1001), 1.0, dn.ParameterError, r"V_clamp of shape \(1001,\): expected shape \(samples,\) with 2 to 1"),
        (samples((4, 2)), 1.0, dn.ParameterError, r"V_clamp of shape \(4, 2\): expected shape \(samples,\)"),
        (-65.0, 1.0, dn.ParameterError, r"V_clamp of shape \(\): expected shape \(samples,\) with 2 to 1000 samples"),
        ([0.0, np.nan], 1.0, dn.ParameterError, r"V_clamp\[1\] = nan: expected finite numbers \(mV\)"),
        ([0.0, 1.0], 0.0, dn.ParameterError, r"interval = 0.0: expected a finite time > 0 \(ms\)"),
        ([0.0, 1.0], "1", dn.ParameterTypeError, r"interval = '1': expected a time > 0 \(ms\)"),
    ],
)
def test_mistakes_are_errors(given, interval, error, message):
    cells = axon()
    with pytest.raises(error, match=message):
        dn.VoltageClamp(cells.at("soma"), given, interval=interval)


def test_samples_shorter_than_steps_are_errors():
    cells = axon()
    dn.VoltageClamp(cells.at("soma"), SAMPLES, interval=0.01, name="clamp")
    with pytest.raises(dn.ParameterError, match=r"cell/clamp: interval = 0.01 ms: expected at least the time step"):
        dn.Network([cells], dt=DT)


def test_injections_at_a_clamp_are_errors():
    cells = axon()
    dn.VoltageClamp(cells.at("soma"), STEPS)
    step = dn.DCGenerator(1, 10.0)
    with pytest.raises(dn.StructureError, match=r"injects a current into CV 1 of cell, where .* clamps the potential"):
        dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=DT)


def test_a_function_of_time_is_not_a_function_of_the_distance():
    cells = axon()
    clamp = dn.VoltageClamp(cells.at("soma"), -60.0, name="clamp")
    with pytest.raises(
        dn.ParameterTypeError, match=r"clamp: V_clamp = Piecewise\(.*: is a function of time; expected a"
    ):
        clamp.V_clamp = STEPS
    with pytest.raises(dn.ParameterTypeError, match=r"cell: gL = Piecewise\(.*: is a function of time; expected a num"):
        cells.gL = STEPS
    stepping = dn.VoltageClamp(cells.at("soma"), STEPS)
    with pytest.raises(dn.ParameterTypeError, match=r"V_0 = .*: is a function of time"):
        stepping.V_0 = STEPS
    assert clamp.V_clamp == -60.0


def test_equations_of_an_instance_are_fixed():
    cells = axon()
    clamp = dn.VoltageClamp(cells.at("soma"), STEPS)
    formula = dn.channels.Ih(cells, on="all", g="g0 * exp(distance/lam)", g0=0.01, lam=300.0)
    for module in (clamp, formula):
        text = module.equations
        with pytest.raises(
            dn.AssignmentError, match="the equations cannot be changed after construction; create a new"
        ):
            module.equations = "I = 0 pA : pA"
        assert module.equations == text
