"""Plot style: fonts and lines for one journal column, and colours that colour-blind readers can distinguish."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from .._numbers import real
from .._quoted import quoted
from ..errors import ParameterError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "COLUMN",
    "DIVERGING",
    "FILL",
    "GREY",
    "INK",
    "LINE",
    "MAP",
    "SMALLER",
    "THIN",
    "colours",
    "pyplot",
    "shades",
    "style",
    "tints",
]

#: Width and height of a figure (inch): 85 mm (the width of a journal column) and 60 mm.
COLUMN, HEIGHT = 85 / 25.4, 60 / 25.4
#: Widths of data lines and of axes (points).
LINE, THIN = 0.8, 0.6
INK, FILL, GREY = "#1a1a1a", "#595959", "#b3b3b3"
#: The Okabe-Ito palette without yellow, which is hard to see on white.
PALETTE = (INK, "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
#: Colour map for colour scales.
MAP = "viridis"
#: Colour map for values of both signs, which is white at 0.
DIVERGING = "RdBu_r"

#: Font size of labels (points), and the size of the smaller font relative to it.
SIZE, SMALLER = 8.0, 0.875

LOOK: dict[str, Any] = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "axes.linewidth": THIN,
    "xtick.major.width": THIN,
    "ytick.major.width": THIN,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "axes.labelpad": 3,
    "lines.linewidth": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.figsize": (COLUMN, HEIGHT),
    "figure.constrained_layout.use": True,
    "figure.dpi": 200,
    # Keep text as text in vector files.
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


def pyplot() -> ModuleType:
    """Return ``matplotlib.pyplot``, which is imported when first needed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError('dendrion.plot requires matplotlib; install it with: pip install "dendrion[plot]"') from error
    return plt


def style(size: float = SIZE) -> AbstractContextManager[None]:
    """Return a context manager that gives your own figures the style of the plot functions.

    Use it for figures with several panels.

    Parameters
    ----------
    size : float
        Font size of labels (points). Tick labels and legends are smaller by an eighth.

    Returns
    -------
    context manager
        Within the context, figures are 85 mm wide (one journal column) and 60 mm high unless you pass ``figsize``, have
        thin lines and no boxes, use these font sizes, and are laid out so that everything fits.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> with dn.plot.style():
    ...     figure, (top, bottom) = plt.subplots(2, 1, figsize=(3.35, 3.0), sharex=True)
    ...     dn.plot.traces(v, ax=top)
    ...     dn.plot.raster(spikes, ax=bottom)
    ...     figure.savefig("figure.pdf")
    """
    plt = pyplot()
    real("plot.style: size", size, "a font size > 0 (points)")
    if not 0 < size < math.inf:
        raise ParameterError(f"plot.style: size = {quoted(size)}: expected a font size > 0 (points)")
    fonts = {name: size for name in ("font.size", "axes.labelsize", "axes.titlesize")}
    fonts |= {name: SMALLER * size for name in ("xtick.labelsize", "ytick.labelsize", "legend.fontsize")}
    context: AbstractContextManager[None] = plt.rc_context(
        LOOK | fonts | {"axes.prop_cycle": plt.cycler(color=PALETTE)}
    )
    return context


def colours(count: int, first: int = 0) -> list[Any]:
    """Return ``count`` colours of the palette from ``first`` on, or of the colour map if the palette has too few."""
    if count > len(PALETTE):
        return shades(count)
    return [PALETTE[(first + k) % len(PALETTE)] for k in range(count)]


def shades(count: int) -> list[Any]:
    """Return colours of the colour map without its lightest part, which is hard to see on white."""
    return list(pyplot().get_cmap(MAP)(np.linspace(0.0, 0.92, count)))


def tints(colour: Any, count: int) -> list[tuple[float, float, float]]:
    """Return ``count`` tints of a colour, from the colour itself to 40 % of its strength."""
    from matplotlib.colors import to_rgb

    full = np.array(to_rgb(colour))
    shares = np.linspace(0.0, 0.6, count) if count > 1 else np.zeros(1)
    return [tuple(full + share * (1.0 - full)) for share in shares]
