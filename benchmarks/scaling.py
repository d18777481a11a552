"""Prints tables that show how time and memory grow with the numbers of neurons, connections and modules.

The neurons are those of W1 (``networks.py``). Each row is measured in a separate process, so that peak memory is
measured separately; times are medians. ``--out`` also writes the tables to a Markdown file.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import dendrion as dn
import networks

STEP = 0.1
HEAD = ("neurons", "connections", "type", "threads", "build s", "run s", "rate Hz", "ns per neuron and step")
TAIL = ("bytes per connection", "peak MB")


def measure(size: int, degree: int, dtype: str, threads: int, duration: float, repeats: int) -> dict[str, float]:
    """Build and run W1 with ``degree`` connections from neurons to each prox, and 100 from sources to prox and dist."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    cells = networks.W1(size)
    noise = dn.PoissonGenerator(1000, rate=5.0)
    hundred = dn.FixedIndegree(100)
    modules: list[dn.Module] = [
        cells,
        noise,
        dn.MCSynapse(noise, cells.on_prox, hundred, delay=1.0, name="to_prox"),
        dn.MCSynapse(noise, cells.on_dist, hundred, delay=1.0, name="to_dist"),
    ]
    if degree:
        # The total recurrent drive does not depend on the number of connections; most of the drive comes from outside.
        weight, among = 0.5 / degree, dn.FixedIndegree(degree)
        modules.append(dn.MCSynapse(cells, cells.on_prox, among, weight=weight, delay=1.5, name="recurrent"))
    net = dn.Network(modules, dt=STEP, seed=1, dtype=dtype, threads=threads)
    build = time.perf_counter() - begun
    net.run(20.0)
    runs, spikes = [], net.info["spikes"]
    for _ in range(repeats):
        begun = time.perf_counter()
        net.run(duration)
        runs.append(time.perf_counter() - begun)
    run, info = statistics.median(runs), net.info
    return {
        "neurons": size,
        "connections": info["connections"],
        "type": dtype,
        "threads": threads,
        "build s": build,
        "run s": run,
        "rate Hz": (info["spikes"] - spikes) / size / (repeats * duration * 1e-3),
        "ns per neuron and step": run / (size * duration / STEP) * 1e9,
        "bytes per connection": info["connection_bytes"] / info["connections"],
        "peak MB": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
    }


class Point(dn.MCNeuron):
    """A neuron without dendrites."""

    def __init__(self, size: int) -> None:
        super().__init__(size, V_th=-50.0, V_reset=-60.0)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=20.0, gL=1.0)
        self.ampa = dn.AMPA(size, g=1.0, t_decay=2.0)
        self.on_soma = dn.MCConnSynapse(self.ampa, self.soma)


def populations(count: int) -> list[dn.Module]:
    """Return populations of one neuron each."""
    return [Point(1) for _ in range(count)]


def synapses(count: int) -> list[dn.Module]:
    """Return connections of one population with itself."""
    cells = Point(10)
    one = dn.FixedIndegree(1)
    return [cells, *(dn.MCSynapse(cells, cells.ampa, one, delay=1.5) for _ in range(count))]


def measure_modules(kind: str, count: int) -> dict[str, float | str]:
    """Build, print, save and load a network with many modules or probes; return the time (s) of each action."""
    spent: dict[str, float | str] = {"kind": kind, "modules": count}
    make = synapses if kind == "synapses" else populations
    modules: list[dn.Module] = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.toml"
        net: dn.Network

        def fill() -> None:
            modules.extend(make(1 if kind == "probes" else count))

        def build() -> None:
            nonlocal net
            net = dn.Network(modules)
            for _ in range(count if kind == "probes" else 0):
                net.probe(modules[0].soma, "V")

        actions = {
            "make s": fill,
            "build s": build,
            "first step s": lambda: net.run(STEP),
            "repr s": lambda: repr(net),
            "parameters s": lambda: net.load_state_dict(net.state_dict()),
            "states s": lambda: net.set_state(net.get_state()),
            "save s": lambda: net.save(path),
            "load s": lambda: dn.Network.load(path),
        }
        for name, action in actions.items():
            begun = time.perf_counter()
            action()
            spent[name] = time.perf_counter() - begun
    spent["us per module"] = sum(v for name, v in spent.items() if name.endswith(" s")) / count * 1e6
    return spent


def row(*arguments: object) -> dict[str, float]:
    """Measure one row in a separate process."""
    command = [sys.executable, __file__, "--one", json.dumps(arguments)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


def table(title: str, rows: list[dict[str, float]], names: tuple[str, ...] = HEAD + TAIL) -> str:
    """Return a table in Markdown."""
    lines = [f"\n{title}\n", "| " + " | ".join(names) + " |", "| " + " | ".join("---" for _ in names) + " |"]
    for found in rows:
        cells = []
        for name in names:
            value = found[name]
            cells.append(
                f"{value:,}" if isinstance(value, int) else value if isinstance(value, str) else f"{value:.3g}"
            )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 3000, 10_000, 30_000, 100_000])
    parser.add_argument("--degrees", type=int, nargs="*", default=[0, 100, 300, 1000, 3000])
    parser.add_argument("--dtypes", nargs="*", default=["float64", "float32"])
    parser.add_argument("--modules", type=int, nargs="*", default=[1000, 5000, 20_000])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, help="file for the tables")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", dn.ModelWarning)
    if options.one:
        arguments = json.loads(options.one)
        json.dump((measure_modules if isinstance(arguments[0], str) else measure)(*arguments), sys.stdout)
        return

    rest = (options.threads, 100.0, options.repeats)
    tables = []
    for dtype in options.dtypes:
        rows = [row(size, 100, dtype, *rest) for size in options.sizes]
        tables.append(table(f"W1, 300 connections per neuron, {dtype}, 100 ms:", rows))
        print(tables[-1], flush=True)
    rows = [row(10_000, degree, "float32", *rest) for degree in options.degrees]
    if rows:
        title = "W1, 10,000 neurons with an increasing number of connections among them (and 200 from outside), 100 ms:"
        tables.append(table(title, rows))
        print(tables[-1], flush=True)
    rows = [row(kind, count) for kind in ("populations", "synapses", "probes") for count in options.modules]
    if rows:
        tables.append(table("Networks of many modules:", rows, tuple(rows[0])))
        print(tables[-1], flush=True)
    print(f"\n{platform.machine()}, {options.threads} threads, medians of {options.repeats}")
    if options.out:
        options.out.write_text("\n".join(tables) + "\n")


if __name__ == "__main__":
    main()
