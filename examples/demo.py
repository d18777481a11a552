"""`make demo`: simulates a thousand CA1 pyramidal cells for half a second and draws a figure."""

from __future__ import annotations

import argparse
import time

import dendrion as dn
from ca1_figure import draw
from dendrion.models import CA1Pyramidal, ca1_inputs

TRACES = ("soma", "prox", "dist1")


def main() -> None:
    """Build and run the network, print a summary and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000, help="number of cells")
    parser.add_argument("--duration", type=float, default=500.0, help="time to simulate (ms)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the Poisson input")
    parser.add_argument("--dendritic-spikes", action="store_true", help="add dendritic spikes")
    parser.add_argument("--out", default="demo.png", help="file for the figure")
    parser.add_argument("--dpi", type=int, default=150, help="resolution of the figure")
    options = parser.parse_args()

    begun = time.perf_counter()
    cells = CA1Pyramidal(options.cells, dendritic_spikes=options.dendritic_spikes)
    net = dn.Network([cells, *ca1_inputs(cells)], dt=0.1, seed=options.seed)
    built = time.perf_counter() - begun
    spikes = net.probe(cells, "spikes")
    shown = list(range(min(options.cells, 50)))
    voltages = {part: net.probe(getattr(cells, part), "V", indices=shown) for part in TRACES}

    begun = time.perf_counter()
    net.run(options.duration, progress=True)
    wall = time.perf_counter() - begun

    info, seconds = net.info, options.duration * 1e-3
    rate = info["spikes"] / info["neurons"] / seconds
    for label, value in {
        "cells": f"{info['neurons']:,}",
        "compartments": f"{info['compartments']:,}",
        "connections": f"{info['connections']:,}",
        "spikes": f"{info['spikes']:,}",
        "mean rate": f"{rate:.2f} Hz",
        "time to build": f"{built:.3f} s",
        "wall time": f"{wall:.3f} s for {seconds:g} s of biological time ({info['threads']} threads, {info['level']})",
        "real-time factor": f"{wall / seconds:.2f} (wall time / biological time)",
    }.items():
        print(f"{label:>17}  {value}")
    draw(cells, voltages, spikes, options.duration, options.out, options.dpi)
    print(f"{'figure':>17}  {options.out}")


if __name__ == "__main__":
    main()
