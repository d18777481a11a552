"""Lists and dicts of modules. A module to which such a container is assigned as an attribute owns the items."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DendrionError, ParameterTypeError, StructureError

if TYPE_CHECKING:
    from .module import Module

__all__ = ["ModuleDict", "ModuleList", "check_depth", "guarded", "named_items", "refuse_unordered"]


class _Owned:
    """A container that notifies its owner before and after each change."""

    _owner: Module
    _attribute: str

    def _owned_by(self, owner: Module, attribute: str) -> None:
        self._owner, self._attribute = owner, attribute

    def _change(self, change: Callable[[], Any]) -> Any:
        """Change the items, and make the owner adopt new modules and release removed modules."""
        saved: Any = list(self) if isinstance(self, list) else dict(self)  # type: ignore[call-overload]
        before = list(named_items(self._attribute, self))
        result = change()
        try:
            check_depth(self._owner._label, self._attribute, self)
            self._owner._contents_changed(self._attribute, before, list(named_items(self._attribute, self)))
        except DendrionError:
            self._restore(saved)
            raise
        return result

    def _restore(self, saved: Any) -> None:
        raise NotImplementedError

    def __reduce_ex__(self, protocol: Any) -> Any:
        plain = list if isinstance(self, list) else dict
        return plain, (plain(self),)  # type: ignore[call-overload]


class ModuleList(_Owned, list[Any]):
    """A list of modules that is an attribute of a module."""

    def _restore(self, saved: list[Any]) -> None:
        list.__setitem__(self, slice(None), saved)

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> ModuleList:
        twin = memo[id(self)] = ModuleList()
        twin._owned_by(copy.deepcopy(self._owner, memo), self._attribute)
        list.extend(twin, [copy.deepcopy(item, memo) for item in self])
        return twin

    def append(self, item: Any) -> None:
        self.extend([item])

    def extend(self, items: Iterable[Any]) -> None:
        # Existing items keep their positions, so the cost does not depend on their number.
        count, new = len(self), list(items)
        list.extend(self, new)
        places = {f"{count + k}": item for k, item in enumerate(new)}
        try:
            check_depth(self._owner._label, self._attribute, new)
            self._owner._contents_changed(self._attribute, [], list(named_items(self._attribute, places)))
        except DendrionError:
            list.__delitem__(self, slice(count, None))
            raise

    def insert(self, index: Any, item: Any) -> None:
        self._change(lambda: list.insert(self, index, item))

    def pop(self, index: Any = -1) -> Any:
        return self._change(lambda: list.pop(self, index))

    def remove(self, item: Any) -> None:
        self._change(lambda: list.remove(self, item))

    def clear(self) -> None:
        self._change(lambda: list.clear(self))

    def __setitem__(self, index: Any, item: Any) -> None:
        self._change(lambda: list.__setitem__(self, index, item))

    def __delitem__(self, index: Any) -> None:
        self._change(lambda: list.__delitem__(self, index))

    def reverse(self) -> None:
        self._change(lambda: list.reverse(self))

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        self._change(lambda: list.sort(self, key=key, reverse=reverse))

    def __iadd__(self, items: Iterable[Any]) -> ModuleList:  # type: ignore[misc]
        self.extend(items)
        return self

    def __imul__(self, times: Any) -> ModuleList:  # type: ignore[misc]
        self._change(lambda: list.__imul__(self, times))
        return self


class ModuleDict(_Owned, dict[Any, Any]):
    """A dict of modules that is an attribute of a module."""

    def _restore(self, saved: dict[Any, Any]) -> None:
        dict.clear(self)
        dict.update(self, saved)

    def __copy__(self) -> dict[Any, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> ModuleDict:
        twin = memo[id(self)] = ModuleDict()
        twin._owned_by(copy.deepcopy(self._owner, memo), self._attribute)
        dict.update(twin, {key: copy.deepcopy(item, memo) for key, item in self.items()})
        return twin

    def __setitem__(self, key: Any, item: Any) -> None:
        self._change(lambda: dict.__setitem__(self, key, item))

    def __delitem__(self, key: Any) -> None:
        self._change(lambda: dict.__delitem__(self, key))

    def pop(self, *given: Any) -> Any:
        return self._change(lambda: dict.pop(self, *given))

    def popitem(self) -> Any:
        return self._change(lambda: dict.popitem(self))

    def clear(self) -> None:
        self._change(lambda: dict.clear(self))

    def update(self, *given: Any, **more: Any) -> None:
        self._change(lambda: dict.update(self, *given, **more))

    def setdefault(self, key: Any, default: Any = None) -> Any:
        return self._change(lambda: dict.setdefault(self, key, default))

    def __ior__(self, other: Any) -> ModuleDict:  # type: ignore[misc]
        self.update(other)
        return self


#: Maximum nesting depth of containers.
_DEEPEST = 64


def check_depth(label: str, name: str, value: Any) -> None:
    """Raise an error for a list, tuple or dict that contains itself, or is nested too deeply."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = (i for container in level for i in (container.values() if isinstance(container, dict) else container))
        # Each container is visited once, even if several others contain it.
        level = list({id(i): i for i in inner if isinstance(i, (list, tuple, dict))}.values())
        if not level:
            return
    raise StructureError(
        f"{label}.{name} = {type(value).__name__}: contains itself or is nested more than {_DEEPEST} levels deep; "
        "keep such data in an attribute whose name begins with '_'"
    )


def guarded(owner: Module, attribute: str, value: Any) -> Any:
    """Return a list or dict of modules (or an empty one) as a container of ``owner``, and other values unchanged."""
    if type(value) is list and (not value or _has_modules(value)):
        made: Any = ModuleList(guarded(owner, f"{attribute}/{k}", item) for k, item in enumerate(value))
    elif type(value) is dict and (not value or _has_modules(value.values())):
        made = ModuleDict({key: guarded(owner, f"{attribute}/{key}", item) for key, item in value.items()})
    elif isinstance(value, _Owned) and value._owner is not owner:
        return guarded(owner, attribute, list(value) if isinstance(value, list) else dict(value))  # type: ignore[call-overload]
    else:
        return value
    made._owned_by(owner, attribute)
    return made


def _has_modules(items: Iterable[Any]) -> bool:
    return any(_is_module(item) or (isinstance(item, (list, dict)) and _nested(item)) for item in items)


def _nested(value: Any) -> bool:
    return _has_modules(value.values() if isinstance(value, dict) else value)


def named_items(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the items of lists, tuples and dicts, with the names that modules get from their positions or keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, (list, tuple, dict)):
            yield from named_items(f"{name}/{key}", item)
        else:
            yield f"{name}/{key}", item


def refuse_unordered(label: str, name: str, value: Any) -> None:
    """Raise an error for modules in a set or an array, which do not define names for their items."""
    items: Iterable[Any] = ()
    if isinstance(value, (set, frozenset)):
        items = value
    elif isinstance(value, np.ndarray) and value.dtype.kind == "O":
        items = value.ravel()
    if any(_is_module(item) for item in items):
        raise ParameterTypeError(
            f"{label}.{name} = {type(value).__name__} of modules: expected a list, tuple or dict of modules"
        )


def _is_module(value: Any) -> bool:
    from .module import Module

    return isinstance(value, Module)
