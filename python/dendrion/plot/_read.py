"""Conversion of recordings, and of objects with the same attributes, to the data that plots need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._numbers import numbers
from .._quoted import quoted, told
from ..errors import DendrionError, ParameterError, ParameterTypeError
from ..recordings.recording import Recording, SpikeRecording
from ..units import has_units

__all__ = ["Samples", "Spikes", "integers", "is_of_samples", "labelled", "samples", "span", "spikes"]

#: Units of variables, for recordings without a ``unit``.
UNITS = {"V": "mV", "I": "pA"}


class Samples(NamedTuple):
    """The data of a state recording."""

    label: str
    variable: str
    unit: str
    #: Sample times in ms, of shape ``(samples,)``.
    t: NDArray[np.float64]
    #: Values of shape ``(batch, samples, neurons)``, in the recording's data type.
    values: NDArray[Any]
    #: Index of the neuron or connection in each column.
    numbers: NDArray[np.int64]
    #: Index of each column's neuron within the whole network, if known.
    gid: NDArray[np.int64] | None
    #: Kind of the columns: "neuron" or "connection".
    kind: str
    #: Control volume of each column of detailed cells.
    cv: NDArray[np.int64] | None


class Spikes(NamedTuple):
    """The data of a spike recording."""

    label: str
    t: NDArray[np.float64]
    i: NDArray[np.int64]
    sample: NDArray[np.int64]
    #: Indices of the recorded neurons, ascending.
    members: NDArray[np.int64]
    #: Batch size; 1 without a batch.
    batch: int
    #: Index of each spike's neuron within the whole network; None for sources of a generator.
    gid: NDArray[np.int64] | None
    #: Start and end of the recording (ms). If the end is not known, it is the time of the last spike.
    begin: float
    end: float
    is_end_known: bool
    #: Time step (ms), if known.
    dt: float | None
    #: Kind of the members: "neuron", or "source" for a generator.
    kind: str

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row of each spike's neuron among the recorded neurons."""
        return np.asarray(np.searchsorted(self.members, self.i))


def labelled(what: str, parameter: str, given: Any, expected: str, attributes: Sequence[str]) -> dict[str, Any]:
    """Convert one recording, a sequence or a dict to a dict from label to recording, and check the attributes."""
    if isinstance(given, Mapping):
        items = {told(label): item for label, item in given.items()}
    elif isinstance(given, (list, tuple)):
        names = _short([_name(item) or f"{k}" for k, item in enumerate(given)])
        names = [
            f"{name}{_site(item)}" if names.count(name) > 1 else name for name, item in zip(names, given, strict=True)
        ]
        items = {}
        for name, item in zip(names, given, strict=True):
            items[name if name not in items else f"{name} ({len(items)})"] = item
    else:
        items = {_name(given).rpartition(".")[0] or _name(given): given}
    if not items:
        raise ParameterError(f"plot.{what}: {parameter} = {quoted(given)}: expected {expected}")
    for item in items.values():
        if not all(_has(item, name) for name in attributes):
            raise ParameterTypeError(f"plot.{what}: {parameter} = {quoted(item)}: expected {expected}")
    return items


def span(what: str, name: str, given: Any, unit: str) -> tuple[float, float]:
    """Return two numbers in the given unit, after checking that the first is less than the second."""
    try:
        ends = numbers(f"plot.{what}: {name}", given, "two ascending numbers", unit)
    except (ParameterError, ParameterTypeError):
        if has_units(given):
            raise
        ends = np.empty(0)
    low, high = ends.tolist() if ends.shape == (2,) else (np.nan, np.nan)
    if not -np.inf < low < high < np.inf:
        shown = f" ({unit})" if unit else ""
        raise ParameterError(f"plot.{what}: {name} = {quoted(given)}: expected two ascending numbers{shown}")
    return low, high


def samples(what: str, given: Any) -> list[Samples]:
    """Read state recordings."""
    expected = 'a Recording, such as net.probe(cells.soma, "V"), a list of them, or a dict from label to Recording'
    return [_samples(what, *item) for item in labelled(what, "recordings", given, expected, ("t", "values")).items()]


def spikes(what: str, given: Any) -> list[Spikes]:
    """Read spike recordings."""
    expected = 'a SpikeRecording, such as net.probe(cells, "spikes"), a list of them, or a dict from label to them'
    return [_spikes(what, *item) for item in labelled(what, "spikes", given, expected, ("t", "i")).items()]


