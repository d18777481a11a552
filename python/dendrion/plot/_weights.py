"""Weights of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import numbers
from ..connections.synapse import Connections, MCSynapse
from ..errors import ParameterError
from ._axes import drawing, small
from ._style import FILL, MAP, THIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["weights"]

#: Cells of an image at most: more than a page has pixels.
MOST_CELLS = 50_000_000


def weights(
    synapse: MCSynapse | Connections | ArrayLike,
    *,
    kind: Literal["image", "histogram"] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw weights: of dense connections as an image, of sparse ones how often each weight is.

    Parameters
    ----------
    synapse : MCSynapse, Connections, array or sparse matrix
        A connection, its ``connections``, or weights of shape ``(sources, targets)``. Connections of a rule are made
        with the network.
    kind : "image" or "histogram", optional
        What to draw. By default an image of an array and of an ``MCSynapse`` made from one, and a histogram of all
        others, whose image would be nearly empty. In an image pairs that are not connected are left white, and weights
        of a pair that is connected more than once are summed.
    ax : Axes, optional
        Where to draw. By default a new figure.

    Returns
    -------
    Axes
        Targets and sources, with a colour bar; or weights and the number of connections. Weights have no unit.

    Raises
    ------
    ParameterError, ParameterTypeError
        For what has no weights, for an unknown kind, and for an image that is too large.
    StructureError
        For an MCSynapse whose connections are made with the network, before that.

    Examples
    --------
    >>> dn.plot.weights(syn)
    """
    if kind not in (None, "image", "histogram"):
        raise ParameterError(f'plot.weights: kind = {kind!r}: expected "image", "histogram" or None')
    values, dense = _read(synapse)
    if kind is None:
        kind = "histogram" if dense is None else "image"
    if kind == "image":
        return _image(_table(synapse, values) if dense is None else dense, ax)
    return _histogram(values, ax)


def _read(synapse: Any) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the weights of all connections, and their table where they are dense."""
    if isinstance(synapse, MCSynapse):
        if synapse.shape is not None:
            return synapse.w.ravel(), synapse.w
        return synapse.connections.weight, None
    if isinstance(synapse, Connections):
        return np.asarray(synapse.weight, dtype=np.float64), None
    if hasattr(synapse, "tocoo"):
        return np.asarray(synapse.tocoo().data, dtype=np.float64), None
    expected = "an MCSynapse, its connections, or an array or sparse matrix of shape (sources, targets)"
    table = numbers("plot.weights: synapse", synapse, expected)
    if table.ndim != 2 or table.size == 0:
        raise ParameterError(f"plot.weights: synapse of shape {table.shape}: expected {expected}")
    return table.ravel(), table


def _table(synapse: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a table of sparse weights, NaN where there is no connection."""
    if isinstance(synapse, MCSynapse):
        shape, (pre, post, *_) = (synapse.pre.size, synapse.post[0].size), synapse.connections
    elif isinstance(synapse, Connections):
        pre, post = synapse.pre, synapse.post
        shape = (int(pre.max(initial=0)) + 1, int(post.max(initial=0)) + 1)
    else:
        coo = synapse.tocoo()
        pre, post, shape = coo.row, coo.col, coo.shape
    if shape[0] * shape[1] > MOST_CELLS:
        raise ParameterError(f'plot.weights: kind = "image" of shape {shape}: is too large; expected "histogram"')
    table, count = np.zeros(shape), np.zeros(shape, dtype=bool)
    np.add.at(table, (pre, post), values)
    count[pre, post] = True
    return np.where(count, table, np.nan)


def _image(table: NDArray[np.float64], given: Axes | None) -> Axes:
    from matplotlib.ticker import MaxNLocator

    rows, columns = table.shape
    with drawing("weights", given, float(np.clip(0.5 + 2.35 * rows / columns, 1.3, 3.2))) as ax:
        # Tables that are far from square fill the axes instead.
        aspect: Literal["equal", "auto"] = "equal" if 0.2 < rows / columns < 5 else "auto"
        image = ax.imshow(table, cmap=MAP, aspect=aspect, interpolation="nearest", origin="upper")
        ax.spines[:].set_visible(False)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
        ax.set_xlabel("target")
        ax.set_ylabel("source")
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, aspect=18, pad=0.03, label="weight")
        bar.outline.set_visible(False)
        bar.ax.tick_params(width=THIN, length=2, labelsize=small(ax))
    return ax


def _histogram(values: NDArray[np.float64], given: Axes | None) -> Axes:
    with drawing("weights", given, 1.7) as ax:
        bins = int(np.clip(np.sqrt(values.size), 10, 50))
        counts, edges = np.histogram(values, bins=bins) if values.size else (np.zeros(1), np.array([0.0, 1.0]))
        ax.stairs(counts, edges, fill=True, color=FILL)
        ax.margins(x=0.02)
        ax.set_ylim(bottom=0.0)
        ax.set_xlabel("weight")
        ax.set_ylabel("connections")
    return ax
