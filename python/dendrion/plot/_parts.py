"""The compartments of a neuron as a tree, with geometry, receptors and channels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._numbers import is_whole
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError, StructureError
from ..modules.module import Module
from ..neurons.cable.neuron import CableNeuron
from ..neurons.compartment import Compartment, LeakyIF
from ..neurons.coupling import MCConn, MCConnSynapse
from ..neurons.equations import Channel
from ..neurons.mc_neuron import MCNeuron
from ..neurons.receptors import Receptor

__all__ = ["Part", "parts_of", "value_of"]

#: Length and diameter (um) of dendrites and of somas in the drawing, if no compartment has a geometry.
DENDRITE, SOMA = (100.0, 2.0), (20.0, 20.0)


class Part(NamedTuple):
    """A compartment of the tree."""

    #: Path within the neuron, such as ``dends/0``.
    name: str
    module: Compartment
    #: Index of the parent compartment in the list; -1 for the soma.
    parent: int
    #: Length and diameter as drawn (um).
    length: float
    diameter: float
    #: Whether the user set the length and the diameter.
    has_geometry: bool
    #: Number of compartments that were created before this one.
    made: int
    #: Class names of the receptors and channels on it.
    carries: tuple[str, ...]


def parts_of(neuron: Any, index: int | None) -> list[Part]:
    """Return the compartments, each after its parent: the soma, then the others by depth and order of creation."""
    if not isinstance(neuron, MCNeuron):
        hint = "; plot.morphology draws detailed cells" if isinstance(neuron, CableNeuron) else ""
        raise ParameterTypeError(f"plot.tree: neuron = {quoted(neuron)}: expected an MCNeuron{hint}")
    if index is not None and (not is_whole(index) or not 0 <= index < neuron.size):
        raise ParameterError(
            f"plot.tree: index = {quoted(index)}: expected None or the index of a neuron, 0 to {neuron.size - 1}"
        )
    modules = list(neuron.modules())
    attached = {id(m.pre): m.post for m in modules if isinstance(m, MCConnSynapse)}
    compartments = [
        m for m in modules if isinstance(m, Compartment) and not (isinstance(m, Receptor) and id(m) in attached)
    ]
    somas = [m for m in compartments if isinstance(m, LeakyIF)]
    if len(somas) != 1:
        raise StructureError(f"plot.tree: {neuron.path}: has {len(somas)} somas (LeakyIF); expected exactly one")
    edges = [(m.pre, m.post) for m in modules if isinstance(m, MCConn)]
    parents = _parents(neuron, compartments, edges, somas[0])
    sizes = _sizes(compartments, index)
    carried = _carried(modules, attached)
    # Sort by depth, so that parents come first, and then by order of creation.
    order = sorted(range(len(compartments)), key=lambda k: (_depth(parents, k), k))
    place = {k: n for n, k in enumerate(order)}
    return [
        Part(
            compartments[k].path.removeprefix(f"{neuron.path}/"),
            compartments[k],
            place.get(parents[k], -1),
            *sizes[k],
            k,
            carried.get(id(compartments[k]), ()),
        )
        for k in order
    ]


def value_of(module: Module, name: str, index: int | None) -> float | None:
    """Return a parameter of one neuron, or the mean over neurons if ``index`` is None.

    The result is ``None`` if the parameter is not set.
    """
    value = getattr(module, name)
    if value is None:
        return None
    values = np.asarray(value, dtype=np.float64)
    return float(values.mean() if values.ndim == 0 or index is None else values[index])


def _parents(
    neuron: MCNeuron, compartments: list[Compartment], edges: list[tuple[Compartment, Compartment]], soma: Compartment
) -> list[int]:
    """Return the index of each compartment's neighbour in the direction of the soma; -1 for the soma."""
    places = {id(m): k for k, m in enumerate(compartments)}
    beside: list[list[int]] = [[] for _ in compartments]
    for a, b in edges:
        for end in (a, b):
            if id(end) not in places:
                raise StructureError(
                    f"plot.tree: {neuron.path}: a coupling refers to {quoted(end)}, which is not part of the neuron"
                )
        beside[places[id(a)]].append(places[id(b)])
        beside[places[id(b)]].append(places[id(a)])
    root = places[id(soma)]
    parents, reached = [-1] * len(compartments), [root]
    for at in reached:
        for near in beside[at]:
            if near == parents[at]:
                continue
            if near in reached:
                raise StructureError(
                    f"plot.tree: {compartments[near].path}: is part of a loop of couplings; the couplings must "
                    "form a tree"
                )
            parents[near] = at
            reached.append(near)
    for k, compartment in enumerate(compartments):
        if k not in reached:
            raise StructureError(
                f"plot.tree: {compartment.path}: is not connected to {soma.path}; add an MCConn for each compartment"
            )
    return parents


def _depth(parents: list[int], at: int) -> int:
    depth = 0
    while parents[at] >= 0:
        at, depth = parents[at], depth + 1
    return depth


def _sizes(compartments: list[Compartment], index: int | None) -> list[tuple[float, float, bool]]:
    """Return lengths, diameters, and whether the user set them. Missing values are replaced by medians or defaults."""
    given = [(value_of(m, "length", index), value_of(m, "diameter", index)) for m in compartments]
    known = [size for m, size in zip(compartments, given, strict=True) if None not in size and not _is_soma(m)]
    length, diameter = (float(v) for v in np.median(np.array(known, dtype=np.float64), axis=0)) if known else DENDRITE
    sizes = []
    for module, (long, wide) in zip(compartments, given, strict=True):
        if long is not None and wide is not None:
            sizes.append((long, wide, True))
        else:
            sizes.append((*(SOMA if _is_soma(module) else (length, diameter)), False))
    return sizes


def _is_soma(module: Compartment) -> bool:
    return isinstance(module, LeakyIF)


def _carried(modules: list[Module], attached: dict[int, Compartment]) -> dict[int, tuple[str, ...]]:
    """Return the class names of receptors and channels, in order of creation, keyed by the id of their compartment."""
    found: dict[int, tuple[str, ...]] = {}
    for module in modules:
        on: Compartment | None = None
        if isinstance(module, Receptor):
            on = attached.get(id(module), module)
        elif isinstance(module, Channel):
            on = module.on if module.on is not None else attached.get(id(module))
        if on is not None:
            name = type(module).__name__.removesuffix(".absolute")
            found[id(on)] = (*found.get(id(on), ()), name)
    return found
