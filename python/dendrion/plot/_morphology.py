"""Plots of morphologies: projections and dendrograms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import numbers, real
from .._quoted import quoted
from .._suggest import hint
from ..errors import ParameterError, ParameterTypeError, UnknownNameError
from ..morphology import CVs, Location, Morphology, Region
from . import _annotate
from ._axes import drawing, small
from ._paint import NONE, Paint, checked_label, scaled
from ._style import COLUMN, FILL, GREY, INK, PALETTE, THIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["morphology"]

#: Indices of the coordinates that each projection shows.
VIEWS = {"xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}
#: Maximum factor by which diameters are multiplied.
_THICKEST = 1e6
#: Colours of the kinds of sections.
KIND_COLOURS = {"soma": INK, "axon": PALETTE[2], "basal": PALETTE[1], "apical": PALETTE[3]}


class Piece(NamedTuple):
    """A part of a section with one colour: corners of ``k`` quadrilaterals, of shape ``(k, 4, 2)``, section and CV."""

    quads: NDArray[np.float64]
    section: int
    cv: int


def morphology(
    tree: Morphology,
    *,
    view: str = "xy",
    color: ArrayLike | str | None = None,
    cvs: CVs | None = None,
    region: Region | None = None,
    sites: Iterable[Location] = (),
    label: str | None = None,
    limits: tuple[float, float] | None = None,
    thickness: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw a morphology: a projection with true diameters, or a dendrogram.

    Parameters
    ----------
    tree : Morphology
        The morphology.
    view : str
        ``"xy"``, ``"xz"`` or ``"yz"`` for a projection, or ``"dendrogram"``, whose horizontal axis is the path length
        from the soma's centre.
    color : array or str, optional
        One number per CV (with ``cvs``), one number per section, or a single colour. By default, each kind of section
        has its own colour.
    cvs : CVs, optional
        The division of the morphology to which ``color`` or ``region`` refers.
    region : Region, optional
        A region to highlight (requires ``cvs``); everything else is drawn in light grey.
    sites : list of Location
        Locations to mark.
    label : str, optional
        Label of the colour bar.
    limits : (float, float), optional
        Limits of the colour bar. Defaults to the smallest and largest value.
    thickness : float
        Factor by which diameters are multiplied.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, in um.

    Raises
    ------
    ParameterError, ParameterTypeError
        If an argument does not match the morphology.

    Examples
    --------
    >>> tree = dn.Morphology.ball_and_stick(300.0, 2.0)
    >>> cvs = tree.cvs(dn.MaxLength(10.0))
    >>> dn.plot.morphology(tree, color=cvs.distance, cvs=cvs, label="distance (µm)")
    """
    _check(tree, view, cvs)
    places = _places(tree, sites)
    factor = real("plot.morphology: thickness", thickness, "a factor > 0")
    if not 0.0 < factor <= _THICKEST:
        raise ParameterError(f"plot.morphology: thickness = {factor}: expected a factor > 0, at most {_THICKEST:g}")
    heights = _heights(tree) if view == "dendrogram" else None
    pieces = _projection(tree, cvs, VIEWS[view], factor) if heights is None else _dendrogram(tree, cvs, heights, factor)
    paint = _painted(tree, pieces, cvs, region, color, checked_label("morphology", label), limits)
    corners = np.concatenate([piece.quads.reshape(-1, 2) for piece in pieces])
    low, high = corners.min(0), corners.max(0)
    # Make narrow pictures wide enough for the scale bar.
    width, height = np.maximum(high - low, 0.4 * (high - low).max())
    low, high = (low + high - (width, height)) / 2, (low + high + (width, height)) / 2
    tall = float(np.clip(COLUMN * height / width, 1.6, 1.6 * COLUMN))
    with drawing("morphology", ax, tall) as axes:
        from matplotlib.collections import PolyCollection

        quads = [quad for piece in pieces for quad in piece.quads]
        colours = [c for piece, c in zip(pieces, paint.colours, strict=True) for _ in piece.quads]
        # The edge keeps branches visible even if they are thinner than a line.
        axes.add_collection(PolyCollection(quads, facecolors=colours, edgecolors=colours, linewidths=THIN / 2))
        axes.set_xlim(low[0] - 0.05 * width, high[0] + 0.05 * width)
        axes.set_ylim(low[1] - 0.05 * height, high[1] + 0.05 * height)
        if heights is not None:
            _connect(axes, tree, heights)
            axes.set_xlabel("distance from the soma (µm)" if tree.sections[0].kind == "soma" else "distance (µm)")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        else:
            axes.set_aspect("equal")
            axes.axis("off")
            _annotate.scale_bar(axes, low, high, factor)
        if places:
            _mark(axes, tree, places, VIEWS.get(view), heights)
        _explain(axes, tree, paint, color is None and region is None)
    return axes


