"""States, saved states, batches, resets and numbers of threads."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Cell, driven

SETTINGS = [
    {},
    {"gates": "cnexp", "staggered": True},
    {"odemethod": "crank_nicolson"},
    {"odemethod": "crank_nicolson", "staggered": False, "gates": "cnexp"},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_results_do_not_depend_on_threads_and_cuts(settings):
    found = []
    for threads, cuts in ((1, [20.0]), (3, [20.0]), (2, [0.5, 3.1, 0.025, 16.375])):
        cells = Cell(5, **settings)
        net = driven(cells, threads=threads, seed=3)
        v = net.probe(cells, "V")
        for cut in cuts:
            net.run(cut)
        found.append((v.values, cells.na.m, cells.ampa.s))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("settings", SETTINGS)
def test_saved_states_resume_a_run(settings, tmp_path):
    cells, twin = Cell(2, **settings), Cell(2, **settings)
    net, other = driven(cells), driven(twin)
    net.run(10.0)
    cells.na.g = 90.0
    net.save_state(tmp_path / "state.safetensors")
    other.load_state(tmp_path / "state.safetensors")
    assert twin.na.g == 90.0
    net.run(10.0)
    other.run(10.0)
    assert net.get_state().keys() == other.get_state().keys()
    assert all(np.array_equal(v, other.get_state()[key]) for key, v in net.get_state().items())


def test_states_of_other_cells_are_refused(tmp_path):
    driven(Cell(2)).save_state(tmp_path / "state.safetensors")
    for settings in ({"cv": dn.PerSection(2)}, {"gates": "cnexp"}, {"staggered": True}):
        with pytest.raises(dn.StateError):
            driven(Cell(2, **settings)).load_state(tmp_path / "state.safetensors")


def test_reset_returns_to_the_initial_state():
    cells = Cell(2, V_init=-60.0)
    net = driven(cells)
    first = {key: value.copy() for key, value in net.get_state().items()}
    assert (first["cell.V"] == -60.0).all()
    v = net.probe(cells, "V")
    net.run(10.0)
    before = v.values.copy()
    net.reset()
    assert all(np.array_equal(value, net.get_state()[key]) for key, value in first.items())
    net.run(10.0)
    assert np.array_equal(v.values, before)


def test_states_are_set_by_cell_and_site():
    cells = Cell(2)
    net = driven(cells)
    count = len(cells.cvs)
    cells.V = -60.0
    assert (cells.V == -60.0).all()
    cells.V = np.linspace(-70.0, -60.0, count)
    assert np.array_equal(cells.V, np.tile(np.linspace(-70.0, -60.0, count), (2, 1)))
    given = np.arange(2.0 * count).reshape(2, count) - 70.0
    cells.V = given
    assert np.array_equal(cells.V, given)
    net.set_state({"cell/na.m": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]})
    assert cells.na.m[1].tolist() == [0.4, 0.5, 0.6]
    v = net.probe(cells, "V")
    net.run(0.025)
    assert np.array_equal(v.values[0], given.reshape(-1))


def test_gates_start_at_the_steady_state_of_the_initial_potential():
    cells, other = Cell(1, V_init=-50.0), Cell(1, V_rest=-50.0)
    nets = driven(cells), driven(other)
    assert all(net.t == 0 for net in nets)
    assert np.array_equal(cells.na.m, other.na.m)
    assert np.array_equal(cells.ih.m, other.ih.m)


@pytest.mark.parametrize("settings", SETTINGS)
def test_samples_of_a_batch_equal_single_runs(settings):
    values = []
    for k in range(3):
        cells = Cell(2, **settings)
        net = driven(cells)
        cells.V = -70.0 + 4.0 * k
        v = net.probe(cells, "V")
        net.run(5.0, inputs={net["noise"]: np.zeros((200, 30)) + (k == 1)})
        values.append(v.values)
    cells = Cell(2, **settings)
    net = driven(cells)
    shape = (2, len(cells.cvs))
    v = net.probe(cells, "V")
    net.set_state({"cell.V": np.stack([np.full(shape, -70.0 + 4.0 * k) for k in range(3)])})
    inputs = np.stack([np.zeros((200, 30)) + (k == 1) for k in range(3)])
    net.run(5.0, batch=3, inputs={net["noise"]: inputs})
    assert cells.V.shape == (3, *shape)
    for k in range(3):
        assert np.array_equal(v.values[k], values[k])
