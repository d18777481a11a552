"""The columns of a recording: which members of a module they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..connections.synapse import MCSynapse
from ..errors import ParameterError, UnknownNameError
from ..modules.module import Module
from ..neurons.cable.neuron import CableNeuron
from ..neurons.cable.sites import Site
from ..neurons.equations import Written
from ._settings import chosen

if TYPE_CHECKING:
    from .network import Network

__all__ = ["Columns", "columns_of"]

Indices = NDArray[np.int64]


class Columns(NamedTuple):
    """The columns of a recording."""

    #: The members as the engine numbers them; ``None`` for all.
    members: list[int] | None
    size: int
    #: Index of each column's neuron in its population, or of its connection.
    neuron: Indices | None
    #: Control volume of each column, for variables of detailed cells.
    cv: Indices | None
    #: Network-wide id of each column's neuron.
    gid: Indices | None


def columns_of(net: Network, place: Module | Site, path: str, variable: str, indices: Any) -> Columns:
    """Return the columns of a variable of a module or a site."""
    module = place.neuron if isinstance(place, Site) else place
    cvs, sites = _sites(place, path, variable)
    if cvs is None:
        size = net._sim.connection_count(path) if isinstance(module, MCSynapse) else module.size
        members = None if indices is None else chosen(path, indices, size)
        index = np.arange(size) if members is None else np.asarray(members, dtype=np.int64)
        first = None if isinstance(module, MCSynapse) else net._first_gid(module)
        gids = None if first is None else first + index
        return Columns(members, len(index), None if members is None else index, None, gids)
    cells = module.size if isinstance(module, CableNeuron) else module.size // len(cvs)
    size = cells * len(cvs)
    kept = np.arange(size) if indices is None else np.asarray(chosen(path, indices, size), dtype=np.int64)
    if (kept >= size).any():
        raise ParameterError(f"{path}: indices: {kept.max()}: expected indices below {size}, the number of columns")
    cell, at = np.divmod(kept, len(cvs))
    gid = net._first_gid(module) or 0
    if indices is None and not isinstance(place, Site):
        return Columns(None, size, cell, cvs[at], gid + cell)
    members = cell * sites + (cvs[at] if isinstance(module, CableNeuron) else at)
    return Columns(members.tolist(), len(kept), cell, cvs[at], gid + cell)


def _sites(place: Module | Site, path: str, variable: str) -> tuple[Indices | None, int]:
    """Return the CV of each site of a variable, and the number of sites per cell that the engine has."""
    if isinstance(place, Site):
        if variable == "spikes":
            raise UnknownNameError(
                f"{path}: sites have no spikes; record those of the population: net.probe(cells, 'spikes')",
                name=variable,
                known=["V"],
            )
        return place.cv, len(place.neuron.cvs)
    if isinstance(place, CableNeuron) and variable != "spikes":
        return np.arange(len(place.cvs)), len(place.cvs)
    if isinstance(place, Written) and place._placement is not None:
        return place._placement.cvs, len(place._placement.cvs)
    return None, 1
