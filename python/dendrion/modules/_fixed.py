"""Attributes that cannot be assigned after construction, because assignments would have no effect on the engine."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from .._quoted import quoted
from .._suggest import misspelt, nearest
from ..errors import AssignmentError, ParameterTypeError

__all__ = ["Abstract", "Fixed", "FixedOnceMade", "is_ours", "refuse_assignments", "shown"]

#: The package whose classes define fixed attributes.
_PACKAGE = __name__.partition(".")[0]
#: Maximum length of a value in a message.
_LONGEST = 60


class Fixed:
    """An object whose public attributes cannot be assigned or deleted after construction.

    Subclasses defined by users may add attributes, unless the name looks like a misspelling of an existing name.
    """

    #: For each attribute, the reason for the error, and an alternative. ``{value}`` stands for the assigned value.
    _instead_of: ClassVar[Mapping[str, str]] = MappingProxyType({})
    #: The reason for all other attributes.
    _otherwise: ClassVar[str] = "is read-only"

    #: Whether construction is complete and attributes are fixed.
    _built: bool = False

    def _title(self) -> str:
        """Return the name by which messages refer to the object."""
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
        """Return the names of the public attributes that Dendrion defines."""
        own = (vars(cls) for cls in type(self).__mro__ if is_ours(cls))
        return {name for names in own for name in names if not name.startswith("_")} | set(self._instead_of)

    def _refuse(self, name: str, value: Any) -> None:
        """Raise an error for an assignment that would have no effect."""
        assigned, known = f"{self._title()}.{name} = {shown(value)}", self._fixed_names()
        if name in known:
            why = self._instead_of.get(name, self._otherwise)
            raise AssignmentError(f"{assigned}: {why.replace('{value}', shown(value))}")
        ours = is_ours(type(self))
        meant = misspelt(name, known, value)
        if ours:
            meant = meant or nearest(name, sorted(known))
        if ours or meant:
            hint = f"; did you mean {meant!r}?" if meant else ", and none can be added"
            raise AssignmentError(f"{assigned}: a {type(self).__name__} has no attribute {quoted(name)}{hint}")


class FixedOnceMade(Fixed):
    """An object, such as an initializer or a surrogate, whose attributes are fixed after its ``__init__``."""

    _otherwise: ClassVar[str] = "cannot be changed after construction; create a new object"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = _fixing(cls.__init__)  # type: ignore[method-assign]

    def _fixed_names(self) -> set[str]:
        return super()._fixed_names() | {name for name in self.__dict__ if not name.startswith("_")}


def _fixing(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap an ``__init__`` so that attributes are fixed after the outermost ``__init__`` has run."""

    @functools.wraps(init)
    def wrapper(self: FixedOnceMade, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        outermost = type(self).__init__
        if wrapper in (outermost, getattr(outermost, "__wrapped__", None)):
            self.__dict__["_built"] = True

    return wrapper


class Abstract:
    """A base class whose direct subclasses are abstract and cannot be instantiated."""

    #: Example of a class to use instead.
    _examples: ClassVar[str]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if Abstract in cls.__bases__:
            raise ParameterTypeError(
                f"{cls.__name__}: is an abstract base class; use a subclass, such as {cls._examples}"
            )
        return super().__new__(cls, *args, **kwargs) if super().__new__ is not object.__new__ else super().__new__(cls)


T = TypeVar("T", bound=type)


def refuse_assignments(cls: T) -> T:
    """Make a frozen dataclass raise Dendrion's own errors."""

    def refuse(self: Any, name: str, value: Any = None) -> None:
        raise AssignmentError(
            f"{cls.__name__}.{name} = {shown(value)}: cannot be changed after construction; create a new rule"
        )

    cls.__setattr__ = cls.__delattr__ = refuse  # type: ignore[assignment]
    return cls


def is_ours(cls: type) -> bool:
    """Return whether Dendrion, and not a user, defines a class."""
    return cls.__module__.partition(".")[0] == _PACKAGE


def shown(value: object) -> str:
    """Return a short representation of a value on one line, for messages."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"array of shape {shape}"
    text = " ".join(quoted(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
