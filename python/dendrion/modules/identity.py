"""Network-wide ids of populations and neurons."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from .._numbers import is_whole
from .._quoted import quoted
from .._suggest import hint
from ..errors import ParameterError, ParameterTypeError, StructureError
from ..neurons.neuron import Neuron

__all__ = ["Identity", "numbered", "selected"]

#: Criteria by which populations can be selected.
CRITERIA = ("area_name", "pid", "id", "name")


class Identity(NamedTuple):
    """Network-wide ids of a population and its neurons."""

    #: Id of the population.
    id: int
    #: Id of its first neuron.
    first: int


def numbered(populations: Sequence[Neuron]) -> dict[int, Identity]:
    """Return the identity of each population, keyed by the ``id()`` of its object.

    Explicit ids are kept and must not overlap. The remaining ids are assigned in the order of paths and skip explicit
    ids. Populations are numbered from 0, and neurons from 1.
    """
    ordered = sorted(populations, key=lambda p: p.path)
    ranges = {
        id(p): range(p.neuron_start_id, p.neuron_start_id + p.size) for p in ordered if _gave(p, "neuron_start_id")
    }
    ids = {id(p): range(p.id, p.id + 1) for p in ordered if _gave(p, "id")}
    for name, taken in (("neuron_start_id", ranges), ("id", ids)):
        _check_apart(name, [p for p in ordered if id(p) in taken], taken)
    firsts = _packed(ordered, ranges, 1, [p.size for p in ordered])
    numbers = _packed(ordered, ids, 0, [1] * len(ordered))
    return {id(p): Identity(numbers[id(p)], firsts[id(p)]) for p in ordered}


def _gave(population: Neuron, name: str) -> bool:
    return name in population._given


def _check_apart(name: str, given: list[Neuron], taken: dict[int, range]) -> None:
    given = sorted(given, key=lambda p: taken[id(p)].start)
    for before, after in itertools.pairwise(given):
        a, b = taken[id(before)], taken[id(after)]
        if b.start < a.stop:
            ends = [f"{p.path} has {_shown(r)}" for p, r in ((before, a), (after, b))]
            raise StructureError(f"network: {name}: {ends[0]} and {ends[1]}; expected ids that do not overlap")


def _shown(numbers: range) -> str:
    return str(numbers.start) if len(numbers) == 1 else f"{numbers.start} to {numbers.stop - 1}"


def _packed(ordered: list[Neuron], taken: dict[int, range], start: int, sizes: list[int]) -> dict[int, int]:
    """Return the first id of each population. Ids that are not explicit are packed into the gaps."""
    occupied = deque(sorted(taken.values(), key=lambda r: r.start))
    firsts = {key: r.start for key, r in taken.items()}
    for population, size in zip(ordered, sizes, strict=True):
        if id(population) in firsts:
            continue
        # Both ranges and assigned ids ascend, so ranges that have been passed need not be examined again.
        while occupied and occupied[0].start < start + size:
            start = max(start, occupied.popleft().stop)
        firsts[id(population)] = start
        start += size
    return firsts


def selected(populations: Sequence[Neuron], identities: dict[int, Identity], criteria: dict[str, Any]) -> list[Neuron]:
    """Return the populations that meet all criteria."""
    for name in criteria:
        if name not in CRITERIA:
            raise ParameterError(f"network: select: no criterion named {quoted(name)}{hint(name, list(CRITERIA))}")
    for name, wanted in criteria.items():
        if wanted is not None and not isinstance(wanted, str) and not is_whole(wanted):
            raise ParameterTypeError(f"network: select: {name} = {quoted(wanted)}: expected a string or an integer")

    def value(population: Neuron, name: str) -> Any:
        return identities[id(population)].id if name == "id" else getattr(population, name)

    return [p for p in populations if all(value(p, name) == wanted for name, wanted in criteria.items())]
