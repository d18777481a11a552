"""Morphologies: trees of sections."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._numbers import array_of, is_whole, numbers
from .._paths import file_name
from .._quoted import counted, quoted
from .._suggest import Suggesting, suggests
from ..errors import ParameterError, ParameterTypeError, ResourceError
from ..modules._fixed import FixedOnceMade
from .cvs import CVs, DLambda, MaxLength, PerSection, divided, policy_of, positive
from .kinds import code_of, name_of
from .places import Bounds, Location, Region, as_region

__all__ = ["Morphology", "Section"]


@dataclass(frozen=True)
class Section:
    """An unbranched piece of a neuron.

    Attributes
    ----------
    index : int
        Index of the section.
    kind : str
        ``"soma"``, ``"axon"``, ``"basal"``, ``"apical"``, or a string such as ``"kind 7"``.
    parent : int or None
        Index of the section to which it is attached; ``None`` for the root.
    parent_x : float
        Position on the parent, from 0 at its beginning to 1 at its end.
    length, diameter, area : float
        Length (um); mean diameter (um), which is the diameter of a cylinder with the same length and area; membrane
        area (um2).
    order : int
        Branch order: 0 for the root and for all sections of the soma, 1 for sections attached to the soma, and one more
        beyond each branch point.
    distance : float
        Path length from the centre of the soma to the beginning of the section (um).
    """

    index: int
    kind: str
    parent: int | None
    parent_x: float
    length: float
    diameter: float
    area: float
    order: int
    distance: float


class Morphology(FixedOnceMade, Suggesting):
    """The shape of a neuron: a tree of unbranched sections, each of which is a chain of frusta.

    Create a morphology from a file ([read][dendrion.Morphology.read]), from points
    ([from_points][dendrion.Morphology.from_points]) or from cylinders
    ([from_sections][dendrion.Morphology.from_sections], [cable][dendrion.Morphology.cable],
    [ball_and_stick][dendrion.Morphology.ball_and_stick]).
    """

    def __init__(self, core: _core.Morphology | None = None) -> None:
        if not isinstance(core, _core.Morphology):
            raise ParameterTypeError(
                "Morphology: cannot be created directly; use Morphology.read(file), from_points, from_sections, cable "
                "or ball_and_stick"
            )
        self._core = core

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Morphology:
        """Read a morphology from a file.

        Dendrion reads SWC files (``.swc``). Neurolucida files (``.asc``) and HDF5 files (``.h5``) are read by MorphIO,
        which requires ``pip install "dendrion[morphology]"``.

        A soma of one point of radius r becomes a cylinder with length and diameter 2r. A soma of three points, two of
        which are connected to the third, becomes one cylinder too. In both cases, branches attach to the centre of the
        soma and begin at their own first point. Other somata become stacked frusta: a branch attaches at the point to
        which it is connected, and the line from there to the first point of the branch is membrane. For the differences
        from NEURON, see [Somata in SWC files](../howto/morphologies.md#somata-in-swc-files).

        Nothing is repaired: cycles, several roots or somata, and diameters <= 0 raise an error that names the lines of
        the file. Unusual properties, such as long gaps, are listed in [warnings][dendrion.Morphology.warnings].

        Parameters
        ----------
        path : str or path
            Path of the file.

        Raises
        ------
        MorphologyError
            If the file does not contain a valid tree.
        ResourceError
            If an SWC file has more than 5 million points.
        """
        name = file_name("Morphology.read: path", path)
        suffix = name.lower().rpartition(".")[2]
        if suffix in ("asc", "h5"):
            from ._morphio import read

            return cls(read(name))
        if suffix != "swc":
            raise ParameterError(f"Morphology.read: path = {name!r}: expected a name that ends with .swc, .asc or .h5")
        return cls(_core.Morphology.read_swc(name))

    @classmethod
    @suggests
    def from_points(cls, points: ArrayLike, diameters: ArrayLike, parents: ArrayLike, kinds: Any) -> Morphology:
        """Create a morphology from points. Sections end where the tree branches and where the kind changes.

        Parameters
        ----------
        points : array
            Coordinates (um), of shape ``(n, 3)``.
        diameters : array
            Diameters (um), of shape ``(n,)``.
        parents : array of int
            For each point, the index of the point to which it is connected, of shape ``(n,)``; -1 for the root.
        kinds : list
            Kind of each point: ``"soma"``, ``"axon"``, ``"basal"``, ``"apical"`` or an SWC number.
        """
        what = "Morphology.from_points"
        positions = numbers(f"{what}: points", points, "an array of shape (n, 3) (um)", "um")
        if positions.ndim != 2 or positions.shape[1] != 3:
            raise ParameterError(f"{what}: points of shape {positions.shape}: expected shape (n, 3)")
        n = len(positions)
        widths = _column(what, "diameters", numbers(f"{what}: diameters", diameters, "numbers > 0 (um)", "um"), n)
        return cls(
            _core.Morphology.from_points(
                what, positions, widths, _parents(what, "parents", parents, n), _kinds(what, kinds, n)
            )
        )

    @classmethod
    @suggests
    def from_sections(cls, length: ArrayLike, diameter: ArrayLike, parent: ArrayLike, kind: Any) -> Morphology:
        """Create a morphology from cylinders. Each is attached to the end of its parent, which must come before it.

        A soma may consist of several cylinders, the first of which is the root.

        Parameters
        ----------
        length, diameter : array
            Lengths and diameters (um), of shape ``(n,)``.
        parent : array of int
            For each section, the index of the section to which it is attached, of shape ``(n,)``; -1 for the first
            section, which is the root.
        kind : str or list
            One kind for all sections, or one for each section: ``"soma"``, ``"axon"``, ``"basal"``, ``"apical"`` or an
            SWC number.
        """
        what = "Morphology.from_sections"
        lengths = np.atleast_1d(numbers(f"{what}: length", length, "numbers > 0 (um)", "um"))
        if lengths.ndim != 1:
            raise ParameterError(f"{what}: length of shape {lengths.shape}: expected shape (n,)")
        n = len(lengths)
        widths = np.atleast_1d(numbers(f"{what}: diameter", diameter, "numbers > 0 (um)", "um"))
        parents = _parents(what, "parent", np.atleast_1d(array_of(f"{what}: parent", parent, _INDICES)), n)
        kinds = _kinds(what, [kind] * n if isinstance(kind, str) or is_whole(kind) else kind, n)
        widths = _column(what, "diameter", widths, n)
        return cls(_core.Morphology.from_sections(lengths.tolist(), widths.tolist(), parents.tolist(), kinds))

    @classmethod
    @suggests
    def cable(cls, length: float, diameter: float, *, kind: str | int = "basal") -> Morphology:
        """Create an unbranched cylinder without a soma. The length and the diameter are in um."""
        return cls.from_sections([length], [diameter], [-1], [kind])

    @classmethod
    @suggests
    def ball_and_stick(
        cls,
        length: float,
        diameter: float,
        *,
        soma_length: float = 20.0,
        soma_diameter: float = 20.0,
        kind: str | int = "apical",
    ) -> Morphology:
        """Create a soma with one dendrite. Both are cylinders, with lengths and diameters in um."""
        return cls.from_sections([soma_length, length], [soma_diameter, diameter], [-1, 0], ["soma", kind])

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections. Parents come before their children, and the root comes first."""
        return tuple(Section(i, name_of(row[0]), *row[1:]) for i, row in enumerate(self._core.sections()))

    @property
    def warnings(self) -> list[str]:
        """Descriptions of unusual properties that are not errors, such as long gaps between points."""
        return self._core.warnings()

    @property
    def kinds(self) -> list[str]:
        """The kinds of sections that the morphology has, each of which is the name of a region."""
        return list(dict.fromkeys(section.kind for section in self.sections))

    @property
    def total_length(self) -> float:
        """Length of all sections except the soma (um)."""
        return sum(s.length for s in self.sections if s.kind != "soma")

    @property
    def area(self) -> float:
        """Area of the membrane (um2)."""
        return sum(s.area for s in self.sections)

    def __copy__(self) -> Morphology:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Morphology:
        # A morphology never changes, so copies of modules share it.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, self._core.parts()

    def __repr__(self) -> str:
        counts = {kind: sum(s.kind == kind for s in self.sections) for kind in self.kinds}
        parts = ", ".join(f"{n} {kind}" for kind, n in counts.items())
        return f"<Morphology: {counted(len(self.sections), 'section')} ({parts}), {self.total_length:.0f} um>"

    def samples(self, section: int) -> NDArray[np.float64]:
        """Return the samples of a section, of shape ``(k, 5)``: x, y, z, diameter and distance from its start (um)."""
        return self._core.samples(self._section("Morphology.samples", section))

    def at(self, section: int, x: float = 0.5) -> Location:
        """Return the location at ``x`` on a section, where ``x`` is 0 at the beginning and 1 at the end."""
        return Location(self._section("Morphology.at", section), x)

    def position(self, location: Location) -> NDArray[np.float64]:
        """Return the coordinates (um) of a location, as an array of shape ``(3,)``."""
        self._checked("Morphology.position", location)
        return np.array(self._core.at(location.section, location.x)[0])

    def distance(self, location: Location) -> float:
        """Return the path length (um) to a location from the centre of the soma or, without a soma, from the root."""
        self._checked("Morphology.distance", location)
        return self._core.distance(location.section, location.x)

    @suggests
    def region(
        self,
        kind: str | int = "all",
        *,
        distance: Bounds | None = None,
        diameter: Bounds | None = None,
        order: Bounds | None = None,
    ) -> Region:
        """Return the part of the morphology that satisfies all conditions. Bounds are inclusive.

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
        """
        region = Region(kind, distance=distance, diameter=diameter, order=order)
        if region.kind not in ("all", *self.kinds):
            raise ParameterError(
                f"Morphology.region: kind = {kind!r}: this morphology has no {region.kind}; expected one of: "
                f"all, {', '.join(self.kinds)}"
            )
        return region

    @suggests
    def random(self, region: Region | str | int = "all", *, n: int, seed: int) -> list[Location]:
        """Return ``n`` locations in a region, drawn independently with uniform probability per unit length.

        Parameters
        ----------
        region : Region or str
            A region, or the name of a kind. Bounds of the distance and diameter apply at each location. If they are
            satisfied only at single points, these points are equally likely.
        n : int
            Number of locations, at most a million.
        seed : int
            Seed of the random numbers. The same seed gives the same locations.
        """
        if not is_whole(n) or n < 0:
            raise ParameterError(f"Morphology.random: n = {quoted(n)}: expected an integer >= 0")
        if not is_whole(seed) or seed < 0:
            raise ParameterError(f"Morphology.random: seed = {quoted(seed)}: expected an integer >= 0")
        if n > _MOST_LOCATIONS:
            raise ResourceError(
                f"Morphology.random: n = {quoted(n)}: expected at most {_MOST_LOCATIONS:,}",
                needed=float(min(n, 2**1000)),
                limit=_MOST_LOCATIONS,
            )
        chosen = as_region("Morphology.random: region", region)
        intervals = self._core.intervals(chosen._code, chosen._ranges())
        if not intervals:
            raise ParameterError(f"Morphology.random: region = {chosen!r}: has no points; expected a larger region")
        sections, begins, ends = map(np.array, zip(*intervals, strict=True))
        weights = (ends - begins) * np.array([self.sections[k].length for k in sections])
        if not weights.any():
            weights = np.ones(len(weights))
        rng = np.random.Generator(np.random.Philox(int(seed)))
        drawn = rng.choice(len(weights), size=int(n), p=weights / weights.sum())
        # Because of rounding, a position may exceed the end of an interval.
        x = np.minimum(begins[drawn] + rng.random(int(n)) * (ends - begins)[drawn], ends[drawn])
        return [Location(k, at) for k, at in zip(sections[drawn].tolist(), x.tolist(), strict=True)]

    def cvs(self, policy: MaxLength | PerSection | DLambda, *, C: float = 1.0, r_axial: float = 100.0) -> CVs:
        """Divide the sections into control volumes (CVs).

        Parameters
        ----------
        policy : MaxLength, PerSection or DLambda
            The policy that determines the number of CVs of each section.
        C : float
            Specific capacitance (uF/cm2), for ``DLambda``.
        r_axial : float
            Axial resistivity (ohm cm), for ``DLambda``.

        Raises
        ------
        ParameterError
            If the policy does not match the morphology.
        ResourceError
            If there are more than a million CVs.
        """
        given = policy_of("Morphology.cvs: policy", policy)
        c, resistivity = (
            positive("Morphology.cvs: C", C, "uF/cm2"),
            positive("Morphology.cvs: r_axial", r_axial, "ohm cm"),
        )
        return divided(self, (given, resistivity, c))

    def _section(self, what: str, section: object) -> int:
        if not is_whole(section):
            raise ParameterTypeError(f"{what}: section = {quoted(section)}: expected the index of a section")
        index: int = int(section)  # type: ignore[call-overload]
        if not 0 <= index < len(self.sections):
            last = len(self.sections) - 1
            raise ParameterError(f"{what}: section = {quoted(index)}: expected an index from 0 to {last}")
        return index

    def _checked(self, what: str, location: object) -> None:
        if not isinstance(location, Location):
            raise ParameterTypeError(
                f"{what}: location = {quoted(location)}: expected a Location, such as tree.at(0, 0.5)"
            )
        self._section(what, location.section)


def _restored(*parts: Any) -> Morphology:
    """Return a morphology from its pickled parts."""
    return Morphology(_core.Morphology.from_parts(*parts))


#: Maximum number of locations that are drawn in one call.
_MOST_LOCATIONS = 1_000_000

_INDICES = "indices, or -1 for the root"


def _column(what: str, name: str, values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    if values.shape != (n,):
        raise ParameterError(f"{what}: {name} of shape {values.shape}: expected shape ({n},)")
    return values


def _parents(what: str, name: str, parents: Any, n: int) -> NDArray[np.int64]:
    given = array_of(f"{what}: {name}", parents, _INDICES)
    if given.dtype.kind not in "iu":
        raise ParameterTypeError(f"{what}: {name} = {quoted(parents)}: expected {_INDICES}")
    if given.shape != (n,):
        raise ParameterError(f"{what}: {name} of shape {given.shape}: expected shape ({n},)")
    if given.size and (given.max() >= 2**63 or given.min() < -1):
        raise ParameterError(f"{what}: {name} = {quoted(parents)}: expected {_INDICES}")
    return given.astype(np.int64)


def _kinds(what: str, kinds: Any, n: int) -> list[int]:
    # Sets and mappings have no order, and `len` of an array without dimensions raises a TypeError.
    is_text_or_set = isinstance(kinds, (str, bytes, bytearray, memoryview, Set, Mapping))
    try:
        count = -1 if is_text_or_set else len(kinds)
    except Exception:
        count = -1
    if count != n:
        raise ParameterError(f"{what}: kinds = {quoted(kinds)}: expected a list of {n} kinds")
    return [code_of(f"{what}: kind[{i}]", kind) for i, kind in enumerate(kinds)]
