"""Recordings that are written to disk while a network runs, so that memory use stays bounded."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._paths import file_name
from .._quoted import quoted
from ..errors import ParameterError, RunError
from ._stream_group import StreamGroup
from .recording import Recording, SpikeRecording

if TYPE_CHECKING:
    from .. import _core
    from ..simulation.network import Network

__all__ = ["Place", "Streams"]

#: Maximum size of the data held in memory (bytes).
HELD = 64 << 20
#: Size of a chunk in a file (bytes).
CHUNK = 4 << 20
#: Maximum number of steps between two writes. It is limited because the number of spikes cannot be predicted.
LONGEST = 10_000


class Turn:
    """Lets other threads read during a run, except while data of a recording are moved from memory to disk."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._moves = False

    @contextlib.contextmanager
    def read(self) -> Iterator[None]:
        """Wait until no data are being moved."""
        with self._lock:
            if self._moves:
                # In the thread that moves data, only a signal handler can reach this line.
                raise RunError(
                    "network: a signal handler used the network while it wrote recordings to disk; use it after the run"
                )
            yield

    @contextlib.contextmanager
    def move(self) -> Iterator[None]:
        """Make other threads wait while data are moved."""
        with self._lock:
            self._moves = True
            try:
                yield
            finally:
                self._moves = False


