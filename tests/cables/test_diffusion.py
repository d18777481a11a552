"""Diffusion of ions along the dendrites."""

import json
import math
from pathlib import Path

import dendrion as dn
import numpy as np
import pytest

from .cells import conductances, random_tree
from .data import make_neuron_diffusion as made
from .test_ions import MIDPOINT, driven, part

_erf = np.vectorize(math.erf)
DATA = json.loads(Path(__file__).with_name("data").joinpath("neuron_diffusion.json").read_text())


def volumes(cells):
    """Return the volume of each CV (um3), or of each CV of each cell."""
    return np.pi / 4 * np.asarray(cells.diameter) ** 2 * np.asarray(cells.length)


def placed(cells, values, **settings):
    """Return an ion with these initial concentrations, and its network."""
    ion = dn.Ion(cells, "X", inside=0.0, valence=1, **{"diffusion": 0.5, **settings})
    net = dn.Network([cells], dt=0.25)
    ion.X = values
    return ion, net


def test_a_cosine_decays_exactly():
    """A cosine is an eigenvector of the equations of a sealed cable, also with branches that add up to one cylinder."""
    n, dt, D, d = 15, 0.25, 0.5, 2.0
    shape = {"cable": [d], "tree": [d, d / np.sqrt(2), d / np.sqrt(2)]}
    for name, diameters in shape.items():
        parents = [-1] if name == "cable" else [-1, 0, 0]
        tree = dn.Morphology.from_sections([60.0] * len(diameters), diameters, parents, "basal")
        cells = dn.CableNeuron(1, tree, cv=dn.PerSection(n))
        total = n if name == "cable" else 2 * n
        x = np.concatenate([np.arange(n), *[n + np.arange(n)] * (len(diameters) - 1)]) + 0.5
        dx = 60.0 / n
        for mode in (1, 3):
            wave = np.cos(np.pi * mode * x / total)
            ion, net = placed(cells, 1.0 + 0.5 * wave, diffusion=D)
            net.run(50.0)
            rate = 2 * D * (1 - np.cos(np.pi * mode / total)) / dx**2
            expected = 1.0 + 0.5 * wave * (1 + dt * rate) ** -200.0
            np.testing.assert_allclose(np.asarray(ion.X)[0], expected, rtol=1e-12)
            # The decay of the mode in continuous space and time.
            k = np.pi * mode / (total * dx)
            assert (1 + dt * rate) ** -200.0 == pytest.approx(np.exp(-D * k**2 * 50.0), rel=0.02 * mode**2)
            cells = dn.CableNeuron(1, tree, cv=dn.PerSection(n))


