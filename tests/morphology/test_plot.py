"""Morphologies are drawn to scale, and plots can show values, regions and sites."""

import time

import dendrion as dn
import numpy as np
import pytest
from dendrion.plot._shapes import _cuts
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgba

from .trees import random_swc


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "cell.swc").write_text(random_swc(2), encoding="utf-8")
    return dn.Morphology.read(tmp_path / "cell.swc")


def branches(ax):
    return next(c for c in ax.collections if isinstance(c, PolyCollection))


def corners(ax):
    return np.concatenate([path.vertices[:4] for path in branches(ax).get_paths()])


@pytest.mark.parametrize(("view", "axes"), [("xy", (0, 1)), ("xz", (0, 2)), ("yz", (1, 2))])
def test_a_projection_is_true_to_scale(tree, view, axes):
    found = corners(dn.plot.morphology(tree, view=view))
    for section in tree.sections:
        samples = tree.samples(section.index)
        for point, diameter in zip(samples[:, axes], samples[:, 3], strict=True):
            nearest = np.linalg.norm(found - point, axis=1).min()
            assert nearest <= diameter / 2 + 1e-9


def test_a_dendrogram_has_path_lengths(tree):
    found = corners(dn.plot.morphology(tree, view="dendrogram"))
    ends = [s.distance + s.length for s in tree.sections[1:]]
    assert found[:, 0].max() == pytest.approx(max(ends))
    assert found[:, 0].min() == pytest.approx(-tree.sections[0].length / 2)


def test_tips_of_a_dendrogram_do_not_overlap(tree):
    ax = dn.plot.morphology(tree, view="dendrogram")
    parents = {s.parent for s in tree.sections}
    tips = [s for s in tree.sections if s.index not in parents]
    low, high = corners(ax)[:, 1].min(), corners(ax)[:, 1].max()
    assert high - low > len(tips) - 1.5


def test_numbers_color_cvs(tree):
    cvs = tree.cvs(dn.MaxLength(5.0))
    ax = dn.plot.morphology(tree, color=cvs.distance, cvs=cvs, label="distance (um)")
    assert len(np.unique(branches(ax).get_facecolors(), axis=0)) > 50
    assert ax.figure.axes[-1].get_ylabel() == "distance (um)"


def test_a_region_is_highlighted(tree):
    cvs = tree.cvs(dn.PerSection(1))
    region = tree.region("apical")
    ax = dn.plot.morphology(tree, region=region, cvs=cvs)
    light = (branches(ax).get_facecolors() == to_rgba("#dcdcdc")).all(axis=1)
    others = sum(len(tree.samples(s.index)) - 1 for s in tree.sections if s.kind != "apical")
    assert light.sum() == others


def marks(ax):
    return np.asarray(next(c for c in ax.collections if isinstance(c, PathCollection)).get_offsets())


@pytest.mark.parametrize(("view", "axes"), [("xy", (0, 1)), ("xz", (0, 2)), ("yz", (1, 2))])
def test_sites_are_marked_at_their_positions(tree, view, axes):
    places = [*tree.random("basal", n=7, seed=0), tree.at(0, 0.1)]
    found = marks(dn.plot.morphology(tree, view=view, sites=iter(places)))
    assert found == pytest.approx(np.array([tree.position(p) for p in places])[:, axes])


def test_sites_are_marked_in_a_dendrogram(tree):
    places = [*tree.random("basal", n=7, seed=0), tree.at(0, 0.1)]
    ax = dn.plot.morphology(tree, view="dendrogram", sites=places)
    found = marks(ax)
    # On a soma, positions on both sides of its centre are shown.
    expected = [*(tree.distance(p) for p in places[:-1]), -0.4 * tree.sections[0].length]
    assert found[:, 0] == pytest.approx(expected)
    # The drawn sections are symmetric about their heights; each begins at its distance.
    pieces = np.array([path.vertices[:4] for path in branches(ax).get_paths()])
    for place, (_, height) in zip(places[:-1], found[:-1], strict=True):
        section = tree.sections[place.section]
        begins = pieces[np.isclose(pieces[:, 0, 0], section.distance) & np.isclose(pieces[:, :, 1].mean(1), height)]
        assert len(begins) >= 1


def test_colors_of_cvs_are_at_their_positions():
    # Cuts within frusta and at samples.
    points = [[0.0, 0, 0], [3, 0, 0], [10, 0, 0], [10, 8, 0], [10, 20, 0]]
    tree = dn.Morphology.from_points(points, [2.0, 4, 1, 1, 3], [-1, 0, 1, 2, 3], [3] * 5)
    for n in (1, 3, 10, 30):
        cvs = tree.cvs(dn.PerSection(n))
        drawn = branches(dn.plot.morphology(tree, color=np.arange(n), cvs=cvs))
        quads = np.array([path.vertices[:4] for path in drawn.get_paths()])
        middle = [(q[[0, 1]].mean(0), q[[2, 3]].mean(0)) for q in quads]
        lengths = np.array([np.linalg.norm(b - a) for a, b in middle])
        colours = drawn.get_facecolors()
        _, cv = np.unique(colours, axis=0, return_inverse=True)
        assert len(np.unique(cv)) == n
        assert np.bincount(cv.ravel(), lengths) == pytest.approx([tree.sections[0].length / n] * n)


