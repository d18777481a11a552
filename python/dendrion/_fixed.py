"""Attributes that cannot be assigned once an object is built: an assignment would have no effect on the engine."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from . import _core
from ._suggest import misspelt
from .errors import AssignmentError

__all__ = ["Fixed", "shown"]

#: The package whose classes define the attributes that are fixed.
_PACKAGE = __name__.partition(".")[0]
#: Longest text of a value in a message.
_LONGEST = 60


class Fixed:
    """An object whose public attributes cannot be assigned or deleted once it is built.

    Subclasses that users define may add attributes of their own, unless the name looks like a misspelt one.
    """

    #: Why an attribute cannot be assigned, and what to do instead. ``{value}`` is the value that was assigned.
    _instead_of: ClassVar[Mapping[str, str]] = MappingProxyType({})
    #: The same for all other attributes.
    _otherwise: ClassVar[str] = "is read-only"

    #: Whether it is built, so that its attributes are fixed.
    _built: bool = False

    def _title(self) -> str:
        """Return what messages call the object."""
        return type(self).__name__

    def __setattr__(self, name: str, value: Any) -> None:
        if self._built and not name.startswith("_"):
            self._refuse(name, value)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if self._built and name in self._fixed_names():
            raise AssignmentError(f"{self._title()}.{name}: the attribute cannot be deleted")
        super().__delattr__(name)

    def _fixed_names(self) -> set[str]:
        """Return the public attributes that Dendrion itself defines."""
        own = (vars(cls) for cls in type(self).__mro__ if _is_ours(cls))
        return {name for names in own for name in names if not name.startswith("_")} | set(self._instead_of)

    def _refuse(self, name: str, value: Any) -> None:
        """Raise for an assignment that would have no effect."""
        assigned, known = f"{self._title()}.{name} = {shown(value)}", self._fixed_names()
        if name in known:
            why = self._instead_of.get(name, self._otherwise)
            raise AssignmentError(f"{assigned}: {why.replace('{value}', shown(value))}")
        ours = _is_ours(type(self))
        meant = misspelt(name, known, value)
        if ours:
            meant = meant or _core.nearest(name, sorted(known))
        if ours or meant:
            hint = f"; did you mean {meant!r}?" if meant else ", and none can be added"
            raise AssignmentError(f"{assigned}: a {type(self).__name__} has no attribute {name!r}{hint}")


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == _PACKAGE


def shown(value: object) -> str:
    """Return a value as a message shows it: short, and on one line."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"array of shape {shape}"
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
