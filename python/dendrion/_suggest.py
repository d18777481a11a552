"""Suggestions where a name is misspelt: of keywords and of attributes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from . import _core
from .errors import ParameterTypeError
from .units import has_units

__all__ = [
    "Suggesting",
    "SuggestingKeywords",
    "are_numbers",
    "misspelt",
    "no_attribute",
    "public",
    "refuse_unknown",
    "suggests",
]

T = TypeVar("T", bound=Callable[..., Any])


def suggests(function: T) -> T:
    """Let a method, or a class when it is made, suggest the nearest keyword where one is unknown."""
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
    """Raise for a keyword that the signature lacks, with the nearest one it has."""
    parameters = signature.parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in given:
        if name not in parameters:
            known = [p for p in parameters if p not in ("self", "cls")]
            nearest = _core.nearest(name, known)
            hint = f"did you mean {nearest!r}?" if nearest else f"expected one of: {', '.join(known) or 'none'}"
            raise ParameterTypeError(f"{what}: unexpected parameter {name} = {given[name]!r}; {hint}") from None


def refuse_arguments(
    what: str, signature: inspect.Signature, args: tuple[Any, ...], given: Mapping[str, Any], error: TypeError
) -> None:
    """Raise for arguments that a call does not take, or lacks."""
    refuse_unknown(what, signature, given)
    try:
        signature.bind(*args, **given)
    except TypeError:
        said = str(error).partition("() ")[2]
        expected = ", ".join(n for n in signature.parameters if n not in ("self", "cls"))
        raise ParameterTypeError(f"{what}: {said}; expected {expected}") from None


def no_attribute(label: str, name: str, known: Iterable[str]) -> AttributeError:
    """Return the error of an attribute that is missing, with the nearest one there is."""
    known = [k for k in known if not k.startswith("_")]
    # Names that Python and notebooks look for are nobody's mistake.
    nearest = None if name.startswith("_") else _core.nearest(name, known)
    hint = f"; did you mean {nearest!r}?" if nearest else ""
    # With a name, and no object, Python adds no second suggestion of its own.
    return AttributeError(f"{label} has no attribute {name!r}{hint}", name=name)


def misspelt(name: str, known: Iterable[str], value: object) -> str | None:
    """Return the parameter that is meant by an attribute that gets a value, if one is.

    Those are meant from which it differs in case or underscores; where it gets numbers, and names have four letters or
    more, in a letter too.
    """
    plain, letters = _plain(name), are_numbers(value)
    for other in known:
        meant = _plain(other)
        if plain == meant or (letters and min(len(plain), len(meant)) >= 4 and _one_off(plain, meant)):
            return other
    return None


def are_numbers(value: object) -> bool:
    """Return whether a value is a number, an array, or a list of numbers."""
    if isinstance(value, (list, tuple)):
        return bool(value) and are_numbers(value[0])
    return isinstance(value, (int, float, np.number, np.ndarray)) or has_units(value)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _one_off(a: str, b: str) -> bool:
    """Return whether one letter too many, too few or wrong, or two in the wrong order, make ``a`` of ``b``."""
    start = next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest, other = a[start:], b[start:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return other in (rest[1:], swapped) or rest == other[1:] or rest[1:] == other[1:]


def public(thing: object, more: Iterable[str] = ()) -> list[str]:
    """Return what ``dir`` shows of an object: what is public."""
    return sorted({n for n in (*object.__dir__(thing), *more) if not n.startswith("_")})


class Suggesting:
    """An object whose attributes are suggested where one is misspelt; ``dir`` shows what is public."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(type(self).__name__, name, dir(self))

    def __dir__(self) -> list[str]:
        return public(self)


class SuggestingKeywords:
    """Base of families of classes whose constructors suggest the nearest keyword where one is unknown."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            suggests(cls)
