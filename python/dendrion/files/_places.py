"""Assignment of modules to owners according to their paths: as attributes, in lists and in dicts."""

from __future__ import annotations

from collections.abc import Mapping

from ..modules.module import Module

__all__ = ["adopt", "settle"]


def adopt(owner: Module, parts: Mapping[str, Module]) -> None:
    """Assign modules to attributes of an owner, with names such as ``soma``, ``dends/0`` or ``dends/apical``."""
    for part in parts.values():
        owner._adopt(part)
    groups: dict[str, dict[str, Module]] = {}
    for name, part in parts.items():
        first, slash, rest = name.partition("/")
        if not slash:
            setattr(owner, first, part)
        else:
            groups.setdefault(first, {})[rest] = part
    for first, group in groups.items():
        counted = list(group) == [str(i) for i in range(len(group))]
        setattr(owner, first, list(group.values()) if counted else group)


def settle(modules: Mapping[str, Module]) -> None:
    """Name modules according to their paths. If a path has a slash, create an owner named after its first part."""
    groups: dict[str, dict[str, Module]] = {}
    for path, module in modules.items():
        first, slash, rest = path.partition("/")
        if slash:
            groups.setdefault(first, {})[rest] = module
        else:
            module.__dict__.update(_name=path, _automatic=False)
    for first, group in groups.items():
        adopt(Module(parent=None, name=first), group)
