"""Assignments to attributes of modules. An assignment either takes effect or raises an error that suggests a remedy."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NoReturn

from .._numbers import is_whole
from .._quoted import quoted
from .._suggest import are_numbers, misspelt, nearest, no_attribute
from ..errors import AssignmentError, ParameterError
from ._containers import named_items, refuse_unordered
from ._fixed import shown
from ._ownership import under_construction
from ._values import read_only

if TYPE_CHECKING:
    from .module import Module

__all__ = ["check_assignment", "check_deletion", "set_state", "state_of", "states_of"]

_PACKAGE = __name__.partition(".")[0]
#: Maximum number of modules that a message lists.
LISTED = 8


# States


def states_of(module: Module) -> list[str]:
    """Return the names of a module's states, or an empty list before the network is built."""
    net = module._network
    if net is None:
        return []
    return net._states_of(module.path)


def state_of(module: Module, name: str) -> Any:
    """Return the current value of a state; raise AttributeError if there is no such state."""
    net = module._network
    if name.startswith("_"):
        raise no_attribute(module._label, name, ())
    if net is not None and name in states_of(module):
        return read_only(net._state(f"{module.path}.{name}"))
    if name not in _variables_of(module):
        raise no_attribute(module._label, name, dir(module))
    why = "has no value before the network is built"
    if net is not None:
        why = f"is computed from the states; record it with net.probe(module, {quoted(name)})"
    raise AttributeError(f"{module._label}.{name}: {why}", name=name)


def set_state(module: Module, name: str, value: Any) -> bool:
    """Set a state of a module in a network; return whether a state with this name exists."""
    if name.startswith("_") or name in module.__dict__ or hasattr(type(module), name):
        return False
    net = module._network
    if net is None or name not in states_of(module):
        return False
    if value is None:
        raise ParameterError(f"{module.path}.{name} = None: expected a number or an array of length {module.size}")
    net.set_state({f"{module.path}.{name}": value})
    return True


def _variables_of(module: Module) -> set[str]:
    """Return the names of the recordable variables that the class of a module defines."""
    definition = module.__dict__.get("_definition", getattr(type(module), "_definition", None))
    written = () if definition is None else (name for name, _ in definition.variables())
    return {*module._variable_units, *written} - {*module._values}


# Assignment


def check_assignment(module: Module, name: str, value: Any) -> None:
    """Raise an error for an assignment that is neither to a parameter nor to a state and would have no effect."""
    if name.startswith("_") or (under_construction(module) and not _made_before(module, name)):
        return
    refuse_unordered(module._label, name, value)
    if name in module.__dict__ or (name in module._fixed and name in _own_arguments(type(module))):
        _check_known(module, name, value)
    elif hasattr(type(module), name):
        _check_of_class(module, name, value)
    else:
        _check_new(module, name, value)


def _made_before(module: Module, name: str) -> bool:
    """Return whether a fixed attribute already has its value."""
    return name in module._fixed and module.__dict__.get(name) is not None


def _check_known(module: Module, name: str, value: Any) -> None:
    """Check an assignment to an existing attribute of the module."""
    old = module.__dict__.get(name)
    if old is value:
        return
    if name == "equations" and "_definition" in module.__dict__:
        _refuse(module, name, value, "the equations cannot be changed after construction; create a new instance")
    if name in module._fixed and old is not None and not (name == "size" and is_whole(value) and old == value):
        raise AssignmentError(
            f"{module._label}: {name} cannot be changed after construction; create a new {type(module).__name__} "
            f"(assigned: {shown(value)})"
        )
    if module._network is None:
        return
    if name in module._built_in or name in _own_arguments(type(module)) or _owns_part(module, name, old):
        raise AssignmentError(
            f"{module._label}: {name} is fixed once the network is built; set it before building the network "
            f"(assigned: {shown(value)})"
        )


def _owns_part(module: Module, name: str, old: Any) -> bool:
    """Return whether the old value of an attribute is, or contains, a module that this module owns."""
    items = named_items(name, old) if isinstance(old, (list, tuple, dict)) else [(name, old)]
    return any(getattr(item, "_owner", None) is module for _, item in items)


