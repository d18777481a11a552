"""Suggestions for misspelt keywords and attributes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from . import _core
from ._quoted import quoted
from .errors import ParameterTypeError, UnknownNameError
from .units import has_units

__all__ = [
    "Suggesting",
    "SuggestingKeywords",
    "are_numbers",
    "hint",
    "misspelt",
    "nearest",
    "no_attribute",
    "public",
    "refuse_unknown",
    "suggests",
    "unknown_name",
]

#: Maximum nesting depth of lists that are searched, equal to NumPy's maximum number of array dimensions.
_DEEPEST = 64

#: Maximum number of names that a message lists.
_MOST_NAMES = 24

T = TypeVar("T", bound=Callable[..., Any])


def nearest(name: Any, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar to ``name``, or None if none is similar enough."""
    try:
        return _core.nearest(name, list(known))
    except (TypeError, UnicodeEncodeError):
        # Values that are not strings, and strings with lone surrogates, resemble no known name.
        return None


def hint(name: Any, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the nearest known name, or all known names."""
    names = list(known)
    meant = nearest(name, names)
    if meant:
        return f"; did you mean {meant!r}?"
    if len(names) > _MOST_NAMES:
        return f"; expected one of {len(names)} names, such as {', '.join(names[:8])}"
    return f"; expected {_any_of(names)}" if names else "; none are available"


def _any_of(names: list[str]) -> str:
    return f"one of: {', '.join(names)}" if len(names) > 1 else names[0]


def unknown_name(what: str, name: Any, known: Iterable[str]) -> UnknownNameError:
    """Return an error that suggests the nearest known name. ``what`` is the part of the message before "named"."""
    names = list(known)
    # `str` may fail for other objects, and for an inconsistent sparse matrix it would crash the process.
    plain = name if isinstance(name, str) else quoted(name)
    return UnknownNameError(f"{what} named {quoted(name)}{hint(name, names)}", name=plain, known=names)


def suggests(function: T) -> T:
    """Make a method, or the constructor of a class, suggest the nearest keyword if it receives an unknown keyword."""
    if isinstance(function, type):
        cls: Any = function
        cls.__init__ = _explained(cls.__init__)
        return cast(T, cls)
    return cast(T, _explained(function))


def _explained(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except TypeError as error:
            owner = args[0] if isinstance(args[0], type) else type(args[0])
            where = "" if method.__name__ == "__init__" else f".{method.__name__}"
            refuse_arguments(f"{owner.__name__}{where}", inspect.signature(method), args, kwargs, error)
            raise

    return wrapper


def refuse_unknown(what: str, signature: inspect.Signature, given: Mapping[str, Any]) -> None:
    """Raise an error for a keyword that is not in the signature, and suggest the most similar keyword."""
    parameters = signature.parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in given:
        if name not in parameters:
            known = [p for p in parameters if p not in ("self", "cls")]
            meant = nearest(name, known)
            hint = f"did you mean {meant!r}?" if meant else f"expected {_any_of(known) if known else 'no parameters'}"
            raise ParameterTypeError(f"{what}: unexpected parameter {name} = {quoted(given[name])}; {hint}") from None


def refuse_arguments(
    what: str, signature: inspect.Signature, args: tuple[Any, ...], given: Mapping[str, Any], error: TypeError
) -> None:
    """Raise an error for missing or unexpected arguments of a call."""
    refuse_unknown(what, signature, given)
    try:
        signature.bind(*args, **given)
    except TypeError:
        said = str(error).partition("() ")[2]
        names = ", ".join(n for n in signature.parameters if n not in ("self", "cls"))
        expected = f"the arguments {names}" if names else "no arguments"
        raise ParameterTypeError(f"{what}: {said}; expected {expected}") from None


def no_attribute(label: str, name: str, known: Iterable[str]) -> AttributeError:
    """Return the error for a missing attribute, which suggests the nearest existing attribute."""
    known = [k for k in known if not k.startswith("_")]
    # Names that begin with an underscore are looked up by Python and notebooks, and are not typing mistakes.
    meant = None if name.startswith("_") else nearest(name, known)
    hint = f"; did you mean {meant!r}?" if meant else ""
    # Python adds no suggestion of its own if ``name`` is set and ``obj`` is not.
    return AttributeError(f"{label} has no attribute {quoted(name)}{hint}", name=name)


def misspelt(name: str, known: Iterable[str], value: object) -> str | None:
    """Return the parameter that an assignment to an unknown attribute probably refers to, if any.

    Names match if they differ only in case or underscores. If the value is numeric and both names have at least four
    letters, they also match if they differ by one letter or by a swap of two letters.
    """
    plain, letters = _plain(name), are_numbers(value)
    for other in known:
        meant = _plain(other)
        if plain == meant or (letters and min(len(plain), len(meant)) >= 4 and _one_off(plain, meant)):
            return other
    return None


def are_numbers(value: object) -> bool:
    """Return whether a value is a number, an array, or a list of numbers."""
    for _ in range(_DEEPEST):
        if not isinstance(value, (list, tuple)):
            break
        if not value:
            return False
        value = value[0]
    return isinstance(value, (int, float, np.number, np.ndarray)) or has_units(value)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _one_off(a: str, b: str) -> bool:
    """Return whether ``a`` differs from ``b`` by one added, missing or wrong letter, or by two swapped letters."""
    start = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest, other = a[start:], b[start:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return other in (rest[1:], swapped) or rest == other[1:] or rest[1:] == other[1:]


def public(thing: object, more: Iterable[str] = ()) -> list[str]:
    """Return the public names of an object, for ``dir``."""
    return sorted({n for n in (*object.__dir__(thing), *more) if not n.startswith("_")})


class Suggesting:
    """An object that suggests the nearest attribute if an attribute is unknown. ``dir`` lists its public names."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(type(self).__name__, name, dir(self))

    def __dir__(self) -> list[str]:
        return public(self)


class SuggestingKeywords:
    """Base class of classes whose constructors suggest the nearest keyword for an unknown keyword."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            suggests(cls)
