"""Ownership: modules that are created inside another module's ``__init__`` belong to that module."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from .._suggest import refuse_arguments, refuse_unknown

if TYPE_CHECKING:
    from .module import Module


class Sentinel:
    """The default of ``parent``, which denotes the module that is under construction."""

    def __repr__(self) -> str:
        return "<sentinel>"


SENTINEL: Final = Sentinel()


class _Construction(threading.local):
    """The modules whose ``__init__`` is running in this thread, outermost first."""

    def __init__(self) -> None:
        self.stack: list[Module] = []


_construction = _Construction()


def maker_of(module: Module) -> Module | None:
    """Return the module in whose ``__init__`` this module is created."""
    return next((m for m in reversed(_construction.stack) if m is not module), None)


def under_construction(module: Module) -> bool:
    """Return whether the module's ``__init__`` is running."""
    return any(m is module for m in _construction.stack)


def tracked(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap an ``__init__`` so that the modules created in it belong to the module under construction."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def wrapper(self: Module, *args: Any, **kwargs: Any) -> None:
        refuse_unknown(type(self).__name__, signature, kwargs)
        # Nested calls to the ``__init__`` of base classes replace this entry; the innermost call determines its value.
        self.__dict__["_arguments"] = frozenset((*list(signature.parameters)[1 : len(args) + 1], *kwargs))
        _construction.stack.append(self)
        try:
            init(self, *args, **kwargs)
        except BaseException as error:
            if not any(m is self for m in _construction.stack[:-1]):
                self._withdraw()
            if isinstance(error, TypeError):
                refuse_arguments(type(self).__name__, signature, (self, *args), kwargs, error)
            raise
        finally:
            _construction.stack.pop()
        if not under_construction(self):
            self._guard_containers()

    return wrapper