def _check(tree: object, view: object, cvs: object) -> None:
    if not isinstance(tree, Morphology):
        raise ParameterTypeError(
            f"plot.morphology: tree = {quoted(tree)}: expected a Morphology; plot.tree draws the compartments of an "
            "MCNeuron"
        )
    known = [*VIEWS, "dendrogram"]
    if not isinstance(view, str):
        raise ParameterTypeError(f"plot.morphology: view = {quoted(view)}: expected one of: {', '.join(known)}")
    if view not in known:
        raise UnknownNameError(
            f"plot.morphology: view = {quoted(view)}: unknown view{hint(view, known)}", name=view, known=known
        )
    if cvs is not None and (not isinstance(cvs, CVs) or cvs._morphology is not tree):
        raise ParameterTypeError(f"plot.morphology: cvs = {quoted(cvs)}: expected the CVs of tree: tree.cvs(...)")


def _places(tree: Morphology, sites: Any) -> list[Location]:
    expected = "expected a list of locations, such as [tree.at(0, 0.5)]"
    if isinstance(sites, (Location, str, Mapping)) or not isinstance(sites, Iterable):
        raise ParameterTypeError(f"plot.morphology: sites = {quoted(sites)}: {expected}")
    try:
        places = list(sites)
    except Exception as error:
        # The `__iter__` method of arrays without dimensions fails.
        raise ParameterTypeError(f"plot.morphology: sites = {quoted(sites)}: {expected}") from error
    for place in places:
        tree._checked("plot.morphology: sites", place)
    return places


def _painted(
    tree: Morphology,
    pieces: list[Piece],
    cvs: CVs | None,
    region: Region | None,
    color: Any,
    label: str | None,
    limits: tuple[float, float] | None,
) -> Paint:
    """Return the colour of each piece."""
    from matplotlib.colors import is_color_like

    kinds = [KIND_COLOURS.get(s.kind, FILL) for s in tree.sections]
    if region is not None:
        if cvs is None or color is not None:
            raise ParameterError("plot.morphology: region: expected cvs=tree.cvs(...), and no color")
        chosen = set(cvs.select(region).tolist())
        return Paint([kinds[p.section] if p.cv in chosen else NONE for p in pieces], None, "")
    if color is None:
        return Paint([kinds[p.section] for p in pieces], None, "")
    if isinstance(color, str):
        if not is_color_like(color):
            raise ParameterError(f"plot.morphology: color = {quoted(color)}: expected a matplotlib colour, or numbers")
        return Paint([color] * len(pieces), None, "")
    values = numbers("plot.morphology: color", color, "one number per CV (with cvs=), or per section")
    if cvs is not None and values.shape == (len(cvs),):
        return scaled("morphology", values[[p.cv for p in pieces]], label or "", limits)
    if values.shape == (len(tree.sections),):
        return scaled("morphology", values[[p.section for p in pieces]], label or "", limits)
    per_cv = "" if cvs is None else f"({len(cvs)},), one number per CV, or "
    raise ParameterError(
        f"plot.morphology: color of shape {values.shape}: expected {per_cv}({len(tree.sections)},), one per section"
    )


def _cuts(tree: Morphology, cvs: CVs | None, section: int) -> list[tuple[NDArray[np.float64], int]]:
    """Return the pieces of a section, one per CV: the samples (x, y, z, diameter, distance) and the index of the CV."""
    samples = tree.samples(section)
    if cvs is None:
        return [(samples, -1)]
    # CVs are sorted by section, and samples by distance.
    own = np.arange(*np.searchsorted(cvs.section, (section, section + 1)))
    distance = samples[:, 4]
    bounds = np.linspace(0.0, distance[-1], len(own) + 1)
    ends = np.stack([np.interp(bounds, distance, samples[:, k]) for k in range(5)], axis=1)
    first = np.searchsorted(distance, bounds[:-1], side="right")
    last = np.searchsorted(distance, bounds[1:], side="left")
    return [(np.vstack([ends[k], samples[first[k] : last[k]], ends[k + 1]]), int(cv)) for k, cv in enumerate(own)]


