"""Axes to draw into: given ones, or a figure of a column's width."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterTypeError
from ._style import COLUMN, LINE, SMALLER, pyplot, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["drawing", "laid_out", "legend", "size_in_points", "small", "time_axis"]


@contextmanager
def drawing(what: str, ax: Axes | None, height: float, width: float = COLUMN) -> Iterator[Axes]:
    """Yield axes to draw into, without a box: those given, whose fonts stay, or new ones in the style of a paper.

    A given figure without a layout gets one that makes room for labels.

    Parameters
    ----------
    what : str
        The plot, for messages.
    ax : Axes or None
        What the user gave.
    height, width : float
        Size of a new figure (inch).
    """
    plt = pyplot()
    from matplotlib.axes import Axes

    if ax is not None:
        if not isinstance(ax, Axes):
            raise ParameterTypeError(f"plot.{what}: ax = {ax!r}: expected Axes of matplotlib, or None for a new figure")
        from ._fit import fit

        fit(ax)
        ax.spines[["top", "right"]].set_visible(False)
        yield ax
        return
    with style():
        _, new = plt.subplots(figsize=(width, height))
        yield new


def laid_out(ax: Axes) -> None:
    """Let given axes have the place that the layout of their figure gives them."""
    from matplotlib.figure import Figure

    if isinstance(ax.figure, Figure) and (engine := ax.figure.get_layout_engine()) is not None:
        engine.execute(ax.figure)


def time_axis(ax: Axes, begin: float, end: float) -> None:
    """Label the axis of time and let it span ``begin`` to ``end`` (ms), and what is drawn over it already."""
    if any(other.has_data() for other in ax.get_shared_x_axes().get_siblings(ax)):
        low, high = ax.get_xlim()
        begin, end = min(begin, low), max(end, high)
    ax.set_xlim(begin, end if end > begin else begin + 1.0)
    # Axes above others that share theirs have neither numbers nor a label.
    if ax.xaxis.get_major_ticks(1)[0].label1.get_visible():
        ax.set_xlabel("time (ms)")


def legend(ax: Axes, title: str | None = None, least: int = 2) -> None:
    """Name what has a label, beside the axes if the figure makes room there. One line alone needs no name."""
    handles, labels = ax.get_legend_handles_labels()
    if len(handles) < least:
        return
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.0}
    if ax.figure.get_layout_engine() is None:
        # Nothing would make room for it, and it might be cut off.
        place = {"loc": "best"}
    size = small(ax)
    made = ax.legend(
        handles,
        labels,
        title=title,
        handlelength=1.0,
        handletextpad=0.5,
        labelspacing=0.35,
        frameon=False,
        fontsize=size,
        title_fontsize=size,
        alignment="left",
        **place,
    )
    for line in made.get_lines():
        line.set_linewidth(2 * LINE)


def small(ax: Axes) -> float:
    """Return a size of font (points) for what is less than the axes' own labels."""
    return SMALLER * float(ax.xaxis.get_label().get_fontsize())


def size_in_points(ax: Axes) -> NDArray[np.float64]:
    """Return width and height, which a layout may still change a little."""
    box = ax.get_window_extent()
    return np.array([box.width, box.height]) * 72 / ax.figure.dpi
