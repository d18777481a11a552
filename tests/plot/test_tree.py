"""Trees are drawn to scale, without overlaps, and coloured by the requested values."""

import itertools

import dendrion as dn
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from dendrion.models import CA1Pyramidal
from dendrion.models.ca1 import DENDRITES
from matplotlib.colors import to_hex
from matplotlib.patches import Ellipse
from matplotlib.path import Path

from .trees import Branching, Plain


def drawn(ax):
    """Return the corners of each compartment, and for the soma points on its edge."""
    shapes = {}
    for patch in ax.patches:
        corners = patch.get_path().vertices[:4]
        if isinstance(patch, Ellipse):
            corners = patch.get_patch_transform().transform(Path.unit_circle().to_polygons()[0])
        shapes[patch.get_gid()] = corners
    return shapes


def middle(ax):
    return {name: corners[:4].mean(0) for name, corners in drawn(ax).items() if name != "soma"}


def faces(ax):
    return {patch.get_gid(): to_hex(patch.get_facecolor()) for patch in ax.patches}


def colour_bar(ax):
    (bar,) = (other for other in ax.figure.axes if other is not ax)
    return bar


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_dendrites_are_as_long_and_as_wide_as_they_are():
    ax = dn.plot.tree(CA1Pyramidal(), thickness=1.0, names=False)
    shapes = drawn(ax)
    assert set(shapes) == {"soma", *DENDRITES}
    for name, dendrite in DENDRITES.items():
        a, b, c, _ = shapes[name]
        assert (np.linalg.norm(b - a), np.linalg.norm(c - b)) == pytest.approx((dendrite.diameter, dendrite.length))
    (soma,) = (patch for patch in ax.patches if isinstance(patch, Ellipse))
    assert (soma.width, soma.height) == (20.0, 30.0)
    assert ax.get_aspect() == 1.0


def test_thickness_is_a_factor_on_the_diameters_of_dendrites_and_is_written_down():
    plain, thick = (dn.plot.tree(CA1Pyramidal(), thickness=t) for t in (1.0, 3.0))
    assert "100 µm" in texts(plain)
    assert "100 µm (diameters \u00d7 3)" in texts(thick)
    a, b, c, _ = drawn(thick)["prox"]
    assert (np.linalg.norm(b - a), np.linalg.norm(c - b)) == pytest.approx((6.0, 100.0))
    widest = max(np.linalg.norm(s[1] - s[0]) for n, s in drawn(dn.plot.tree(CA1Pyramidal())).items() if n != "soma")
    assert 2.0 < widest < 20.0


def test_the_scale_bar_is_as_long_as_it_says():
    for cell in (CA1Pyramidal(), Branching(1, 40)):
        ax = dn.plot.tree(cell, thickness=1.0)
        (bar,) = (line for line in ax.lines if line.get_gid() == "scale")
        assert f"{np.ptp(bar.get_xdata()):g} µm" in texts(ax)


def test_apical_dendrites_are_above_the_soma_and_basal_ones_below():
    y = {name: at[1] for name, at in middle(dn.plot.tree(CA1Pyramidal(), names=False)).items()}
    assert y["prox"] < min(y["ob1"], y["ob2"], y["med"]) < y["dist1"]
    assert y["prox"] > 0
    assert max(y["bas1"], y["bas2"]) < 0
    turned = dn.plot.tree(Branching(3, 30, names=("apical", "basal"), on_soma=1.0), names=False)
    assert {name.split("/")[0]: at[1] > 0 for name, at in middle(turned).items()} == {"apical": True, "basal": False}


def test_a_trunk_is_straight_and_pairs_are_mirrored():
    at = middle(dn.plot.tree(CA1Pyramidal(), names=False))
    assert [at[name][0] for name in ("prox", "med")] == pytest.approx([0.0, 0.0], abs=1e-9)
    for left, right in (("ob1", "ob2"), ("dist1", "dist2"), ("bas1", "bas2")):
        assert at[left] * [-1, 1] == pytest.approx(at[right])
        assert at[left][0] < 0


