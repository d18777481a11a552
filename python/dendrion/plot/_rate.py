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

    from ..recording import SpikeRecording

__all__ = ["rate"]


def rate(
    spikes: SpikeRecording | Sequence[SpikeRecording] | Mapping[str, SpikeRecording],
    *,
    bin: float = 5.0,
    smooth: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the rate of populations: spikes in bins of time, per neuron and second; of a batch the mean of its samples.

    Parameters
    ----------
    spikes : SpikeRecording, list or dict
        One, several, or a dict by label; see [raster][dendrion.plot.raster].
    bin : float
        Width of the bins (ms), > 0. The last is cut where the recording ends.
    smooth : float, optional
        Standard deviation (ms) of a Gaussian that rates of bins are averaged with, at least ``bin / 2``. At both ends
        it averages over what there is. By default rates are drawn as steps.
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
    >>> dn.plot.rate(spikes, bin=1.0, smooth=5.0)
    """
    _check(bin, smooth)
    read = _read.spikes("rate", spikes)
    with drawing("rate", ax, 1.4) as axes:
        used = len(axes.get_legend_handles_labels()[1])
        time_axis(axes, min(r.begin for r in read), max(r.end for r in read))
        for r, colour in zip(read, colours(len(read), used), strict=True):
            rates, edges = _rates(r, bin)
            if smooth is None:
                axes.stairs(rates, edges, color=colour, alpha=0.15, fill=True)
                axes.stairs(rates, edges, baseline=None, color=colour, lw=LINE, label=r.label)
            else:
                centres, even = (edges[:-1] + edges[1:]) / 2, _smooth(rates, edges, smooth)
                axes.plot(centres, even, color=colour, lw=1.5 * LINE, label=r.label)
        axes.set_ylabel("rate (Hz)")
        axes.set_ylim(0.0, None)
        legend(axes)
    return axes


def _check(bin: float, smooth: float | None) -> None:
    if not 0 < bin < math.inf:
        raise ParameterError(f"plot.rate: bin = {bin!r}: expected a width > 0 (ms)")
    if smooth is not None and not bin / 2 <= smooth < math.inf:
        raise ParameterError(
            f"plot.rate: smooth = {smooth!r}: expected at least half a bin (bin = {bin:g} ms); make the bins smaller"
        )


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
