"""The figure of the demo: the compartments of the cell, the activity of one cell, and that of all cells."""

from __future__ import annotations

import dendrion as dn
import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from dendrion.models.ca1 import DENDRITES, INPUTS
from matplotlib.axes import Axes

# The palette of Okabe & Ito, which is safe for colour-blind readers. Compartments have the colours of their traces.
COLOUR = {"soma": "#1a1a1a", "prox": "#0072b2", "dist1": "#d55e00"}
CA3, EC, GREY, LIGHT = "#009e73", "#cc79a7", "#8c8c8c", "#c9c9c9"


def draw(cells, voltages, spikes, duration: float, path: str, dpi: int = 150) -> None:
    """Draw the figure and save it."""
    with dn.plot.style(size=12):
        figure = plt.figure(figsize=(13.33, 7.5), dpi=dpi)
        figure.get_layout_engine().set(rect=(0.02, 0.02, 0.96, 0.84), hspace=0.04)
        grid = figure.add_gridspec(3, 2, width_ratios=(1, 2.2), height_ratios=(1.5, 1.5, 0.8))
        tree = figure.add_subplot(grid[:, 0])
        rate = figure.add_subplot(grid[2, 1])
        trace, raster = (figure.add_subplot(grid[row, 1], sharex=rate) for row in range(2))
        _tree(tree, cells)
        cell = _typical(spikes, cells.size, len(next(iter(voltages.values())).values[0]))
        for axes, title in ((trace, "One cell (spikes drawn in)"), (raster, "All cells")):
            axes.set_title(title, loc="left")
            axes.tick_params(labelbottom=False)
        dn.plot.traces(voltages, neurons=cell, spikes=spikes, ax=trace)
        dn.plot.raster(spikes, ax=raster)
        dn.plot.rate(spikes, ax=rate)
        mean = len(spikes) / cells.size / (duration * 1e-3)
        about = f"nine compartments each, driven by CA3 and entorhinal cortex; {mean:.1f} Hz on average"
        figure.text(0.035, 0.945, f"{cells.size:,} CA1 pyramidal cells", fontsize=20, weight="bold", va="center")
        figure.text(0.035, 0.895, about, color=GREY, va="center")
        figure.savefig(path)
        plt.close(figure)


def _typical(spikes, size: int, shown: int) -> int:
    """Return the recorded cell whose spike count is nearest to the upper quartile."""
    counts = np.bincount(spikes.i, minlength=size)[:shown]
    return int(np.argmin(np.abs(counts - np.quantile(counts, 0.75))))


def _tree(axes: Axes, cells) -> None:
    """Draw the cell, and mark the compartments that receive input."""
    colours = {part: COLOUR.get(part, LIGHT) for part in ("soma", *DENDRITES)}
    dn.plot.tree(cells, color=colours, ax=axes)
    # The last two of the four corners of a dendrite are at its far end.
    at = {patch.get_gid(): np.array([0.1, 0.1, 0.4, 0.4]) @ patch.get_path().vertices[:4] for patch in axes.patches}
    for colour, label, parts in (
        (EC, "entorhinal cortex, 82 Hz", [part for part in INPUTS if part.startswith("dist")]),
        (CA3, "CA3, 120 Hz", [part for part in INPUTS if not part.startswith("dist")]),
    ):
        x, y = np.transpose([at[part] for part in parts])
        axes.plot(x, y, "o", color=colour, markersize=8, mec="white", label=label, zorder=4)
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.1))