def test_a_trunk_is_straight_beside_an_oblique_dendrite():
    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=-50.0, V_reset=-60.0)
            self.soma = dn.LeakyIF(1)
            self.trunk, self.oblique = dn.Compartment(1), dn.Compartment(1)
            self.tuft = [dn.Compartment(1), dn.Compartment(1)]
            self.next = dn.Compartment(1)
            pairs = [(self.soma, self.trunk), (self.trunk, self.oblique), (self.trunk, self.next)]
            self.links = [dn.MCConn(*pair, g=1.0) for pair in [*pairs, *((self.next, tuft) for tuft in self.tuft)]]

    at = middle(dn.plot.tree(Cell(), names=False))
    assert (at["trunk"][0], at["next"][0]) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert abs(at["oblique"][0]) > 30.0


@pytest.mark.parametrize(("named", "up"), [("apical", False), ("basal", True)])
def test_dendrites_without_a_telling_name_go_where_none_is_named_for(named, up):
    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=-50.0, V_reset=-60.0)
            self.soma = dn.LeakyIF(1)
            for name in (named, "left", "right"):
                setattr(self, name, dn.Compartment(1))
            self.links = [dn.MCConn(self.soma, getattr(self, name), g=1.0) for name in (named, "left", "right")]

    at = middle(dn.plot.tree(Cell(), names=False))
    assert [at[name][1] > 0 for name in (named, "left", "right")] == [not up, up, up]


RANDOM = [
    *((seed, 25, ("dends",), on_soma, thick) for seed in range(4) for on_soma, thick in ((0.1, 3.0), (0.5, 12.0))),
    *((seed, 40, ("apical", "basal", "axon"), 0.3, 5.0) for seed in range(4)),
    (9, 1, ("dends",), 0.0, 5.0),
    (9, 2, ("dends",), 1.0, 5.0),
    (9, 60, ("dends",), 1.0, 5.0),
    (9, 30, ("basal",), 0.2, 5.0),
]


@pytest.mark.parametrize("tree", RANDOM, ids=str)
def test_no_two_compartments_overlap(tree):
    ax = dn.plot.tree(Branching(*tree), names=False)
    shapes = {name: Path(np.vstack([corners, corners[:1]])) for name, corners in drawn(ax).items()}
    assert len(shapes) == tree[1] + 1
    for a, b in itertools.combinations(shapes, 2):
        assert not shapes[a].intersects_path(shapes[b], filled=True), (a, b)


def test_couplings_are_drawn_from_end_to_beginning():
    ax = dn.plot.tree(CA1Pyramidal(), names=False)
    joints = [line.get_xydata() for line in ax.lines if line.get_gid() is None]
    shapes = drawn(ax)
    assert len(joints) == 8
    ends = [np.zeros(2), *(shapes[name][2:].mean(0) for name in DENDRITES)]
    starts = [shapes[name][:2].mean(0) for name in DENDRITES]
    for begin, end in joints:
        assert min(np.linalg.norm(begin - other) for other in ends) < 1e-9
        assert min(np.linalg.norm(end - other) for other in starts) < 1e-9


def test_without_a_geometry_there_is_no_scale():
    ax = dn.plot.tree(Plain())
    assert sorted(texts(ax)) == ["far", "near", "soma"]
    sizes = {round(float(np.linalg.norm(s[2] - s[1])), 6) for n, s in drawn(ax).items() if n != "soma"}
    assert len(sizes) == 1


def test_compartments_without_a_geometry_are_as_large_as_others_and_dashed():
    ax = dn.plot.tree(Plain(length=80.0, diameter=3.0))
    length = {n: float(np.linalg.norm(s[2] - s[1])) for n, s in drawn(ax).items() if n != "soma"}
    assert length == pytest.approx({"near": 80.0, "far": 80.0})
    assert {p.get_gid(): p.get_linestyle() == "solid" for p in ax.patches} == {
        "soma": False,
        "near": False,
        "far": True,
    }
    assert any("µm" in text for text in texts(ax))


def test_a_parameter_has_its_values_unit_and_scale():
    ax = dn.plot.tree(Plain(), color="gL", names=False)
    bar = colour_bar(ax)
    assert bar.get_ylabel() == "gL (nS)"
    assert bar.get_ylim() == (2.5, 10.0)
    face = faces(ax)
    ends = mpl.colormaps["viridis"]([0.0, 0.92])
    assert (face["near"], face["soma"]) == (to_hex(ends[0]), to_hex(ends[1]))
    assert face["far"] not in (face["near"], face["soma"])
    specific = colour_bar(dn.plot.tree(CA1Pyramidal(), color="gL", names=False))
    assert specific.get_ylabel() == "gL (µS/cm²)"
    assert colour_bar(dn.plot.tree(CA1Pyramidal(), color="length", names=False)).get_ylabel() == "length (µm)"


