"""What is drawn, out of recordings: those of a network, loaded ones, and any object with the same attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DendrionError, ParameterError, ParameterTypeError
from ..recordings.recording import Recording, SpikeRecording

__all__ = ["Samples", "Spikes", "labelled", "samples", "span", "spikes"]

#: Units of variables, for recordings that do not say theirs.
UNITS = {"V": "mV", "I": "pA"}


class Samples(NamedTuple):
    """A recording of a state, read."""

    label: str
    variable: str
    unit: str
    #: In ms, of shape ``(samples,)``.
    t: NDArray[np.float64]
    #: Of shape ``(batch, samples, neurons)``, in the recording's own type.
    values: NDArray[Any]
    #: What each column is called.
    numbers: NDArray[np.int64]
    #: Number of the neuron of each column in the whole network, if known.
    gid: NDArray[np.int64] | None
    #: What columns are: neurons, or connections.
    kind: str


class Spikes(NamedTuple):
    """A recording of spikes, read."""

    label: str
    t: NDArray[np.float64]
    i: NDArray[np.int64]
    sample: NDArray[np.int64]
    #: Numbers of those that were recorded, ascending.
    members: NDArray[np.int64]
    #: How often they are simulated at once; 1 without a batch.
    batch: int
    #: Number in the whole network of the neuron of each spike, if it has one.
    gid: NDArray[np.int64] | None
    #: Time that was recorded (ms); where the end is not known, that of the last spike.
    begin: float
    end: float
    is_end_known: bool
    #: Time step (ms), where it is known.
    dt: float | None
    #: What they are: neurons, or sources of a generator.
    kind: str

    @property
    def rows(self) -> NDArray[np.int64]:
        """Place of each spike's neuron among those that were recorded."""
        return np.asarray(np.searchsorted(self.members, self.i))


def labelled(what: str, parameter: str, given: Any, expected: str, attributes: Sequence[str]) -> dict[str, Any]:
    """Return recordings by label: one, a sequence of them, or a dict by label, each with the attributes."""
    if isinstance(given, Mapping):
        items = {str(label): item for label, item in given.items()}
    elif isinstance(given, (list, tuple)):
        names = _short([_name(item) or f"{k}" for k, item in enumerate(given)])
        items = {}
        for name, item in zip(names, given, strict=True):
            items[name if name not in items else f"{name} ({len(items)})"] = item
    else:
        items = {_name(given).rpartition(".")[0] or _name(given): given}
    if not items:
        raise ParameterError(f"plot.{what}: {parameter} = {given!r}: expected {expected}")
    for item in items.values():
        if not all(_has(item, name) for name in attributes):
            raise ParameterTypeError(f"plot.{what}: {parameter} = {item!r}: expected {expected}")
    return items


def span(what: str, name: str, given: Any, unit: str) -> tuple[float, float]:
    """Return two numbers, from which and to which, checked to ascend."""
    try:
        low, high = (float(end) for end in given)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not -np.inf < low < high < np.inf:
        raise ParameterError(f"plot.{what}: {name} = {given!r}: expected two numbers that ascend{unit}")
    return low, high


def samples(what: str, given: Any) -> list[Samples]:
    """Read recordings of states."""
    expected = 'a Recording, such as net.probe(cells.soma, "V"), a list, or a dict of them by label'
    return [_samples(what, *item) for item in labelled(what, "recordings", given, expected, ("t", "values")).items()]


def spikes(what: str, given: Any) -> list[Spikes]:
    """Read recordings of spikes."""
    expected = 'a SpikeRecording, such as net.probe(cells, "spikes"), a list, or a dict of them by label'
    return [_spikes(what, *item) for item in labelled(what, "spikes", given, expected, ("t", "i")).items()]


