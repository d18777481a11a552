"""Validation of modules passed to a network, and of variables to record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._paths import is_encodable
from .._quoted import quoted
from .._suggest import unknown_name
from ..errors import ParameterTypeError, StructureError, UnknownNameError
from ..inputs.generators import Generator
from ..modules._fixed import shown
from ..modules.module import Module
from ..neurons.compartment import Compartment
from ..neurons.neuron import Neuron

__all__ = ["check_variable", "listed"]


def listed(modules: Any) -> list[Module]:
    """Return the modules passed to a network as a list."""
    if isinstance(modules, Module):
        return [modules]
    if isinstance(modules, (str, Mapping)) or not isinstance(modules, Iterable):
        kind = type(modules).__name__
        raise ParameterTypeError(
            f"network: modules = {kind}: expected a list of modules (neurons, generators, connections)"
        )
    try:
        found = list(modules)
    except Exception as error:
        # The `__iter__` method of arrays without dimensions and of sparse matrices fails.
        raise ParameterTypeError(
            f"network: modules = {type(modules).__name__}: expected a list of modules (neurons, generators, "
            "connections)"
        ) from error
    for k, module in enumerate(found):
        if not isinstance(module, Module):
            hint = ""
            if isinstance(module, type) and issubclass(module, Module):
                hint = f"; {module.__name__} is a class; pass an instance, such as {module.__name__}(...)"
            elif isinstance(module, (list, tuple)):
                hint = "; put all modules into one flat list"
            what = type(module).__name__ if _is_network(module) else shown(module)
            raise StructureError(
                f"network: modules[{k}] = {what}: expected a module (neurons, a generator or connections){hint}"
            )
    return found


def _is_network(thing: object) -> bool:
    return hasattr(thing, "_sim")


def check_variable(path: str, module: Module, variable: Any, known: Callable[[str], list[str]]) -> None:
    """Raise an error for a variable that belongs to another module or is not a name.

    ``known`` returns the variables of the module with a given path.
    """
    if not isinstance(variable, str):
        hint = ""
        if isinstance(variable, (list, tuple)):
            hint = "; call probe once for each variable: [net.probe(module, name) for name in names]"
        raise ParameterTypeError(
            f"{path}: variable = {quoted(variable)}: expected the name of one variable, such as 'V'{hint}"
        )
    if not is_encodable(variable):
        raise unknown_name(f"{path}: no variable", variable, known(path))
    if variable == "spikes" and not isinstance(module, (Neuron, Generator)):
        owner = module.parent
        while owner is not None and not isinstance(owner, Neuron):
            owner = owner.parent
        hint = "" if owner is None else f", {owner.path}"
        raise UnknownNameError(
            f"{path}: no variable named 'spikes'; record the spikes of its population{hint}",
            name=variable,
            known=known(path),
        )
    if variable != "spikes" and isinstance(module, Neuron) and variable not in known(path):
        places = [m.path for m in module.modules() if variable in m._variable_units and isinstance(m, Compartment)]
        if places:
            more = f", ... ({len(places)} in all)" if len(places) > 8 else ""
            raise UnknownNameError(
                f"{path}: no variable named {quoted(variable)}; it belongs to the compartments "
                f"{', '.join(places[:8])}{more}",
                name=variable,
                known=known(path),
            )
