"""What a network records, by name."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, cast

from .recording import Recording, SpikeRecording

if TYPE_CHECKING:
    from ._stream import Streams
    from .network import Network

__all__ = ["NetworkRecordings", "What"]

#: Path of a module, variable, interval (ms) and indices.
What = tuple[str, str, float | None, list[int] | None]


class NetworkRecordings:
    """The part of a network that knows its recordings.

    A recording keeps its network alive, so the network keeps only how it is made, or no network would go before the
    garbage collector comes.
    """

    _recorded: dict[str, What]
    _recipes: dict[str, tuple[type[Recording | SpikeRecording], tuple[Any, ...]]]
    _alive: weakref.WeakValueDictionary[int, Recording | SpikeRecording]
    _streams: Streams

    def _begin_recordings(self) -> None:
        self._recorded, self._recipes = {}, {}
        self._alive = weakref.WeakValueDictionary()

    @property
    def recordings(self) -> dict[str, Recording | SpikeRecording]:
        """What is recorded, by name: ``path.variable``, or as a model file says."""
        return {name: self._recording(name) for name in self._recorded}

    def _recording(self, name: str) -> Recording | SpikeRecording:
        cls, arguments = self._recipes[name]
        found = self._alive.get(arguments[0])
        if found is None:
            found = cls(cast("Network", self), *arguments)
            self._streams.attach(found)
            self._alive[arguments[0]] = found
        return found

    def _note_recording(
        self, cls: type[Recording | SpikeRecording], what: What, *arguments: Any
    ) -> Recording | SpikeRecording:
        """Return a recording, made of a probe, a label and what its class takes, and known by a name of its own."""
        base = name = f"{what[0]}.{what[1]}"
        number = 1
        while name in self._recorded:
            number += 1
            name = f"{base} {number}"
        self._recorded[name], self._recipes[name] = what, (cls, arguments)
        return self._recording(name)

    def _rename_recording(self, recording: Recording | SpikeRecording, name: str) -> None:
        """Call a recording what a model file calls it."""
        old = next(n for n, (_, arguments) in self._recipes.items() if arguments[0] == recording._id)
        self._recorded[name], self._recipes[name] = self._recorded.pop(old), self._recipes.pop(old)