def test_cuts_of_long_sections_take_linear_time():
    n = 40_000
    points = np.column_stack([np.arange(n), np.zeros(n), np.zeros(n)])
    tree = dn.Morphology.from_points(points, np.ones(n), np.arange(n) - 1, ["basal"] * n)
    cvs = tree.cvs(dn.PerSection(n))
    begun = time.perf_counter()
    found = _cuts(tree, cvs, 0)
    # Comparing each CV with all samples takes minutes.
    assert time.perf_counter() - begun < 2.0
    assert [cv for _, cv in found] == list(range(n))
    assert all(samples[-1, 4] == pytest.approx((cv + 1) * (n - 1) / n) for samples, cv in found[::997])


def test_the_scale_bar_is_within_a_narrow_picture():
    ax = dn.plot.morphology(dn.Morphology.from_points([[0, 0, 0], [0, 300, 0]], [2, 2], [-1, 0], ["basal"] * 2))
    bar = next(line for line in ax.lines if line.get_gid() == "scale")
    assert ax.get_xlim()[0] <= min(bar.get_xdata())
    assert max(bar.get_xdata()) <= ax.get_xlim()[1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"view": "xyz"}, dn.UnknownNameError, "view = 'xyz': unknown view; did you mean 'xy'"),
        ({"view": np.array(["xy", "xz"])}, dn.ParameterTypeError, "view = array.*: expected one of: xy, xz, yz, den"),
        ({"view": None}, dn.ParameterTypeError, "view = None: expected one of"),
        ({"sites": dn.Location(0)}, dn.ParameterTypeError, r"sites = Location\(.*: expected a list of locations"),
        ({"sites": 3}, dn.ParameterTypeError, "sites = 3: expected a list of locations"),
        ({"sites": None}, dn.ParameterTypeError, "sites = None: expected a list of locations"),
        ({"sites": np.array(3)}, dn.ParameterTypeError, r"sites = array\(3\): expected a list of locations"),
        ({"sites": [dn.Location(999)]}, dn.ParameterError, "sites: section = 999: expected an index from 0"),
        ({"color": np.ones(3)}, dn.ParameterError, r"color of shape \(3,\): expected .*one per section"),
        ({"color": "no colour"}, dn.ParameterError, "expected a Matplotlib colour, or numbers"),
        ({"cvs": 3}, dn.ParameterTypeError, r"cvs = 3: expected the CVs of tree"),
        ({"region": dn.Region("basal")}, dn.ParameterError, r"region = .*: requires cvs=tree\.cvs"),
        ({"thickness": 0.0}, dn.ParameterError, "thickness = 0.0: expected a factor > 0"),
        ({"thickness": 1e308}, dn.ParameterError, r"thickness = 1e\+308: expected a factor > 0, at most 1e\+06"),
        ({"label": np.ones(2)}, dn.ParameterTypeError, r"label = array\(.*: expected text, or None"),
        ({"label": "\ud800"}, dn.ParameterError, "label = .*: expected text without lone surrogates"),
        ({"color": np.arange(156.0), "limits": (0, 10**400)}, dn.ParameterError, "limits = .*: expected two ascending"),
        ({"color": np.arange(156.0), "limits": [1j, 2]}, dn.ParameterError, "limits = .*: expected two ascending"),
        ({"color": np.arange(156.0), "limits": np.ones((1, 2))}, dn.ParameterError, "limits = .*: expected two asc"),
        ({"color": np.arange(156.0), "limits": "01"}, dn.ParameterError, "limits = '01': expected two ascending"),
        ({"label": 10**5000}, dn.ParameterTypeError, r"label = <an integer of .* bits>: expected text, or None"),
        ({"sites": [3]}, dn.ParameterTypeError, "location = 3: expected a Location"),
    ],
)
def test_mistakes_are_errors(tree, arguments, error, message):
    with pytest.raises(error, match=message):
        dn.plot.morphology(tree, **arguments)


def test_labels_of_other_plots_are_text():
    with pytest.raises(dn.ParameterTypeError, match=r"plot\.fi_curve: label = \[1, 2\]: expected text, or None"):
        dn.plot.fi_curve([1.0, 2.0], [1.0, 2.0], label=[1, 2])
    cells = dn.MCNeuron(1, V_th=1.0, V_reset=0.0)
    cells.soma = dn.LeakyIF(1)
    with pytest.raises(dn.ParameterTypeError, match=r"plot\.tree: label = 3: expected text, or None"):
        dn.plot.tree(cells, label=3)


def test_a_neuron_is_not_a_morphology():
    with pytest.raises(dn.ParameterTypeError, match=r"expected a Morphology or a CableNeuron; plot\.tree draws"):
        dn.plot.morphology(dn.MCNeuron(1))
