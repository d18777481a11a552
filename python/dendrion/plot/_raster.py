"""Raster plots of spikes: time on the x axis, one row per neuron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import _read
from ._axes import drawing, size_in_points, time_axis
from ._style import GREY, THIN, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..recordings.recording import SpikeRecording

__all__ = ["raster"]

#: Maximum number of ticks drawn as vectors. More are drawn as pixels, because viewers display many vectors slowly.
MOST_VECTORS = 20_000


def raster(
    spikes: SpikeRecording | Sequence[SpikeRecording] | Mapping[str, SpikeRecording], *, ax: Axes | None = None
) -> Axes:
    """Draw a raster plot: one tick per spike, one row per neuron.

    Several recordings are stacked from top to bottom, each in its own colour and with its label on the left. The
    samples of a batch are stacked within their recording.

    Parameters
    ----------
    spikes : SpikeRecording, list or dict
        One recording of a population or generator, a list of recordings, or a dict from label to recording. Recordings
        without spikes are drawn as empty rows. Any object with the arrays ``t`` (ms) and ``i`` (index of the neuron),
        which have one entry per spike, is accepted; its ``name``, ``size``, ``sample`` and ``duration`` (ms) are used
        if present.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, with time in ms on the x axis and rows on the y axis.

    Raises
    ------
    ParameterError, ParameterTypeError
        If ``spikes`` is not a spike recording.

    Examples
    --------
    >>> dn.plot.raster({"excitatory": spikes, "inhibitory": others})
    """
    read = _read.spikes("raster", spikes)
    rows = [r.members.size * r.batch for r in read]
    # Rows are counted from the bottom, whereas the first recording is at the top.
    begin = np.cumsum([0, *rows[:0:-1]])[::-1]
    with drawing("raster", ax, 2.0) as axes:
        time_axis(axes, min(r.begin for r in read), max(r.end for r in read))
        size = float(np.clip(0.9 * size_in_points(axes)[1] / sum(rows), 1.5, 9.0))
        for r, low, colour in zip(read, begin, colours(len(read)), strict=True):
            axes.plot(
                r.t,
                low + r.sample * r.members.size + r.rows,
                linestyle="none",
                marker="|",
                color=colour,
                markersize=size,
                markeredgewidth=float(np.clip(0.25 * size, 0.5, 0.9)),
                label=r.label,
                rasterized=r.t.size > MOST_VECTORS,
            )
        axes.set_ylim(-0.5, sum(rows) - 0.5)
        if len(read) == 1:
            _name_rows(axes, read[0])
        else:
            _name_groups(axes, read, begin, rows)
    return axes


def _name_rows(ax: Axes, read: _read.Spikes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    size = read.members.size
    if read.batch > 1 and size > 1:
        _separate(ax, size * np.arange(1, read.batch))
        shown = np.unique(np.linspace(0, read.batch - 1, min(read.batch, 5)).round().astype(int))
        ax.set_yticks(size * (shown + 0.5) - 0.5, [str(k) for k in shown])
        ax.tick_params(axis="y", length=0)
        ax.set_ylabel(f"sample ({size} {read.kind}s each)")
        return
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
    if read.batch > 1:
        ax.set_ylabel("sample")
        return
    members = read.members
    ax.yaxis.set_major_formatter(FuncFormatter(lambda row, _: f"{members[int(row)]}" if 0 <= row < size else ""))
    ax.set_ylabel(read.kind)


def _name_groups(ax: Axes, read: list[_read.Spikes], begin: NDArray[np.int64], rows: list[int]) -> None:
    """Write the label of each recording next to its rows, in its colour."""
    ax.set_yticks([low + (count - 1) / 2 for low, count in zip(begin, rows, strict=True)], [r.label for r in read])
    ax.tick_params(axis="y", length=0)
    for text, colour in zip(ax.get_yticklabels(), colours(len(read)), strict=True):
        text.set_color(colour)
    _separate(ax, begin[:-1])


def _separate(ax: Axes, rows: NDArray[np.int64]) -> None:
    for row in rows:
        ax.axhline(row - 0.5, color=GREY, lw=THIN / 2, zorder=0)
