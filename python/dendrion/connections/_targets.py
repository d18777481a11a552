"""Hints for error messages about connections to or from the wrong module."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..modules.module import Module

__all__ = ["class_hint", "mapping_error", "parts_hint", "population_of"]

#: Maximum number of modules that a message lists.
LISTED = 8


def parts_hint(given: object, kind: type[Module], what: str) -> str:
    """Return the end of a message that lists the modules of type ``kind`` in the population of a module."""
    from ..modules.module import Module

    if not isinstance(given, Module):
        return ""
    population = population_of(given)
    if population is None:
        return ""
    found = [m.path for m in population.modules() if isinstance(m, kind) and m is not given]
    if not found:
        return f"; {population._label} has no {what}"
    more = f", ... ({len(found)} in all)" if len(found) > LISTED else ""
    if len(found) == 1:
        return f"; the {what} of {population._label} is {found[0]}"
    return f"; the {what}s of {population._label} are {', '.join(found[:LISTED])}{more}"


def population_of(module: Module) -> Module | None:
    """Return the population to which a module belongs, or the module itself if it is a population."""
    from ..neurons.neuron import Neuron

    owner: Module | None = module
    while owner is not None and not isinstance(owner, Neuron):
        owner = owner.parent
    return owner


def class_hint(given: object, *kinds: type) -> str:
    """Return the end of a message for a class that was passed instead of an instance."""
    if not isinstance(given, type) or not issubclass(given, kinds):
        return ""
    required = [
        p.name
        for p in inspect.signature(given).parameters.values()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    return f"; {given.__name__} is a class; pass an instance, such as {given.__name__}({', '.join(required)})"


def mapping_error(label: str, given: Any) -> str:
    """Return the message for an argument that should be a dict from keys to values."""
    return f"{label} = {type(given).__name__}: expected a dict from keys to values, such as {{'cell/soma.V': -60.0}}"
