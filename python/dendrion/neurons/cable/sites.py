"""Sites of detailed cells: the control volumes at given locations or in a region, in every cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..._numbers import array_of, is_whole
from ..._quoted import quoted
from ..._suggest import Suggesting
from ...errors import ParameterError, ParameterTypeError, StructureError
from ...modules._fixed import FixedOnceMade
from ...morphology.kinds import code_of
from ...morphology.places import Location, Region, as_region

if TYPE_CHECKING:
    from .neuron import CableNeuron

__all__ = ["Site", "chosen_cvs", "exact_locations", "in_region", "points", "soma_centre"]

Cvs = NDArray[np.int64]

#: Maximum number of CVs that a description lists.
_LISTED = 3


def _check_parts(neuron: Any, cv: Any, where: Any, exact: Any) -> None:
    """Check the arguments of a site. Users get sites from ``cells.at(...)``, which passes valid arguments."""
    from .neuron import CableNeuron

    is_exact = exact is None or (isinstance(exact, list) and all(isinstance(place, Location) for place in exact))
    for name, value, is_valid, expected in (
        ("neuron", neuron, isinstance(neuron, CableNeuron), "a CableNeuron"),
        ("cv", cv, isinstance(cv, np.ndarray) and cv.ndim == 1 and cv.dtype.kind in "iu", "an array of int"),
        ("where", where, isinstance(where, str), "a string"),
        ("exact", exact, is_exact, "a list of Location, or None"),
    ):
        if not is_valid:
            raise ParameterTypeError(
                f"Site: {name} = {quoted(value)}: expected {expected}; use cells.at(...), which returns sites"
            )
    if cv.size and (cv.min() < 0 or cv.max() >= len(neuron.cvs)):
        raise ParameterError(f"Site: cv = {quoted(cv)}: expected indices from 0 to {len(neuron.cvs) - 1}")


class Site(FixedOnceMade, Suggesting):
    """One or more control volumes (CVs) of every cell of a population.

    [CableNeuron.at][dendrion.CableNeuron.at] returns sites. They can be passed to ``net.probe`` and
    [ConnGen][dendrion.ConnGen], and as ``on=`` or ``at=`` of mechanisms.

    Attributes
    ----------
    neuron : CableNeuron
        The population.
    cv : array of int
        Indices of the CVs, in the order of the columns of a probe.
    size : int
        Number of pairs of a cell and a CV. They are ordered by cell and then by CV.
    """

    neuron: CableNeuron
    cv: Cvs
    size: int

    def __init__(self, neuron: CableNeuron, cv: Cvs, where: str, exact: list[Location] | None = None) -> None:
        _check_parts(neuron, cv, where, exact)
        self.neuron, self.cv, self.size = neuron, cv, neuron.size * len(cv)
        self._where, self._exact = where, None if exact is None else tuple(exact)
        cv.flags.writeable = False

    @property
    def path(self) -> str:
        """Path of the population and a description of the place."""
        return f"{self.neuron.path} ({self._where})"

    @property
    def distance(self) -> NDArray[np.float64]:
        """Path length from the centre of the soma to the centre of each CV (um)."""
        return self.neuron.cvs.distance[self.cv]

    @property
    def locations(self) -> list[Location]:
        """The locations as they were passed, or the centres of the CVs, for example for ``plot.morphology``."""
        cvs = self.neuron.cvs
        if self._exact is not None:
            return list(self._exact)
        return [Location(int(cvs.section[cv]), float(cvs.x[cv])) for cv in self.cv]

    def __len__(self) -> int:
        return len(self.cv)

    def __iter__(self) -> Iterator[Location]:
        return iter(self.locations)

    def __repr__(self) -> str:
        shown = ", ".join(map(str, self.cv[:_LISTED])) + (", ..." if len(self.cv) > _LISTED else "")
        return f"<Site of {self.neuron._label}: {self._where}, CV{'s' if len(self.cv) > 1 else ''} {shown}>"


def points(what: str, neuron: CableNeuron, where: Any) -> tuple[Cvs, str]:
    """Return the CVs at one or more points, and a description of the place.

    A region selects all its CVs, except that ``"soma"`` selects the CV at the centre of the soma.
    """
    tree, cvs = neuron.tree, neuron.cvs
    if isinstance(where, Site):
        return _of_site(what, neuron, where)
    if isinstance(where, str) and where == "soma":
        return np.array([cvs.at(soma_centre(what, neuron))]), "the centre of the soma"
    if isinstance(where, (str, Region)):
        return in_region(what, neuron, where)
    if isinstance(where, Location):
        tree._checked(what, where)
        return np.array([cvs.at(where)]), f"section {where.section}, x = {where.x:g}"
    if isinstance(where, (list, tuple)) and where and all(isinstance(item, Location) for item in where):
        for item in where:
            tree._checked(what, item)
        return np.array([cvs.at(item) for item in where]), f"{len(where)} location{'s' if len(where) > 1 else ''}"
    expected = "a Location such as tree.at(section=0, x=0.5), a list of at least one Location, a Region, its name, or "
    raise ParameterTypeError(f"{what} = {quoted(where)}: expected {expected}what {neuron._label}.at() returns")


def exact_locations(where: Any) -> list[Location] | None:
    """Return the locations that a place consists of, or ``None`` for regions."""
    if isinstance(where, str) and where == "soma":
        return [Location(0, 0.5)]
    if isinstance(where, Location):
        return [where]
    return list(where) if isinstance(where, (list, tuple)) else None


def in_region(what: str, neuron: CableNeuron, region: Any) -> tuple[Cvs, str]:
    """Return the CVs in a region, and a description of the region."""
    if isinstance(region, Site):
        return _of_site(what, neuron, region)
    if isinstance(region, (Location, list, tuple)):
        raise ParameterTypeError(
            f"{what} = {quoted(region)}: expected a Region, or the name of a region; pass locations with at=, or "
            f"control volumes with {neuron._label}.at(...)"
        )
    if isinstance(region, str) and region != "all":
        code_of(what, region)
    chosen = as_region(what, region)
    if chosen._code is not None and chosen.kind not in neuron.tree.kinds:
        raise ParameterError(
            f"{what} = {quoted(region)}: this morphology has no {chosen.kind}; expected one of: all, "
            f"{', '.join(neuron.tree.kinds)}"
        )
    try:
        found = neuron.cvs.select(chosen)
    except ParameterError as error:
        why = str(error).partition(": ")[2]
        raise ParameterError(f"{what} = {quoted(region)}: {why}; expected a larger region, or shorter CVs") from None
    is_kind = chosen == Region("all" if chosen._code is None else chosen._code)
    return found, quoted(chosen.kind) if is_kind else quoted(chosen)


def soma_centre(what: str, neuron: CableNeuron) -> Location:
    """Return the centre of the soma."""
    if neuron.tree.sections[0].kind != "soma":
        raise ParameterError(
            f"{what} = 'soma': this morphology has no soma; expected a Location such as tree.at(section=0, x=0)"
        )
    return Location(0, 0.5)


def chosen_cvs(what: str, neuron: CableNeuron, cv: Any) -> tuple[Cvs, str]:
    """Return control volumes that are given by their indices."""
    expected = f"indices of control volumes, from 0 to {len(neuron.cvs) - 1}"
    indices = np.atleast_1d(array_of(what, cv, expected))
    if indices.ndim != 1 or indices.dtype.kind not in "iu" or not len(indices):
        raise ParameterTypeError(f"{what} = {quoted(cv)}: expected {expected}")
    wrong = (indices < 0) | (indices >= len(neuron.cvs))
    if wrong.any():
        raise ParameterError(f"{what} = {indices[wrong][0]}: expected an index from 0 to {len(neuron.cvs) - 1}")
    named = f"CV {indices[0]}" if is_whole(cv) else f"{len(indices)} CVs"
    return indices.astype(np.int64), named


def _of_site(what: str, neuron: CableNeuron, site: Site) -> tuple[Cvs, str]:
    if site.neuron is not neuron:
        raise StructureError(
            f"{what} = {quoted(site)}: belongs to another population; expected a site of {neuron._label}"
        )
    return site.cv, site._where
