"""Connections in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..connections import initializers
from ..connections.connectivity import All2All, FixedIndegree, FixedOutdegree, FixedProb, FixedTotal, One2One
from ..connections.matrices import CustomConn
from ..connections.plasticity import STDP, Plasticity, TripletSTDP, TsodyksMarkram
from ..connections.synapse import ConnGen, MCSynapse
from ..inputs.generators import Generator
from ..modules.module import Module
from ..neurons.cable.neuron import CableNeuron
from ..neurons.compartment import Compartment
from ..neurons.neuron import Neuron
from ..neurons.receptors import Receptor
from ._cells import site
from ._neurons import _freeze

if TYPE_CHECKING:
    from ._load import Values

__all__ = ["connection", "injection"]

Table = dict[str, Any]

RULES: dict[str, Any] = {
    c.__name__: c for c in (All2All, One2One, FixedIndegree, FixedOutdegree, FixedTotal, FixedProb)
}
PLASTICITIES: dict[str, Any] = {c.__name__: c for c in (STDP, TripletSTDP, TsodyksMarkram)}


def connection(table: Table, values: Values, known: dict[str, Module]) -> MCSynapse:
    """Return the connections that a table describes."""
    pre = known[table["from"]]
    ends = [table["to"]] if isinstance(table["to"], str) else table["to"]
    post = [known[end] for end in ends]
    assert isinstance(pre, (Neuron, Generator))
    receptors = [r for r in post if isinstance(r, Receptor)]
    weight, delay = (_spread(table.get(name), values) for name in ("weight", "delay"))
    conn: Any
    one = weight if table.get("dense") and not np.ndim(weight) else None
    if table.get("dense"):
        shape = (pre.size, receptors[0].size)
        conn, weight = np.full(shape, weight) if one is not None else np.reshape(weight, shape), None
    elif "rule" in table:
        names = ("degree", "n", "prob", "autapses", "multi_conn")
        conn = RULES[table["rule"]](**{name: table[name] for name in names if name in table})
    else:
        sources, targets = (np.asarray(values(table[name]), dtype=np.uint32) for name in ("pre", "post"))
        conn = CustomConn(sources, targets)
    made = MCSynapse(
        pre,
        receptors,
        conn,
        parent=None,
        weight=weight,
        delay=delay,
        plasticity=_plasticity(table.get("plasticity"), values),
    )
    if one is not None:
        # A weight that is the same for all entries of a matrix remains a single number.
        made._values["w"] = float(one)
    names = table.get("frozen", [])
    _freeze(made, {"frozen": [name for name in names if name != "w"]})
    if "w" in names:
        made.__dict__["_frozen"] |= {"w"}
    return made


def _plasticity(table: Table | None, values: Values) -> Plasticity | None:
    if table is None:
        return None
    made: Plasticity = PLASTICITIES[table["kind"]](**values.of(table, ("kind",)))
    return made


def _spread(given: Any, values: Values) -> Any:
    """Return weights or delays: numbers, or the initializer from which they are drawn."""
    if not isinstance(given, dict) or "kind" not in given:
        return values(given)
    numbers = {name: value for name, value in given.items() if name not in ("kind", "of")}
    if given["kind"] != "Truncated":
        return getattr(initializers, given["kind"])(**numbers)
    low, high = float(numbers.get("low", 0.0)), numbers.get("high", np.inf)
    return initializers.Truncated(_spread(given["of"], values), low, high)


def injection(table: Table, values: Values, known: dict[str, Module]) -> ConnGen:
    """Return the current injection that a table describes."""
    source, target = known[table["from"]], known[table["to"]]
    assert isinstance(source, Generator)
    if isinstance(target, CableNeuron):
        return ConnGen(source, site(target, table["at"], values), parent=None)
    assert isinstance(target, Compartment)
    return ConnGen(source, target, parent=None)
