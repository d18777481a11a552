"""Plots of connection weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import numbers
from .._quoted import quoted
from ..connections._sparse import to_format
from ..connections.synapse import Connections, MCSynapse
from ..errors import ParameterError
from ._axes import drawing, small
from ._style import DIVERGING, FILL, GREY, INK, MAP, THIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["weights"]

#: Maximum number of pixels in an image.
MOST_CELLS = 50_000_000


def weights(
    synapse: MCSynapse | Connections | ArrayLike,
    *,
    kind: Literal["image", "histogram"] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot connection weights: dense weights as an image, sparse weights as a histogram.

    Parameters
    ----------
    synapse : MCSynapse, Connections, array or sparse matrix
        A synapse, its ``connections``, or weights of shape ``(sources, targets)``. An ``MCSynapse`` with a
        connection rule has weights only after its network is built.
    kind : "image" or "histogram", optional
        Type of plot. By default, arrays and an ``MCSynapse`` created from an array are drawn as an image. All others
        are drawn as a histogram, because an image of them would be nearly empty. In an image, unconnected pairs are
        white, and the weights of pairs with several connections are summed. If some weights are negative, an image has
        diverging colours with white at 0, and unconnected pairs are grey; a histogram marks 0 with a line.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, with targets, sources and a colour bar for an image, or weights and counts for a histogram. Weights
        are dimensionless, except those of a [CurrentReceptor][dendrion.CurrentReceptor], which are in pA.

    Raises
    ------
    ParameterError, ParameterTypeError
        If ``synapse`` has no weights, ``kind`` is unknown, or the image would be too large.
    StructureError
        If ``synapse`` is an MCSynapse whose connections have not been drawn yet.

    Examples
    --------
    >>> dn.plot.weights(syn)
    """
    if kind is not None and not (isinstance(kind, str) and kind in ("image", "histogram")):
        raise ParameterError(f'plot.weights: kind = {quoted(kind)}: expected "image", "histogram" or None')
    values, dense = _read(synapse)
    for bad in np.flatnonzero(~np.isfinite(values))[:1]:
        raise ParameterError(f"plot.weights: weight {bad} is {values[bad]}: expected a finite weight")
    if kind is None:
        kind = "histogram" if dense is None else "image"
    unit = synapse._unit_of("w") if isinstance(synapse, MCSynapse) else ""
    label = f"weight ({unit})" if unit else "weight"
    if kind == "image":
        return _image(_table(synapse, values) if dense is None else dense, ax, label)
    return _histogram(values, ax, label)


def _read(synapse: Any) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the weights of all connections, and the weight matrix if the weights are dense."""
    if isinstance(synapse, MCSynapse):
        if synapse.shape is not None:
            return synapse.w.ravel(), synapse.w
        return synapse.connections.weight, None
    if isinstance(synapse, Connections):
        return np.asarray(synapse.weight, dtype=np.float64), None
    if hasattr(synapse, "tocoo") and not isinstance(synapse, type):
        return np.asarray(to_format("plot.weights: synapse", synapse, "coo").data, dtype=np.float64), None
    expected = "an MCSynapse, its connections, or an array or sparse matrix of shape (sources, targets)"
    table = numbers("plot.weights: synapse", synapse, expected)
    if table.ndim != 2 or table.size == 0:
        raise ParameterError(f"plot.weights: synapse of shape {table.shape}: expected {expected}")
    return table.ravel(), table


def _table(synapse: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix of sparse weights, with NaN where there is no connection."""
    if isinstance(synapse, MCSynapse):
        shape, (pre, post, *_) = (synapse.pre.size, synapse.post[0].size), synapse.connections
    elif isinstance(synapse, Connections):
        pre, post = synapse.pre, synapse.post
        shape = (int(pre.max(initial=0)) + 1, int(post.max(initial=0)) + 1)
    else:
        coo = synapse.tocoo()
        pre, post, shape = coo.row, coo.col, coo.shape
    if shape[0] * shape[1] > MOST_CELLS:
        raise ParameterError(
            f'plot.weights: kind = "image": the matrix of shape {shape} is too large; use kind = "histogram"'
        )
    table, count = np.zeros(shape), np.zeros(shape, dtype=bool)
    np.add.at(table, (pre, post), values)
    count[pre, post] = True
    return np.where(count, table, np.nan)


def _image(table: NDArray[np.float64], given: Axes | None, label: str) -> Axes:
    from matplotlib.ticker import MaxNLocator

    rows, columns = table.shape
    with drawing("weights", given, float(np.clip(0.5 + 2.35 * rows / columns, 1.3, 3.2))) as ax:
        # Matrices that are far from square fill the axes.
        aspect: Literal["equal", "auto"] = "equal" if 0.2 < rows / columns < 5 else "auto"
        signed = bool(np.nanmin(table, initial=0.0) < 0.0)
        limit = float(np.nanmax(np.abs(table), initial=0.0)) if signed else None
        image = ax.imshow(
            table,
            cmap=DIVERGING if signed else MAP,
            vmin=None if limit is None else -limit,
            vmax=limit,
            aspect=aspect,
            interpolation="nearest",
            origin="upper",
        )
        if signed:
            # White stands for a weight of 0.
            ax.set_facecolor(GREY)
        ax.spines[:].set_visible(False)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
        ax.set_xlabel("target")
        ax.set_ylabel("source")
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, aspect=18, pad=0.03, label=label)
        bar.outline.set_visible(False)
        bar.ax.tick_params(width=THIN, length=2, labelsize=small(ax))
    return ax


def _histogram(values: NDArray[np.float64], given: Axes | None, label: str) -> Axes:
    with drawing("weights", given, 1.7) as ax:
        bins = int(np.clip(np.sqrt(values.size), 10, 50))
        counts, edges = np.zeros(1), np.array([0.0, 1.0])
        if values.size:
            low, high = float(values.min()), float(values.max())
            # Weights that differ only by rounding errors are too close together for separate bins.
            room = 2 * bins * float(np.spacing(max(abs(low), abs(high))))
            around = (low - room, high + room) if 0 < high - low < room else None
            counts, edges = np.histogram(values, bins=bins, range=around)
        ax.stairs(counts, edges, fill=True, color=FILL)
        ax.margins(x=0.02)
        ax.set_ylim(bottom=0.0)
        if values.size and values.min() < 0.0:
            ax.axvline(0.0, color=INK, linewidth=THIN)
        ax.set_xlabel(label)
        ax.set_ylabel("connections")
    return ax