def spread(length, dx, dt, D=0.5, time=200.0):
    """Return the concentration of each CV after the diffusion of a point source, and the exact mean of each CV."""
    cells = dn.CableNeuron(1, dn.Morphology.cable(length, 2.0), cv=dn.MaxLength(dx))
    ion = dn.Ion(cells, "Ca", inside=0.0, diffusion=D)
    net = dn.Network([cells], dt=dt)
    count = len(cells.cvs)
    start = np.zeros(count)
    start[count // 2] = 1.0
    ion.Ca = start
    net.run(time)
    edges = (np.arange(count + 1) - count // 2 - 0.5) * length / count
    width = length / count
    # The source fills a CV of this width: the solution is a difference of error functions, integrated over each CV.
    s = np.sqrt(4 * D * time)

    def integral(x):
        return x * _erf(x / s) + s / np.sqrt(np.pi) * np.exp(-((x / s) ** 2))

    def mean(shift):
        return np.diff(integral(edges + shift)) / width

    return np.asarray(ion.Ca)[0], (mean(width / 2) - mean(-width / 2)) / 2


def test_point_source_on_a_cable():
    errors = []
    for dx, dt in ((4.0, 4.0), (2.0, 1.0), (1.0, 0.25)):
        found, expected = spread(201.0, 201.0 / (2 * round(201.0 / dx / 2) + 1), dt)
        errors.append(np.abs(found - expected).sum() / expected.sum())
    # Errors of order 2 in dx and of order 1 in dt.
    assert errors[2] < 2e-3
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.3)


def dense(cells, start, D, dt, steps, inside=None):
    """Return the concentrations after steps of implicit Euler. Only the CVs ``inside`` exchange the ion."""
    axial, cv = conductances(cells.cvs, 1e5 / D)
    has = np.full(len(cv), True) if inside is None else (cv < 0) | np.isin(cv, inside)
    for node in np.flatnonzero(~has):
        for other in np.flatnonzero(axial[node]):
            if other != node:
                axial[other, other] += axial[node, other]
                axial[node, other] = axial[other, node] = 0.0
        axial[node, node] = 0.0
    is_cv = cv >= 0
    volume = np.zeros(len(cv))
    volume[is_cv] = (np.pi / 4 * cells.cvs.diameter**2 * cells.cvs.length)[cv[is_cv]] / dt
    matrix = np.diag(volume) + axial
    # Junctions that nothing can reach.
    alone = np.flatnonzero(np.diag(matrix) == 0.0)
    matrix[alone, alone] = 1.0
    values = np.zeros((*start.shape[:-1], len(cv)))
    values[..., is_cv] = start[..., cv[is_cv]]
    for _ in range(steps):
        values = np.linalg.solve(matrix, (volume * values).T).T
    return values[..., is_cv][..., np.argsort(cv[is_cv])]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_against_dense_and_conservation(dtype):
    tree = random_tree(4, 8)
    cells = dn.CableNeuron(3, tree, cv=dn.PerSection(3))
    ion = dn.Ion(cells, "K", inside=54.0, diffusion=0.3)
    net = dn.Network([cells], dt=0.1, dtype=dtype)
    start = np.random.default_rng(1).uniform(1.0, 100.0, (3, len(cells.cvs)))
    ion.K = start
    net.run(20.0)
    found, exact = np.asarray(ion.K), dtype == "float64"
    np.testing.assert_allclose(found, dense(cells, start, 0.3, 0.1, 200), rtol=1e-12 if exact else 1e-5)
    np.testing.assert_allclose(found @ volumes(cells), start @ volumes(cells), rtol=1e-14 if exact else 1e-5)


def test_lengths_and_diameters_change_diffusion():
    """A cell with changed sizes equals a cell with these cylinders, no matter when they change."""
    rng = np.random.default_rng(3)
    lengths, diameters = rng.uniform(30, 200, 8), rng.uniform(0.5, 4, 8)
    longer, wider = rng.uniform(0.5, 2.0, (2, 8))
    found = []
    for when in ("morphology", "before", "after"):
        scales = (longer, wider) if when == "morphology" else (1.0, 1.0)
        shape = (lengths * scales[0], diameters * scales[1], [-1, 0, 0, 1, 1, 2, 2, 5], "basal")
        cells = dn.CableNeuron(1, dn.Morphology.from_sections(*shape), cv=dn.PerSection(3))
        sections, start = cells.cvs.section, np.linspace(1.0, 5.0, len(cells.cvs))
        changed = {"length": (lengths * longer / 3)[sections], "diameter": (diameters * wider)[sections]}
        if when == "before":
            cells.length, cells.diameter = changed["length"], changed["diameter"]
        ion, net = placed(cells, start)
        if when == "after":
            net.run(1.0)
            cells.length, cells.diameter = changed["length"], changed["diameter"]
            ion.X = start
        net.run(50.0)
        found.append(np.asarray(ion.X)[0])
        amount = start @ np.ravel(volumes(cells))
        assert found[-1] @ np.ravel(volumes(cells)) == pytest.approx(amount, rel=1e-14)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)
    np.testing.assert_array_equal(found[2], found[1])


def test_a_cell_with_other_sizes_does_not_change_the_others():
    tree = random_tree(4, 8)
    results = []
    for factor in (1.0, 2.0):
        cells = dn.CableNeuron(3, tree, cv=dn.PerSection(3))
        scale = np.where(np.arange(len(cells.cvs)) % 2, factor, 1.0)
        cells.diameter = cells.cvs.diameter * np.stack([np.ones_like(scale), scale, np.ones_like(scale)])
        ion, net = placed(cells, np.linspace(1.0, 5.0, len(cells.cvs)))
        net.run(50.0)
        results.append(np.asarray(ion.X))
    np.testing.assert_array_equal(results[0][[0, 2]], results[1][[0, 2]])
    assert np.abs(results[0][1] - results[1][1]).max() > 1e-3


def test_neuron_on_a_cable():
    cells = dn.CableNeuron(1, dn.Morphology.cable(100.0, 2.0), cv=dn.PerSection(21))
    ion, net = placed(cells, np.arange(21) == 3.0)
    net.run(20.0)
    np.testing.assert_allclose(np.asarray(ion.X)[0], DATA["cable"], rtol=1e-11, atol=1e-15)


