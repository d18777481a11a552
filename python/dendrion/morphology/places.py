"""Regions and locations of a morphology."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._numbers import real
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError
from .kinds import code_of, name_of

__all__ = ["Location", "Region", "as_region"]

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Location:
    """A place on a section: ``x`` is 0 at its beginning and 1 at its end.

    [Morphology.at][dendrion.Morphology.at] and [Morphology.random][dendrion.Morphology.random] return locations.
    """

    section: int
    x: float


@dataclass(frozen=True)
class Region:
    """A part of a morphology: the control volumes that satisfy all conditions.

    [Morphology.region][dendrion.Morphology.region] returns regions. Bounds are inclusive; ``None`` is no condition.

    Attributes
    ----------
    kind : int or None
        SWC number of the kind; ``None`` for all kinds.
    distance : tuple of float or None
        Bounds of the path length from the soma's centre to the middle of a control volume (um).
    diameter : tuple of float or None
        Bounds of the mean diameter (um).
    order : tuple of float or None
        Bounds of the branch order.
    """

    kind: int | None = None
    distance: Bounds | None = None
    diameter: Bounds | None = None
    order: Bounds | None = None

    def __str__(self) -> str:
        words = ["all" if self.kind is None else name_of(self.kind)]
        for name, unit in (("distance", " um"), ("diameter", " um"), ("order", "")):
            bounds = getattr(self, name)
            if bounds is not None:
                words.append(f"{name} {bounds[0]:g} to {bounds[1]:g}{unit}")
        return ", ".join(words)


def as_region(what: str, kind: Any, distance: Any = None, diameter: Any = None, order: Any = None) -> Region:
    """Return a region, given as one, or by its kind (``"all"`` for all) and bounds."""
    if isinstance(kind, Region):
        return kind
    code = None if isinstance(kind, str) and kind == "all" else code_of(f"{what}: kind", kind)
    return Region(
        code,
        _bounds(f"{what}: distance", distance, "um"),
        _bounds(f"{what}: diameter", diameter, "um"),
        _bounds(f"{what}: order", order, ""),
    )


def _bounds(what: str, given: Any, unit: str) -> Bounds | None:
    if given is None:
        return None
    expected = f"two numbers (low, high){f' ({unit})' if unit else ''}, or None"
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ParameterTypeError(f"{what} = {quoted(given)}: expected {expected}")
    low, high = (real(what, bound, expected, unit) for bound in given)
    if not low <= high:
        raise ParameterError(f"{what} = ({low}, {high}): expected low <= high")
    return low, high
