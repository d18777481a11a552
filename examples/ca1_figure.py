"""The picture of the demo: the cell as it is built, what one of them does, and what all of them do."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from dendrion.models.ca1 import DENDRITES, INPUTS
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse

# Okabe & Ito's palette, told apart by all eyes.
INK, GREY, LIGHT = "#1a1a1a", "#8c8c8c", "#c9c9c9"
COLOUR = {"soma": INK, "prox": "#0072b2", "dist1": "#d55e00"}
CA3, EC = "#009e73", "#cc79a7"
# Direction of each dendrite (degrees from the vertical, positive to the right) and where it starts.
TREE = {
    "prox": ("soma", 0),
    "ob1": ("prox", -62),
    "ob2": ("prox", 62),
    "med": ("prox", 0),
    "dist1": ("med", -24),
    "dist2": ("med", 24),
    "bas1": ("soma", -142),
    "bas2": ("soma", 142),
}
THICKNESS = 3.2  # points per um of diameter: thin dendrites would vanish at the scale of their length


def draw(cells, voltages, spikes, duration: float, path: str) -> None:
    """Draw everything and save it."""
    plt.rcParams.update(
        {
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "axes.labelcolor": INK,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "text.color": INK,
        }
    )
    figure = plt.figure(figsize=(13.33, 7.5), dpi=150, facecolor="white")
    grid = figure.add_gridspec(
        3,
        2,
        width_ratios=(1, 2.35),
        height_ratios=(1.55, 1.5, 0.62),
        left=0.035,
        right=0.95,
        top=0.86,
        bottom=0.085,
        wspace=0.1,
        hspace=0.2,
    )
    tree = figure.add_subplot(grid[:, 0])
    trace = figure.add_subplot(grid[0, 1])
    raster = figure.add_subplot(grid[1, 1])
    rate = figure.add_subplot(grid[2, 1], sharex=raster)
    _tree(tree)
    chosen = _typical(spikes, cells.size, len(next(iter(voltages.values())).values[0]))
    _traces(trace, voltages, spikes, chosen, duration)
    _raster(raster, spikes, cells.size, duration)
    _rate(rate, spikes, cells.size, duration)
    mean = len(spikes) / cells.size / (duration * 1e-3)
    figure.text(0.035, 0.945, f"{cells.size:,} CA1 pyramidal cells", fontsize=20, weight="bold", va="center")
    figure.text(
        0.035,
        0.902,
        f"nine compartments each, driven by CA3 and entorhinal cortex; {mean:.1f} Hz on average",
        fontsize=12,
        color=GREY,
        va="center",
    )
    figure.savefig(path)
    plt.close(figure)


def _typical(spikes, size: int, shown: int) -> int:
    """Return the cell, among those recorded, whose spike count is nearest to three quarters up the others'."""
    counts = np.bincount(spikes.i, minlength=size)[:shown]
    return int(np.argmin(np.abs(counts - np.quantile(counts, 0.75))))


def _tree(axes: Axes) -> None:
    ends = {"soma": np.zeros(2)}
    starts = {"soma": np.zeros(2)}
    for part, (mother, angle) in TREE.items():
        dendrite = DENDRITES[part]
        direction = np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])
        start = ends[mother] + (direction * 12 if mother == "soma" else 0)
        starts[part], ends[part] = start, start + direction * dendrite.length
        colour = COLOUR.get(part, LIGHT)
        axes.plot(
            *zip(start, ends[part], strict=True),
            color=colour,
            lw=THICKNESS * dendrite.diameter + 1.2,
            solid_capstyle="round",
            zorder=2,
        )
    axes.add_patch(Ellipse((0, 0), 26, 34, facecolor=INK, zorder=3))
    axes.text(24, 0, "soma", color=INK, va="center", fontsize=11, weight="bold")
    for part, (_, angle) in TREE.items():
        middle = (starts[part] + ends[part]) / 2
        # Beside the branch, on its outer side; below a slanted one.
        slanted = 40 < abs(angle) < 90
        side = -1.0 if angle < 0 else 1.0
        away = np.array([0.0, -17.0]) if slanted else np.array([side * (10 + 4 * DENDRITES[part].diameter), 0.0])
        if abs(angle) > 90:
            away = np.array([side * 16.0, 6.0])
        axes.text(
            *(middle + away),
            part,
            color=COLOUR.get(part, GREY),
            ha="center" if slanted else "left" if side > 0 else "right",
            va="center",
            fontsize=11,
            weight="bold" if part in COLOUR else "normal",
        )
    _inputs(axes, ends)
    axes.plot([-50, 50], [-160, -160], color=INK, lw=2)
    axes.text(0, -167, "100 µm", ha="center", va="top", fontsize=10)
    axes.set_xlim(-180, 180)
    axes.set_ylim(-190, 490)
    axes.set_aspect("equal")
    axes.axis("off")


