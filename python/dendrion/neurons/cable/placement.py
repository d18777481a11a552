"""Placement of channels and receptors on detailed cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._quoted import quoted
from ...errors import ParameterError, StructureError
from ...modules._ownership import Sentinel, maker_of
from ...modules._per_site import PerSite
from .densities import Where
from .neuron import CableNeuron
from .sites import in_region, points

if TYPE_CHECKING:
    from ...modules.module import Module
    from ...modules.variables import VarManager

__all__ = ["Placement", "owner_of", "placement"]


class Placement(NamedTuple):
    """The control volumes of each cell on which a mechanism is placed."""

    neuron: CableNeuron
    #: The CV of each site. At points, several sites may be in one CV.
    cvs: NDArray[np.int64]
    #: Whether the mechanism is on the membrane of a region, with currents per area, or at points.
    is_density: bool
    #: Description of the place.
    where: str

    @property
    def per_site(self) -> PerSite:
        """The numbers of cells and sites."""
        return PerSite(self.neuron.size, len(self.cvs), "CV" if self.is_density else "site")

    def described(self) -> str:
        """Return a description of the place and the number of control volumes or sites."""
        count = len(self.cvs)
        return f"{self.where} ({count} {self.per_site.name}{'s' if count > 1 else ''} per cell)"

    def sites(self) -> Where:
        """Return the control volumes on which densities depend."""
        return Where(self.neuron, self.cvs)


def placement(module: Module, size: Any, on: Any, at: Any, is_receptor: bool) -> Placement | None:
    """Return the placement of a mechanism, or ``None`` if the first argument is a size instead of detailed cells."""
    if not isinstance(size, CableNeuron):
        if at is not None:
            raise StructureError(
                f"{module._label}: at = {quoted(at)}: only mechanisms of a CableNeuron have locations; pass the "
                "CableNeuron as the first argument, in place of the size"
            )
        return None
    if (on is None) == (at is None):
        given = f"on = {quoted(on)} and at = {quoted(at)}" if on is not None else "is not placed on the cells"
        expected = "at= with locations, such as at=tree.at(section=0, x=0.5)"
        if not is_receptor:
            expected = f"either on= with a region, such as on='soma', or {expected}"
        raise StructureError(f"{module._label}: {given}; expected {expected}")
    if on is not None:
        cvs, where = in_region(f"{module._label}: on", size, on)
        if len(np.unique(cvs)) < len(cvs):
            raise ParameterError(f"{module._label}: on = {quoted(on)}: contains a control volume twice")
        return Placement(size, cvs, True, f"on {where}")
    cvs, where = points(f"{module._label}: at", size, at)
    return Placement(size, cvs, False, f"at {where}")


def owner_of(
    module: Module, place: Placement, parent: Module | VarManager | Sentinel | None
) -> Module | VarManager | None:
    """Return the owner of a placed mechanism: its neuron, unless a part of this neuron creates the mechanism."""
    if not isinstance(parent, Sentinel):
        return parent
    maker = maker_of(module)
    owner = maker
    while owner is not None and owner is not place.neuron:
        owner = owner.parent
    return place.neuron if owner is None else maker
