"""Publication-ready plots of recordings, neurons and connections. Requires matplotlib.

Every plot function accepts ``ax``, the Matplotlib Axes to draw into, and returns the Axes, except
[movie][dendrion.plot.movie], which returns an animation. Without ``ax``, the function creates a figure that is as wide
as a journal column (85 mm). If the figure of ``ax`` has no layout engine, as is the default for ``plt.subplots()``, the
plot function adds one that keeps labels from being cut off or overlapping. Colours come from the Okabe-Ito palette, or
from viridis if there are many lines or a colour scale, so that colour-blind readers can distinguish them. Use
[style][dendrion.plot.style] to get the same fonts and lines in figures with several panels.
"""

from ._fi_curve import fi_curve
from ._isi import isi
from ._morphology import morphology
from ._movie import movie
from ._raster import raster
from ._rate import rate
from ._style import style
from ._surrogate import surrogate
from ._traces import traces
from ._tree import tree
from ._weights import weights

__all__ = [
    "fi_curve",
    "isi",
    "morphology",
    "movie",
    "raster",
    "rate",
    "style",
    "surrogate",
    "traces",
    "tree",
    "weights",
]