def _inputs(axes: Axes, ends: dict[str, np.ndarray]) -> None:
    """Mark which compartments take input, at their outer end."""
    for part in INPUTS:
        colour = EC if part.startswith("dist") else CA3
        _, angle = TREE[part]
        direction = np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])
        if part == "med":
            direction = np.array([1.0, 0.0])
        at = ends[part] + direction * 16 - (np.array([0, 30]) if part == "med" else 0)
        axes.scatter(*at, s=58, marker="o", color=colour, zorder=4, linewidths=0)
    for y, colour, label in ((478, EC, "entorhinal cortex, 82 Hz"), (454, CA3, "CA3, 120 Hz")):
        axes.scatter(-172, y, s=58, color=colour, linewidths=0)
        axes.text(-158, y, label, va="center", fontsize=10)


def _traces(axes: Axes, voltages, spikes, cell: int, duration: float) -> None:
    for shift, (part, probe) in zip((0.0, -30.0, -66.0), voltages.items(), strict=True):
        axes.plot(probe.t, probe.values[:, cell] + shift, color=COLOUR[part], lw=1.0)
        rest = probe.values[0, cell] + shift
        axes.text(-0.012 * duration, rest, part, color=COLOUR[part], ha="right", va="center", weight="bold")
    times = spikes.t[spikes.i == cell]
    axes.vlines(times, -47.5, -25, color=COLOUR["soma"], lw=1.0)
    right = duration * 1.012
    axes.plot([right, right], [-131, -111], color=INK, lw=2, clip_on=False)
    axes.text(right + 0.006 * duration, -121, "20 mV", va="center", fontsize=9)
    axes.set_ylim(-134, -22)
    axes.set_xlim(0, duration)
    axes.axis("off")
    axes.set_title("One cell (spikes drawn in)", loc="left", fontsize=11, color=INK, pad=4)


def _raster(axes: Axes, spikes, size: int, duration: float) -> None:
    axes.plot(spikes.t, spikes.i, linestyle="none", marker="|", ms=2.2, mew=0.7, color=INK, alpha=0.75)
    axes.set_xlim(0, duration)
    axes.set_ylim(-0.01 * size, size * 1.01)
    axes.set_yticks([0, size])
    axes.set_ylabel("cell", labelpad=-18)
    axes.tick_params(labelbottom=False, bottom=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_title("All cells", loc="left", fontsize=11, color=INK, pad=4)


def _rate(axes: Axes, spikes, size: int, duration: float, width: float = 5.0) -> None:
    edges = np.arange(0, duration + width, width)
    counts, _ = np.histogram(spikes.t, edges)
    rates = counts / size / (width * 1e-3)
    axes.fill_between(edges, np.append(rates, rates[-1]), step="post", color=COLOUR["prox"], alpha=0.85, lw=0)
    axes.set_ylim(0, max(rates.max() * 1.1, 1.0))
    axes.set_xlabel("time (ms)")
    axes.set_ylabel("rate (Hz)")
