"""Checks for populations without input, generators without a target, and rules that create no connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from .. import _core
from ..connections.connectivity import Connector
from ..connections.synapse import ConnGen, MCSynapse
from ..inputs.generators import Generator
from ..inputs.noise import Noise
from ..modules.module import Module
from ..neurons.cable.neuron import CableNeuron
from ..neurons.cable.sites import Site
from ..neurons.compartment import Compartment
from ..neurons.equations import Channel, Soma
from ..neurons.neuron import Neuron
from ..neurons.receptors import Receptor

__all__ = ["unconnected", "undriven", "unused"]


def unconnected(modules: Iterable[Module], sim: _core.Simulation) -> Iterator[str]:
    """Yield a warning for each projection whose rule unexpectedly created no connections."""
    for module in modules:
        if not isinstance(module, MCSynapse) or sim.connection_count(module.path):
            continue
        conn = module.__dict__["_conn"]
        if isinstance(conn, Connector):
            kind, number, *_ = conn._rule()
            if not number and kind not in ("all_to_all", "one_to_one"):
                continue
        what = repr(conn) if isinstance(conn, Connector) else "conn"
        yield (
            f"{module.path}: {what} creates no connections from {module.pre.path} (size {module.pre.size}) to "
            f"{module.post[0].path} (size {module.post[0].size}); expected at least one"
        )


def unused(modules: Iterable[Module], recorded: set[str]) -> Iterator[str]:
    """Yield a warning for each generator that has no target and is not recorded, if the network has neurons."""
    modules = list(modules)
    if not any(isinstance(m, Neuron) for m in modules):
        return
    used = {id(m.pre) for m in modules if isinstance(m, (MCSynapse, ConnGen))}
    for module in modules:
        if isinstance(module, Generator) and id(module) not in used and module.path not in recorded:
            kind = "an MCSynapse or ConnGen" if module.spiking else "a ConnGen"
            yield (
                f"{module.path}: is neither connected nor recorded; add {kind} with this generator to the network's "
                "list, or record it"
            )


def undriven(modules: Iterable[Module], owner_of: Mapping[int, Neuron], sim: _core.Simulation) -> Iterator[str]:
    """Yield a warning for each population that receives no input, either directly or through other populations.

    No warning is emitted for a network with a single population, because its ``I_ext`` may be set later.
    """
    modules = list(modules)
    populations = [m for m in modules if isinstance(m, Neuron)]
    if len(populations) == len(modules) == 1:
        return
    states = set(sim.state_names())
    driven = {id(p) for p in populations if _by_itself(p, sim, states)}
    edges = [(m.pre, owner_of[id(m.post[0])]) for m in modules if isinstance(m, MCSynapse)]
    for conn in (m for m in modules if isinstance(m, ConnGen)):
        edges.append((conn.pre, conn.mc.neuron if isinstance(conn.mc, Site) else owner_of[id(conn.mc)]))
    _reach(driven, edges)
    for population in populations:
        if id(population) not in driven:
            yield (
                f"{population.path}: this population (size {population.size}) has no input and stays at rest: no "
                "generator reaches it through connections in the network's list, it has no noise, and I_ext is 0"
            )


def _reach(driven: set[int], edges: Iterable[tuple[Module, Module]]) -> None:
    """Add all populations that generators or driven populations reach, directly or indirectly."""
    targets: dict[int, list[int]] = {}
    for source, to in edges:
        if isinstance(source, Generator):
            driven.add(id(to))
        else:
            targets.setdefault(id(source), []).append(id(to))
    reached = list(driven)
    while reached:
        new = [to for to in targets.pop(reached.pop(), ()) if to not in driven]
        driven.update(new)
        reached += new


def _by_itself(neuron: Neuron, sim: _core.Simulation, states: set[str]) -> bool:
    """Return whether a population can be active without input from other modules."""
    for part in neuron.modules():
        if isinstance(part, (Noise, Channel, Soma)):
            return True
        if isinstance(part, Compartment) and "I_ext" in part._values and np.any(part.I_ext):
            return True
        if isinstance(part, Receptor) and any(np.any(sim.state(s)) for s in _gates(part) if s in states):
            return True
        if isinstance(part, Compartment) and (potential := f"{part.path}.V") in states:
            rest = part.V_rest
            if np.any(sim.state(potential) != rest) or np.any(rest > neuron.V_th):
                return True
        if isinstance(part, CableNeuron):
            rest = np.broadcast_to(part.V_rest, (part.size, len(part.cvs)))
            if np.any(sim.state(f"{part.path}.V").reshape(-1, *rest.shape) != rest) or np.max(rest) > np.min(part.V_th):
                return True
    return False


def _gates(receptor: Receptor) -> tuple[str, ...]:
    """Return the names of the states of a built-in receptor. Custom receptors may have any resting state."""
    return f"{receptor.path}.s", f"{receptor.path}.x"
