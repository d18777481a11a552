"""Recordings in HDF5 files (NWB and SONATA). Array sizes are checked against the size of the file."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .._quoted import quoted
from ..errors import ParameterError
from ..recordings.recording import FilePath
from ._archive import Arrays
from ._extras import needed
from ._layout import SAMPLES, SPIKES, VERSION
from ._part import Part

#: First bytes of an HDF5 file.
HDF5 = b"\x89HDF\r\n\x1a\n"
#: Path of the table of recordings in NWB files, and of the group of recordings in SONATA files.
NWB_TABLE, SONATA_GROUP = "processing/misc/dendrion", "dendrion"
#: Upper bound on the compression ratio of an array.
_DENSEST = 1100


@contextlib.contextmanager
def hdf5_parts(path: FilePath) -> Iterator[list[Part]]:
    """Yield the recordings in an NWB or SONATA file, which stays open inside the ``with`` block."""
    h5py = needed("h5py", "sonata", "load_recording of NWB and SONATA files")
    with contextlib.ExitStack() as stack:
        with _damaged("is a damaged or truncated HDF5 file"):
            file = stack.enter_context(h5py.File(os.fspath(path), "r"))
            reader = Reader(h5py, file, os.path.getsize(path))
            if "nwb_version" in file.attrs:
                parts = _nwb(reader)
            elif SONATA_GROUP in file:
                parts = _sonata(reader)
            elif "magic" in file.attrs:
                raise ParameterError("is a SONATA file that Dendrion did not write: it has no group 'dendrion'")
            else:
                raise ParameterError("is an HDF5 file, but neither NWB nor SONATA")
        yield [part._replace(read=_guarded(part)) for part in parts]


@contextlib.contextmanager
def _damaged(what: str) -> Iterator[None]:
    """Convert any exception raised by h5py to a ParameterError; h5py's exceptions have no common base class."""
    try:
        yield
    except (ParameterError, ImportError):
        raise
    except Exception as error:
        raise ParameterError(f"{what} ({error})") from error


def _guarded(part: Part) -> Callable[[], Arrays]:
    def read() -> Arrays:
        with _damaged(f"{part.name}: is damaged"):
            return part.read()

    return read


class Reader:
    """Reads arrays that are stored in the file itself and are not larger than the file can hold."""

    def __init__(self, h5py: Any, file: Any, size: int) -> None:
        self._h5py, self._file, self._size = h5py, file, size

    def group(self, path: str) -> Any:
        """Return a group."""
        found = self._file.get(path)
        if not isinstance(found, self._h5py.Group):
            raise ParameterError(f"lacks the group {quoted(path)}")
        return found

    def has(self, path: str) -> bool:
        """Return whether the path exists."""
        return path in self._file

    def array(self, path: str, rows: slice = slice(None)) -> np.ndarray[Any, Any]:
        """Return rows of a numeric array."""
        found = self._dataset(path)
        if found.dtype.kind not in "iuf":
            raise ParameterError(f"{path}: has data type {found.dtype}; expected numbers")
        return np.asarray(found[rows])

    def texts(self, path: str) -> list[str]:
        """Return an array of strings as a list."""
        found = self._dataset(path)
        return [text.decode() if isinstance(text, bytes) else str(text) for text in found[:].tolist()]

    def optional(self, path: str) -> dict[str, np.ndarray[Any, Any]]:
        """Return the arrays ``gid`` and ``cv`` of a group, if they exist."""
        return {name: self.array(f"{path}/{name}") for name in ("gid", "cv") if self.has(f"{path}/{name}")}

    def _dataset(self, path: str) -> Any:
        found = self._file.get(path)
        if not isinstance(found, self._h5py.Dataset):
            raise ParameterError(f"lacks {quoted(path)}")
        if found.is_virtual or found.external:
            raise ParameterError(f"{path}: is stored in another file; expected the data in this file")
        most = self._size * (_DENSEST if found.compression or found.id.get_create_plist().get_nfilters() else 1)
        if found.nbytes > most:
            raise ParameterError(f"{path}: declares {found.nbytes} bytes, but the file has {self._size} bytes")
        return found


def common(kind: str, name: str, population: str, index: Any, dt: float) -> Arrays:
    """Return the arrays that all recordings have in common, in the layout of npz files."""
    return {
        "format": np.array(kind),
        "version": np.array(VERSION),
        "name": np.array(name),
        "population": np.array(population),
        "index": np.asarray(index, dtype=np.int64),
        "step": np.array(dt, dtype=np.float64),
    }


def steps_of(where: str, times: Any, dt: float) -> np.ndarray[Any, Any]:
    """Return the steps that correspond to times; ``dt`` is the time step in the unit of the times."""
    if not 0 < dt < math.inf:
        raise ParameterError(f"step = {dt}: expected a finite number > 0 (ms)")
    with np.errstate(all="ignore"):
        at = np.rint(times / dt)
    if not (np.isfinite(at) & (at >= 0) & (at < 2**53)).all():
        raise ParameterError(f"{where}: expected finite times >= 0")
    return np.asarray(at, dtype=np.uint64)


def sample_arrays(about: dict[str, Any], index: Any, values: Any, optional: Mapping[str, Any]) -> Arrays:
    """Return the arrays of samples; ``about`` contains name, population, step, unit, first and every.

    ``optional`` contains the ids of neurons and control volumes, if there are any.
    """
    first, every = int(about["first"]), int(about["every"])
    steps = np.arange(values.shape[-2], dtype=np.uint64) * np.uint64(every) + np.uint64(first)
    arrays = common(SAMPLES, about["name"], about["population"], index, about["step"])
    arrays |= {
        "t": np.multiply(steps, arrays["step"], dtype=np.float64),
        "values": values,
        "unit": np.array(about["unit"]),
        "first": np.array(first),
        "every": np.array(every),
    }
    return arrays | {name: np.asarray(each, dtype=np.int64) for name, each in optional.items()}


def spike_arrays(about: dict[str, Any], index: Any, trains: list[tuple[Any, Any]], batch: bool) -> Arrays:
    """Return the arrays of spikes; ``trains`` contains the step and neuron of each spike, for each sample."""
    arrays = common(SPIKES, about["name"], about["population"], index, about["step"])
    steps = np.concatenate([step for step, _ in trains])
    arrays |= {
        "t": np.multiply(steps, arrays["step"], dtype=np.float64),
        "i": np.concatenate([i for _, i in trains]).astype(np.int64),
        **{name: np.array(int(about[name])) for name in ("size", "begin", "steps")},
    }
    if int(about["first_gid"]) >= 0:
        arrays["first_gid"] = np.array(int(about["first_gid"]))
    if batch:
        arrays["spikes_per_sample"] = np.array([len(step) for step, _ in trains])
    return arrays


def _nwb(reader: Reader) -> list[Part]:
    from ._nwb_read import nwb_parts

    if not reader.has(NWB_TABLE):
        raise ParameterError("is an NWB file that Dendrion did not write: it has no table of Dendrion's recordings")
    return nwb_parts(reader)


def _sonata(reader: Reader) -> list[Part]:
    from ._sonata_read import sonata_parts

    return sonata_parts(reader)


__all__ = ["HDF5", "NWB_TABLE", "SONATA_GROUP", "Reader", "hdf5_parts", "sample_arrays", "spike_arrays", "steps_of"]