def test_values_come_by_name_or_in_the_order_compartments_were_made():
    values = {"soma": 1.0, **{name: 2.0 + k for k, name in enumerate(DENDRITES)}}
    named = dn.plot.tree(CA1Pyramidal(), color=values, label="V (mV)", names=False)
    listed = dn.plot.tree(CA1Pyramidal(), color=list(values.values()))
    assert faces(named) == faces(listed)
    assert len(set(faces(named).values())) == 9
    assert colour_bar(named).get_ylabel() == "V (mV)"
    assert colour_bar(named).get_ylim() == (1.0, 9.0)
    part = dn.plot.tree(CA1Pyramidal(), color={"prox": 3.0, "med": 4.0}, limits=(0.0, 10.0), names=False)
    assert colour_bar(part).get_ylim() == (0.0, 10.0)
    assert len(set(faces(part).values())) == 3


def test_a_single_value_is_in_the_middle_of_its_scale():
    assert colour_bar(dn.plot.tree(Plain(), color={"near": 3.0}, names=False)).get_ylim() == (2.5, 3.5)


def test_colours_need_no_scale():
    ax = dn.plot.tree(CA1Pyramidal(), color={"soma": "k", "prox": "#d55e00"}, names=False)
    assert (faces(ax)["soma"], faces(ax)["prox"]) == ("#000000", "#d55e00")
    assert ax.figure.axes == [ax]
    assert set(faces(dn.plot.tree(CA1Pyramidal(), color="tab:red", names=False)).values()) == {to_hex("tab:red")}


def test_neurons_that_differ_are_averaged_or_chosen():
    cells = Plain(3)
    cells.near.gL = [1.0, 2.0, 6.0]
    assert colour_bar(dn.plot.tree(cells, color="gL", names=False)).get_ylim() == (3.0, 10.0)
    assert colour_bar(dn.plot.tree(cells, color="gL", index=1, names=False)).get_ylim() == (2.0, 10.0)


def test_names_are_beside_their_compartments_and_cover_nothing():
    ax = dn.plot.tree(CA1Pyramidal())
    ax.figure.draw_without_rendering()
    shapes, back = drawn(ax), ax.transData.inverted()
    boxes = {}
    for text in ax.texts:
        if text.get_text() in shapes:
            boxes[text.get_text()] = text.get_window_extent().transformed(back)
    assert set(boxes) == set(shapes)
    for (a, one), (b, other) in itertools.combinations(boxes.items(), 2):
        assert not one.overlaps(other), (a, b)
    for name, box in boxes.items():
        for part, corners in shapes.items():
            assert not Path(np.vstack([corners, corners[:1]])).intersects_bbox(box, filled=True), (name, part)
        assert np.linalg.norm(shapes[name].mean(0) - (box.p0 + box.p1) / 2) < 60.0, name


@pytest.mark.parametrize("seed", range(5))
def test_names_of_crowded_trees_are_apart(seed):
    ax = dn.plot.tree(Branching(seed, 12))
    ax.figure.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in ax.texts}
    assert len(boxes) == 14
    for a, b in itertools.combinations(boxes, 2):
        assert not boxes[a].overlaps(boxes[b]), (a, b)


def test_names_of_large_trees_are_left_out_unless_asked_for():
    cell = Branching(0, 25)
    assert len(texts(dn.plot.tree(cell))) == 1
    assert len(texts(dn.plot.tree(cell, names=True))) == 27


def test_receptors_and_channels_are_marked_on_their_compartments():
    ax = dn.plot.tree(CA1Pyramidal(dendritic_spikes=True), receptors=True, names=False)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["AMPA", "NMDA", "DendriticSpike"]
    dots = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "o"]
    shapes = drawn(ax)
    with_receptors = [name for name, d in DENDRITES.items() if d.ampa]
    assert len(dots) == 3 * len(with_receptors)
    for name, corners in shapes.items():
        inside = Path(corners).contains_points(dots).sum()
        assert inside == (3 if name in with_receptors else 0), name


