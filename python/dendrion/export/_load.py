"""Loading of recordings from files. Arrays of every format are converted to the npz layout and checked here."""

from __future__ import annotations

import contextlib
import math
import os
import stat
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._paths import file_name
from .._quoted import counted, quoted
from .._suggest import unknown_name
from ..errors import ParameterError, ParameterTypeError, UnknownNameError
from ..recordings.recording import FilePath, Recording, SpikeRecording
from ..simulation._log import FILES
from ._archive import Arrays, read_arrays
from ._hdf5_parts import HDF5, hdf5_parts
from ._layout import NAMES, OPTIONAL, SAMPLES, VERSION
from ._loaded import LoadedRecording, LoadedSpikes, Origin
from ._part import Part
from ._units import checked
from ._zarr_parts import zarr_parts

#: Largest number of steps for which a step can be recovered from its time.
_STEPS = 2**51

_EXPECTED = "expected a file written by save(), to_nwb() or to_sonata(), or a zarr folder written by probe(to=...)"


def load_recording(path: FilePath, *, name: str | None = None) -> Recording | SpikeRecording:
    """Load a recording from a file that Dendrion wrote.

    The supported files are those written by ``recording.save`` (npz), ``to_nwb``, ``export.nwb``, ``to_sonata`` and
    ``export.sonata``, and the zarr folders of ``probe(to=...)``. The result has the same attributes and methods as the
    original recording, including ``t``, ``values``, ``i``, ``dense()`` and the exporters. It does not belong to a
    network, so it never changes. No code in a file is executed.

    Values are bit-identical to the recorded values, except for SONATA, which stores samples in single precision and
    only one sample of a batch. The order of columns, which SONATA does not preserve, is restored.

    Parameters
    ----------
    path : str or path
        The file, the zarr folder, or the group of one recording in a zarr folder.
    name : str, optional
        The recording to load: its ``name``, or its name within the file if several recordings share a ``name``. It may
        be omitted if the file has only one recording; otherwise the error message lists the possible names.

    Returns
    -------
    Recording or SpikeRecording
        The loaded recording.

    Raises
    ------
    ParameterError
        If the file is damaged or truncated, if Dendrion did not write it, or if it has several recordings and ``name``
        is None. The message describes the problem.
    UnknownNameError
        If the file has no recording of that name.
    OSError
        If the file does not exist or cannot be opened.
    ImportError
        If the package that reads the format is missing: h5py for NWB and SONATA, zarr for folders.

    Examples
    --------
    >>> v = dn.load_recording("run.nwb", name="pyramidal/soma.V")
    """
    path = shown = file_name("load_recording: path", path, "the name of a file or zarr folder")
    if name is not None and not isinstance(name, str):
        raise ParameterTypeError(f"load_recording: name = {quoted(name)}: expected the name of a recording, or None")
    try:
        with _opened(path) as parts:
            found = recording_of(_chosen(parts, name))
    except UnknownNameError as error:
        raise UnknownNameError(f"load_recording: {shown!r}: {error}", name=error.name, known=error.known) from None
    except ParameterError as error:
        raise ParameterError(f"load_recording: {shown!r}: {_advised(str(error))}") from error
    FILES.info("loaded %s from %s", found.name, shown)
    return found


def _advised(message: str) -> str:
    """Return a message with the accepted files, unless it already states what is accepted."""
    return message if "expected" in message or "select" in message else f"{message}; {_EXPECTED}"


@contextlib.contextmanager
def _opened(path: FilePath) -> Iterator[list[Part]]:
    """Yield the recordings in a file or folder."""
    if os.path.isdir(path):
        yield zarr_parts(path)
        return
    _check_regular(path)
    with open(path, "rb") as file:
        is_hdf5 = file.read(len(HDF5)) == HDF5
    if is_hdf5:
        with hdf5_parts(path) as parts:
            yield parts
    else:
        arrays = read_arrays(path, set.union(*NAMES.values()))
        yield [Part("", _text(arrays, "name"), lambda: arrays)]


