"""Annotations of a tree plot: names, receptor markers and the scale bar."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._axes import legend, size_in_points, small
from ._layout import Cylinder
from ._parts import Part
from ._style import INK, LINE, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["marks", "names", "scale_bar"]


def scale_bar(ax: Axes, low: NDArray[np.float64], high: NDArray[np.float64], factor: float) -> None:
    """Draw a scale bar with a round length below the tree. Its label states the length and the factor for diameters."""
    extent = float((high - low).max())
    power = 10.0 ** math.floor(math.log10(0.3 * extent))
    length = power * max(f for f in (1, 2, 5) if f * power <= 0.3 * extent)
    y = low[1] - 0.06 * extent
    x = low[0]
    ax.plot([x, x + length], [y, y], color=INK, lw=2 * LINE, solid_capstyle="butt", gid="scale")
    wider = f" (diameters \u00d7 {factor:g})" if factor != 1.0 else ""
    ax.text(x, y - 0.015 * extent, f"{length:g} µm{wider}", ha="left", va="top", fontsize=small(ax))
    bottom, top = ax.get_ylim()
    ax.set_ylim(min(bottom, y - 0.08 * extent), top)


def names(ax: Axes, labels: list[str], outlines: list[NDArray[np.float64]]) -> None:
    """Write each name next to its compartment, at the candidate position with the least overlap."""
    size, scale = small(ax), _points(ax)
    points = np.concatenate([_inside(outline) for outline in outlines])
    written: list[_Place] = []
    for label, outline in zip(labels, outlines, strict=True):
        half = np.array([0.31 * size * len(label), 0.6 * size])
        place = _best(_places(outline, half, scale), half * scale, points, written)
        ax.annotate(
            label,
            (place.anchor[0], place.anchor[1]),
            (place.offset[0], place.offset[1]),
            textcoords="offset points",
            ha=("right", "center", "left")[place.side[0] + 1],
            va=("top", "center", "bottom")[place.side[1] + 1],
            fontsize=size,
            color=INK,
        )
        written.append(place)
    _make_room(ax, written)


class _Place(NamedTuple):
    """A candidate position of a label: anchor point (um), offset from it (points), side, and bounding box (um)."""

    anchor: tuple[float, ...]
    offset: tuple[float, ...]
    side: tuple[int, int]
    centre: NDArray[np.float64]
    half: NDArray[np.float64]
    worse: float


def _best(
    places: list[_Place], half: NDArray[np.float64], points: NDArray[np.float64], written: list[_Place]
) -> _Place:
    """Return the best position.

    Overlaps with labels count the most, then overlaps with compartments, then the distance from the anchor.
    """
    centres = np.array([place.centre for place in places])
    costs = np.array([place.worse for place in places])
    costs += 10.0 * _within(centres, points, half).sum(1)
    if written:
        halves = half + np.array([other.half for other in written])
        costs += 100.0 * _within(centres, np.array([other.centre for other in written]), halves).sum(1)
    return places[int(costs.argmin())]


def _within(centres: NDArray[np.float64], points: NDArray[np.float64], half: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return an array of shape ``(centres, points)`` that is True where a point lies in a box."""
    return np.asarray((np.abs(points - centres[:, None]) < half).all(2))


def _places(outline: NDArray[np.float64], half: NDArray[np.float64], scale: float) -> list[_Place]:
    """Return candidate positions for a label: on each side of the centre, and around the distal end."""
    across = outline[1] - outline[0]
    width = float(np.hypot(*across))
    places = []
    for side in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)):
        direction = np.array(side) / math.hypot(*side)
        # Distance from the axis of the compartment to its edge.
        slant = abs(float(direction @ across)) / width
        anchors = [(outline[2:].mean(0), 4.0)]
        if slant > 0.3:
            anchors.append((outline.mean(0) + width / 2 / slant * direction, 0.0))
        for anchor, worse in anchors:
            # Prefer positions outside the tree.
            worse += 1.5 * (side[0] * anchor[0] < 0)
            for away in (4.0, 6.0, 9.0, 12.0, 16.0, 24.0):
                centre = anchor + (side * half + away * direction) * scale
                point, shift = tuple(map(float, anchor)), tuple(map(float, away * direction))
                places.append(_Place(point, shift, side, centre, half * scale, away + worse))
    return places


def _inside(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points that cover the area enclosed by an outline of four corners."""
    along, across = (g.ravel()[:, None] for g in np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 3)))
    a, b, c, d = outline
    return np.asarray((1 - along) * ((1 - across) * a + across * b) + along * ((1 - across) * d + across * c))


def _make_room(ax: Axes, boxes: list[_Place]) -> None:
    if not boxes:
        return
    low = np.min([box.centre - box.half for box in boxes], axis=0)
    high = np.max([box.centre + box.half for box in boxes], axis=0)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    ax.set_xlim(min(left, low[0]), max(right, high[0]))
    ax.set_ylim(min(bottom, low[1]), max(top, high[1]))


def _points(ax: Axes) -> float:
    """Return the approximate size (um) of a typographic point."""
    spans = np.ptp([ax.get_xlim(), ax.get_ylim()], axis=1)
    return float((spans / size_in_points(ax)).max())


def marks(ax: Axes, parts: list[Part], placed: list[Cylinder]) -> None:
    """Draw a dot on a compartment for each of its receptors and channels, with one colour per class."""
    classes = list(dict.fromkeys(name for part in parts for name in part.carries))
    paint = dict(zip(classes, colours(len(classes), 1), strict=True))
    seen: set[str] = set()
    for part, at in zip(parts, placed, strict=True):
        begin, end = at.start, at.end
        if part.parent < 0:
            begin, end = np.array([-part.diameter / 2, 0.0]), np.array([part.diameter / 2, 0.0])
        for k, name in enumerate(part.carries):
            x, y = begin + (k + 1) / (len(part.carries) + 1) * (end - begin)
            label = f"_{name}" if name in seen else name
            ax.plot(x, y, "o", color=paint[name], markersize=4.0, mec="white", mew=0.6, zorder=4, label=label)
            seen.add(name)
    legend(ax, least=1)
