"""`make bench-cables`: the speed of detailed cells, compared with Arbor and NEURON on the same cores.

Each cell is a soma (10 x 12.6 um) and 62 dendrites (100 x 1 um) that branch five times, with 621 control volumes (CVs).
A current of 0.1 nA is injected into the soma. The membrane is passive, or has the channels of Hodgkin and Huxley on all
CVs; in one case, each cell also has 100 synapses that receive spikes at 5 Hz, and in another one, the densities of the
channels differ between cells. All simulators use implicit Euler with steps of 0.025 ms, and NEURON computes rates
without tables. The simulators take turns, each in a new process. The benchmark prints medians over rounds: those of the
throughput (CV-steps per second), and those of the ratios within a round. On a shared machine, the processor time
(second table) is more reliable than the elapsed time.

Before that, it measures gradients (`cable_gradients.py`), and the time and memory of a build (`cable_builds.py`).

With the passive membrane, the final potentials of the soma are compared to verify that all simulators do the same work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cable_builds
import cable_gradients
import numpy as np

DT, DEPTH, CVS = 0.025, 5, 621
#: Cases by name: numbers of cells and threads, membrane, synapses per cell, and simulated time for each simulator (ms).
CASES = {
    "100 cells, HH, 2 threads": (100, 2, "hh", 0, {"dendrion": 50, "float32": 100, "arbor": 20}),
    "100 cells, HH, 1 thread": (100, 1, "hh", 0, {"dendrion": 30, "float32": 60, "arbor": 10, "neuron": 3}),
    "100 cells, HH, 100 synapses, 2 threads": (100, 2, "hh", 100, {"dendrion": 50, "float32": 100, "arbor": 20}),
    "100 parameter sets, HH, 1 thread": (100, 1, "sets", 0, {"dendrion": 30, "float32": 60, "arbor": 10}),
    "100 cells, passive, 2 threads": (100, 2, "pas", 0, {"dendrion": 300, "float32": 300, "arbor": 50}),
    "100 cells, passive, 1 thread": (100, 1, "pas", 0, {"dendrion": 200, "float32": 200, "arbor": 25, "neuron": 25}),
    "1 cell, HH, 1 thread": (1, 1, "hh", 0, {"dendrion": 3000, "float32": 3000, "arbor": 1000, "neuron": 300}),
    "1 cell, passive, 1 thread": (1, 1, "pas", 0, {"dendrion": 8000, "float32": 8000, "arbor": 2500, "neuron": 2500}),
}


def dendrion(cells: int, ms: float, threads: int, membrane: str, synapses: int, dtype: str = "float64") -> dict:
    """Run Dendrion and return the times (s) and the potential of the soma (mV)."""
    import dendrion as dn

    length, diameter, parent = cable_gradients.tree(DEPTH, (10.0, 12.6))
    kinds = ["soma"] + ["basal"] * (len(length) - 1)
    tree = dn.Morphology.from_sections(np.array(length), np.array(diameter), parent, kinds)
    leak = {"gL": 1000.0, "V_rest": -65.0} if membrane == "pas" else {"gL": 300.0, "V_rest": -54.3}
    cell = dn.CableNeuron(
        cells, tree, cv=dn.PerSection([1] + [10] * 62), V_init=-65.0, V_th=-20.0, r_axial=100.0, **leak
    )
    if membrane != "pas":
        # One value per cell, or one for all cells.
        change = np.linspace(0.9, 1.1, cells).reshape(cells, 1) if membrane == "sets" else 1.0
        cell.na = dn.channels.HHNa(cell, on="all", g=120.0 * change)
        cell.k = dn.channels.HHK(cell, on="all", g=36.0 * change)
    current = dn.DCGenerator(1, 100.0)
    modules = [cell, current, dn.ConnGen(current, cell.at("soma"))]
    if synapses:
        cell.ampa = dn.AMPA(cell, at=tree.random("basal", n=synapses, seed=1), g=1.0, t_decay=2.0)
        source = dn.PoissonGenerator(cells * synapses, rate=5.0)
        modules += [source, dn.MCSynapse(source, cell.ampa, dn.One2One())]
    net = dn.Network(modules, dt=DT, dtype=dtype, threads=threads)
    assert len(cell.cvs) == CVS
    net.run(1.0)
    times = timed(lambda: net.run(ms))
    return {**times, "v": float(np.ravel(cell.V)[0])}


def arbor(cells: int, ms: float, threads: int, membrane: str, synapses: int) -> dict:
    """Run Arbor and return the times (s) and the potential of the soma (mV)."""
    import arbor as A
    from arbor import units as U

    tree = A.segment_tree()
    soma = tree.append(A.mnpos, A.mpoint(-10, 0, 0, 6.3), A.mpoint(0, 0, 0, 6.3), tag=1)

    def grow(above, x: float, y: float, left: int, angle: float) -> None:
        for turned in (angle - 0.5, angle + 0.5) if left else ():
            to = x + 100 * np.cos(turned), y + 100 * np.sin(turned)
            grown = tree.append(above, A.mpoint(x, y, 0, 0.5), A.mpoint(*to, 0, 0.5), tag=3)
            grow(grown, *to, left - 1, turned)

    grow(soma, 0.0, 0.0, DEPTH, 0.0)

    class Recipe(A.recipe):
        def __init__(self) -> None:
            A.recipe.__init__(self)
            self.properties, self.morphology = A.neuron_cable_properties(), A.morphology(tree)

        def num_cells(self) -> int:
            return cells

        def cell_kind(self, gid: int):
            return A.cell_kind.cable

        def cell_description(self, gid: int):
            sites = f"(uniform (tag 3) 0 {max(synapses, 1) - 1} {gid})"
            labels = A.label_dict({"all": "(all)", "root": "(root)", "sites": sites})
            decor = A.decor().set_property(Vm=-65 * U.mV, cm=0.01 * U.F / U.m2, rL=100 * U.Ohm * U.cm)
            mechanism = A.density("pas/e=-65") if membrane == "pas" else A.density("hh")
            if membrane == "sets":
                change = 0.9 + 0.2 * gid / (cells - 1)
                mechanism = A.density("hh", {"gnabar": 0.12 * change, "gkbar": 0.036 * change})
            decor = decor.paint('"all"', mechanism).place('"root"', A.i_clamp(0.1 * U.nA))
            if synapses:
                decor = decor.place('"sites"', A.synapse("expsyn"), "syn")
            return A.cable_cell(self.morphology, decor, labels, A.cv_policy_max_extent(10.0 * U.um))

        def probes(self, gid: int):
            return [A.cable_probe_membrane_voltage("(location 0 0.5)", "v")] if gid == 0 else []

        def event_generators(self, gid: int):
            if not synapses:
                return []
            target = A.cell_local_label("syn", A.selection_policy.round_robin)
            return [A.event_generator(target, 0.001, A.poisson_schedule(freq=5.0 * synapses * U.Hz, seed=gid))]

        def global_properties(self, kind):
            return self.properties

    recipe = Recipe()
    context = A.context(threads=threads)
    simulation = A.simulation(recipe, context, A.partition_load_balance(recipe, context))
    handle = simulation.sample((0, "v"), A.regular_schedule((ms + 1) * U.ms - DT * U.ms, DT * U.ms))
    simulation.run(1 * U.ms, DT * U.ms)
    times = timed(lambda: simulation.run((ms + 1) * U.ms, DT * U.ms))
    data = simulation.samples(handle)[0][0]
    return {**times, "v": float(data[-1][1])}


def neuron(cells: int, ms: float, threads: int, membrane: str, synapses: int) -> dict:
    """Run NEURON with one thread and return the times (s) and the potential of the soma (mV)."""
    from neuron import h

    h.load_file("stdrun.hoc")
    kept = []
    for _ in range(cells):
        soma = h.Section()
        soma.L, soma.diam = 10, 12.6
        sections = [soma]

        def grow(above, left: int, sections=sections) -> None:
            for _ in range(2 if left else 0):
                section = h.Section()
                section.L, section.diam, section.nseg = 100, 1, 10
                section.connect(above(1))
                sections.append(section)
                grow(section, left - 1)

        grow(soma, DEPTH)
        for section in sections:
            section.Ra = 100
            section.insert(membrane)
            if membrane == "pas":
                section.e_pas = -65
        clamp = h.IClamp(soma(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0, 1e9, 0.1
        kept.append((sections, clamp))
    if membrane == "hh":
        h.usetable_hh = 0
    h.dt = DT
    h.finitialize(-65)
    for _ in range(round(1.0 / DT)):
        h.fadvance()
    steps = round(ms / DT)

    def run() -> None:
        for _ in range(steps):
            h.fadvance()

    times = timed(run)
    return {**times, "v": float(kept[0][0][0](0.5).v)}


def timed(run) -> dict:
    """Return the time of a call and the processor time of all threads (s)."""
    begun = time.perf_counter(), time.process_time()
    run()
    return {"wall": time.perf_counter() - begun[0], "cpu": time.process_time() - begun[1]}


SIDES = {"dendrion": dendrion, "float32": dendrion, "arbor": arbor, "neuron": neuron}
TITLES = {"dendrion": "Dendrion float64", "float32": "Dendrion float32", "arbor": "Arbor", "neuron": "NEURON"}


def measure(side: str, case: str, peers: str | None) -> dict:
    """Run a case with a simulator in a new process."""
    python = sys.executable if SIDES[side] is dendrion else peers
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [str(python), __file__, "--side", side, "--only", case]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{side}, {case}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def rate(side: str, case: str, found: dict, clock: str) -> float:
    """Return the throughput in millions of CV-steps per second, or per second of processor time and thread."""
    cells, threads, _, _, ms = CASES[case]
    seconds = found["cpu"] / threads if clock == "cpu" else found["wall"]
    return cells * CVS * ms[side] / DT / seconds / 1e6


def table(results: dict, clock: str) -> str:
    """Return a Markdown table of the median throughputs, and of the median ratios to Arbor and NEURON."""
    heads = ["M CV-steps/s", *TITLES.values(), "float64 / Arbor", "float32 / Arbor", "float64 / NEURON"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for case, rounds in results.items():
        rates = {s: [rate(s, case, r[s], clock) for r in rounds] for s in TITLES if s in rounds[0]}
        row = [f"{statistics.median(rates[s]):.0f}" if s in rates else "" for s in TITLES]
        for a, b in (("dendrion", "arbor"), ("float32", "arbor"), ("dendrion", "neuron")):
            both = zip(rates[a], rates[b], strict=True) if b in rates else ()
            row.append(f"{statistics.median(x / y for x, y in both):.1f}" if b in rates else "")
        lines.append("| " + " | ".join([case, *row]) + " |")
    return "\n".join(lines)


def processor() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main() -> None:
    """Run the rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="Python interpreter with Arbor and NEURON")
    parser.add_argument("--jaxley", help="Python interpreter with Jaxley")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="part of the names of the cases to run")
    parser.add_argument("--side", help="run one simulator once and print its times")
    arguments = parser.parse_args()
    cases = [case for case in CASES if arguments.only in case]
    if arguments.side:
        case = next(c for c in cases if c == arguments.only)
        cells, threads, membrane, synapses, ms = CASES[case]
        more = {"dtype": "float32"} if arguments.side == "float32" else {}
        side = SIDES[arguments.side]
        print(json.dumps(side(cells, ms[arguments.side], threads, membrane, synapses, **more)))
        return
    if arguments.only in "gradients":
        print(f"{processor()}, gradients\n\n{cable_gradients.report(arguments.jaxley, arguments.rounds)}\n")
    if arguments.only in "builds":
        print(f"{cable_builds.report(arguments.rounds)}\n")
    results: dict[str, list[dict]] = {case: [] for case in cases}
    for _ in range(arguments.rounds):
        for case in cases:
            sides = [s for s in CASES[case][4] if arguments.peers or SIDES[s] is dendrion]
            results[case].append({side: measure(side, case, arguments.peers) for side in sides})
    for case, rounds in results.items():
        if CASES[case][2] == "pas":
            potentials = [found["v"] for found in rounds[0].values()]
            assert max(potentials) - min(potentials) < 0.05, (case, potentials)
    if not cases:
        return
    print(f"{processor()}, medians of {arguments.rounds} rounds\n")
    print(table(results, "wall"))
    print("\nPer second of processor time, times the number of threads:\n")
    print(table(results, "cpu"))


if __name__ == "__main__":
    main()