def _projection(tree: Morphology, cvs: CVs | None, axes: tuple[int, int], factor: float) -> list[Piece]:
    pieces = []
    for section in tree.sections:
        for samples, cv in _cuts(tree, cvs, section.index):
            line = samples[:, axes]
            radius = 0.5 * factor * samples[:, 3]
            along = np.diff(line, axis=0)
            length = np.linalg.norm(along, axis=1, keepdims=True)
            # A frustum that points towards the viewer has no direction in the picture.
            unit = np.divide(along, length, out=np.tile([[0.0, 1.0]], (len(along), 1)), where=length > 0)
            normal = np.stack([-unit[:, 1], unit[:, 0]], axis=1)
            begin, end = radius[:-1, None] * normal, radius[1:, None] * normal
            quads = np.stack([line[:-1] - begin, line[:-1] + begin, line[1:] + end, line[1:] - end], axis=1)
            pieces.append(Piece(quads, section.index, cv))
    return pieces


def _heights(tree: Morphology) -> NDArray[np.float64]:
    """Return the height of each section in a dendrogram: tips are evenly spaced, parents centred on their children."""
    children: list[list[int]] = [[] for _ in tree.sections]
    for section in tree.sections:
        if section.parent is not None:
            children[section.parent].append(section.index)
    heights = np.zeros(len(tree.sections))
    tips = 0
    # Depth-first and without recursion, because there can be many sections.
    order, waiting = [], [0]
    while waiting:
        at = waiting.pop()
        order.append(at)
        waiting.extend(reversed(children[at]))
    for at in order:
        if not children[at]:
            heights[at], tips = tips, tips + 1
    for at in reversed(order):
        if children[at]:
            heights[at] = np.mean([heights[c] for c in children[at]])
    return heights


def _dendrogram(tree: Morphology, cvs: CVs | None, heights: NDArray[np.float64], factor: float) -> list[Piece]:
    widest = max(float(tree.samples(s.index)[:, 3].max()) for s in tree.sections)
    pieces = []
    for section in tree.sections:
        for samples, cv in _cuts(tree, cvs, section.index):
            x = _horizontal(tree, section.index, samples[:, 4])
            y = 0.8 * factor * 0.5 * samples[:, 3] / widest
            base = heights[section.index]
            sides = [np.stack([x, base - y], axis=1), np.stack([x, base + y], axis=1)]
            quads = np.stack([sides[0][:-1], sides[1][:-1], sides[1][1:], sides[0][1:]], axis=1)
            pieces.append(Piece(quads, section.index, cv))
    return pieces


def _horizontal(tree: Morphology, section: int, distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the horizontal positions of points on a section. A soma extends to both sides of its centre."""
    found = tree.sections[section]
    if section == 0 and found.kind == "soma":
        return distance - 0.5 * found.length
    return found.distance + distance


def _connect(ax: Axes, tree: Morphology, heights: NDArray[np.float64]) -> None:
    """Connect the beginning of each section to its parent in a dendrogram."""
    for section in tree.sections[1:]:
        assert section.parent is not None
        ends = [heights[section.parent], heights[section.index]]
        ax.plot([section.distance] * 2, ends, color=GREY, lw=THIN, zorder=0.5)


def _mark(
    ax: Axes,
    tree: Morphology,
    places: list[Location],
    axes: tuple[int, int] | None,
    heights: NDArray[np.float64] | None,
) -> None:
    """Mark locations in a projection onto ``axes``, or in a dendrogram with these heights."""
    if heights is not None:
        length = [tree.sections[p.section].length for p in places]
        x = [_horizontal(tree, p.section, np.array([p.x * n]))[0] for p, n in zip(places, length, strict=True)]
        points = np.column_stack([x, [heights[p.section] for p in places]])
    else:
        points = np.array([tree.position(p) for p in places])[:, axes]
    ax.scatter(
        points[:, 0],
        points[:, 1],
        s=8.0,
        color=PALETTE[4],
        edgecolors="white",
        linewidths=THIN / 2,
        zorder=4,
        gid="sites",
    )


def _explain(ax: Axes, tree: Morphology, paint: Paint, has_kinds: bool) -> None:
    """Add a colour bar, or a legend of the kinds of sections."""
    if paint.scale is not None:
        bar = ax.figure.colorbar(paint.scale, ax=ax, shrink=0.5, aspect=15, pad=0.02, label=paint.label)
        bar.outline.set_visible(False)
        bar.ax.tick_params(width=THIN, length=2, labelsize=small(ax))
    elif has_kinds and len(tree.kinds) > 1:
        from matplotlib.patches import Patch

        patches = [Patch(color=KIND_COLOURS.get(kind, FILL), label=kind) for kind in tree.kinds]
        ax.legend(handles=patches, loc="best", fontsize=small(ax), frameon=False, handlelength=1.0)