def _samples(what: str, label: str, recording: Any) -> Samples:
    t, values = np.asarray(recording.t, dtype=np.float64), np.asarray(recording.values)
    if values.dtype.kind not in "biuf":
        raise ParameterTypeError(f"plot.{what}: {label}: values of type {values.dtype}: expected numbers")
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim not in (2, 3) or t.shape != (values.shape[-2],):
        raise ParameterError(
            f"plot.{what}: {label}: t of shape {t.shape} and values of shape {np.shape(recording.values)}: expected "
            "(samples,), and (samples, neurons) or (batch, samples, neurons)"
        )
    if t.size == 0:
        raise ParameterError(f"plot.{what}: {label}: has no samples; run the network first")
    variable = _name(recording).rpartition(".")[2]
    unit = getattr(recording, "unit", None)
    unit = UNITS.get(variable, "") if unit is None else str(unit)
    values = values if values.ndim == 3 else values[None]
    gid = _numbers(recording, "gid")
    numbers = _numbers(recording, "index")
    numbers = np.arange(values.shape[-1]) if numbers is None else numbers
    # Only weights are of no population.
    kind = "connection" if isinstance(recording, Recording) and recording._population is None else "neuron"
    return Samples(label, variable, "" if unit == "1" else unit, t, values, numbers, gid, kind)


def _spikes(what: str, label: str, recording: Any) -> Spikes:
    t, i = np.asarray(recording.t, dtype=np.float64), np.asarray(recording.i)
    if t.shape != i.shape or t.ndim != 1 or (i.size and (i.dtype.kind not in "iu" or i.min() < 0)):
        raise ParameterError(
            f"plot.{what}: {label}: t of shape {t.shape} and i of shape {i.shape}, {i.dtype}: expected a time and a "
            "whole number >= 0 for each spike"
        )
    i = i.astype(np.int64)
    sample, gid = _numbers(recording, "sample"), _numbers(recording, "gid")
    sample = np.zeros(t.size, dtype=np.int64) if sample is None else sample
    if isinstance(recording, SpikeRecording):
        dt = recording.dt
        begin, end = dt * recording._begin(), dt * recording._net._sim.steps()
        # After reset() it records from 0 on.
        begin = 0.0 if end < begin else float(t.min(initial=begin))
        kind = "source" if gid is None else "neuron"
        return Spikes(label, t, i, sample, recording._index, max(recording._batch, 1), gid, begin, end, True, dt, kind)
    size = max(int(getattr(recording, "size", 0)), int(i.max(initial=0)) + 1)
    batch, duration = int(sample.max(initial=0)) + 1, getattr(recording, "duration", None)
    end = float(t.max(initial=0.0) if duration is None else duration)
    return Spikes(label, t, i, sample, np.arange(size), batch, gid, 0.0, end, duration is not None, None, "neuron")


def _has(item: object, attribute: str) -> bool:
    return hasattr(item, attribute) and not callable(getattr(item, attribute))


def _numbers(recording: Any, name: str) -> NDArray[np.int64] | None:
    """Return an attribute as whole numbers, or ``None`` where it has none (as sources of generators have no gid)."""
    try:
        found = getattr(recording, name, None)
    except DendrionError:
        return None
    return None if found is None else np.asarray(found, dtype=np.int64)


def _name(recording: Any) -> str:
    return str(getattr(recording, "name", None) or getattr(recording, "_name", None) or "")


def _short(names: list[str]) -> list[str]:
    """Return names such as ``cell/soma.V`` without what all of them begin and end with."""
    split = [name.replace(".", "/").split("/") for name in names]
    if len(split) < 2 or len(set(names)) < 2:
        return [name.rpartition(".")[0] or name for name in names]
    ahead = _shared(split)
    behind = _shared([parts[ahead:][::-1] for parts in split])
    return ["/".join(parts[ahead : len(parts) - behind]) or name for parts, name in zip(split, names, strict=True)]


def _shared(split: list[list[str]]) -> int:
    """Return how many first parts all have in common."""
    count = 0
    while all(len(parts) > count and parts[count] == split[0][count] for parts in split):
        count += 1
    return count
