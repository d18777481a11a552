"""How often each inter-spike interval is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._numbers import numbers
from ..errors import ParameterError, ParameterTypeError
from . import _read
from ._axes import drawing, legend
from ._style import FILL, LINE, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..recordings.recording import SpikeRecording

__all__ = ["isi"]

#: Bins of a histogram, at least and at most, where the user does not give their width.
FEWEST, MOST = 10, 60
#: Bins at most, where the user gives their width.
MOST_OF_USERS = 100_000


def isi(
    spikes: SpikeRecording | Sequence[SpikeRecording] | Mapping[str, SpikeRecording],
    *,
    bin: float | None = None,
    longest: float | None = None,
    log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw a histogram of inter-spike intervals, those of all neurons of a recording together.

    One recording is drawn as the number of intervals in each bin, filled. Of several, each is drawn as an outline of
    its share of intervals, so that recordings of different length or size compare.

    Parameters
    ----------
    spikes : SpikeRecording, list or dict
        One, several, or a dict by label; see [raster][dendrion.plot.raster]. Intervals are those of each neuron, and
        with a batch of each sample.
    bin : float, optional
        Width of the bins (ms), > 0; with ``log`` in decades. By default a width for 10 to 60 bins, of whole time steps.
    longest : float, optional
        Leave out intervals above this (ms). By default all are drawn.
    log : bool
        Bins of equal width on a logarithmic axis. Intervals of 0 are left out.
    ax : Axes, optional
        Where to draw. By default a new figure.

    Returns
    -------
    Axes
        Interval in ms, and the number or the share of intervals.

    Raises
    ------
    ParameterError, ParameterTypeError
        For what is no recording of spikes, and for widths that are not positive.

    Examples
    --------
    >>> dn.plot.isi(spikes, bin=2.0)
    >>> dn.plot.isi({"excitatory": spikes, "inhibitory": others}, log=True)
    """
    width, most = _positive("bin", bin), _positive("longest", longest)
    if not isinstance(log, bool):
        raise ParameterTypeError(f"plot.isi: log = {log!r}: expected True or False")
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
        axes.set_ylabel("intervals" if len(read) == 1 else "share of intervals")
        legend(axes)
    return axes


def _positive(name: str, given: float | None) -> float | None:
    if given is None:
        return None
    value = numbers(f"plot.isi: {name}", given, "a width > 0 (ms), or None", "" if name == "bin" else "ms")
    if value.ndim or not 0 < value < math.inf:
        raise ParameterError(f"plot.isi: {name} = {given!r}: expected a width > 0 (ms), or None")
    return float(value)


def _intervals(read: _read.Spikes, longest: float | None, log: bool) -> NDArray[np.float64]:
    """Return the intervals between the spikes of each neuron in each sample."""
    order = np.lexsort((read.t, read.i, read.sample))
    t, i, sample = read.t[order], read.i[order], read.sample[order]
    found = np.diff(t)[(np.diff(i) == 0) & (np.diff(sample) == 0)]
    if read.dt:
        # Times are multiples of dt up to rounding, which must not move an interval to the bin before.
        found = np.rint(found / read.dt) * read.dt
    if log:
        found = found[found > 0]
    return np.asarray(found if longest is None else found[found <= longest * (1 + 1e-9)])


def _edges(all_of_them: NDArray[np.float64], width: float | None, log: bool, dt: float | None) -> NDArray[np.float64]:
    """Return the edges of bins that hold all intervals."""
    if all_of_them.size == 0:
        return np.array([1.0, 10.0]) if log else np.array([0.0, width or 1.0])
    low, high = float(all_of_them.min()), float(all_of_them.max())
    wanted = float(np.clip(math.sqrt(all_of_them.size), FEWEST, MOST))
    if log:
        decades = math.log10(high / low)
        width = width or (decades / wanted if decades > 0 else 0.1)
        # Half a bin below the least, so that the edges are between the intervals of a grid where these are few.
        begin = math.log10(low) - width / 2
        count = math.ceil(decades / width + 0.5 + 1e-9)
        _refuse_many(width, "decades", count)
        return np.asarray(10.0 ** (begin + width * np.arange(count + 1.0)))
    if width is None:
        width = high / wanted if high > 0 else 1.0
        if dt:
            # As many steps in each bin, or some would have more intervals than others.
            width = max(1, round(width / dt)) * dt
    # Edges lie between steps; the first is below 0, which is an interval where a source spikes twice in a step.
    shift = dt / 2 if dt else 0.0
    count = math.floor((high + shift) / width + 1e-9) + 1
    _refuse_many(width, "ms", count)
    return np.asarray(width * np.arange(count + 1.0) - shift)


def _refuse_many(width: float, unit: str, count: int) -> None:
    if count > MOST_OF_USERS:
        raise ParameterError(
            f"plot.isi: bin = {width:g} {unit}: makes {count:,} bins; expected a width for at most {MOST_OF_USERS:,}"
        )
