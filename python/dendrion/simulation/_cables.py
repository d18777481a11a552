"""Conversion of detailed cells and of the mechanisms on them to populations of the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..connections.synapse import ConnGen, MCSynapse
from ..errors import StructureError
from ..inputs.generators import Generator
from ..modules.module import Module
from ..neurons.cable.clamp import VoltageClamp
from ..neurons.cable.ion import check_ions
from ..neurons.cable.neuron import CableNeuron
from ..neurons.cable.sites import Site
from ..neurons.equations import Channel, Written
from ..neurons.neuron import Neuron
from ..neurons.receptors import Receptor

if TYPE_CHECKING:
    from ._build import Translation

__all__ = ["cable_program", "check_clamps", "inject", "translate"]


def translate(of: Translation, neuron: CableNeuron) -> int:
    """Add detailed cells and the mechanisms on them to the model of a network. Return the index of the cells."""
    check_ions(neuron)
    method = of._method(neuron, "odemethod")
    given = of._given(neuron, "population")
    resets = neuron.reset, neuron.reset and neuron._values["V_reset"] is None
    shape = neuron.tree._core, neuron.cvs._cvs
    how = neuron.gates, neuron._is_staggered(method), int(neuron.spike_at.cv[0])
    index = of.model.add_cells(neuron.path, neuron.size, given, resets, method.value, shape, neuron._membrane(), how)
    units: dict[Any, int] = {}
    for part in _mechanisms(neuron):
        place = part._placement
        assert place is not None
        key = place.is_density, place.cvs.tobytes()
        if key not in units:
            units[key] = of.model.add_placed(index, place.cvs.tolist(), place.is_density)
        of.neuron_of[id(part)] = neuron
        of.units[id(part)] = units[key]
        _add(of, units[key], neuron, part)
    return index


def _mechanisms(neuron: CableNeuron) -> list[Written]:
    """Return the mechanisms on detailed cells, after checking that all parts are on these cells."""
    found: list[Written] = []
    for part in neuron.modules():
        if part is neuron or isinstance(part, (Generator, Neuron, MCSynapse, ConnGen)):
            continue
        if isinstance(part, Written) and part._placement is not None:
            if part._placement.neuron is not neuron:
                raise StructureError(
                    f"{part.path}: is placed on {part._placement.neuron!r}, but belongs to {neuron.path}; expected a "
                    "mechanism on the neuron that owns it"
                )
            found.append(part)
        elif part._kinds or isinstance(part, Written):
            kind = type(part).__name__
            raise StructureError(
                f"{part.path}: a {kind} of a neuron with compartments cannot be part of detailed cells; expected "
                "channels and receptors whose first argument is the CableNeuron"
            )
    return found


def _add(of: Translation, unit: int, neuron: CableNeuron, part: Written) -> None:
    """Add a mechanism to the population of all mechanisms on the same control volumes."""
    name = part.path.removeprefix(neuron.path + "/")
    if isinstance(part, Receptor) and part._receptor is not None:
        given = of._given(part, part._receptor)
        index = of.model.add_receptor(unit, name, part._receptor, 0, part.scale_g, given)
    elif isinstance(part, Receptor):
        index = of.model.add_written_receptor(unit, name, (part.equations, part.signed), 0, part._written_values())
    else:
        assert isinstance(part, Channel)
        of.model.add_mechanism(unit, name, part.equations, 0, part._written_values())
        return
    of.indices[id(part), "receptor"] = index  # type: ignore[index]


def inject(of: Translation, conn: ConnGen, source: int, site: Site) -> None:
    """Inject a current into all control volumes of a site."""
    if id(site.neuron) not in of.indices:
        raise StructureError(f"{conn.path}: {site.neuron!r} is not in the network; add it to the network")
    membrane = of.indices[id(site.neuron)] + 1
    for k, cv in enumerate(site.cv.tolist()):
        of.model.add_injection(conn.path if k == 0 else f"{conn.path}[{k}]", source, membrane, cv)


def check_clamps(modules: list[Module], dt: float) -> None:
    """Check the times of clamps, and that no current is injected into a control volume whose potential is clamped."""
    clamps = [m for listed in modules for m in listed.modules() if isinstance(m, VoltageClamp)]
    for clamp in clamps:
        if clamp._course is not None:
            clamp._course.check_steps(clamp.path, dt)
    for conn in modules if clamps else ():
        if not isinstance(conn, ConnGen) or not isinstance(conn.mc, Site):
            continue
        for clamp in clamps:
            place = clamp._placement
            assert place is not None
            shared = np.intersect1d(place.cvs, conn.mc.cv)
            if place.neuron is conn.mc.neuron and shared.size:
                raise StructureError(
                    f"{conn.path}: injects a current into CV {shared[0]} of {place.neuron.path}, where {clamp.path} "
                    "clamps the potential; remove one of them, or move it to another location"
                )


def cable_program(path: str, placed: list[Written], program: Callable[[str], str]) -> str:
    """Return the programs of the mechanisms on detailed cells, and the program of the threshold."""
    parts: dict[str, list[str]] = {}
    for module in placed:
        parts.setdefault(program(module.path), []).append(module.path)
    texts = [f"# {', '.join(paths)}\n{text}" for text, paths in parts.items()]
    return "\n".join([*texts, f"# threshold of {path}", program(path)])
