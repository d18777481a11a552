"""Regions and locations of a morphology."""

from __future__ import annotations

from typing import Any

from .._numbers import is_whole, real
from .._quoted import quoted
from .._suggest import suggests
from ..errors import ParameterError, ParameterTypeError
from ..modules._fixed import FixedOnceMade
from .kinds import code_of, name_of

__all__ = ["Bounds", "Location", "Region", "as_region"]

Bounds = tuple[float, float]


@suggests
class Location(FixedOnceMade):
    """A location on a section.

    [Morphology.at][dendrion.Morphology.at] and [Morphology.random][dendrion.Morphology.random] return locations.

    Parameters
    ----------
    section : int
        Index of the section.
    x : float
        Position on the section, from 0 at its beginning to 1 at its end.
    """

    section: int
    x: float

    def __init__(self, section: int, x: float = 0.5) -> None:
        if not is_whole(section) or not 0 <= section < 2**32:
            raise ParameterError(f"Location: section = {quoted(section)}: expected the index of a section")
        self.section = int(section)
        self.x = real("Location: x", x, "a number from 0 to 1")
        if not 0.0 <= self.x <= 1.0:
            raise ParameterError(f"Location: x = {self.x}: expected a number from 0 to 1")

    def __repr__(self) -> str:
        return f"Location(section={self.section}, x={self.x!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Location) and (self.section, self.x) == (other.section, other.x)

    def __hash__(self) -> int:
        return hash((self.section, self.x))


@suggests
class Region(FixedOnceMade):
    """A part of a morphology: the control volumes that satisfy all conditions. Bounds are inclusive.

    [Morphology.region][dendrion.Morphology.region] returns regions, and checks that the morphology has the kind.

    Parameters
    ----------
    kind : str or int
        ``"all"``, ``"soma"``, ``"axon"``, ``"basal"``, ``"apical"`` or an SWC number.
    distance : tuple, optional
        Bounds of the path length from the soma's centre to the middle of a control volume (um).
    diameter : tuple, optional
        Bounds of the mean diameter of a control volume (um).
    order : tuple, optional
        Bounds of the branch order of the section.

    Attributes
    ----------
    kind : str
        Name of the kind.
    distance, diameter, order : tuple of float or None
        The bounds; ``None`` if there is no condition.
    """

    kind: str
    distance: Bounds | None
    diameter: Bounds | None
    order: Bounds | None
    #: SWC number of the kind; ``None`` for all kinds.
    _code: int | None

    def __init__(
        self,
        kind: str | int = "all",
        *,
        distance: Bounds | None = None,
        diameter: Bounds | None = None,
        order: Bounds | None = None,
    ) -> None:
        is_all = isinstance(kind, str) and kind == "all"
        self._code = None if is_all else code_of("Region: kind", kind)
        self.kind = "all" if self._code is None else name_of(self._code)
        self.distance = _bounds("Region: distance", distance, "um")
        self.diameter = _bounds("Region: diameter", diameter, "um")
        self.order = _bounds("Region: order", order, "")

    def __repr__(self) -> str:
        names = ("distance", "diameter", "order")
        given = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name) is not None]
        return f"Region({', '.join([repr(self.kind), *given])})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Region) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return self._code, self.distance, self.diameter, self.order

    def _ranges(self) -> tuple[Bounds | None, Bounds | None, Bounds | None]:
        return self.distance, self.diameter, self.order


def as_region(what: str, region: Any) -> Region:
    """Return a region that is given as a Region or as the name of a kind."""
    if isinstance(region, Region):
        return region
    if not isinstance(region, str) and not is_whole(region):
        raise ParameterTypeError(f"{what} = {quoted(region)}: expected a Region or the name of a kind")
    return Region(region)


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
