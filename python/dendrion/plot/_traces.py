"""Plots of recorded potentials, currents and other states over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._quoted import quoted
from .._suggest import hint
from ..errors import ParameterError, UnknownNameError
from . import _read
from ._axes import drawing, legend, time_axis
from ._style import LINE, colours, tints

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..recordings.recording import Recording, SpikeRecording

__all__ = ["traces"]

#: Maximum number of neurons drawn by default.
MOST = 5
#: Height of the spikes that are added to traces, relative to the range of the traces.
SPIKE = 0.5


class _Line(NamedTuple):
    """One neuron of one recording in one sample of the batch."""

    of: _read.Samples
    sample: int
    column: int
    colour: Any
    label: str

    @property
    def values(self) -> NDArray[Any]:
        return self.of.values[self.sample, :, self.column]


def traces(
    recordings: Recording | Sequence[Recording] | Mapping[str, Recording],
    *,
    neurons: ArrayLike | None = None,
    spikes: SpikeRecording | Mapping[str, SpikeRecording] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot recordings over time, one line per neuron.

    If there are several recordings, each has its own colour; otherwise each neuron has its own colour, or each sample
    of a batch if there is only one neuron. Lines that belong to the same recording (or neuron) are drawn in tints of
    its colour.

    Parameters
    ----------
    recordings : Recording, list or dict
        One recording, a list of recordings, or a dict from label to recording; all must have the same unit. Any object
        with ``t`` (ms, of shape ``(samples,)``) and ``values`` (of shape ``(samples, neurons)`` or ``(batch, samples,
        neurons)``) is accepted; its ``name`` and ``unit`` are used if present.
    neurons : int or array of int, optional
        Columns of the recordings to draw. Defaults to the first five.
    spikes : SpikeRecording or dict, optional
        Spikes to add to recordings of V, which do not show them because of the reset. They are drawn as vertical lines
        from the trace up to a common height. The spikes of a SpikeRecording are added to the first recording that
        contains the neuron; a dict maps labels of recordings to their spikes.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, with time in ms on the x axis and the variable in its unit on the y axis.

    Raises
    ------
    ParameterError, ParameterTypeError
        If a recording has no samples, units differ, a neuron was not recorded, or an argument is not a recording.
    UnknownNameError
        If ``spikes`` contains a label that no recording has.

    Examples
    --------
    >>> dn.plot.traces({"soma": v, "dendrite": v_dend}, neurons=0, spikes=spikes)
    """
    read = _read.samples("traces", recordings)
    chosen = [_columns(r, neurons) for r in read]
    spiking = _spikes_of(read, spikes)
    label = _axis_label(read)
    with drawing("traces", ax, 2.0) as axes:
        lines, title = _lines(read, chosen, len(axes.lines))
        time_axis(axes, min(r.t[0] for r in read), max(_end(r.t) for r in read))
        for line in lines:
            axes.plot(line.of.t, line.values, color=line.colour, lw=LINE, label=line.label)
        _draw_spikes(axes, lines, spiking)
        axes.set_ylabel(label)
        legend(axes, title)
    return axes


def _end(t: NDArray[np.float64]) -> float:
    """Return the time at which the last sample ends."""
    return float(t[-1] + (t[-1] - t[-2] if t.size > 1 else 0.0))


def _axis_label(read: list[_read.Samples]) -> str:
    units = list(dict.fromkeys(r.unit for r in read))
    if len(units) > 1:
        shown = " and ".join(unit or "no unit" for unit in units)
        raise ParameterError(
            f"plot.traces: recordings have different units ({shown}); draw the recordings of each unit in separate Axes"
        )
    variables = {r.variable for r in read}
    variable = variables.pop() if len(variables) == 1 else ""
    return f"{variable} ({units[0]})".strip() if units[0] else variable


def _columns(read: _read.Samples, neurons: ArrayLike | None) -> list[int]:
    """Return the columns to draw."""
    count = read.values.shape[-1]
    if neurons is None:
        return list(range(min(count, MOST)))
    given = np.atleast_1d(np.asarray(neurons))
    if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "iu":
        raise ParameterError(f"plot.traces: neurons = {quoted(neurons)}: expected integers: columns of the recordings")
    for bad in given[(given < 0) | (given >= count)][:1]:
        raise ParameterError(
            f"plot.traces: neurons: {bad}: expected columns from 0 to {count - 1}, those of {read.label}"
        )
    return [int(column) for column in given]


