"""All plots are readable in print and for colour-blind readers, and the first one imports matplotlib."""

import itertools
import subprocess
import sys

import dendrion as dn
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from dendrion.plot._style import PALETTE, colours
from matplotlib.colors import to_rgb

#: Linear RGB as seen by eyes that lack one type of cone (Machado, Oliveira & Fernandes 2009, severity 1).
SEEN = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour, eye):
    """Return the CIELAB coordinates of a colour as an eye sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.asarray(SEEN[eye]) @ linear, 0, 1) / TO_XYZ.sum(1)
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", SEEN)
def test_all_eyes_tell_colours_apart_and_see_them_on_white(eye):
    seen = [lab(colour, eye) for colour in PALETTE]
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)]
    # A difference of 2.3 is just noticeable. For protanopes, two of matplotlib's first seven colours differ by 4.6.
    assert min(apart) > 15
    assert max(colour[0] for colour in seen) < 80


def test_many_lines_have_different_colours():
    assert len({tuple(c) for c in colours(40)}) == 40
    assert max(lab(c, "all cones")[0] for c in colours(40)) < 90


def draw_each(ran):
    yield dn.plot.traces(ran.soma)
    yield dn.plot.raster(ran.spikes)
    yield dn.plot.rate(ran.spikes)
    yield dn.plot.isi(ran.spikes)
    yield dn.plot.tree(ran.cells)
    yield dn.plot.fi_curve([1.0, 2.0], [0.0, 1.0])
    yield dn.plot.weights(np.eye(3))
    yield dn.plot.surrogate(dn.Sigmoid())


def test_new_figures_are_a_column_wide_without_boxes_in_small_fonts(ran):
    before = mpl.rcParams.copy()
    for ax in draw_each(ran):
        assert ax.figure.get_size_inches()[0] <= 3.4
        assert not ax.spines["top"].get_visible() or not ax.axison
        ax.figure.draw_without_rendering()
        fonts = [text.get_fontsize() for text in ax.get_xticklabels() + ax.get_yticklabels() + [ax.xaxis.label]]
        assert 7.0 <= min(fonts) <= max(fonts) <= 8.0
        # The whole plot is on the page.
        box, page = ax.get_tightbbox(), ax.figure.bbox
        assert page.x0 <= box.x0 < box.x1 <= page.x1
        assert page.y0 <= box.y0 < box.y1 <= page.y1
    assert mpl.rcParams == before


def test_given_axes_keep_their_fonts(ran):
    _, ax = plt.subplots()
    dn.plot.rate({"a": ran.spikes, "b": ran.source}, ax=ax)
    assert ax.xaxis.label.get_fontsize() == 10.0
    assert ax.get_legend().get_texts()[0].get_fontsize() == 8.75
    assert not ax.spines["right"].get_visible()


def test_legends_are_in_the_axes_where_the_user_placed_these(ran):
    figure, ax = plt.subplots()
    figure.subplots_adjust(right=0.98)
    dn.plot.traces([ran.soma, ran.dend], neurons=0, ax=ax)
    figure.draw_without_rendering()
    box = ax.get_legend().get_window_extent()
    assert ax.bbox.x0 <= box.x0 < box.x1 <= ax.bbox.x1


def test_a_style_makes_figures_of_a_column(ran):
    with dn.plot.style():
        figure, ax = plt.subplots()
        assert np.allclose(figure.get_size_inches() * 25.4, [85, 60])
        dn.plot.rate({"a": ran.spikes, "b": ran.source}, ax=ax)
    assert figure.get_layout_engine().__class__.__name__ == "ConstrainedLayoutEngine"


def test_a_style_has_the_size_that_is_asked_for():
    with dn.plot.style(size=12):
        _, ax = plt.subplots()
    assert (ax.xaxis.label.get_fontsize(), ax.get_xticklabels()[0].get_fontsize()) == (12.0, 10.5)
    assert mpl.rcParams["font.size"] == 10.0
    with pytest.raises(dn.ParameterError, match=r"plot\.style: size = 0: expected a font size > 0"):
        dn.plot.style(size=0)


def test_importing_the_package_imports_neither_plots_nor_matplotlib():
    code = """
import sys
import dendrion as dn
print("dendrion.plot" in sys.modules, "plot" in dir(dn), callable(dn.plot.traces), "matplotlib" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True", "True", "False"]


def test_without_matplotlib_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "dendrion\[plot\]"'):
        dn.plot.surrogate(dn.Sigmoid())


def test_a_name_the_package_does_not_have_is_said_so():
    with pytest.raises(AttributeError, match="module 'dendrion' has no attribute 'plots'"):
        dn.plots  # noqa: B018