def _samples(what: str, label: str, recording: Any) -> Samples:
    t, values = np.asarray(recording.t, dtype=np.float64), np.asarray(recording.values)
    if values.dtype.kind not in "biuf":
        raise ParameterTypeError(f"plot.{what}: {label}: values have data type {values.dtype}; expected numbers")
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim not in (2, 3) or t.shape != (values.shape[-2],):
        raise ParameterError(
            f"plot.{what}: {label}: t has shape {t.shape} and values has shape {np.shape(recording.values)}; "
            "expected t of shape (samples,), and values of shape (samples, neurons) or (batch, samples, neurons)"
        )
    if t.size == 0:
        raise ParameterError(f"plot.{what}: {label}: has no samples; run the network first")
    variable = _name(recording).rpartition(".")[2]
    unit = getattr(recording, "unit", None)
    unit = UNITS.get(variable, "") if unit is None else str(unit)
    values = values if values.ndim == 3 else values[None]
    gid = integers(recording, "gid")
    numbers = integers(recording, "index")
    numbers = np.arange(values.shape[-1]) if numbers is None else numbers
    # Only recordings of weights have no population.
    kind = "connection" if isinstance(recording, Recording) and recording._population is None else "neuron"
    cv = integers(recording, "cv_index") if _has(recording, "cv_index") else None
    return Samples(label, variable, "" if unit == "1" else unit, t, values, numbers, gid, kind, cv)


def _spikes(what: str, label: str, recording: Any) -> Spikes:
    t, i = np.asarray(recording.t, dtype=np.float64), np.asarray(recording.i)
    if t.shape != i.shape or t.ndim != 1 or (i.size and (i.dtype.kind not in "iu" or i.min() < 0)):
        raise ParameterError(
            f"plot.{what}: {label}: t has shape {t.shape}, and i has shape {i.shape} and data type {i.dtype}; expected "
            "a time and an integer >= 0 for each spike"
        )
    i = i.astype(np.int64)
    sample, gid = integers(recording, "sample"), integers(recording, "gid")
    sample = np.zeros(t.size, dtype=np.int64) if sample is None else sample
    if isinstance(recording, SpikeRecording):
        dt = recording.dt
        begin, end = dt * recording._begin(), dt * recording._net._sim.steps()
        # After reset(), the recording starts at time 0 again.
        begin = 0.0 if end < begin else float(t.min(initial=begin))
        kind = "source" if gid is None else "neuron"
        return Spikes(label, t, i, sample, recording._index, max(recording._batch, 1), gid, begin, end, True, dt, kind)
    size = max(int(getattr(recording, "size", 0)), int(i.max(initial=0)) + 1)
    batch, duration = int(sample.max(initial=0)) + 1, getattr(recording, "duration", None)
    end = float(t.max(initial=0.0) if duration is None else duration)
    return Spikes(label, t, i, sample, np.arange(size), batch, gid, 0.0, end, duration is not None, None, "neuron")


def is_of_samples(item: object) -> bool:
    """Return whether an object has the attributes of a state recording."""
    return _has(item, "t") and _has(item, "values")


def _has(item: object, attribute: str) -> bool:
    return hasattr(item, attribute) and not callable(getattr(item, attribute))


def integers(recording: Any, name: str) -> NDArray[np.int64] | None:
    """Return an attribute as integers, or ``None`` if it is missing (sources of a generator have no gid)."""
    try:
        found = getattr(recording, name, None)
    except DendrionError:
        return None
    return None if found is None else np.asarray(found, dtype=np.int64)


def _name(recording: Any) -> str:
    return str(getattr(recording, "name", None) or getattr(recording, "_name", None) or "")


def _site(recording: Any) -> str:
    """Return the end of a label for a recording of one control volume; recordings of detailed cells share a name."""
    cv = recording.cv_index if isinstance(recording, Recording) else None
    cvs = np.unique([] if cv is None else cv)
    return f", CV {cvs[0]}" if cvs.size == 1 else ""


def _short(names: list[str]) -> list[str]:
    """Return names such as ``cell/soma.V`` without their common prefix and suffix."""
    split = [name.replace(".", "/").split("/") for name in names]
    if len(split) < 2 or len(set(names)) < 2:
        return [name.rpartition(".")[0] or name for name in names]
    ahead = _shared(split)
    behind = _shared([parts[ahead:][::-1] for parts in split])
    return ["/".join(parts[ahead : len(parts) - behind]) or name for parts, name in zip(split, names, strict=True)]


def _shared(split: list[list[str]]) -> int:
    """Return the length of the common prefix."""
    count = 0
    while all(len(parts) > count and parts[count] == split[0][count] for parts in split):
        count += 1
    return count
