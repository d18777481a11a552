"""A layout engine for figures without one, which keeps labels from being cut off or overlapping."""

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
#: Padding around panels, in units of the font size.
PAD = 0.6


class _Fit(TightLayoutEngine):
    """Matplotlib's tight layout, applied at each draw until the user places the panels manually.

    The layout is computed when the figure is drawn, so that titles and labels that are added later also fit.
    """

    def __init__(self, figure: Figure) -> None:
        super().__init__(pad=PAD)
        self._placed = _placement(figure)

    def execute(self, fig: Any) -> None:
        if _placement(fig) != self._placed:
            # The user has called subplots_adjust since this layout was set.
            return
        with warnings.catch_warnings():
            # Matplotlib warns about panels that do not fit or were placed by hand, and does not move them.
            warnings.simplefilter("ignore", UserWarning)
            # Two passes, because tick labels can change when the panel size does.
            for _ in range(2):
                super().execute(fig)
        self._placed = _placement(fig)


def fit(ax: Axes) -> None:
    """Add a tight layout to the figure of ``ax``, if ``plt.subplots()`` created it with default settings.

    Figures that already have a layout engine keep it, and panels that the user placed are not moved.
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
