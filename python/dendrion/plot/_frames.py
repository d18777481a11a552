"""The frames of a movie: values of the control volumes of one cell at several times."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._numbers import array_of, is_whole, real
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError
from ..morphology import CVs
from ..neurons.cable.neuron import CableNeuron
from ..recordings.recording import Recording
from . import _read

__all__ = ["Frames", "cvs_of", "frames_of"]

#: Maximum number of frames by default.
MOST = 200
_INTEGERS = "integers, the control volume of each column"


class Frames(NamedTuple):
    """The frames of a movie."""

    #: Times in ms, of shape ``(frames,)``.
    t: NDArray[np.float64]
    #: Values of shape ``(frames, cvs)``, NaN for control volumes that were not recorded.
    values: NDArray[np.float64]
    variable: str
    unit: str


def cvs_of(cells: Any) -> CVs:
    """Return the control volumes of the cells."""
    if isinstance(cells, CVs):
        return cells
    if not isinstance(cells, CableNeuron):
        raise ParameterTypeError(f"plot.movie: cells = {quoted(cells)}: expected a CableNeuron or its cvs")
    return cells.cvs


def frames_of(recording: Any, cells: CableNeuron | CVs, index: Any, sample: Any, window: Any, every: Any) -> Frames:
    """Return the frames of one cell. Other arguments are those of [movie][dendrion.plot.movie]."""
    read, cv = _recorded(recording)
    if isinstance(cells, CableNeuron):
        _check_owner(recording, cells)
    count = len(cvs_of(cells))
    wrong = cv[(cv < 0) | (cv >= count)]
    if wrong.size:
        raise ParameterError(
            f"plot.movie: recording: has values of CV {wrong[0]}, but the CVs of this cell are 0 to {count - 1}; "
            "expected a recording of this cell"
        )
    columns = _columns(read, cells, index)
    values = read.values[_sample(read, sample)]
    at = _times(read, window, every)
    return Frames(read.t[at], _per_cv(values[np.ix_(at, columns)], cv[columns], count), read.variable, read.unit)


def _recorded(recording: Any) -> tuple[_read.Samples, NDArray[np.int64]]:
    """Return the data of a recording, and the control volume of each of its columns."""
    is_known = _read.is_of_samples(recording) and getattr(recording, "cv_index", None) is not None
    cv = array_of("plot.movie: recording: cv_index", recording.cv_index, _INTEGERS) if is_known else None
    if cv is None:
        raise ParameterTypeError(
            f"plot.movie: recording = {quoted(recording)}: expected a Recording of detailed cells, such as "
            "net.probe(cells.at('all'), 'V')"
        )
    if cv.dtype.kind not in "iu":
        raise ParameterTypeError(
            f"plot.movie: recording: cv_index = {quoted(recording.cv_index)}: expected {_INTEGERS}"
        )
    (read,) = _read.samples("movie", recording)
    if _read.integers(recording, "index") is None:
        read = read._replace(numbers=np.zeros_like(read.numbers))
    for name, array in (("cv_index", cv), ("index", read.numbers)):
        if array.shape != read.values.shape[-1:]:
            raise ParameterError(
                f"plot.movie: recording: {name} has shape {array.shape}; expected ({read.values.shape[-1]},), with "
                "one value per column"
            )
    return read, cv.astype(np.int64)


def _check_owner(recording: Any, cells: CableNeuron) -> None:
    """Check that a recording belongs to these cells: by identity or, without a network, by path."""
    if not isinstance(recording, Recording):
        return
    net = None if recording._owner is None else recording._owner()
    is_other = recording._population != cells.path
    if net is not None and recording._population is not None:
        is_other = net._by_path.get(recording._population) is not cells
    if is_other:
        expected = (
            f"of {cells.path}" if cells.path != recording._population else "of this CableNeuron, not of another one"
        )
        raise ParameterError(
            f"plot.movie: recording: {recording.name}: is a recording of {recording._population}; expected a recording "
            f"{expected}"
        )


def _columns(read: _read.Samples, cells: CableNeuron | CVs, index: Any) -> NDArray[np.int64]:
    """Return the columns of one cell."""
    if not is_whole(index):
        raise ParameterTypeError(f"plot.movie: index = {quoted(index)}: expected the index of a cell")
    found = np.flatnonzero(read.numbers == index)
    if not found.size:
        known = np.unique(read.numbers)
        some = ", ".join(map(str, known[:8])) + (", ..." if known.size > 8 else "")
        raise ParameterError(
            f"plot.movie: index = {quoted(index)}: the recording has no values of this cell; expected one of: {some}"
        )
    return found


def _sample(read: _read.Samples, sample: Any) -> int:
    batch = len(read.values)
    if sample is None and batch == 1:
        return 0
    if sample is None:
        raise ParameterError(f"plot.movie: sample = None: expected a sample of the batch, from 0 to {batch - 1}")
    if not is_whole(sample):
        raise ParameterTypeError(f"plot.movie: sample = {quoted(sample)}: expected a sample of the batch, or None")
    if not 0 <= sample < batch:
        raise ParameterError(
            f"plot.movie: sample = {quoted(sample)}: expected a sample of the batch, from 0 to {batch - 1}"
        )
    return int(sample)


def _times(read: _read.Samples, window: Any, every: Any) -> NDArray[np.int64]:
    """Return the index of the sample that each frame shows: the last sample at or before its time."""
    t = read.t
    # Times are multiples of dt only up to rounding errors.
    rounding = 1e-9 * max(abs(float(t[-1])), 1.0)
    begin, end = (float(t[0]), float(t[-1])) if window is None else _read.span("movie", "window", window, "ms")
    if not t[0] - rounding <= begin <= end <= t[-1] + rounding:
        raise ParameterError(
            f"plot.movie: window = {quoted((begin, end))}: expected times within the recording, which has samples from "
            f"{t[0]:g} to {t[-1]:g} ms"
        )
    first, last = np.searchsorted(t, (begin + rounding, end + rounding), side="right") - 1
    inside = int(last - first) + 1
    if every is None:
        step = -(-inside // MOST)
        return np.arange(first, last + 1, step)
    expected = "an interval between frames > 0 (ms)"
    interval = real("plot.movie: every", every, expected, "ms")
    if not 0.0 < interval < np.inf:
        raise ParameterError(f"plot.movie: every = {quoted(every)}: expected {expected}")
    if (end - begin) / interval >= inside:
        spacing = (t[-1] - t[0]) / max(t.size - 1, 1)
        raise ParameterError(
            f"plot.movie: every = {quoted(every)}: expected at least the time between samples, {spacing:g} ms"
        )
    wanted = begin + interval * np.arange(int((end - begin + rounding) / interval) + 1)
    return np.searchsorted(t, wanted + rounding, side="right") - 1


def _per_cv(values: NDArray[Any], cv: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return one value per control volume: the mean over its columns, or NaN if it has none."""
    columns = np.bincount(cv, minlength=count)
    sums = np.zeros((count, len(values)))
    np.add.at(sums, cv, values.T)
    means = np.full_like(sums, np.nan)
    means[columns > 0] = sums[columns > 0] / columns[columns > 0, None]
    return means.T
