"""Unusual values and situations end in the right result, or in an error that says what is accepted."""

import contextlib
import copy
import math
import pickle
import threading

import dendrion as dn
import numpy as np
import pytest

NAN, INF = math.nan, math.inf
TREE = dn.Morphology.from_sections(
    length=[20.0, 200.0, 100.0, 100.0],
    diameter=[20.0, 3.0, 1.0, 1.0],
    parent=[-1, 0, 1, 1],
    kind=["soma", "apical", "apical", "basal"],
)


def cell(size=1, **settings):
    cells = dn.CableNeuron(size, TREE, **{"cv": dn.PerSection(2), "V_rest": -65.0, "name": "cell", **settings})
    cells.na = dn.channels.HHNa(cells, on="soma")
    cells.k = dn.channels.HHK(cells, on="all")
    cells.ampa = dn.AMPA(cells, at=[TREE.at(1, 0.5)], g=1.0, t_decay=2.0)
    return cells


def driven(**options):
    """Return cells with input, and their network."""
    cells, noise = cell(), dn.PoissonGenerator(3, 500.0, name="noise")
    synapse = dn.MCSynapse(noise, cells.ampa, dn.All2All(), weight=0.5, name="synapse")
    return cells, dn.Network([cells, noise, synapse], dt=0.025, **options)


PER_CV = r"expected a number, an array of shape \(8,\) with one value per CV, or one of shape \(1, 8\)"


@pytest.mark.parametrize("name", ["C", "gL", "V_rest", "length", "diameter", "V_init"])
@pytest.mark.parametrize("value", ["five", 2j, [None], (x for x in [1.0]), object()])
def test_values_of_other_types_name_the_accepted_shapes(name, value):
    if value == "five" and name in ("C", "gL", "V_rest", "V_init"):
        value = b"five"
    with pytest.raises(dn.ParameterTypeError, match=rf"CableNeuron: {name} = .*: {PER_CV}"):
        cell(**{name: value})
    cells = cell()
    if name != "V_init":
        with pytest.raises(dn.ParameterTypeError, match=rf"cell: {name} = .*: {PER_CV}"):
            setattr(cells, name, value)


@pytest.mark.parametrize("value", [10**400, np.full((40, 9), 1j), np.array([[1.0, 2.0], [3.0, 4.0]], dtype=object)])
def test_messages_have_one_line(value):
    with pytest.raises(dn.DendrionError) as error:
        cell(C=value)
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1e308, -1e308], r"V_clamp\[1\] = -1e\+308 after 1e\+308: their difference exceeds the largest number"),
        ([-70.0, NAN], r"V_clamp\[1\] = nan: expected finite numbers"),
        (np.zeros((2, 2)), r"V_clamp of shape \(2, 2\): expected shape \(samples,\)"),
        ([], r"V_clamp of shape \(0,\): expected shape \(samples,\) with 2 to 1000 samples"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "without a mask"),
        ((v for v in (1.0, 2.0)), "expected samples"),
        ([1.0, 2j], "expected samples"),
    ],
)
def test_samples_of_clamps(values, message):
    with pytest.raises(dn.DendrionError, match=message):
        dn.VoltageClamp(cell().at("soma"), values, interval=0.5)


@pytest.mark.parametrize("change", ["read-only", "strided", "subclass", "float32", "int8"])
def test_arrays_of_every_kind_are_the_same_clamp(change):
    class Other(np.ndarray):
        pass

    values = np.array([-70.0, 0.0, 10.0])
    strided = np.repeat(values, 2)[::2]
    fixed = values.copy()
    fixed.flags.writeable = False
    others = {"read-only": fixed, "strided": strided, "subclass": values.view(Other)}
    given = others.get(change, values.astype(change) if change in ("float32", "int8") else None)

    def command(samples):
        cells = cell()
        clamp = dn.VoltageClamp(cells.at("soma"), samples, interval=0.5, name="clamp")
        net = dn.Network([cells], dt=0.025)
        recording = net.probe(clamp, "V_command")
        net.run(2.0)
        return recording.values

    np.testing.assert_array_equal(command(given), command(values))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"valence": NAN}, "valence = nan: expected a number other than 0 from -100 to 100"),
        ({"valence": 1e300}, r"valence = 1e\+300: expected a number other than 0 from -100 to 100"),
        ({"valence": "2"}, "valence = '2': expected a number"),
        ({"celsius": NAN}, "celsius = nan: has no effect with reversal='fixed'"),
        ({"celsius": "warm"}, "celsius = 'warm': has no effect with reversal='fixed'"),
        ({"celsius": 20.0}, "celsius = 20.0: has no effect with reversal='fixed'"),
        ({"celsius": -274.0, "reversal": "nernst", "outside": 2.0}, "celsius = -274: expected a temperature above"),
        ({"celsius": [20.0, -300.0], "reversal": "nernst", "outside": 2.0}, "Ion: celsius = array of shape"),
        ({"outside": 0.0}, "outside = 0: expected a finite number > 0"),
        ({"tau": 0.0, "depth": 0.1}, "tau = 0: expected a finite number > 0"),
        ({"on": "axon"}, "this morphology has no axon"),
    ],
)
def test_arguments_of_ions(arguments, message):
    with pytest.raises(dn.DendrionError, match=message):
        dn.Ion(cell(), "Ca", inside=1e-4, **arguments)