def _check_of_class(module: Module, name: str, value: Any) -> None:
    """Check an assignment to an attribute of the class."""
    home = next(cls for cls in type(module).__mro__ if name in vars(cls))
    found = vars(home)[name]
    if name == "equations":
        _refuse(module, name, value, "the equations belong to the class; define a new class with these equations")
    if isinstance(found, property) and found.fset is not None:
        return
    if home.__module__.partition(".")[0] != _PACKAGE:
        # Attributes that a user's class defines may be assigned freely.
        return
    if name in _own_arguments(type(module)):
        _refuse(module, name, value, f"{name} is an argument of {type(module).__name__}; create a new instance")
    if callable(getattr(module, name, None)) and not isinstance(found, property):
        _refuse(module, name, value, f"{name}() is a method")
    _refuse(module, name, value, f"{name} is read-only")


def _check_new(module: Module, name: str, value: Any) -> None:
    """Check an assignment to a new name."""
    kind = type(module)
    if name in _variables_of(module):
        if (formulas := module.__dict__.get("_formulas")) is not None and name in formulas.formulas:
            of = ", ".join(formulas.formulas[name].parameters()) or "none"
            _refuse(module, name, value, f"{name} is a formula of the distance; set its parameters ({of})")
        if module._network is None:
            _refuse(module, name, value, _before_building(module, name))
        _refuse(module, name, value, f"{name} is computed from the states; expected a state or a parameter")
    if name in _own_arguments(kind):
        _refuse(module, name, value, f"{name} is an argument of {kind.__name__}; create a new instance")
    if are_numbers(value) and (homes := _homes(module, name)):
        of = f"{homes[0]} has one" if len(homes) == 1 else f"these have one: {', '.join(homes)}"
        _refuse(module, name, value, f"{kind.__name__} has no parameter or state {name!r}; {of}")
    known = [*_settable(module), *states_of(module)]
    meant = misspelt(name, known, value) or (nearest(name, known) if are_numbers(value) else None)
    if meant:
        raise AssignmentError(f"{module._label} has no parameter {quoted(name)}; did you mean {meant!r}?")
    if are_numbers(value):
        listed = f"its parameters are {', '.join(module._values)}" if module._values else "it has no parameters"
        raise AssignmentError(
            f"{module._label}.{name} = {shown(value)}: {kind.__name__} has no parameter {quoted(name)}; {listed}. "
            "To add an attribute of your own, define it in a subclass, or start its name with '_'"
        )


def _homes(module: Module, name: str) -> list[str]:
    """Return the paths of the modules of the same population that have a parameter or a state of that name."""
    root = module
    while root._owner is not None:
        root = root._owner
    found = [m._label for m in root.modules() if m is not module and (name in m._values or name in _variables_of(m))]
    return found if len(found) <= LISTED else [*found[:LISTED], "..."]


def _before_building(module: Module, name: str) -> str:
    states = {"V": "; set V_rest for another initial value, or V after the network is built"}
    return f"{name} has no value before the network is built{states.get(name, '; set it afterwards')}"


def _settable(module: Module) -> list[str]:
    """Return the public names that can be assigned."""
    return [*module._values, *(n for n in _own_arguments(type(module)) if n not in ("parent", "name"))]


_arguments: dict[type, frozenset[str]] = {}


def _own_arguments(cls: type) -> frozenset[str]:
    """Return the constructor arguments of the Dendrion classes among the bases of ``cls``."""
    if cls not in _arguments:
        _arguments[cls] = _found_arguments(cls)
    return _arguments[cls]


def _found_arguments(cls: type) -> frozenset[str]:
    ours = (c for c in cls.__mro__ if c.__module__.partition(".")[0] == _PACKAGE and "__init__" in vars(c))
    names = {name for c in ours for name in inspect.signature(vars(c)["__init__"]).parameters}
    return frozenset(names - {"self", "given"})


def _refuse(module: Module, name: str, value: Any, why: str) -> NoReturn:
    raise AssignmentError(f"{module._label}.{name} = {shown(value)}: {why}")


# Deletion


def check_deletion(module: Module, name: str) -> None:
    """Raise an error if an attribute cannot be deleted."""
    if name in module._values or name in _own_arguments(type(module)):
        raise AssignmentError(f"{module._label}.{name}: cannot be deleted")
    if name not in module.__dict__:
        raise no_attribute(module._label, name, dir(module))
    if module._network is not None and _owns_part(module, name, module.__dict__[name]):
        raise AssignmentError(f"{module._label}: {name} is fixed once the network is built and cannot be deleted")