def test_neuron_on_a_tree_that_tapers(report):
    points = np.array(made.POINTS, dtype=float)
    xyz = np.column_stack([points[:, :2], np.zeros(len(points))])
    tree = dn.Morphology.from_points(xyz, points[:, 2], points[:, 3].astype(int), ["basal"] * len(points))
    differences = []
    for segments, expected in zip(made.SEGMENTS, DATA["tree"], strict=True):
        cells = dn.CableNeuron(1, tree, cv=dn.PerSection(segments))
        ion, net = placed(cells, (cells.cvs.section == _order(tree)[1]).astype(float), diffusion=2.0)
        net.run(300.0)
        amounts = np.bincount(cells.cvs.section, volumes(cells) * np.asarray(ion.X)[0])
        means = amounts / np.bincount(cells.cvs.section, volumes(cells))
        differences.append(np.abs(means[_order(tree)] - expected).max())
    # NEURON's connections at branch points have an error of order 1.
    assert differences[0] / differences[1] == pytest.approx(3.0, rel=0.3)
    # Extrapolation removes it.
    limit = (3.0 * np.array(DATA["tree"][2]) - DATA["tree"][1]) / 2.0
    differences.append(np.abs(means[_order(tree)] - limit).max())
    report("NEURON, diffusion on a tree", segments=made.SEGMENTS, errors=differences)
    assert differences[3] < 1e-3


def _order(tree):
    """Return the section of Dendrion for each section of NEURON. All lengths differ."""
    points = np.array(made.POINTS, dtype=float)
    lengths = np.hypot(*(points[1:, :2] - points[points[1:, 3].astype(int), :2]).T)
    return [int(np.argmin([abs(section.length - length) for section in tree.sections])) for length in lengths]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_only_neighbours_with_the_ion_exchange_it(seed):
    rng = np.random.default_rng(seed)
    cells = dn.CableNeuron(2, random_tree(seed, 9), cv=dn.PerSection(2))
    inside = np.flatnonzero(rng.random(len(cells.cvs)) < 0.7)
    ion, net = placed(cells, 0.0, on=cells.at(cv=inside))
    start = np.zeros((2, len(cells.cvs)))
    start[:, inside] = rng.uniform(1.0, 2.0, (2, len(inside)))
    ion.X = start[:, inside]
    net.run(25.0)
    expected = dense(cells, start, 0.5, 0.25, 100, inside)[:, inside]
    np.testing.assert_allclose(np.asarray(ion.X), expected, rtol=1e-12)
    assert np.abs(expected - start[:, inside]).max() > 1e-3


@pytest.mark.parametrize("kind", ["zero", "per CV", "formula"])
def test_coefficients_that_vary_along_the_cell(kind):
    """The halves of a connection are in series, so a CV with D = 0 exchanges nothing."""
    cells = dn.CableNeuron(1, dn.Morphology.cable(100.0, 2.0), cv=dn.PerSection(10))
    settings = {"diffusion": "d0*exp(-distance/50)", "d0": 2.0} if kind == "formula" else {}
    if kind != "formula":
        settings["diffusion"] = np.where(np.arange(10) == 4, 0.0 if kind == "zero" else 0.01, 1.0)
    start = np.arange(10.0) ** 2
    ion, net = placed(cells, start, **settings)
    net.run(50.0)
    D = np.ravel(np.broadcast_to(ion.diffusion, 10))
    with np.errstate(divide="ignore"):
        g = np.pi / (5.0 / D[:-1] + 5.0 / D[1:])
    matrix = np.diag(np.full(10, np.pi * 10.0 / 0.25))
    for i, each in enumerate(g):
        matrix[[i, i + 1], [i, i + 1]] += each
        matrix[[i, i + 1], [i + 1, i]] -= each
    expected = start
    for _ in range(200):
        expected = np.linalg.solve(matrix, np.pi * 10.0 / 0.25 * expected)
    np.testing.assert_allclose(np.asarray(ion.X)[0], expected, rtol=1e-12)
    if kind == "zero":
        assert np.asarray(ion.X)[0, 4] == start[4]


def test_without_diffusion_nothing_changes():
    """With D = 0 everywhere, also at branch points, the concentrations keep their bits."""
    for dtype in ("float64", "float32"):
        cells = dn.CableNeuron(2, random_tree(2, 9), cv=dn.PerSection(2))
        count = len(cells.cvs)
        ion = dn.Ion(cells, "Ca", inside=0.0, diffusion=np.repeat([[0.0], [10.0]], count, axis=1))
        net = dn.Network([cells], dt=0.1, dtype=dtype)
        ion.Ca = np.tile(np.arange(count, dtype=float), (2, 1))
        start = np.asarray(ion.Ca).copy()
        net.run(5.0)
        found = np.asarray(ion.Ca)
        np.testing.assert_array_equal(found[0], start[0])
        assert np.abs(found[1] - start[1]).max() > 0.1


