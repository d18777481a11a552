"""Morphologies are drawn to scale, and plots can show values, regions and sites."""

import dendrion as dn
import numpy as np
import pytest
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


def test_sites_are_marked(tree):
    places = tree.random("basal", n=7, seed=0)
    for view in ("xy", "dendrogram"):
        ax = dn.plot.morphology(tree, view=view, sites=places)
        marks = next(c for c in ax.collections if isinstance(c, PathCollection))
        assert len(marks.get_offsets()) == 7


def test_the_scale_bar_is_within_a_narrow_picture():
    ax = dn.plot.morphology(dn.Morphology.from_points([[0, 0, 0], [0, 300, 0]], [2, 2], [-1, 0], ["basal"] * 2))
    bar = next(line for line in ax.lines if line.get_gid() == "scale")
    assert ax.get_xlim()[0] <= min(bar.get_xdata())
    assert max(bar.get_xdata()) <= ax.get_xlim()[1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"view": "xyz"}, dn.ParameterError, "view = 'xyz': did you mean 'xy'"),
        ({"color": np.ones(3)}, dn.ParameterError, r"color of shape \(3,\): expected .*one per section"),
        ({"color": "no colour"}, dn.ParameterError, "expected a colour of matplotlib, or numbers"),
        ({"cvs": 3}, dn.ParameterTypeError, r"cvs = 3: expected the CVs of tree"),
        ({"region": dn.Region("basal")}, dn.ParameterError, r"region: expected cvs=tree\.cvs"),
        ({"thickness": 0.0}, dn.ParameterError, "thickness = 0.0: expected a factor > 0"),
        ({"sites": [3]}, dn.ParameterTypeError, "location = 3: expected a Location"),
    ],
)
def test_mistakes_are_errors(tree, arguments, error, message):
    with pytest.raises(error, match=message):
        dn.plot.morphology(tree, **arguments)


def test_a_neuron_is_not_a_morphology():
    with pytest.raises(dn.ParameterTypeError, match=r"expected a Morphology; plot\.tree draws"):
        dn.plot.morphology(dn.MCNeuron(1))
