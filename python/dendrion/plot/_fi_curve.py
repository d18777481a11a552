"""Plots of firing rates against injected currents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import numbers
from .._quoted import quoted
from ..errors import ParameterError
from . import _read
from ._axes import drawing, legend
from ._paint import checked_label
from ._style import LINE, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..recordings.recording import SpikeRecording

__all__ = ["fi_curve"]


def fi_curve(
    currents: ArrayLike,
    rates: ArrayLike | None = None,
    *,
    spikes: SpikeRecording | None = None,
    window: tuple[float, float] | None = None,
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot firing rates, given directly or computed from recorded spikes, against injected currents.

    If a current occurs several times, the line shows the mean rate, and a band around it shows one standard deviation
    on each side.

    Parameters
    ----------
    currents : array
        Injected currents (pA), of shape ``(n,)``. With ``spikes``, pass one current per neuron; the rates of equal
        currents are averaged.
    rates : array, optional
        Firing rates (Hz), of shape ``(n,)``, or ``(n, neurons)`` for several neurons.
    spikes : SpikeRecording, optional
        Spikes from which the rates are computed, instead of ``rates``. The neurons of the population must have received
        ``currents``, for example as ``I_ext`` of their soma.
    window : (float, float), optional
        Time window (ms) in which spikes are counted, ``t0 <= t < t1``. Defaults to the whole recording.
    label : str, optional
        Label of the curve in the legend. A legend is drawn if ``ax`` has several curves.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, with current in pA and rate in Hz.

    Raises
    ------
    ParameterError, ParameterTypeError
        If shapes do not match, or if neither or both of ``rates`` and ``spikes`` are given.

    Examples
    --------
    >>> cells.soma.I_ext = currents = np.linspace(0.0, 400.0, cells.size)
    >>> net.run(1000.0)
    >>> dn.plot.fi_curve(currents, spikes=spikes, window=(200.0, 1000.0))
    """
    given = numbers("plot.fi_curve: currents", currents, "numbers (pA)")
    if given.ndim != 1 or given.size == 0:
        raise ParameterError(f"plot.fi_curve: currents of shape {given.shape}: expected shape (n,)")
    if (rates is None) == (spikes is None):
        raise ParameterError("plot.fi_curve: expected either rates (Hz) or spikes (a SpikeRecording)")
    if spikes is None and window is not None:
        raise ParameterError(
            f"plot.fi_curve: window = {quoted(window)}: applies to spikes only; remove it if you pass rates"
        )
    table = _given(given, rates) if spikes is None else _counted(given, spikes, window)
    current, mean, spread = _summary(given, table)
    # Matplotlib omits labels that start with an underscore from legends.
    text = checked_label("fi_curve", label) or "_rate"
    with drawing("fi_curve", ax, 2.1) as axes:
        (colour,) = colours(1, len(axes.lines))
        if spread.any():
            axes.fill_between(current, mean - spread, mean + spread, color=colour, alpha=0.2, lw=0)
        axes.plot(current, mean, color=colour, lw=LINE, marker="o", markersize=2.5, clip_on=False, label=text)
        axes.set_xlabel("injected current (pA)")
        axes.set_ylabel("rate (Hz)")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) if (mean < 0).any() else 0.0)
        legend(axes)
    return axes


def _given(currents: NDArray[np.float64], rates: Any) -> NDArray[np.float64]:
    """Return the rates as an array of shape ``(n, neurons)``."""
    table = numbers("plot.fi_curve: rates", rates, "numbers (Hz)")
    if table.ndim not in (1, 2) or table.shape[0] != currents.size or table.size == 0:
        raise ParameterError(
            f"plot.fi_curve: rates of shape {table.shape}: expected ({currents.size},) or ({currents.size}, neurons), "
            "with one row for each current"
        )
    return table if table.ndim == 2 else table[:, None]


def _counted(currents: NDArray[np.float64], recording: Any, window: Any) -> NDArray[np.float64]:
    """Return firing rates of shape ``(neurons, batch)`` from spikes."""
    (read,) = _read.spikes("fi_curve", {"spikes": recording})
    size = read.members.size
    if currents.size != size:
        raise ParameterError(
            f"plot.fi_curve: currents of shape {currents.shape}: expected ({size},), one for each neuron of spikes"
        )
    begin, end = (read.begin, read.end) if window is None else _read.span("fi_curve", "window", window, "ms")
    if end <= begin:
        raise ParameterError("plot.fi_curve: spikes: nothing has been recorded yet; run the network first")
    # Spike times are multiples of dt only up to rounding errors.
    rounding = 1e-9 * max(read.end, 1.0)
    if not read.begin - rounding <= begin < end <= read.end + rounding:
        raise ParameterError(
            f"plot.fi_curve: window = {quoted((begin, end))}: expected times within the recording, which lasts from "
            f"{read.begin:g} to {read.end:g} ms"
        )
    inside = (read.t >= begin - rounding) & (read.t < end - rounding)
    counts = np.bincount((read.rows * read.batch + read.sample)[inside], minlength=size * read.batch)
    return counts.reshape(size, read.batch) / ((end - begin) * 1e-3)


def _summary(
    currents: NDArray[np.float64], table: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the distinct currents in ascending order, with the mean and standard deviation of their rates."""
    different, which = np.unique(currents, return_inverse=True)
    groups = [table[which == k].ravel() for k in range(different.size)]
    mean = np.array([group.mean() for group in groups])
    # A single rate has no standard deviation.
    spread = np.array([group.std(ddof=1) if group.size > 1 else 0.0 for group in groups])
    return different, mean, spread