def cell(size=1, **settings):
    """Return cells with calcium channels on the soma, whose calcium diffuses into the dendrites."""
    cells = dn.CableNeuron(size, random_tree(2, 5), cv=dn.PerSection(2), V_rest=-65.0, name="cells", **settings)
    dn.channels.HHNa(cells, on="soma", name="na")
    dn.channels.CaL(cells, on="soma", g=1.0, name="cal")
    ion = {"inside": 1e-4, "outside": 2.0, "reversal": "nernst", "tau": 20.0, "diffusion": "d0*exp(-distance/200)"}
    dn.Ion(cells, "Ca", **ion, d0=50.0, name="ca")
    dn.channels.KCa(cells, on="basal", g=1.0, name="kca")
    # Another ion, on a part of the cell.
    dn.Ion(cells, "X", inside="1 + distance/100", valence=1, tau=50.0, diffusion=2.0, on="apical", name="x")
    return cells


WAYS = [{}, {"gates": "cnexp", "staggered": True}, {"gates": "coupled"}, {"odemethod": MIDPOINT}]


def recorded(net, cuts, start=None, **how):
    cells = net.modules[0]
    probes = [net.probe(cells, "V"), net.probe(part(cells, "ca"), "Ca"), net.probe(part(cells, "x"), "X")]
    if start is not None:
        net.set_state({"cells/ca.Ca": start})
    for time in cuts:
        net.run(time, **how)
    return [p.values for p in probes]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_threads_cuts_and_sizes_are_bit_identical(how, dtype):
    def found(size, threads, cuts):
        return recorded(driven(cell(size, **how), threads=threads, dtype=dtype), cuts)

    expected = found(20, 1, [4.0])
    assert np.ptp(expected[1][-1]) > 0
    for threads, cuts in ((1, [1.5, 2.5]), (3, [4.0]), (2, [0.025, 3.975])):
        for each, wanted in zip(found(20, threads, cuts), expected, strict=True):
            np.testing.assert_array_equal(each, wanted)
    # All cells are equal.
    for each, wanted in zip(found(1, 1, [4.0]), expected, strict=True):
        np.testing.assert_array_equal(each, wanted[:, : each.shape[1]])


@pytest.mark.parametrize("how", WAYS)
def test_samples_of_a_batch_equal_single_runs(how):
    count = len(cell().cvs)
    start = np.random.default_rng(2).uniform(1e-4, 1e-3, (3, 2, count))
    net = driven(cell(2, **how), threads=2)
    together = recorded(net, [2.0], start, batch=3)
    for sample in range(3):
        alone = recorded(driven(cell(2, **how)), [2.0], start[sample])
        for each, wanted in zip(together, alone, strict=True):
            np.testing.assert_array_equal(each[sample], wanted)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_states_and_files(how, suffix, tmp_path):
    net = driven(cell(2, **how))
    net.run(3.0)
    net.save_state(tmp_path / "state")
    net.save(tmp_path / f"model.{suffix}")
    loaded = dn.Network.load(tmp_path / f"model.{suffix}")
    loaded.save(tmp_path / f"again.{suffix}")
    copies = [driven(cell(2, **how)), loaded, dn.Network.load(tmp_path / f"again.{suffix}")]
    net.run(2.0)
    net.save_state(tmp_path / "end")
    for i, copy in enumerate(copies):
        copy.load_state(tmp_path / "state")
        copy.run(2.0)
        copy.save_state(tmp_path / f"end{i}")
        assert (tmp_path / f"end{i}").read_bytes() == (tmp_path / "end").read_bytes()
    ions = {m.ion: m for top in loaded.modules for m in top.modules() if isinstance(m, dn.Ion)}
    original = {name: part(net.modules[0], name.lower()) for name in ("Ca", "X")}
    assert set(ions) == {"Ca", "X"}
    for name, ion in ions.items():
        for parameter in ("inside", "diffusion", "tau"):
            np.testing.assert_array_equal(getattr(ion, parameter), getattr(original[name], parameter))


def test_changed_coefficients_apply_to_the_next_step():
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2))
    start = np.linspace(1.0, 2.0, len(cells.cvs))
    ion, net = placed(cells, start, diffusion=0.0)
    net.run(5.0)
    np.testing.assert_array_equal(np.asarray(ion.X)[0], start)
    ion.diffusion = 3.0
    net.run(5.0)
    np.testing.assert_allclose(np.asarray(ion.X)[0], dense(cells, start, 3.0, 0.25, 20), rtol=1e-12)
