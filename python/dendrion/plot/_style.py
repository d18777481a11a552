"""How plots look: fonts and lines for a column of a paper, and colours that all eyes tell apart."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ParameterError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "COLUMN",
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

#: Width of a column and height of a figure (inch): 85 and 60 mm.
COLUMN, HEIGHT = 85 / 25.4, 60 / 25.4
#: Width of lines and of axes (points).
LINE, THIN = 0.8, 0.6
INK, FILL, GREY = "#1a1a1a", "#595959", "#b3b3b3"
#: Okabe & Ito's palette without its yellow, which is lost on white.
PALETTE = (INK, "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
#: Map of colours for scales.
MAP = "viridis"

#: Size of labels (points), and of what is less than those.
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
    # Text stays text in vector files.
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


def pyplot() -> ModuleType:
    """Return ``matplotlib.pyplot``, imported when it is first needed."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError('dendrion.plot needs matplotlib: pip install "dendrion[plot]"') from error
    return plt


def style(size: float = SIZE) -> AbstractContextManager[None]:
    """Return a context in which figures look like those that the plots make themselves, for several panels in one.

    Parameters
    ----------
    size : float
        Size of labels (points); numbers at ticks and legends are an eighth smaller.

    Returns
    -------
    context manager
        Within it matplotlib makes figures as wide as a column of a paper (85 mm; 60 mm high) unless ``figsize`` is
        given, draws thin lines and no boxes, in these fonts, and lays out figures so that all fits.

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
    if not 0 < size < math.inf:
        raise ParameterError(f"plot.style: size = {size!r}: expected a size of font > 0 (points)")
    fonts = {name: size for name in ("font.size", "axes.labelsize", "axes.titlesize")}
    fonts |= {name: SMALLER * size for name in ("xtick.labelsize", "ytick.labelsize", "legend.fontsize")}
    context: AbstractContextManager[None] = plt.rc_context(
        LOOK | fonts | {"axes.prop_cycle": plt.cycler(color=PALETTE)}
    )
    return context


def colours(count: int, first: int = 0) -> list[Any]:
    """Return ``count`` colours: of the palette from ``first`` on, or evenly of the map where they are more."""
    if count > len(PALETTE):
        return shades(count)
    return [PALETTE[(first + k) % len(PALETTE)] for k in range(count)]


def shades(count: int) -> list[Any]:
    """Return colours of the map for lines, without its lightest, which are lost on white."""
    return list(pyplot().get_cmap(MAP)(np.linspace(0.0, 0.92, count)))


def tints(colour: Any, count: int) -> list[tuple[float, float, float]]:
    """Return ``count`` shades of a colour, from itself to one half as strong."""
    from matplotlib.colors import to_rgb

    full = np.array(to_rgb(colour))
    shares = np.linspace(0.0, 0.6, count) if count > 1 else np.zeros(1)
    return [tuple(full + share * (1.0 - full)) for share in shares]