def test_temperatures_that_are_assigned():
    cells = cell()
    ion = dn.Ion(cells, "Ca", inside=1e-4, outside=2.0, reversal="nernst", celsius=20.0, name="ca")
    with pytest.raises(dn.ParameterError, match=r"cell/ca: celsius = -300: expected a temperature above absolute zero"):
        ion.celsius = -300.0
    assert ion.celsius == 20.0
    dn.Network([cells], dt=0.025).run(0.1)


CALLS = {
    "settle": lambda net, cells, path: net.settle(),
    "reset": lambda net, cells, path: net.reset(),
    "run": lambda net, cells, path: net.run(1.0),
    "save_state": lambda net, cells, path: net.save_state(path),
    "probe": lambda net, cells, path: net.probe(cells, "V"),
    "save": lambda net, cells, path: net.save(path),
    "cell.length = ...": lambda net, cells, path: setattr(cells, "length", 2.0 * np.array(cells.length)),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_during_a_run_are_named(name, tmp_path):
    found, cells = [], cell()

    def spikes(t):
        with pytest.raises(dn.RunError, match="from a function that the network calls during a run") as error:
            CALLS[name](net, cells, tmp_path / "file.toml")
        found.append(str(error.value))
        return np.zeros((len(t), 1), dtype=int)

    clock = dn.CustomGenerator(1, fn=spikes)
    net = dn.Network([cells, clock, dn.MCSynapse(clock, cells.ampa, dn.All2All())], dt=0.025)
    net.run(1.0)
    assert found[0].startswith(f"network: {name} was called")


@pytest.mark.parametrize("name", ["length", "diameter"])
@pytest.mark.parametrize("bad", [0.0, -1.0, NAN, INF, None, "x", [], np.ones(7), np.ones((8, 1)), np.ones(8) * 1j])
def test_invalid_geometry_changes_nothing(name, bad):
    cells, net = driven()
    net.run(1.0)
    before, state = np.array(getattr(cells, name)), net.get_state()
    with pytest.raises(dn.DendrionError, match=name):
        setattr(cells, name, bad)
    np.testing.assert_array_equal(getattr(cells, name), before)
    np.testing.assert_equal(net.get_state(), state)
    net.run(1.0)
    assert np.isfinite(cells.V).all()


@pytest.mark.filterwarnings("ignore::dendrion.UnitWarning")
def test_a_network_is_usable_after_a_geometry_that_diverges(tmp_path):
    cells, net = driven()
    v = net.probe(cells, "V")
    cells.diameter = 1e-300
    with pytest.raises(dn.DivergenceError):
        net.run(1.0)
    kept = len(v)
    with pytest.raises(dn.DendrionError):
        net.run(1.0)
    with pytest.raises(dn.StateError, match="cannot continue"):
        net.save_state(tmp_path / "s.state")
    assert len(v) == kept
    cells.diameter = 2.0
    net.reset()
    net.run(1.0)
    assert np.isfinite(v.values).all()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda cells: pickle.loads(pickle.dumps(cells))])
def test_copies_of_cells_with_ions_and_clamps_are_the_same(copied):
    cells = cell()
    dn.channels.CaL(cells, on="soma", g=1.0, name="cal")
    dn.Ion(cells, "Ca", inside=1e-4, outside=2.0, reversal="nernst", depth=0.1, tau=20.0, name="ca")
    dn.VoltageClamp(cells.at(TREE.at(2, 0.5)), dn.Piecewise([0.0, 1.0], [-70.0, 0.0]), name="clamp")

    def final(cells):
        net = dn.Network([cells], dt=0.025)
        net.run(2.0)
        return net.get_state()

    other = copied(cells)
    np.testing.assert_equal(final(other), final(cells))


def test_threads_read_and_change_cells_while_they_run(tmp_path):
    cells, net = driven()
    problems, stop = [], threading.Event()
    changes = [
        lambda: setattr(cells, "length", np.array(cells.length)),
        lambda: net.settle(),
        lambda: net.save_state(tmp_path / "s.state"),
        lambda: net.run(0.1),
        lambda: setattr(cells, "V", -60.0),
        lambda: (cells.V, cells.diameter, net.get_state(), repr(cells), net.info),
    ]

    def work():
        while not stop.is_set():
            for change in changes:
                try:
                    change()
                except dn.RunError:
                    pass
                except Exception as error:
                    problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        with contextlib.suppress(dn.RunError):
            net.run(5.0)
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    net.reset()
    net.run(1.0)
    assert np.isfinite(cells.V).all()


def test_a_recording_can_be_read_after_its_network():
    cells, net = driven()
    v = net.probe(cells, "V")
    run = net.run(1.0, grad=True)
    expected = np.array(v.values)
    del net, cells
    np.testing.assert_array_equal(v.values, expected)
    assert np.isfinite(run.backward({v: np.ones_like(expected)})["cell.gL"]).all()
