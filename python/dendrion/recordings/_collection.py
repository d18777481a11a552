"""The recordings of a network, keyed by name."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, NoReturn, cast

from .._quoted import quoted
from ..errors import AssignmentError, ParameterTypeError, RunError
from ..training._sharing import NetworkSharing
from ._kept import Kept
from .recording import Recording, SpikeRecording

if TYPE_CHECKING:
    from .. import _core
    from ..simulation.network import Network
    from ._stream import Streams

__all__ = ["NetworkRecordings", "What"]

#: Path of a module, name of a variable, sampling interval (ms) and indices.
What = tuple[str, str, float | None, list[int] | None]


class Listed(dict[str, Any]):
    """The dict that ``net.recordings`` returns. Changing this copy would have no effect and raises an error."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise AssignmentError(
            "network.recordings: this dict is a copy, so changing it has no effect; net.probe() adds a recording, "
            "and net.remove(recording) removes one"
        )

    __setitem__ = __delitem__ = __ior__ = pop = popitem = clear = update = setdefault = _refuse

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class NetworkRecordings(NetworkSharing):
    """Methods for managing the recordings of a network.

    A recording keeps its network alive. The network therefore stores only how to create its recordings. If it stored
    the recordings themselves, network and recordings would refer to each other, and only the garbage collector could
    free them.
    """

    _recorded: dict[str, What]
    _recipes: dict[str, tuple[type[Recording | SpikeRecording], tuple[Any, ...]]]
    #: Names of recordings by probe number.
    _names_of_probes: dict[int, str]
    #: For each base name, the lowest number that may be unused as a suffix.
    _numbers: dict[str, int]
    _alive: weakref.WeakValueDictionary[int, Recording | SpikeRecording]
    _streams: Streams
    _sim: _core.Simulation
    dt: float

    def _begin_recordings(self) -> None:
        self._recorded, self._recipes = {}, {}
        self._names_of_probes, self._numbers = {}, {}
        self._alive = weakref.WeakValueDictionary()

    @property
    def recordings(self) -> dict[str, Recording | SpikeRecording]:
        """Recordings, keyed by name: ``path.variable``, or the name in the model file."""
        return Listed({name: self._recording(name) for name in self._recorded})

    def clear_recordings(self) -> None:
        """Clear the recordings of all probes and free their memory.

        Probes keep recording: time is not reset, and the next samples are taken at the current step or later.
        Recordings on disk are cleared too. To clear a single recording, use ``recording.clear()``.
        """
        with self._alone("clear_recordings"):
            self._let_go_of_arrays()
            for _, (probe, *_) in self._recipes.values():
                self._sim.clear_recording(probe)
            self._streams.clear()

    def remove(self, probe: Recording | SpikeRecording) -> None:
        """Remove a probe from the network, so that it stops recording.

        The recording keeps its data, including data on disk, but no longer changes. It disappears from
        ``net.recordings`` and is not saved by ``net.save``. It can still be used to compute gradients of earlier runs.

        Parameters
        ----------
        probe : Recording or SpikeRecording
            A recording that ``probe`` returned, or one of ``net.recordings``.

        Raises
        ------
        RunError
            If the recording was loaded from a file, belongs to another network, or was already removed.
        """
        if not isinstance(probe, (Recording, SpikeRecording)):
            raise ParameterTypeError(
                f"network: remove: {quoted(probe)}: expected a recording that net.probe() returned, or one of "
                "net.recordings"
            )
        if not probe._is_recorded_by(self):
            was = "was removed before" if probe._is_probe_of(self) else "is not recorded by this network"
            raise RunError(f"network: remove: {probe.name}: {was}; expected one of net.recordings")
        with self._alone("remove"):
            self._remove(probe)

    def _remove(self, probe: Recording | SpikeRecording) -> None:
        name = self._name_of(probe)
        if not self._streams.remove(probe):
            probe._net = Kept.of(self._sim, probe._id, self.dt)
        self._sim.remove_probe(probe._id)
        probe._forget_cached()
        probe._owner, probe._removed_from = None, probe._owner
        del self._recorded[name], self._recipes[name], self._alive[probe._id], self._names_of_probes[probe._id]
        self._numbers.clear()

    def _clear(self, recording: Recording | SpikeRecording) -> None:
        with self._alone(f"{recording._name}.clear"):
            recording._forget_cached()
            self._sim.clear_recording(recording._id)
            self._streams.clear(recording._id)

    def _let_go_of_arrays(self) -> None:
        """Make recordings discard cached arrays that are about to become outdated."""
        for recording in self._alive.values():
            recording._forget_cached()

    def _name_of(self, recording: Recording | SpikeRecording) -> str:
        return self._names_of_probes[recording._id]

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
        """Register a recording under a unique name, and return it. ``arguments`` are passed to ``cls``."""
        base = f"{what[0]}.{what[1]}"
        number = self._numbers.get(base, 1)
        while (name := f"{base} {number}" if number > 1 else base) in self._recorded:
            number += 1
        self._numbers[base] = number + 1
        self._recorded[name], self._recipes[name] = what, (cls, arguments)
        self._names_of_probes[arguments[0]] = name
        return self._recording(name)

    def _rename_recording(self, recording: Recording | SpikeRecording, name: str) -> None:
        """Give a recording the name that it has in a model file."""
        old = self._name_of(recording)
        self._recorded[name], self._recipes[name] = self._recorded.pop(old), self._recipes.pop(old)
        self._names_of_probes[recording._id] = name
        self._numbers.clear()