def test_a_coupled_receptor_is_a_compartment():
    class Spine(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=-50.0, V_reset=-60.0)
            self.soma = dn.LeakyIF(1, gL=10.0, C=200.0)
            self.spine = dn.AMPA(1, t_decay=2.0)
            self.neck = dn.MCConn(self.soma, self.spine, g=1.0)

    ax = dn.plot.tree(Spine(), receptors=True)
    assert set(drawn(ax)) == {"soma", "spine"}
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["AMPA"]


def test_a_point_neuron_is_a_soma():
    class Point(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=-50.0, V_reset=-60.0)
            self.soma = dn.LeakyIF(1, length=20.0, diameter=20.0, gL=40.0, C=1.0)

    assert set(drawn(dn.plot.tree(Point()))) == {"soma"}


class Loose(dn.MCNeuron):
    """A neuron with a dendrite that is not coupled."""

    def __init__(self, somas=1):
        super().__init__(1, V_th=-50.0, V_reset=-60.0, name="loose")
        self.somas = [dn.LeakyIF(1) for _ in range(somas)]
        self.dend = dn.Compartment(1)


class Loop(Plain):
    """A neuron with three compartments in a ring."""

    def __init__(self):
        super().__init__()
        self.back = dn.MCConn(self.far, self.soma, g=1.0)


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: dn.plot.tree("cell"), dn.ParameterTypeError, "neuron = 'cell': expected an MCNeuron"),
        (lambda: dn.plot.tree(Loose()), dn.StructureError, "loose/dend: is not connected to loose/somas/0"),
        (lambda: dn.plot.tree(Loose(2)), dn.StructureError, "has 2 somas"),
        (lambda: dn.plot.tree(Loop()), dn.StructureError, "is part of a loop of couplings"),
        (lambda: dn.plot.tree(Plain(), color="gl"), dn.UnknownNameError, "nor a colour; did you mean 'gL'"),
        (
            lambda: dn.plot.tree(Plain(), color={"neer": 1.0}),
            dn.UnknownNameError,
            "no compartment named 'neer'; did you mean 'near'",
        ),
        (lambda: dn.plot.tree(Plain(), color=[1.0]), dn.ParameterError, r"shape \(1,\): expected \(3,\).*soma, near"),
        (
            lambda: dn.plot.tree(Plain(), color={"near": [1.0]}),
            dn.ParameterTypeError,
            "expected a number; numbers and colours cannot be mixed",
        ),
        (
            lambda: dn.plot.tree(Plain(), color={"near": "nocolour"}),
            dn.ParameterError,
            "'nocolour': expected a Matplotlib colour",
        ),
        (lambda: dn.plot.tree(Plain(), color={}), dn.ParameterError, "no finite values"),
        (lambda: dn.plot.tree(Plain(), color="length"), dn.ParameterError, "no finite values"),
        (
            lambda: dn.plot.tree(Plain(length=9.0, diameter=1.0), color="gL"),
            dn.ParameterError,
            "has units nS and µS/cm²",
        ),
        (lambda: dn.plot.tree(Plain(), thickness=0.0), dn.ParameterError, "thickness = 0.0: expected a factor > 0"),
        (lambda: dn.plot.tree(Plain(), receptors="yes"), dn.ParameterTypeError, "receptors = 'yes': expected True or"),
        (
            lambda: dn.plot.tree(Plain(2), index=2),
            dn.ParameterError,
            "index = 2: expected None or the index of a neuron, 0 to 1",
        ),
        (
            lambda: dn.plot.tree(Plain(), color="gL", limits=(1.0, 0.0)),
            dn.ParameterError,
            "expected two ascending numbers",
        ),
    ],
)
def test_what_is_no_tree_or_no_colour_of_one_is_refused(draw, error, message):
    with pytest.raises(error, match=f"plot.tree: .*{message}"):
        draw()
    assert not plt.get_fignums()


def test_given_axes_are_drawn_into():
    figure, axes = plt.subplots(1, 2)
    assert dn.plot.tree(CA1Pyramidal(), ax=axes[1]) is axes[1]
    assert not axes[0].patches
    assert plt.get_fignums() == [figure.number]