class _Records:
    """The simulation interface of a recording whose older data are on disk and whose newest data are in memory."""

    def __init__(self, sim: _core.Simulation, group: StreamGroup, turn: Turn) -> None:
        self._sim, self._group, self._turn = sim, group, turn

    def version(self) -> int:
        return self._sim.version()

    def batch(self) -> int:
        return self._sim.batch()

    def steps(self) -> int:
        return self._sim.steps()

    def recording_begin(self, probe: int) -> int:
        return self._group.begin

    def values(self, probe: int) -> NDArray[np.floating]:
        with self._turn.read():
            held = self._sim.values(probe)
            return np.concatenate([np.asarray(self._group.read("values"), dtype=held.dtype), held])

    def sample_steps(self, probe: int) -> NDArray[np.uint64]:
        with self._turn.read():
            return np.concatenate([self._group.read("step"), self._sim.sample_steps(probe)])

    def spikes(self, probe: int, sample: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
        with self._turn.read():
            steps, neurons = self._sim.spikes(probe, sample)
            before = self._group
            return np.concatenate([before.read("step"), steps]), np.concatenate([before.read("i"), neurons])


class _Written:
    """The simulation interface of a removed recording, all of whose data are on disk."""

    def __init__(self, group: StreamGroup, steps: int, dtype: np.dtype[np.floating]) -> None:
        self._group, self._steps, self._dtype = group, steps, dtype

    def version(self) -> int:
        return 0

    def batch(self) -> int:
        return 0

    def steps(self) -> int:
        return self._steps

    def recording_begin(self, probe: int) -> int:
        return self._group.begin

    def values(self, probe: int) -> NDArray[np.floating]:
        return np.asarray(self._group.read("values"), dtype=self._dtype)

    def sample_steps(self, probe: int) -> NDArray[np.uint64]:
        return np.asarray(self._group.read("step"), dtype=np.uint64)

    def spikes(self, probe: int, sample: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
        return self.sample_steps(probe), np.asarray(self._group.read("i"), dtype=np.uint32)


@dataclass(frozen=True)
class _Net:
    """The network interface of a recording that is written to disk."""

    dt: float
    _sim: _Records | _Written


class Place:
    """A group for a recording in a zarr folder. The group has not been created yet.

    Parameters
    ----------
    name : str
        Name of the recording. In the name of the group, dots replace slashes, which would create nested groups.
    to : str or path
        The folder.
    """

    def __init__(self, name: str, to: str | os.PathLike[str]) -> None:
        from ..export._extras import needed

        zarr: Any = needed("zarr", "zarr", "probe(to=...)")
        if not hasattr(zarr, "create_group"):
            raise ImportError('probe(to=...) requires zarr 3 or newer; install it with: pip install "dendrion[zarr]"')
        path = file_name(f"{name}: to", to, "a zarr folder, or none yet")
        self._folder = Path(path)
        self._name = name.replace("/", ".")
        try:
            self._root = zarr.open_group(path, mode="a", zarr_format=3, use_consolidated=False)
        except (ValueError, TypeError, OSError) as error:
            raise ParameterError(
                f"{name}: to = {quoted(path)}: expected a zarr folder, or a path that does not exist yet: {error}"
            ) from error
        if self._name in self._root:
            raise ParameterError(
                f"{name}: to = {quoted(path)}: already has a recording {quoted(self._name)}; use another folder"
            )

    def make(self) -> tuple[Any, Path]:
        """Create the group and return it with its folder."""
        return self._root.create_group(self._name), self._folder / self._name


class Streams:
    """The recordings of a network that are written to disk."""

    def __init__(self, net: Network) -> None:
        # Do not refer to the network itself, because it owns this object.
        self._sim, self._dt, self._dtype = net._sim, net.dt, net.dtype
        self._groups: dict[int, StreamGroup] = {}
        self._bytes_per_step: dict[int, float] = {}
        self._turn = Turn()

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, recording: Recording | SpikeRecording, place: Place) -> None:
        """Start writing a recording to disk."""
        group, folder = place.make()
        _describe(recording, group)
        group.attrs["begin"] = self._sim.recording_begin(recording._id)
        if isinstance(recording, Recording):
            width, size = recording._columns, self._dtype.itemsize
            rows = max(1, CHUNK // max(1, width * size))
            dims, shape = ("time", "neuron"), (0, width)
            values = _array(group, "values", shape, (rows, max(1, width)), self._dtype, dims, {"units": recording.unit})
            growing, dimension = {"values": values}, "time"
            self._bytes_per_step[recording._id] = width * size / recording._every
        else:
            growing, dimension = {"i": _array(group, "i", (0,), (CHUNK // 4,), np.uint32, ("spike",), {})}, "spike"
        growing["step"] = _array(group, "step", (0,), (CHUNK // 8,), np.uint64, (dimension,), {})
        growing["t"] = _array(group, "t", (0,), (CHUNK // 8,), np.float64, (dimension,), {"units": "ms"})
        self._groups[recording._id] = StreamGroup(group, folder, growing)
        self._groups[recording._id].commit()
        self.attach(recording)

    def attach(self, recording: Recording | SpikeRecording) -> None:
        """If a recording is written to disk, make it read its data from there."""
        if recording._id in self._groups:
            recording._net = _Net(self._dt, _Records(self._sim, self._groups[recording._id], self._turn))
            # Do not cache large arrays, because the purpose of writing to disk is to save memory.
            recording._most_kept = HELD

    def remove(self, recording: Recording | SpikeRecording) -> bool:
        """Finish writing a removed recording to disk and return True; return False if it is not written to disk."""
        if recording._id not in self._groups:
            return False
        try:
            self.flush()
        finally:
            # A recording can be removed even if its folder is gone.
            group = self._groups.pop(recording._id)
            self._bytes_per_step.pop(recording._id, None)
            recording._net = _Net(self._dt, _Written(group, self._sim.steps(), self._dtype))
        return True

    def piece(self) -> int:
        """Return the maximum number of steps between two writes."""
        return max(1, min(LONGEST, int(HELD / max(sum(self._bytes_per_step.values()), 1.0))))

    def flush(self) -> None:
        """Write the data in memory to disk and free them. Data that could not be written stay in memory."""
        with self._turn.move():
            self._flush()

    def _flush(self) -> None:
        sim, dt = self._sim, self._dt
        for probe, group in self._groups.items():
            steps = sim.sample_steps(probe)
            if group.is_of_samples:
                if len(steps):
                    group.append(values=sim.values(probe), step=steps, t=np.multiply(steps, dt, dtype=np.float64))
            else:
                steps, neurons = sim.spikes(probe, 0)
                if len(steps):
                    group.append(i=neurons, step=steps, t=np.multiply(steps, dt, dtype=np.float64))
            group.commit(steps=sim.steps())
            sim.forget_recording(probe)

    def clear(self, only: int | None = None) -> None:
        """Clear the files of one probe or of all probes, and restart their recordings."""
        with self._turn.move():
            for probe, group in self._groups.items():
                if only in (None, probe):
                    group.clear(self._sim.recording_begin(probe))

    def refuse(self, what: str) -> None:
        """Raise an error if an operation needs recordings that are completely in memory."""
        if self._groups:
            raise RunError(
                f"network: {what} requires recordings in memory, but {len(self._groups)} of them "
                f"{'is' if len(self._groups) == 1 else 'are'} written to disk; "
                "use probes without to="
            )


def _describe(recording: Recording | SpikeRecording, group: Any) -> None:
    """Store a description of a recording in the attributes of its group."""
    from ..export._layout import SAMPLES, SPIKES, VERSION

    group.attrs["format"] = SAMPLES if isinstance(recording, Recording) else SPIKES
    group.attrs["version"] = VERSION
    group.attrs["name"] = recording.name
    group.attrs["dt"] = recording._net.dt
    group.attrs["population"] = recording._population or ""
    index = recording._index
    _array(group, "neuron", index.shape, (max(1, len(index)),), np.int64, ("neuron",), {})[:] = index
    if isinstance(recording, Recording):
        group.attrs["unit"], group.attrs["every"] = recording.unit, recording._every
        for key, each in (("gid", recording._gid), ("cv", recording._cv)):
            if each is not None:
                _array(group, key, each.shape, (max(1, len(each)),), np.int64, ("neuron",), {})[:] = each
    else:
        group.attrs["size"] = recording.size
        if recording._first is not None:
            group.attrs["first_gid"] = recording._first


def _array(
    group: Any,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dtype: Any,
    dims: tuple[str, ...],
    attributes: dict[str, Any],
) -> Any:
    # Write chunks of zeros too, so that a missing chunk indicates damage.
    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        dimension_names=dims,
        attributes=attributes,
        config={"write_empty_chunks": True},
    )
