"""The rate of populations over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError
from . import _read
from ._axes import drawing, legend, time_axis
from ._style import LINE, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..recordings.recording import SpikeRecording

__all__ = ["rate"]

#: Width of bins (ms) where the user does not give one.
BIN = 5.0


def rate(
    spikes: SpikeRecording | Sequence[SpikeRecording] | Mapping[str, SpikeRecording],
    *,
    bin: float | None = None,
    smooth: float | None = None,
    window: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the rate of populations: spikes in bins of time, per neuron and second; of a batch the mean of its samples.

    Parameters
    ----------
    spikes : SpikeRecording, list or dict
        One, several, or a dict by label; see [raster][dendrion.plot.raster].
    bin : float, optional
        Width of the bins (ms), > 0; the last is cut where the recording ends. With ``window`` the time from one window
        to the next. By default 5 ms; with ``smooth`` a fifth, with ``window`` a tenth of it, in whole time steps.
    smooth : float, optional
        Standard deviation (ms) of a Gaussian that rates of bins are averaged with, at least ``bin / 2``. At both ends
        it averages over what there is. By default rates are drawn as steps.
    window : float, optional
        Width (ms) of overlapping bins: the rate at a time is that in a window of this width around it. At both ends
        the window is cut. Either ``smooth`` or ``window``.
    ax : Axes, optional
        Where to draw. By default a new figure.

    Returns
    -------
    Axes
        Time in ms, and the mean rate of a neuron in Hz.

    Raises
    ------
    ParameterError, ParameterTypeError
        For what is no recording of spikes, and for widths that are not positive or too small to smooth.

    Examples
    --------
    >>> dn.plot.rate({"excitatory": spikes, "inhibitory": others}, smooth=5.0)
    """
    _check(bin, smooth, window)
    read = _read.spikes("rate", spikes)
    with drawing("rate", ax, 1.4) as axes:
        used = len(axes.get_legend_handles_labels()[1])
        time_axis(axes, min(r.begin for r in read), max(r.end for r in read))
        for r, colour in zip(read, colours(len(read), used), strict=True):
            if window is not None:
                t, even = _sliding(r, window, bin or _steps_of(r, window / 10))
                axes.plot(t, even, color=colour, lw=1.5 * LINE, label=r.label)
            elif smooth is not None:
                rates, edges = _rates(r, bin or _steps_of(r, smooth / 5))
                centres, even = (edges[:-1] + edges[1:]) / 2, _smooth(rates, edges, smooth)
                axes.plot(centres, even, color=colour, lw=1.5 * LINE, label=r.label)
            else:
                rates, edges = _rates(r, bin or BIN)
                if len(read) == 1:
                    # Areas of several recordings would lie on each other.
                    axes.stairs(rates, edges, color=colour, alpha=0.15, fill=True)
                axes.stairs(rates, edges, baseline=None, color=colour, lw=LINE, label=r.label)
        axes.set_ylabel("rate (Hz)")
        axes.set_ylim(0.0, None)
        legend(axes)
    return axes


def _check(bin: float | None, smooth: float | None, window: float | None) -> None:
    for name, width in (("bin", bin), ("window", window)):
        if width is not None and not 0 < width < math.inf:
            raise ParameterError(f"plot.rate: {name} = {width!r}: expected a width > 0 (ms)")
    if smooth is not None and window is not None:
        raise ParameterError(f"plot.rate: smooth = {smooth!r}, window = {window!r}: expected one of them")
    if smooth is not None and not 0 < smooth < math.inf:
        raise ParameterError(f"plot.rate: smooth = {smooth!r}: expected a standard deviation > 0 (ms)")
    if smooth is not None and bin is not None and smooth < bin / 2:
        raise ParameterError(
            f"plot.rate: smooth = {smooth!r}: expected at least half a bin (bin = {bin:g} ms); make the bins smaller"
        )
    if window is not None and bin is not None and window < bin:
        raise ParameterError(f"plot.rate: window = {window!r}: expected at least a bin (bin = {bin:g} ms)")


def _steps_of(read: _read.Spikes, width: float) -> float:
    """Return a width of whole time steps, of which bins all have as many; at least one."""
    return width if read.dt is None else max(1, round(width / read.dt)) * read.dt


def _sliding(read: _read.Spikes, width: float, every: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the times (ms) of windows' middles, and the rate (Hz) in each window."""
    end = read.end if read.is_end_known else read.end + every
    t = read.begin + every * np.arange(math.floor((end - read.begin) / every + 1e-9) + 1)
    low, high = np.maximum(t - width / 2, read.begin), np.minimum(t + width / 2, end)
    # Times are multiples of dt up to rounding, which must not move a spike to the window before.
    rounding = 1e-6 * every
    counts = np.subtract(*(np.searchsorted(np.sort(read.t), edge - rounding) for edge in (high, low)))
    seconds = (high - low) * 1e-3
    rates = np.divide(counts, seconds * read.members.size * read.batch, out=np.zeros(len(t)), where=seconds > 0)
    return np.asarray(t), np.asarray(rates)


def _rates(read: _read.Spikes, width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rates (Hz) in bins, and the bins' edges (ms)."""
    # Times are multiples of dt up to rounding, which must not move a spike to the bin before.
    whole = (read.end - read.begin) / width
    count = max(math.ceil(whole - 1e-9) if read.is_end_known else math.floor(whole + 1e-9) + 1, 1)
    edges = read.begin + width * np.arange(count + 1.0)
    if read.is_end_known and read.end > read.begin:
        edges[-1] = read.end
    which = np.floor((read.t - read.begin) / width + 1e-9).astype(np.int64)
    spikes = np.bincount(np.minimum(which, count - 1), minlength=count)
    return spikes / (np.diff(edges) * 1e-3 * read.members.size * read.batch), edges


def _smooth(rates: NDArray[np.float64], edges: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return averages weighted by the Gaussian and by the width of bins, so that they keep a constant rate."""
    width = edges[1] - edges[0]
    reach = min(math.ceil(5 * sigma / width), len(rates))
    kernel = np.exp(-0.5 * (width * np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = np.diff(edges)
    inside = slice(reach, reach + len(rates))
    return np.asarray(np.convolve(rates * weights, kernel)[inside] / np.convolve(weights, kernel)[inside])
