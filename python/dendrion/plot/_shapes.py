"""The shape of a morphology in a picture: a projection with true diameters, or a dendrogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._numbers import real
from .._quoted import quoted
from .._suggest import hint
from ..errors import ParameterError, ParameterTypeError, UnknownNameError
from ..morphology import CVs, Location, Morphology
from . import _annotate
from ._style import COLUMN, GREY, PALETTE, THIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PolyCollection

__all__ = ["Shape", "shape_of"]

#: Indices of the coordinates that each projection shows.
VIEWS = {"xy": (0, 1), "xz": (0, 2), "yz": (1, 2)}
#: Maximum factor by which diameters are multiplied.
_THICKEST = 1e6
#: Height of a section in the figure of a dendrogram (inch).
_TIP = 0.045


class Piece(NamedTuple):
    """A part of a section with one colour: corners of ``k`` quadrilaterals, of shape ``(k, 4, 2)``, section and CV."""

    quads: NDArray[np.float64]
    section: int
    cv: int


class Shape(NamedTuple):
    """The pieces of a morphology in a picture."""

    tree: Morphology
    pieces: list[Piece]
    #: The coordinates of a projection; ``None`` for a dendrogram.
    axes: tuple[int, int] | None
    #: The height of each section in a dendrogram; ``None`` for a projection.
    heights: NDArray[np.float64] | None
    #: Factor by which diameters are multiplied.
    factor: float

    def extent(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lower left and upper right corner of the picture."""
        corners = np.concatenate([piece.quads.reshape(-1, 2) for piece in self.pieces])
        low, high = corners.min(0), corners.max(0)
        if self.heights is not None:
            return low, high
        # Make narrow pictures wide enough for the scale bar.
        size = np.maximum(high - low, 0.4 * (high - low).max())
        return (low + high - size) / 2, (low + high + size) / 2

    def size(self, room: float = 0.0) -> tuple[float, float]:
        """Return the height and the width (inch) of a figure with ``room`` (inch) for a colour bar.

        Without room, the figure is as wide as a column.
        """
        low, high = self.extent()
        width, height = high - low
        if self.heights is not None:
            tips = np.unique(self.heights).size
            return float(np.clip(0.5 + tips * _TIP, 1.6, 1.6 * COLUMN)), COLUMN
        tall = float(np.clip((COLUMN - room) * height / width, 1.6, 1.6 * COLUMN))
        return tall, COLUMN if room == 0.0 else float(np.clip(tall * width / height + room, 1.6, COLUMN))

    def draw(self, axes: Axes, colours: list[Any]) -> PolyCollection:
        """Draw the pieces, each in its colour, and the scale bar or the axis of a dendrogram."""
        from matplotlib.collections import PolyCollection

        low, high = self.extent()
        width, height = high - low
        quads = [quad for piece in self.pieces for quad in piece.quads]
        drawn = PolyCollection(quads, linewidths=THIN / 2)
        self.paint(drawn, colours)
        axes.add_collection(drawn)
        axes.set_xlim(low[0] - 0.05 * width, high[0] + 0.05 * width)
        axes.set_ylim(low[1] - 0.05 * height, high[1] + 0.05 * height)
        if self.heights is not None:
            self._connect(axes, self.heights)
            has_soma = self.tree.sections[0].kind == "soma"
            axes.set_xlabel("distance from the soma (µm)" if has_soma else "distance (µm)")
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        else:
            axes.set_aspect("equal")
            axes.axis("off")
            _annotate.scale_bar(axes, low, high, self.factor)
        return drawn

    def paint(self, drawn: PolyCollection, colours: list[Any]) -> None:
        """Set the colour of each piece."""
        from matplotlib.colors import to_rgba_array

        counts = [len(piece.quads) for piece in self.pieces]
        each: Any = np.repeat(to_rgba_array(colours), counts, axis=0)
        drawn.set_facecolor(each)
        # The edge keeps branches visible even if they are thinner than a line.
        drawn.set_edgecolor(each)

    def mark(self, axes: Axes, places: list[Location]) -> None:
        """Mark locations."""
        if self.heights is not None:
            length = [self.tree.sections[p.section].length for p in places]
            x = [_horizontal(self.tree, p.section, np.array([p.x * n]))[0] for p, n in zip(places, length, strict=True)]
            points = np.column_stack([x, [self.heights[p.section] for p in places]])
        else:
            points = np.array([self.tree.position(p) for p in places])[:, self.axes]
        axes.scatter(
            points[:, 0],
            points[:, 1],
            s=8.0,
            color=PALETTE[4],
            edgecolors="white",
            linewidths=THIN / 2,
            zorder=4,
            gid="sites",
        )

    def _connect(self, axes: Axes, heights: NDArray[np.float64]) -> None:
        """Connect the beginning of each section to its parent in a dendrogram."""
        for section in self.tree.sections[1:]:
            assert section.parent is not None
            ends = [heights[section.parent], heights[section.index]]
            axes.plot([section.distance] * 2, ends, color=GREY, lw=THIN, zorder=0.5)


def shape_of(what: str, tree: Morphology, cvs: CVs | None, view: Any, thickness: Any) -> Shape:
    """Return the shape of a morphology. ``what`` is the name of the plot function, for error messages."""
    known = [*VIEWS, "dendrogram"]
    if not isinstance(view, str):
        raise ParameterTypeError(f"plot.{what}: view = {quoted(view)}: expected one of: {', '.join(known)}")
    if view not in known:
        raise UnknownNameError(
            f"plot.{what}: view = {quoted(view)}: unknown view{hint(view, known)}", name=view, known=known
        )
    factor = real(f"plot.{what}: thickness", thickness, "a factor > 0")
    if not 0.0 < factor <= _THICKEST:
        raise ParameterError(f"plot.{what}: thickness = {factor}: expected a factor > 0, at most {_THICKEST:g}")
    if view in VIEWS:
        return Shape(tree, _projection(tree, cvs, VIEWS[view], factor), VIEWS[view], None, factor)
    heights = _heights(tree)
    return Shape(tree, _dendrogram(tree, cvs, heights, factor), None, heights, factor)


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
