"""Plots of the firing rates of populations over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._numbers import real
from .._quoted import quoted
from ..errors import ParameterError
from . import _read
from ._axes import drawing, legend, time_axis
from ._style import LINE, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..recordings.recording import SpikeRecording

__all__ = ["rate"]

#: Default bin width (ms).
BIN = 5.0


def rate(
    spikes: SpikeRecording | Sequence[SpikeRecording] | Mapping[str, SpikeRecording],
    *,
    bin: float | None = None,
    smooth: float | None = None,
    window: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot the firing rate of populations over time, per neuron and averaged over the samples of a batch.

    Parameters
    ----------
    spikes : SpikeRecording, list or dict
        One recording, a list of recordings, or a dict from label to recording; see [raster][dendrion.plot.raster].
    bin : float, optional
        Bin width (ms), > 0; the last bin ends with the recording. With ``window``, the time between the centres of
        consecutive windows. Defaults to about ``smooth / 5`` if ``smooth`` is given, to about ``window / 10`` if
        ``window`` is given (both rounded to whole time steps), and to 5 ms otherwise.
    smooth : float, optional
        Standard deviation (ms) of a Gaussian kernel that smooths the binned rates, at least ``bin / 2``. Near both ends
        of the recording, the kernel is truncated and renormalized. By default, rates are drawn as steps.
    window : float, optional
        Width (ms) of a sliding window in which spikes are counted. Each window is centred on the time of its rate and
        truncated at both ends of the recording. ``smooth`` and ``window`` are mutually exclusive.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, with time in ms and the mean firing rate per neuron in Hz.

    Raises
    ------
    ParameterError, ParameterTypeError
        If ``spikes`` is not a spike recording, a width is not positive, or ``smooth`` is too small.

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
                    # Filled areas of several recordings would overlap.
                    axes.stairs(rates, edges, color=colour, alpha=0.15, fill=True)
                axes.stairs(rates, edges, baseline=None, color=colour, lw=LINE, label=r.label)
        axes.set_ylabel("rate (Hz)")
        axes.set_ylim(0.0, None)
        legend(axes)
    return axes


def _check(bin: float | None, smooth: float | None, window: float | None) -> None:
    for name, width in (("bin", bin), ("smooth", smooth), ("window", window)):
        if width is not None:
            real(f"plot.rate: {name}", width, "a number > 0 (ms)")
    for name, width in (("bin", bin), ("window", window)):
        if width is not None and not 0 < width < math.inf:
            raise ParameterError(f"plot.rate: {name} = {quoted(width)}: expected a width > 0 (ms)")
    if smooth is not None and window is not None:
        raise ParameterError(
            f"plot.rate: smooth = {quoted(smooth)}, window = {quoted(window)}: expected at most one of them"
        )
    if smooth is not None and not 0 < smooth < math.inf:
        raise ParameterError(f"plot.rate: smooth = {quoted(smooth)}: expected a standard deviation > 0 (ms)")
    if smooth is not None and bin is not None and smooth < bin / 2:
        raise ParameterError(
            f"plot.rate: smooth = {quoted(smooth)}: expected at least bin / 2 (bin = {bin:g} ms); reduce bin"
        )
    if window is not None and bin is not None and window < bin:
        raise ParameterError(f"plot.rate: window = {quoted(window)}: expected at least bin (bin = {bin:g} ms)")


def _steps_of(read: _read.Spikes, width: float) -> float:
    """Return a width rounded to whole time steps (at least one), so that all bins span the same number of steps."""
    return width if read.dt is None else max(1, round(width / read.dt)) * read.dt


def _sliding(read: _read.Spikes, width: float, every: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centres of the windows (ms) and the firing rate (Hz) in each window."""
    end = read.end if read.is_end_known else read.end + every
    t = read.begin + every * np.arange(math.floor((end - read.begin) / every + 1e-9) + 1)
    low, high = np.maximum(t - width / 2, read.begin), np.minimum(t + width / 2, end)
    # Spike times are multiples of dt only up to rounding, which must not move a spike to the previous window.
    rounding = 1e-6 * every
    counts = np.subtract(*(np.searchsorted(np.sort(read.t), edge - rounding) for edge in (high, low)))
    seconds = (high - low) * 1e-3
    rates = np.divide(counts, seconds * read.members.size * read.batch, out=np.zeros(len(t)), where=seconds > 0)
    return np.asarray(t), np.asarray(rates)


def _rates(read: _read.Spikes, width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return firing rates (Hz) in bins, and the edges of the bins (ms)."""
    # Spike times are multiples of dt only up to rounding, which must not move a spike to the previous bin.
    whole = (read.end - read.begin) / width
    count = max(math.ceil(whole - 1e-9) if read.is_end_known else math.floor(whole + 1e-9) + 1, 1)
    edges = read.begin + width * np.arange(count + 1.0)
    if read.is_end_known and read.end > read.begin:
        edges[-1] = read.end
    which = np.floor((read.t - read.begin) / width + 1e-9).astype(np.int64)
    spikes = np.bincount(np.minimum(which, count - 1), minlength=count)
    return spikes / (np.diff(edges) * 1e-3 * read.members.size * read.batch), edges


def _smooth(rates: NDArray[np.float64], edges: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return averages weighted by the Gaussian and by bin widths, so that a constant rate remains constant."""
    width = edges[1] - edges[0]
    reach = min(math.ceil(5 * sigma / width), len(rates))
    kernel = np.exp(-0.5 * (width * np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = np.diff(edges)
    inside = slice(reach, reach + len(rates))
    return np.asarray(np.convolve(rates * weights, kernel)[inside] / np.convolve(weights, kernel)[inside])
