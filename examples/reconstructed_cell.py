"""A detailed pyramidal cell: an NMDA spike in the tuft makes the cell fire, and action potentials propagate back.

Reads an SWC file (`--swc cell.swc`) with a soma and an apical dendrite; without one, grows a cell.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import dendrion as dn
import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from grow_cell import pyramidal
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

BRANCH, TRUNK, SOMA, GREY = "#cc79a7", "#009e73", "#1a1a1a", "#8c8c8c"
LIMITS = (-75.0, 25.0)  # mV, of the colours


class Pyramidal(dn.CableNeuron):
    """A pyramidal cell with active dendrites, and a cluster of AMPA and NMDA receptors."""

    def __init__(self, tree: dn.Morphology, cluster: list[dn.Location]) -> None:
        super().__init__(1, tree, cv=dn.DLambda(0.1), C=1.0, gL=40.0, V_rest=-70.0, r_axial=120.0, V_th=-20.0)
        proximal = tree.region("apical", distance=(0.0, 600.0))
        self.na = dn.channels.NaT(self, on="soma", g=100.0)
        densities = {"all": 3.0, "soma": 10.0}
        if "axon" in tree.kinds:
            self.na_axon = dn.channels.NaT(self, on="axon", g=200.0)
            densities["axon"] = 30.0
        self.na_apical = dn.channels.NaT(self, on=proximal, g="g_soma * exp(-distance/lam)", g_soma=40.0, lam=400.0)
        self.k = dn.channels.Kdr(self, on="all", g=densities)
        self.ih = dn.channels.Ih(self, on="apical", g="g_soma * exp(distance/lam)", g_soma=0.005, lam=200.0)
        self.ampa = dn.AMPA(self, at=cluster, g=0.1, t_rise=0.2, t_decay=2.0, scale_g=True)
        self.nmda = dn.NMDA(self, at=cluster, g=0.3, t_rise=3.0, t_decay=60.0, scale_g=True)


def farthest(tree: dn.Morphology) -> list[int]:
    """Return the path of sections from the most distant apical tip to the first apical section."""
    parents = {section.parent for section in tree.sections}
    tips = [s for s in tree.sections if s.kind == "apical" and s.index not in parents]
    path = [max(tips, key=lambda s: s.distance + s.length)]
    while path[-1].parent is not None and tree.sections[path[-1].parent].kind == "apical":
        path.append(tree.sections[path[-1].parent])
    return [section.index for section in path]


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate the cell, draw the figure, and return the number of action potentials."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swc", help="file with the morphology")
    parser.add_argument("--seed", type=int, default=4, help="seed of the cell that is grown without --swc")
    parser.add_argument("--current", type=float, default=80.0, help="current into the soma (pA)")
    parser.add_argument("--out", default="reconstructed_cell.png", help="file for the figure")
    parser.add_argument("--movie", help="file for a movie of the first action potential, such as cell.gif")
    parser.add_argument("--dpi", type=int, default=150, help="resolution of the figure")
    options = parser.parse_args(arguments)

    tree = read(options.swc, options.seed)
    if not {"soma", "apical"} <= set(tree.kinds):
        parser.error(f"{options.swc}: has {', '.join(tree.kinds)}; expected a soma and an apical dendrite")
    path = farthest(tree)
    cluster = [tree.at(path[0], x) for x in np.linspace(0.5, 0.95, 20)]
    cell = Pyramidal(tree, cluster)
    axon = dn.SpikeGenerator(1, indices=[0, 0, 0], times=[20.0, 30.0, 40.0])
    synapses = dn.MCSynapse(axon, (cell.ampa, cell.nmda), np.ones((1, len(cluster))))
    electrode = dn.DCGenerator(1, amplitude=options.current, start=20.0, stop=180.0)
    net = dn.Network([cell, axon, synapses, electrode, dn.ConnGen(electrode, cell.at("soma"))], dt=0.025)
    everywhere = net.probe(cell, "V", every=0.1)
    spikes = net.probe(cell, "spikes")

    begun = time.perf_counter()
    net.run(200.0)
    wall = time.perf_counter() - begun
    print(f"{tree}, {len(cell.cvs)} CVs; 200 ms in {wall:.2f} s, {len(spikes)} action potentials")
    halfway = next(n for n in path if tree.sections[n].distance <= 0.5 * tree.distance(cluster[-1]))
    sites = {"tuft branch": cluster[10], "trunk": tree.at(halfway, 0.5), "soma": tree.at(0, 0.5)}
    draw(cell, everywhere, spikes, sites, options.out, options.dpi)
    print(f"figure: {options.out}")
    if options.movie:
        peak = spikes.t[0] if len(spikes) else 55.0
        window = (peak - 3.0, min(peak + 5.0, everywhere.t[-1]))
        movie = dn.plot.movie(everywhere, cell, window=window, limits=LIMITS, thickness=4.0, fps=15.0)
        movie.save(options.movie, dpi=options.dpi)
        print(f"movie: {options.movie}")
    return len(spikes)


def read(path: str | None, seed: int) -> dn.Morphology:
    """Return the morphology in a file or, without a file, one that is grown."""
    if path is not None:
        return dn.Morphology.read(path)
    with tempfile.TemporaryDirectory() as folder:
        grown = Path(folder) / "cell.swc"
        grown.write_text(pyramidal(seed))
        return dn.Morphology.read(grown)


def draw(cell: Pyramidal, v, spikes, sites: dict[str, dn.Location], path: str, dpi: int) -> None:
    """Draw the cell at five times, and potentials at three sites."""
    peak = spikes.t[0] + 0.3 if len(spikes) else 80.0
    times = [15.0, 55.0, peak, peak + 0.5, peak + 1.0]
    titles = ["rest", "NMDA spike", "action potential" if len(spikes) else "80 ms", "+ 0.5 ms", "+ 1.0 ms"]
    with dn.plot.style(size=12):
        figure = plt.figure(figsize=(13.33, 7.5), dpi=dpi)
        figure.get_layout_engine().set(rect=(0.02, 0.02, 0.96, 0.85), hspace=0.04)
        above, below = figure.add_gridspec(2, 1, height_ratios=(1.9, 1.0))
        frames = above.subgridspec(1, len(times)).subplots()
        for k, (ax, at, title) in enumerate(zip(frames, times, titles, strict=True)):
            _frame(ax, cell, v.values[np.searchsorted(v.t, at)], sites, is_first=k == 0)
            ax.set_title(f"{'abcde'[k]}  {title}")
        scale = ScalarMappable(Normalize(*LIMITS), "viridis")
        bar = figure.colorbar(scale, ax=frames, shrink=0.6, aspect=25, pad=0.01, label="V (mV)")
        bar.outline.set_visible(False)
        whole, zoom = below.subgridspec(1, 2, width_ratios=(2.2, 1.0)).subplots(sharey=True)
        for ax in (whole, zoom):
            for (name, place), color in zip(sites.items(), (BRANCH, TRUNK, SOMA), strict=True):
                ax.plot(v.t, v.values[:, cell.cvs.at(place)], color=color, lw=1.3, label=name)
            ax.set_xlabel("time (ms)")
        _letters(whole, times[:3])
        _letters(zoom, times[2:], "cde")
        whole.set(ylabel="V (mV)", xlim=(0.0, 200.0))
        whole.legend(loc="upper right")
        zoom.set_xlim(peak - 2.5, peak + 5.0)
        figure.text(0.035, 0.945, "A pyramidal cell from an SWC file", fontsize=20, weight="bold", va="center")
        about = "an NMDA spike in the tuft"
        if len(spikes):
            about += " makes the cell fire; action potentials propagate back into the dendrites"
        figure.text(0.035, 0.895, f"{len(cell.cvs)} control volumes; {about}", color=GREY, va="center")
        figure.savefig(path)
        plt.close(figure)


def _frame(ax, cell: Pyramidal, v, sites: dict[str, dn.Location], is_first: bool) -> None:
    """Draw the cell with V as colour. The colour bar is shared, and only the first frame has a scale bar and sites."""
    others = set(ax.figure.axes)
    dn.plot.morphology(cell.tree, color=v, cvs=cell.cvs, limits=LIMITS, thickness=4.0, ax=ax)
    for added in set(ax.figure.axes) - others:
        added.remove()
    if is_first:
        for place, color in zip(sites.values(), (BRANCH, TRUNK, SOMA), strict=True):
            ax.plot(*cell.tree.position(place)[:2], "o", color=color, markersize=9, mec="white", zorder=4)
    else:
        for artist in [*ax.lines, *ax.texts]:
            artist.remove()


def _letters(ax, times: list[float], letters: str = "abc") -> None:
    """Mark the times of frames."""
    for at, letter in zip(times, letters, strict=True):
        ax.axvline(at, color=GREY, lw=0.8, ls=":", zorder=0)
        ax.annotate(letter, (at, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom", color=GREY)


if __name__ == "__main__":
    main()
