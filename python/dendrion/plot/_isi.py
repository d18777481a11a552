"""Histograms of inter-spike intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._numbers import numbers
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError
from . import _read
from ._axes import drawing, legend
from ._style import FILL, LINE, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..recordings.recording import SpikeRecording

__all__ = ["isi"]

#: Minimum and maximum number of bins if the user does not set the bin width.
FEWEST, MOST = 10, 60
#: Maximum number of bins if the user sets the bin width.
MOST_OF_USERS = 100_000


def isi(
    spikes: SpikeRecording | Sequence[SpikeRecording] | Mapping[str, SpikeRecording],
    *,
    bin: float | None = None,
    longest: float | None = None,
    log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Plot a histogram of inter-spike intervals, pooled over all neurons of a recording.

    A single recording is drawn as a filled histogram of interval counts. The histograms of several recordings are drawn
    as outlines and normalized by the number of intervals, so that recordings of different length or size can be
    compared.

    Parameters
    ----------
    spikes : SpikeRecording, list or dict
        One recording, a list of recordings, or a dict from label to recording; see [raster][dendrion.plot.raster].
        Intervals are taken between consecutive spikes of the same neuron and, in a batch, of the same sample.
    bin : float, optional
        Bin width (ms, or decades if ``log`` is True), > 0. By default, the width is a multiple of the time step, chosen
        so that there are 10 to 60 bins.
    longest : float, optional
        Longest interval to include (ms). By default all intervals are included.
    log : bool
        Whether to use a logarithmic axis, with bins of equal width in decades. Intervals of 0 are then left out.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, with the interval in ms and the number or fraction of intervals.

    Raises
    ------
    ParameterError, ParameterTypeError
        If ``spikes`` is not a spike recording, or a width is not positive.

    Examples
    --------
    >>> dn.plot.isi(spikes, bin=2.0)
    >>> dn.plot.isi({"excitatory": spikes, "inhibitory": others}, log=True)
    """
    width, most = _positive("bin", bin), _positive("longest", longest)
    if not isinstance(log, bool):
        raise ParameterTypeError(f"plot.isi: log = {quoted(log)}: expected True or False")
    read = _read.spikes("isi", spikes)
    each = [_intervals(r, most, log) for r in read]
    edges = _edges(np.concatenate(each), width, log, min((r.dt for r in read if r.dt), default=None))
    with drawing("isi", ax, 1.7) as axes:
        if log:
            axes.set_xscale("log")
        used = len(axes.get_legend_handles_labels()[1])
        for r, intervals, colour in zip(read, each, colours(len(read), used), strict=True):
            counts = np.histogram(intervals, edges)[0]
            if len(read) == 1:
                axes.stairs(counts, edges, fill=True, color=FILL, label=r.label)
            else:
                axes.stairs(counts / max(len(intervals), 1), edges, color=colour, lw=LINE, label=r.label)
        axes.set_xlim(edges[0] if log else 0.0, edges[-1])
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel("inter-spike interval (ms)")
        axes.set_ylabel("intervals" if len(read) == 1 else "fraction of intervals")
        legend(axes)
    return axes


def _positive(name: str, given: float | None) -> float | None:
    if given is None:
        return None
    value = numbers(f"plot.isi: {name}", given, "a width > 0 (ms), or None", "" if name == "bin" else "ms")
    if value.ndim or not 0 < value < math.inf:
        raise ParameterError(f"plot.isi: {name} = {quoted(given)}: expected a width > 0 (ms), or None")
    return float(value)


def _intervals(read: _read.Spikes, longest: float | None, log: bool) -> NDArray[np.float64]:
    """Return the intervals between the spikes of each neuron in each sample."""
    order = np.lexsort((read.t, read.i, read.sample))
    t, i, sample = read.t[order], read.i[order], read.sample[order]
    found = np.diff(t)[(np.diff(i) == 0) & (np.diff(sample) == 0)]
    if read.dt:
        # Spike times are multiples of dt only up to rounding, which must not move an interval to the previous bin.
        found = np.rint(found / read.dt) * read.dt
    if log:
        found = found[found > 0]
    return np.asarray(found if longest is None else found[found <= longest * (1 + 1e-9)])


def _edges(all_of_them: NDArray[np.float64], width: float | None, log: bool, dt: float | None) -> NDArray[np.float64]:
    """Return bin edges that cover all intervals."""
    if all_of_them.size == 0:
        return np.array([1.0, 10.0]) if log else np.array([0.0, width or 1.0])
    low, high = float(all_of_them.min()), float(all_of_them.max())
    wanted = float(np.clip(math.sqrt(all_of_them.size), FEWEST, MOST))
    if log:
        decades = math.log10(high / low)
        width = width or (decades / wanted if decades > 0 else 0.1)
        # Start half a bin below the shortest interval, so that intervals on the time grid do not fall on bin edges.
        begin = math.log10(low) - width / 2
        count = math.ceil(decades / width + 0.5 + 1e-9)
        _refuse_many(width, "decades", count)
        return np.asarray(10.0 ** (begin + width * np.arange(count + 1.0)))
    if width is None:
        width = high / wanted if high > 0 else 1.0
        if dt:
            # Every bin spans the same number of steps; otherwise some could contain more intervals than others.
            width = max(1, round(width / dt)) * dt
    # Edges lie between steps. The first is below 0, because a source that spikes twice in a step has an interval of 0.
    shift = dt / 2 if dt else 0.0
    count = math.floor((high + shift) / width + 1e-9) + 1
    _refuse_many(width, "ms", count)
    return np.asarray(width * np.arange(count + 1.0) - shift)


def _refuse_many(width: float, unit: str, count: int) -> None:
    if count > MOST_OF_USERS:
        raise ParameterError(
            f"plot.isi: bin = {width:g} {unit}: results in {count:,} bins; expected a width that results in at most "
            f"{MOST_OF_USERS:,}"
        )
