"""Text is neither cut off nor overlaps, in figures with matplotlib's default style and with style()."""

import contextlib
import itertools

import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np
import pytest

PLOTS = {
    "traces": lambda ran, ax: dn.plot.traces([ran.soma, ran.dend], neurons=1, spikes=ran.spikes, ax=ax),
    "raster": lambda ran, ax: dn.plot.raster({"CA1 pyramidal": ran.spikes, "entorhinal": ran.source}, ax=ax),
    "one raster": lambda ran, ax: dn.plot.raster(ran.spikes, ax=ax),
    "rate": lambda ran, ax: dn.plot.rate({"CA1": ran.spikes, "EC": ran.source}, ax=ax),
    "smooth": lambda ran, ax: dn.plot.rate({"CA1": ran.spikes, "EC": ran.source}, smooth=5.0, ax=ax),
    "isi": lambda ran, ax: dn.plot.isi({"CA1": ran.spikes, "EC": ran.source}, ax=ax),
    "log isi": lambda ran, ax: dn.plot.isi(ran.source, log=True, ax=ax),
    "tree": lambda ran, ax: dn.plot.tree(ran.cells, color={"soma": 1.0, "dend": 2.0}, label="current (pA)", ax=ax),
    "receptors": lambda ran, ax: dn.plot.tree(ran.cells, receptors=True, ax=ax),
    "fi": lambda ran, ax: dn.plot.fi_curve([100.0, 1000.0, 2000.0], [1.0, 10.0, 150.0], label="model", ax=ax),
    "weights": lambda ran, ax: dn.plot.weights(np.linspace(0, 1, 600).reshape(20, 30), ax=ax),
    "histogram": lambda ran, ax: dn.plot.weights(np.linspace(0, 1, 6000)[None], kind="histogram", ax=ax),
    "surrogate": lambda ran, ax: dn.plot.surrogate([dn.Sigmoid(), dn.FastSigmoid(), dn.MultiGaussian()], ax=ax),
}
STYLES = {"plain": contextlib.nullcontext, "style": dn.plot.style}


def texts(ax):
    """Return the bounding boxes of all text in axes, by the kind of text."""
    found = {}
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        ticks = [t for t in axis.get_major_ticks() if low <= t.get_loc() <= high] if ax.axison else []
        found |= {f"{name} tick {k}": label for k, t in enumerate(ticks) for label in (t.label1, t.label2)}
        if ax.axison:
            found[f"{name} label"] = axis.label
    found["title"] = ax.title
    found |= {f"text {k}": text for k, text in enumerate(ax.texts)}
    if ax.get_legend() is not None:
        found |= {f"legend {k}": text for k, text in enumerate(ax.get_legend().get_texts())}
    shown = {k: t for k, t in found.items() if t.get_visible() and t.get_text().strip()}
    return {name: text.get_window_extent() for name, text in shown.items()}


def overlap(a, b):
    # Allow half a pixel for anti-aliasing.
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5


def problems(figure):
    """Return the texts that are cut off or overlap."""
    figure.draw_without_rendering()
    page = figure.bbox
    boxes = {(n, name): box for n, ax in enumerate(figure.axes) for name, box in texts(ax).items()}
    found = [
        f"{key} is cut"
        for key, box in boxes.items()
        if box.x0 < page.x0 - 1 or box.y0 < page.y0 - 1 or box.x1 > page.x1 + 1 or box.y1 > page.y1 + 1
    ]
    for (a, x), (b, y) in itertools.combinations(boxes.items(), 2):
        # Names of compartments lie inside the tree, where the plot places them without overlaps.
        inside = a[0] == b[0] and (a[1].startswith("text") or b[1].startswith("text"))
        if not inside and overlap(x, y):
            found.append(f"{a} lies on {b}")
    for n, ax in enumerate(figure.axes):
        frame = ax.get_window_extent()
        for name, box in texts(ax).items():
            if name.startswith("legend") and overlap(box, frame):
                found.append(f"{n}: {name} lies on the data")
    return found


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", PLOTS)
def test_one_panel(ran, name, style):
    with STYLES[style]():
        figure, ax = plt.subplots()
        PLOTS[name](ran, ax)
        ax.set_title(name)
    assert problems(figure) == []


def grids():
    """Return groups of four plots, so that each kind occurs once in each position of a grid."""
    names = list(PLOTS)
    return [[names[(first + k) % len(names)] for k in range(4)] for first in range(0, len(names), 2)]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("names", grids(), ids=lambda names: names[0])
def test_four_panels(ran, names, style):
    with STYLES[style]():
        figure, axes = plt.subplots(2, 2, **({} if style == "plain" else {"figsize": (7.0, 4.5)}))
        for name, ax in zip(names, axes.flat, strict=True):
            PLOTS[name](ran, ax)
            ax.set_title(name)
        figure.suptitle("all of them")
    assert problems(figure) == []


def test_the_check_finds_what_collides(ran):
    """With the user's own placement, texts can overlap as in any matplotlib figure."""
    figure, axes = plt.subplots(2, 2)
    figure.subplots_adjust(hspace=0.15)
    for name, ax in zip(("traces", "raster", "rate", "weights"), axes.flat, strict=True):
        PLOTS[name](ran, ax)
        ax.set_title(name)
    assert any("lies on" in problem for problem in problems(figure))


@pytest.mark.parametrize("when", ["before", "after", "gridspec"])
def test_panels_that_the_user_placed_stay(ran, when):
    figure, ax = plt.subplots(gridspec_kw={"left": 0.3} if when == "gridspec" else {})
    if when == "before":
        figure.subplots_adjust(left=0.3)
    dn.plot.rate(ran.spikes, ax=ax)
    if when == "after":
        figure.draw_without_rendering()
        figure.subplots_adjust(left=0.3)
    figure.draw_without_rendering()
    assert ax.get_position().x0 == pytest.approx(0.3)


def test_layouts_that_the_user_chose_stay(ran):
    figure, ax = plt.subplots(layout="constrained")
    dn.plot.rate(ran.spikes, ax=ax)
    assert figure.get_layout_engine().__class__.__name__ == "ConstrainedLayoutEngine"
    # The layout can also be chosen afterwards, without a warning.
    figure, ax = plt.subplots()
    dn.plot.weights(np.eye(3), ax=ax)
    figure.tight_layout()
    figure, ax = plt.subplots()
    dn.plot.rate(ran.spikes, ax=ax)
    figure.set_layout_engine("constrained")


def test_axes_without_a_grid_and_panels_without_room(ran):
    figure = plt.figure()
    ax = figure.add_axes((0.2, 0.2, 0.6, 0.6))
    dn.plot.rate(ran.spikes, ax=ax)
    assert figure.get_layout_engine() is None
    assert np.allclose(ax.get_position().bounds, (0.2, 0.2, 0.6, 0.6))
    figure, axes = plt.subplots(9, 9, figsize=(2, 2))
    dn.plot.rate(ran.spikes, ax=axes[0, 0])
    figure.draw_without_rendering()
    figure = plt.figure()
    left, _ = figure.subfigures(1, 2)
    dn.plot.rate(ran.spikes, ax=left.subplots())
    figure.draw_without_rendering()
