"""Exclusive use and parameter synchronization of networks that several layers and threads share."""

from __future__ import annotations

import contextlib
import itertools
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from numpy.typing import ArrayLike

from ..errors import RunError

__all__ = ["Follower", "NetworkSharing"]


class Follower(Protocol):
    """An object outside a network that owns parameter values, such as a PyTorch layer."""

    def _moved(self) -> Mapping[str, ArrayLike]:
        """Return the values that have changed since the network received them, keyed by parameter."""

    def _received(self) -> None:
        """Record that the network has received all values."""

    def _lost(self) -> None:
        """Record that the network no longer has the values it received."""


class NetworkSharing:
    """The part of a network that serializes access by threads and keeps its parameters in sync with a layer.

    An optimizer changes the parameters of a layer without notifying the network. The network therefore copies the
    changes before its parameters are read or saved, and before it runs.
    """

    _lock: threading.RLock
    #: The layer whose parameters the network holds.
    _follows: weakref.ref[Follower] | None
    #: Whether a run is in progress.
    _is_running: bool
    #: A number for each key, which changes whenever the parameter changes.
    _changes: dict[str, int]

    def _begin_sharing(self) -> None:
        self._lock = threading.RLock()
        self._follows = None
        self._changes = {}
        self._is_running = False
        self._counter = itertools.count(1)

    @contextlib.contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        """Raise an error if another thread uses the network, and exclude other threads within the context."""
        if not self._lock.acquire(blocking=False):
            raise RunError(
                f"network: {what} was called while the network was running in another thread; wait until that call "
                "has returned, or use a separate network in each thread"
            )
        try:
            if self._is_running:
                raise RunError(
                    f"network: {what} was called from a function that the network calls during a run; call it after "
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
        """Make the network follow the parameters of a layer, or of no layer if it is ``None``."""
        self._follows = None if layer is None else weakref.ref(layer)

    def _follow_again(self, follows: weakref.ref[Follower] | None) -> None:
        """Make the network follow its previous layer again, after a call has changed the network's parameters."""
        self._follows = follows
        layer = None if follows is None else follows()
        if layer is not None:
            layer._lost()

    def _keep_up(self, take: bool = True) -> None:
        """Copy the parameters that a layer's optimizer has changed; with ``take=False`` only mark them as copied."""
        layer: Follower | None = None if self._follows is None else self._follows()
        # During a call, the layer sets the network's parameters itself.
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
        """Record that parameters have changed."""
        number = next(self._counter)
        self._changes.update(dict.fromkeys(keys, number))