def _lines(read: list[_read.Samples], chosen: list[list[int]], used: int) -> tuple[list[_Line], str | None]:
    """Return the lines to draw, and the title of their legend."""
    keys = [
        (n, column, sample)
        for n, columns in enumerate(chosen)
        for column in columns
        for sample in range(len(read[n].values))
    ]
    # Colours distinguish recordings if there are several; otherwise neurons or, if there is only one neuron, samples.
    place = next((p for p in range(3) if len({key[p] for key in keys}) > 1), 0)
    columns, title = _column_names(read[0], chosen[0])
    names = [(read[n].label, columns.get(column, ""), str(sample))[place] for n, column, sample in keys]
    groups = list(dict.fromkeys(names))
    shades = {
        name: tints(colour, names.count(name)) for name, colour in zip(groups, colours(len(groups), used), strict=True)
    }
    lines: list[_Line] = []
    for (n, column, sample), name in zip(keys, names, strict=True):
        is_first = all(line.label != name for line in lines)
        # Matplotlib omits labels that start with an underscore from legends.
        label = name if is_first else f"_{name}"
        lines.append(_Line(read[n], sample, column, shades[name].pop(0), label))
    count = read[0].values.shape[-1]
    part = "" if len(chosen[0]) == count else f"\n(of {count:,})"
    return lines, (None, f"{title}{part}", "sample")[place]


def _column_names(read: _read.Samples, chosen: list[int]) -> tuple[dict[int, str], str]:
    """Return the names of columns in a legend, and the title of the legend.

    Columns of detailed cells are distinguished by their neurons, their control volumes, or both.
    """
    numbers = {column: str(read.numbers[column]) for column in chosen}
    if read.cv is None or len(set(numbers.values())) == len(chosen):
        return numbers, read.kind
    cvs = {column: str(read.cv[column]) for column in chosen}
    if len(set(numbers.values())) == 1:
        return cvs, "CV"
    return {column: f"{numbers[column]}, {cvs[column]}" for column in chosen}, f"{read.kind}, CV"


def _spikes_of(read: list[_read.Samples], spikes: Any) -> dict[str, _read.Spikes]:
    """Return spikes, keyed by the label of their recording.

    The label "" denotes the first recording that contains the neuron.
    """
    if spikes is None:
        return {}
    if not isinstance(spikes, Mapping):
        (found,) = _read.spikes("traces", {"": spikes})
        return {"": found}
    labels = [r.label for r in read]
    for label in spikes:
        if label not in labels:
            raise UnknownNameError(
                f"plot.traces: spikes: no recording labelled {quoted(label)}{hint(label, labels)}",
                name=label if isinstance(label, str) else quoted(label),
                known=labels,
            )
    return {r.label: r for r in _read.spikes("traces", spikes)}


def _draw_spikes(ax: Axes, lines: list[_Line], spiking: dict[str, _read.Spikes]) -> None:
    low, high = (f([f(line.values) for line in lines]) for f in (np.nanmin, np.nanmax))
    top = high + SPIKE * ((high - low) or 1.0)
    drawn: dict[tuple[int, int], str] = {}
    for line in lines:
        own = spiking.get(line.of.label)
        spikes = own or spiking.get("")
        if spikes is None:
            continue
        neuron, numbers = _neuron(line, spikes)
        if own is None and drawn.setdefault((neuron, line.sample), line.of.label) != line.of.label:
            continue
        t = spikes.t[(numbers == neuron) & (spikes.sample == line.sample)]
        t = t[(t >= line.of.t[0]) & (t <= line.of.t[-1])]
        if t.size:
            begin = line.values[np.searchsorted(line.of.t, t, side="right") - 1]
            ax.vlines(t, begin, top, color=line.colour, lw=LINE)


def _neuron(line: _Line, spikes: _read.Spikes) -> tuple[int, NDArray[np.int64]]:
    """Return the index of a line's neuron and those of the spikes, within the whole network if both are known."""
    if line.of.gid is not None and spikes.gid is not None:
        return int(line.of.gid[line.column]), spikes.gid
    return int(line.of.numbers[line.column]), spikes.i
