"""Networks that several layers and threads share: who may use one, and whose parameters it holds."""

from __future__ import annotations

import contextlib
import itertools
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from numpy.typing import ArrayLike

from ..errors import StructureError

__all__ = ["Follower", "NetworkSharing"]


class Follower(Protocol):
    """Something outside a network that owns values of its parameters, such as a layer of PyTorch."""

    def _moved(self) -> Mapping[str, ArrayLike]:
        """Return the values by key that changed since the network received them."""

    def _received(self) -> None:
        """Note that the network has received all values."""

    def _lost(self) -> None:
        """Note that the network has other values than those it received."""


class NetworkSharing:
    """The part of a network that lets one thread at a time use it, and that keeps up with a layer's parameters.

    The parameters of a layer are moved by an optimizer that does not know the network. The network therefore takes over
    what moved before its parameters are read or saved, and before it runs.
    """

    _lock: threading.RLock
    #: The layer whose parameters the network holds.
    _follows: weakref.ref[Follower] | None
    #: Whether a run is under way.
    _is_running: bool
    #: By key, a number that is another one after each change of the parameter.
    _changes: dict[str, int]

    def _begin_sharing(self) -> None:
        self._lock = threading.RLock()
        self._follows = None
        self._changes = {}
        self._is_running = False
        self._counter = itertools.count(1)

    @contextlib.contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        """Raise where another thread uses the network; others cannot while this lasts."""
        if not self._lock.acquire(blocking=False):
            raise StructureError(
                f"network: {what} was called while the network is running in another thread; wait until that call "
                "has returned, or give each thread a network of its own"
            )
        try:
            if self._is_running:
                raise StructureError(
                    f"network: {what} was called by a function that the network calls while it runs; call it after "
                    "the run"
                )
            self._is_running = what == "run"
            try:
                yield
            finally:
                self._is_running = False
        finally:
            self._lock.release()

    def _set(self, values: Mapping[str, ArrayLike]) -> None:
        raise NotImplementedError

    def _follow(self, layer: Follower | None) -> None:
        """Let the network keep up with a layer, and no other."""
        self._follows = None if layer is None else weakref.ref(layer)

    def _follow_again(self, follows: weakref.ref[Follower] | None) -> None:
        """Let the network keep up with the layer that it followed before its parameters were changed."""
        self._follows = follows
        layer = None if follows is None else follows()
        if layer is not None:
            layer._lost()

    def _keep_up(self, take: bool = True) -> None:
        """Take over the parameters that a layer's optimizer moved, or count them as taken."""
        layer: Follower | None = None if self._follows is None else self._follows()
        # A layer that runs sets its parameters itself.
        if layer is None or self._is_running or not self._lock.acquire(blocking=False):
            return
        try:
            follows, self._follows = self._follows, None
            try:
                moved = layer._moved()
                if moved and take:
                    self._set(moved)
                layer._received()
            finally:
                self._follows = follows
        finally:
            self._lock.release()

    def _changed(self, keys: Iterable[str]) -> None:
        """Note that parameters have other values now."""
        number = next(self._counter)
        self._changes.update(dict.fromkeys(keys, number))
