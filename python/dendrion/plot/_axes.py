"""Axes to draw into: those passed by the user, or those of a new figure that is one column wide."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._quoted import quoted
from ..errors import ParameterTypeError
from ._style import COLUMN, LINE, SMALLER, THIN, pyplot, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

__all__ = ["colour_bar", "drawing", "laid_out", "legend", "size_in_points", "small", "time_axis"]


@contextmanager
def drawing(what: str, ax: Axes | None, height: float, width: float = COLUMN) -> Iterator[Axes]:
    """Yield axes without a box: those of the user, which keep their fonts, or new axes in Dendrion's style.

    If the user's figure has no layout engine, one that makes room for labels is added.

    Parameters
    ----------
    what : str
        Name of the plot function, for error messages.
    ax : Axes or None
        The axes passed by the user.
    height, width : float
        Size of a new figure (inch).
    """
    plt = pyplot()
    from matplotlib.axes import Axes

    if ax is not None:
        if not isinstance(ax, Axes):
            raise ParameterTypeError(
                f"plot.{what}: ax = {quoted(ax)}: expected Matplotlib Axes, or None for a new figure"
            )
        from ._fit import fit

        fit(ax)
        ax.spines[["top", "right"]].set_visible(False)
        yield ax
        return
    with style():
        _, new = plt.subplots(figsize=(width, height))
        yield new


def colour_bar(ax: Axes, scale: ScalarMappable, label: str) -> None:
    """Add a colour bar without a frame."""
    bar = ax.figure.colorbar(scale, ax=ax, shrink=0.5, aspect=15, pad=0.02, label=label)
    bar.outline.set_visible(False)
    bar.ax.tick_params(width=THIN, length=2, labelsize=small(ax))


def laid_out(ax: Axes) -> None:
    """Move axes to the position that the layout engine of their figure assigns to them."""
    from matplotlib.figure import Figure

    if isinstance(ax.figure, Figure) and (engine := ax.figure.get_layout_engine()) is not None:
        engine.execute(ax.figure)


def time_axis(ax: Axes, begin: float, end: float) -> None:
    """Label the time axis. Set its limits to ``begin`` and ``end`` (ms), extended to include data already drawn."""
    if any(other.has_data() for other in ax.get_shared_x_axes().get_siblings(ax)):
        low, high = ax.get_xlim()
        begin, end = min(begin, low), max(end, high)
    ax.set_xlim(begin, end if end > begin else begin + 1.0)
    # A panel that shares its x axis with a panel below it shows neither tick labels nor an axis label.
    if ax.xaxis.get_major_ticks(1)[0].label1.get_visible():
        ax.set_xlabel("time (ms)")


def legend(ax: Axes, title: str | None = None, least: int = 2) -> None:
    """Add a legend if there are at least ``least`` labelled lines, outside the axes if the layout allows it."""
    handles, labels = ax.get_legend_handles_labels()
    if len(handles) < least:
        return
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.0}
    if ax.figure.get_layout_engine() is None:
        # Without a layout engine, a legend outside the axes might be cut off.
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
    """Return the font size (points) for text that is less important than the axis labels."""
    return SMALLER * float(ax.xaxis.get_label().get_fontsize())


def size_in_points(ax: Axes) -> NDArray[np.float64]:
    """Return the width and height of the axes (points), which a layout engine may still change slightly."""
    box = ax.get_window_extent()
    return np.array([box.width, box.height]) * 72 / ax.figure.dpi