def _check_regular(path: FilePath) -> None:
    """Raise an error for pipes, devices and other files whose end may never be reached."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(f"load_recording: {quoted(os.fsdecode(path))}: is not a regular file")


def _chosen(parts: list[Part], name: str | None) -> Arrays:
    """Return the arrays of the chosen recording."""
    if not parts:
        raise ParameterError("has no recordings")
    if name is None:
        if len(parts) > 1:
            raise ParameterError(f"has {len(parts)} recordings; select one with name=, which accepts: {_listed(parts)}")
        return parts[0].read()
    found = [part for part in parts if name == part.name] or [part for part in parts if name == part.key]
    if not found:
        raise unknown_name("no recording", name, [part.name for part in parts])
    if len(found) > 1:
        keys = ", ".join(repr(part.key) for part in found)
        raise ParameterError(
            f"has {len(found)} recordings named {quoted(name)}; select one with name=, which accepts: {keys}"
        )
    return found[0].read()


def _listed(parts: list[Part]) -> str:
    """Return the name that selects each recording: its own name if it is unique, otherwise its key in the file."""
    names = [part.name for part in parts]
    return ", ".join(repr(p.name if names.count(p.name) == 1 else p.key) for p in parts)


def recording_of(arrays: Arrays) -> Recording | SpikeRecording:
    """Return the recording that arrays in the npz layout describe, after checking all arrays."""
    kind, version = _text(arrays, "format"), _whole(arrays, "version")
    if kind not in NAMES or version != VERSION:
        known = " or ".join(repr(k) for k in NAMES)
        raise ParameterError(f"has format {kind!r}, version {version}; expected {known}, version {VERSION}")
    for name in sorted(NAMES[kind] ^ set(arrays)):
        if name in arrays or name not in OPTIONAL:
            raise ParameterError(f"{'contains an unexpected' if name in arrays else 'lacks the'} array {quoted(name)}")
    step = _one(arrays, "step", "f")
    if not (math.isfinite(step) and step > 0):
        raise ParameterError(f"step = {step}: expected a finite number > 0 (ms)")
    index = _numbers(arrays, "index", None)
    origin = Origin(_text(arrays, "name"), _text(arrays, "population") or None, index, step)
    return _samples(arrays, origin) if kind == SAMPLES else _spikes(arrays, origin)


def _samples(arrays: Arrays, origin: Origin) -> Recording:
    values, t = arrays["values"], arrays["t"]
    if (
        t.dtype.kind != "f"
        or values.dtype.kind != "f"
        or values.ndim not in (2, 3)
        or (values.ndim == 3 and not len(values))
    ):
        raise ParameterError(
            f"t has data type {t.dtype}, and values have data type {values.dtype} and shape {values.shape}; expected "
            "floats, and values of shape (samples, columns) or (batch, samples, columns)"
        )
    samples, columns = values.shape[-2:]
    # With 0 columns, a file could claim any number of samples, so compare the counts before computing times.
    if t.shape != (samples,) or origin.index.shape != (columns,):
        raise ParameterError(
            f"values have shape {values.shape}, but there are {counted(t.size, 'time')} and "
            f"{counted(origin.index.size, 'recorded member')}"
        )
    first, every = _whole(arrays, "first"), _whole(arrays, "every", least=1)
    if first + samples * every > _STEPS:
        raise ParameterError(f"first = {first}, every = {every}: expected fewer than 2^51 steps")
    steps = np.arange(samples, dtype=np.uint64) * np.uint64(every) + np.uint64(first)
    with np.errstate(all="ignore"):
        valid = np.isfinite(t) & (np.multiply(steps, origin.dt, dtype=np.float64) == t)
    if not valid.all():
        raise ParameterError(
            f"t: expected multiples of the time step, beginning at step {first} and {every} steps apart"
        )
    gid = _numbers(arrays, "gid", columns) if "gid" in arrays else None
    unit = _text(arrays, "unit")
    checked(unit)
    cv = _numbers(arrays, "cv", columns) if "cv" in arrays else None
    return LoadedRecording(origin, unit, gid, every, steps, values, cv)


def _spikes(arrays: Arrays, origin: Origin) -> SpikeRecording:
    t = arrays["t"]
    if t.dtype.kind != "f" or t.ndim != 1:
        raise ParameterError(f"t: has data type {t.dtype} and shape {t.shape}; expected one time per spike")
    size, i = _whole(arrays, "size", 1, 2**32), _numbers(arrays, "i", len(t))
    if (i >= size).any() or (origin.index >= size).any() or (np.diff(origin.index) <= 0).any():
        raise ParameterError(f"i and index: expected indices of neurons below {size}, in ascending order in index")
    steps = _whole(arrays, "steps", 0, _STEPS)
    begin = _whole(arrays, "begin", 0, steps)
    with np.errstate(all="ignore"):
        at = np.rint(t / origin.dt)
        valid = np.isfinite(t) & (at >= begin) & (at < steps) & (at * origin.dt == t)
    if not valid.all():
        raise ParameterError(f"t: expected multiples of the time step, not before step {begin} and before step {steps}")
    batch = "spikes_per_sample" in arrays
    counts = _numbers(arrays, "spikes_per_sample", None) if batch else np.array([len(t)])
    if counts.size == 0 or (counts > len(t)).any() or counts.sum() != len(t):
        raise ParameterError(f"spikes_per_sample: expected counts with a sum of {len(t)}")
    trains = _split(at.astype(np.uint64), i.astype(np.uint32), counts)
    first = _whole(arrays, "first_gid") if "first_gid" in arrays else None
    return LoadedSpikes(origin, size, first, begin, steps, batch, trains)


def _split(
    steps: NDArray[np.uint64], i: NDArray[np.uint32], counts: NDArray[np.int64]
) -> list[tuple[NDArray[np.uint64], NDArray[np.uint32]]]:
    """Return the spikes of each sample, after checking that they are sorted by time and then by neuron."""
    ends = np.cumsum(counts)[:-1]
    trains = list(zip(np.split(steps, ends), np.split(i, ends), strict=True))
    for at, who in trains:
        if ((at[1:] < at[:-1]) | ((at[1:] == at[:-1]) & (who[1:] < who[:-1]))).any():
            raise ParameterError("t and i: expected spikes sorted by time and then by neuron")
    return trains


def _one(arrays: Arrays, name: str, kinds: str) -> Any:
    array = arrays.get(name)
    if array is None or array.ndim or array.dtype.kind not in kinds:
        raise ParameterError(f"{name}: expected a single {'string' if kinds == 'U' else 'number'}")
    return array.item()


def _text(arrays: Arrays, name: str) -> str:
    return str(_one(arrays, name, "U"))


def _whole(arrays: Arrays, name: str, least: int = 0, most: int = 2**62) -> int:
    value = int(_one(arrays, name, "iu"))
    if not least <= value <= most:
        raise ParameterError(f"{name} = {value}: expected an integer from {least} to {most}")
    return value


def _numbers(arrays: Arrays, name: str, count: int | None) -> NDArray[np.int64]:
    """Return a one-dimensional array of integers >= 0, after checking its length."""
    array = arrays[name]
    fits = array.ndim == 1 and array.dtype.kind in "iu" and count in (None, len(array))
    if not fits or (array < 0).any() or (array > np.iinfo(np.int64).max).any():
        expected = "integers >= 0" if count is None else f"{counted(count, 'integer')} >= 0"
        raise ParameterError(f"{name}: has data type {array.dtype} and shape {array.shape}; expected {expected}")
    return array.astype(np.int64)
