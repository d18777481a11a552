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

__all__ = ["Columns", "columns_of", "interpolated"]

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
    #: Index of each column's site.
    site: Indices | None = None
    #: If values are interpolated, the engine records two members for each column, and this is the weight of the second.
    weight: NDArray[np.float64] | None = None


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
        raise ParameterError(f"{path}: indices: {kept.max()}: expected an index below {size}, the number of columns")
    cell, at = np.divmod(kept, len(cvs))
    gid = net._first_gid(module) or 0
    if indices is None and not isinstance(place, Site):
        return Columns(None, size, cell, cvs[at], gid + cell, at)
    members = cell * sites + (cvs[at] if isinstance(module, CableNeuron) else at)
    return Columns(members.tolist(), len(kept), cell, cvs[at], gid + cell, at)


def interpolated(place: Module | Site, path: str, variable: str, columns: Columns) -> Columns:
    """Return columns whose values are interpolated between the centres of the CVs of a section."""
    if not isinstance(place, Site) or variable != "V":
        raise ParameterError(
            f"{path}: interpolate = True: expected V at a site, such as net.probe(cells.at(location), 'V', "
            "interpolate=True)"
        )
    assert columns.cv is not None
    assert columns.neuron is not None
    of = place.neuron.cvs.section
    section, x = of[columns.cv], np.array([location.x for location in place.locations])[columns.site]
    # The CVs of a section have equal lengths and consecutive indices.
    first, end = np.searchsorted(of, section, "left"), np.searchsorted(of, section, "right")
    count = end - first
    position = np.clip(x * count - 0.5, 0.0, count - 1.0)
    left = np.minimum(np.floor(position).astype(np.int64), np.maximum(count - 2, 0))
    pairs = first + left, np.minimum(first + left + 1, end - 1)
    members = columns.neuron[:, np.newaxis] * len(of) + np.stack(pairs, axis=1)
    return columns._replace(members=members.reshape(-1).tolist(), weight=position - left)


def _sites(place: Module | Site, path: str, variable: str) -> tuple[Indices | None, int]:
    """Return the CV of each site of a variable, and the number of sites per cell in the engine."""
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
