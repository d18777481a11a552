"""A layout for figures that have none, so that labels are neither cut nor collide."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.layout_engine import TightLayoutEngine

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fit"]

_SIDES = ("left", "right", "bottom", "top")
_ALL = (*_SIDES, "wspace", "hspace")
#: Space around panels, in sizes of the font.
PAD = 0.6


class _Fit(TightLayoutEngine):
    """Matplotlib's tight layout at each draw, until somebody else places the panels.

    A draw rather than the plot itself lays out, so that titles and labels that the user adds later have room.
    """

    def __init__(self, figure: Figure) -> None:
        super().__init__(pad=PAD)
        self._placed = _placement(figure)

    def execute(self, fig: Any) -> None:
        if _placement(fig) != self._placed:
            # The user placed the panels, by subplots_adjust, after this layout was set.
            return
        with warnings.catch_warnings():
            # Of panels for which there is no room, or that were placed by hand: those stay where they are.
            warnings.simplefilter("ignore", UserWarning)
            # Twice, since panels of another size may have other tick labels.
            for _ in range(2):
                super().execute(fig)
        self._placed = _placement(fig)


def fit(ax: Axes) -> None:
    """Let the figure of some axes lay out its panels, if it is one of ``plt.subplots()`` as it is by default.

    Figures with a layout keep it, and panels that the user placed stay.
    """
    figure, spec = ax.figure, ax.get_subplotspec()
    if not isinstance(figure, Figure) or spec is None or figure.get_layout_engine() is not None:
        return
    grid = spec.get_topmost_subplotspec().get_gridspec()
    by_hand = any(getattr(grid, side, None) is not None for side in _SIDES)
    if not by_hand and _placement(figure) == _defaults():
        figure.set_layout_engine(_Fit(figure))


def _defaults() -> tuple[float, ...]:
    defaults = cast("dict[str, Any]", rcParams)
    return tuple(defaults[f"figure.subplot.{name}"] for name in _ALL)


def _placement(figure: Figure) -> tuple[float, ...]:
    return tuple(getattr(figure.subplotpars, name) for name in _ALL)
