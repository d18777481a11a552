"""Layout of the compartments of a neuron in a plane, without overlaps.

Each subtree gets a cone whose tip is at the end of its parent compartment. Siblings divide their parent's cone in
proportion to the number of terminal branches that they lead to. A compartment lies on the axis of its cone and starts
as far from the tip of the cone as its width requires. A cone is convex, and moving a subtree along the axis of its cone
keeps it inside the cone, so subtrees never overlap, no matter how long their compartments are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cylinder", "layout"]

#: Patterns for the names of compartments that are drawn upwards and downwards from the soma.
UP = re.compile(r"(?:^|[/_])(?:api|trunk|tuft|prox|ob|med|dist)", re.IGNORECASE)
DOWN = re.compile(r"(?:^|[/_])(?:bas|axon|ais|hill)", re.IGNORECASE)
#: Maximum opening angles of the upper and the lower cone, and minimum angle of a trunk that stays straight (radians).
WIDE_UP, WIDE_DOWN, STRAIGHT = math.radians(160), math.radians(150), math.radians(40)


class Cylinder(NamedTuple):
    """A compartment: its proximal end, distal end and width (um). Both ends of the soma are at its centre."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    width: float

    @property
    def corners(self) -> NDArray[np.float64]:
        """Corners of the rectangle, as an array of shape ``(4, 2)``."""
        along = self.end - self.start
        across = np.array([-along[1], along[0]]) / np.linalg.norm(along) * self.width / 2
        return np.array([self.start - across, self.start + across, self.end + across, self.end - across])


class _Cone(NamedTuple):
    #: Angle of the axis, clockwise from the vertical, and half of the opening angle (radians).
    axis: float
    half: float

    @property
    def direction(self) -> NDArray[np.float64]:
        return np.array([math.sin(self.axis), math.cos(self.axis)])


def layout(
    names: Sequence[str],
    parents: Sequence[int],
    lengths: Sequence[float],
    widths: Sequence[float],
    soma: tuple[float, float],
) -> list[Cylinder]:
    """Return the position of each compartment.

    Parameters
    ----------
    names : list of str
        Names of the compartments, which determine whether they are drawn upwards or downwards.
    parents : list of int
        Index of the parent of each compartment. Parents come before their children; the soma is first and has -1.
    lengths, widths : list of float
        Lengths and widths as drawn (um).
    soma : (float, float)
        Width and height of the soma's ellipse (um).
    """
    children: list[list[int]] = [[k for k, p in enumerate(parents) if p == at] for at in range(len(parents))]
    tips, reach = [1] * len(parents), list(lengths)
    for at in reversed(range(len(parents))):
        if children[at]:
            tips[at] = sum(tips[c] for c in children[at])
            reach[at] += max(reach[c] for c in children[at])
    # Leave a gap between compartments to make their ends visible.
    gap = 0.03 * float(np.median(lengths[1:])) if len(lengths) > 1 else 0.0
    cones = _around_soma(names, children[0], tips, reach)
    placed = [Cylinder(np.zeros(2), np.zeros(2), widths[0])]
    depth = [0]
    for at in range(1, len(parents)):
        cone, parent = cones[at], parents[at]
        away = widths[at] / 2 / math.tan(cone.half) if cone.half < math.pi / 2 else 0.0
        away = max(away, _radius(soma, cone) if parent == 0 else 0.0) + gap
        start = placed[parent].end + away * cone.direction
        placed.append(Cylinder(start, start + lengths[at] * cone.direction, widths[at]))
        depth.append(depth[parent] + 1)
        if children[at]:
            cones |= _share(cone, _ordered(children[at], tips, reach, depth[at]), tips, reach)
    return placed


def _radius(soma: tuple[float, float], cone: _Cone) -> float:
    """Return the distance from the centre of the soma's ellipse to its tangent perpendicular to the axis of a cone."""
    return math.hypot(soma[0] / 2 * math.sin(cone.axis), soma[1] / 2 * math.cos(cone.axis))


def _around_soma(names: Sequence[str], children: list[int], tips: list[int], reach: list[float]) -> dict[int, _Cone]:
    """Return the cones of the children of the soma: up and down if names determine the side, otherwise all around."""
    said = {c: -1 if DOWN.search(names[c]) else 1 if UP.search(names[c]) else 0 for c in children}
    if -1 in said.values() or 1 in said.values():
        # Children without such a name go to the other side, or downwards if names refer to both sides.
        other = 1 if -1 in said.values() else -1
        sides = {c: s or other for c, s in said.items()}
    elif len(children) < 3:
        # The larger subtree is drawn upwards.
        first = max(children, key=lambda c: (tips[c], reach[c]), default=-1)
        sides = {c: 1 if c == first else -1 for c in children}
    else:
        return _star(children, tips)
    up, down = ([c for c in children if sides[c] == side] for side in (1, -1))
    cones = _share(_Cone(0.0, WIDE_UP / 2), _ordered(up, tips, reach, 0), tips, reach)
    # In the lower cone, angles increase to the left.
    return cones | _share(_Cone(math.pi, WIDE_DOWN / 2), _ordered(down, tips, reach, 0)[::-1], tips, reach)


def _star(children: list[int], tips: list[int]) -> dict[int, _Cone]:
    """Return cones all around the soma, clockwise from the top, none wider than the widest upper cone."""
    total = sum(tips[c] for c in children)
    wide = [min(2 * math.pi * tips[c] / total, WIDE_UP) for c in children]
    between = (2 * math.pi - sum(wide)) / len(children)
    cones, at = {}, -wide[0] / 2
    for child, width in zip(children, wide, strict=True):
        cones[child] = _Cone(at + width / 2, width / 2)
        at += width + between
    return cones


def _trunk(children: list[int], tips: list[int], reach: list[float]) -> int | None:
    """Return the child with the most tips, then the longest reach, or ``None`` if there is a tie."""
    sizes = [(tips[c], reach[c]) for c in children]
    return children[sizes.index(max(sizes))] if children and sizes.count(max(sizes)) == 1 else None


def _ordered(children: list[int], tips: list[int], reach: list[float], depth: int) -> list[int]:
    """Return children from left to right. If there is a trunk, it is in the middle."""
    trunk = _trunk(children, tips, reach)
    if trunk is None:
        return children
    others = [c for c in children if c != trunk]
    left, right = (others[::2], others[1::2]) if depth % 2 else (others[1::2], others[::2])
    return [*left, trunk, *right[::-1]]


def _share(cone: _Cone, children: list[int], tips: list[int], reach: list[float]) -> dict[int, _Cone]:
    """Divide a cone among children in proportion to their numbers of tips. If there is room, a trunk stays straight."""
    shares = [float(tips[c]) for c in children]
    total, at = sum(shares), cone.axis - cone.half
    trunk = _trunk(children, tips, reach)
    if trunk is not None:
        place = children.index(trunk)
        left, right = sum(shares[:place]), sum(shares[place + 1 :])
        padded = shares[place] + 2 * max(left, right)
        if 2 * cone.half * shares[place] / padded >= STRAIGHT:
            total = padded
            at += 2 * cone.half * max(right - left, 0.0) / total
    cones = {}
    for child, share in zip(children, shares, strict=True):
        half = cone.half * share / total
        cones[child] = _Cone(at + half, half)
        at += 2 * half
    return cones
