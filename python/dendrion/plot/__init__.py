"""Plots of recordings, neurons and connections that can go into a paper as they are. Needs matplotlib.

Every function takes ``ax``, matplotlib Axes to draw into, and returns the Axes. Without it each makes a figure of its
own, as wide as a column (85 mm). Where the figure of ``ax`` has no layout, as those of ``plt.subplots()`` by default,
it is laid out so that labels are neither cut nor collide. Colours are Okabe & Ito's, and viridis where there are more
lines or a scale: eyes of all kinds tell them apart. For figures of several panels, [style][dendrion.plot.style] has the
fonts and lines.
"""

from ._fi_curve import fi_curve
from ._isi import isi
from ._raster import raster
from ._rate import rate
from ._style import style
from ._surrogate import surrogate
from ._traces import traces
from ._tree import tree
from ._weights import weights

__all__ = ["fi_curve", "isi", "raster", "rate", "style", "surrogate", "traces", "tree", "weights"]
