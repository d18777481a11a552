"""`make bench-peers`: runs the same networks in Dendrion, Brian2 and NEST, checks the results and prints a table.

The networks are W1 (see `make bench`), silent, at 10-20 Hz and above 80 Hz; the population of `make demo`; and a
network that only delivers spikes. All simulators get the same input spikes and the same connections, each of which has
its own weight (even if the weight is 0). The simulators run in turn. Times are medians; a ratio is the median over
repetitions of the ratio to Dendrion on all cores. Times do not include imports. Brian2's build consists of code
generation, compilation (once) and the set-up in its program. Memory is the peak memory of the process on Linux: for
Brian2, the compiled program; for the others, Python, including the arrays that describe the connections.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import checks
import dendrion as dn
from case import REGIMES, ca1, delivery, save, w1, w1_weights
from dendrion.models.ca1 import COUPLINGS, DENDRITES, INPUTS
from sides import Brian, Dendrion, Nest, TooLongError
from table import Row, lines, markdown, text
from targets import targets

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Bench:
    """Cases, simulators, and the rows measured so far."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.rows: list[Row] = []
        self.said: list[str] = []
        self.wrong = False
        self.extra: dict[str, float] = {}

    def say(self, what: str) -> None:
        """Print a line and keep it for the report."""
        self.said.append(what)
        print(what, flush=True)

    def brians(self, tuned: bool) -> list[Brian]:
        """Return the settings of Brian2: dtypes, one thread and OpenMP, default and tuned compiler flags."""
        if not self.options.brian:
            return []
        flags = ("default", "tuned") if tuned else ("default",)
        types = ("float64",) if self.options.quick else ("float64", "float32")
        counts = dict.fromkeys((1, CORES))
        return [Brian(self.options.brian, d, n, f) for d in types for f in flags for n in counts]

    def checked(self, check: Any, side: Any, *given: Any) -> bool:
        """Print the result of a check; return whether it passed."""
        try:
            self.say(f"  {check(side, *given)}")
        except (checks.WrongError, TooLongError) as error:
            self.wrong = True
            self.say(f"  NOT TIMED: {error}")
            return False
        return True

    def time(self, name: str, regime: str, case: Path, size: int, sides: list, weights: dict, span: float) -> list[Row]:
        """Time simulators in turn."""
        rows = [Row(name, size, regime, side.label, side.dtype, span) for side in sides]
        late: set[int] = set()
        for _ in range(self.options.repeats):
            for k, (side, row) in enumerate(zip(sides, rows, strict=True)):
                if k in late:
                    continue
                try:
                    found = side.run(case, weights, span)
                except TooLongError as error:
                    late.add(k)
                    row.run, row.note = [], str(error).split(": ")[-1]
                    continue
                row.run.append(found["run"])
                row.build.append(found["build"])
                row.peak.append(found["peak"])
                row.rate = found["spikes"] / size / (span * 1e-3)
                if row.ours and "connection_bytes" in found and found["connections"]:
                    row.note = f"{found['connection_bytes'] / found['connections']:.1f} B/connection"
        for row in rows:
            if row.run and abs(row.rate - rows[0].rate) > 0.03 * rows[0].rate + 1e-9:
                self.wrong = True
                self.say(f"  WRONG: {row.side} fires at {row.rate:.2f} Hz instead of {rows[0].rate:.2f} Hz")
                row.note = "WRONG RATE"
        self.rows += rows
        return rows

    def w1(self, size: int) -> None:
        """Time W1 in Dendrion and Brian2 for each regime."""
        span = (1000.0 if size >= 5000 else 2000.0) / (5 if self.options.quick else 1) * self.options.scale
        self.say(f"W1, N = {size:,}")
        case = save(self.folder / f"w1-{size}", w1(size, span))
        brians: list = self.brians(tuned=True)
        for regime in REGIMES:
            weights = w1_weights(regime)
            self.say(f" {regime}")
            given = [b for b in brians if self.checked(checks.brian, b, case, weights)]
            sides = [Dendrion("float64", CORES), Dendrion("float32", CORES)]
            alone = [Dendrion("float64", 1), Dendrion("float32", 1)] if CORES > 1 else []
            rows = self.time("W1", regime, case, size, [*sides, *alone, *given], weights, span)
            low, high = REGIMES[regime][2]
            if not low <= rows[0].rate <= high and not self.options.quick:
                self.say(f"  NOTE: the rate of {rows[0].rate:.1f} Hz is not between {low:g} and {high:g} Hz")
        shutil.rmtree(case)

    def nest(self, size: int) -> None:
        """Time W1 with the receptors of NEST's cm_default, in Dendrion and NEST, in the quiet regime."""
        if not self.options.nest:
            return
        span = (200.0 if size >= 5000 else 1000.0) / (5 if self.options.quick else 1)
        self.say(f"W1 with the receptors of cm_default, N = {size:,}")
        case = save(self.folder / f"nest-{size}", w1(size, span, "nest"))
        side = Nest(self.options.nest, CORES)
        if self.checked(checks.nest, side, case, {"to_prox": 0.3, "to_dist": 0.3, "recurrent": 0.05}, 100.0):
            sides = [Dendrion("float64", CORES), Dendrion("float32", CORES), side]
            self.time("W1 for NEST", "quiet", case, size, sides, w1_weights("quiet"), span)
        shutil.rmtree(case)

    def ca1(self) -> None:
        """Time the population of `make demo` in Dendrion and Brian2."""
        size, span = 1000, 500.0 / (5 if self.options.quick else 1)
        self.say(f"CA1 cells of `make demo`, N = {size:,}")
        parts = {
            "dendrites": {k: tuple(v) for k, v in DENDRITES.items()},
            "axial": [(*k, g) for k, g in COUPLINGS.items()],
        }
        spec = ca1(parts, INPUTS, size, span)
        case, weights = save(self.folder / "ca1", spec), dict.fromkeys(spec[0]["projections"], 1.0)
        brians: list = self.brians(tuned=True)
        given = [b for b in brians if self.checked(checks.brian, b, case, weights)]
        sides = [Dendrion("float64", CORES), Dendrion("float32", CORES)]
        self.time("CA1", "demo", case, size, [*sides, *given], weights, span)
        shutil.rmtree(case)

    def delivery(self) -> None:
        """Time delivery alone: the difference between runs with and without connections."""
        size, degree, span = (2000, 200, 200.0) if self.options.quick else (10000, 1000, 500.0)
        self.say(f"Delivery, {size:,} neurons, {degree:,} connections each, 20 Hz")
        made = delivery(size, degree, span)
        case, without = save(self.folder / "delivery", made), save(self.folder / "none", delivery(size, 0, span))
        passed, connections = len(made[1]["noise.step"]) * degree, size * degree
        given: list = [b for b in self.brians(tuned=False) if self.checked(checks.brian, b, case, {"to_soma": 0.001})]
        if self.options.nest and self.checked(checks.arrivals, Nest(self.options.nest, CORES), case, 100.0):
            given.append(Nest(self.options.nest, CORES))
        sides = [Dendrion("float64", CORES), Dendrion("float32", CORES), *given]
        rows = self.time("delivery", "20 Hz", case, size, sides, {"to_soma": 0.0}, span)
        bare = self.time("no connections", "20 Hz", without, size, sides, {}, span)
        for row, base in zip(rows, bare, strict=True):
            if not row.run or not base.run:
                continue
            memory = (max(row.peak) - max(base.peak)) * 2**20 / connections
            own = f", allocated {row.note}" if row.ours else ""
            spent = row.seconds - base.seconds
            speed = f"{passed / spent * 1e-6:.0f} M connections/s" if spent > 0 else "too short to measure"
            if row.ours:
                self.extra[f"bytes {row.dtype}"] = float(row.note.split()[0])
            row.note = f"{speed}, peak {memory:.0f} B/connection{own}"


def machine(options: argparse.Namespace) -> str:
    """Describe the machine, the date and the versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        cpu = next((line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), cpu)
    found = [f"Dendrion {dn.__version__}", f"Python {platform.python_version()}"]
    for python, package in ((options.brian, "brian2"), (options.nest, "nest-simulator")):
        if python:
            code = f"import importlib.metadata as m; print(m.version({package!r}))"
            found.append(f"{package} {subprocess.check_output([python, '-c', code], text=True).strip()}")
    if shutil.which("g++"):
        found.append(subprocess.check_output(["g++", "--version"], text=True).splitlines()[0])
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{cpu}, {CORES} cores, {load}; {datetime.date.today()}; {', '.join(found)}"


def main() -> int:
    """Check and time all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brian", help="Python interpreter with Brian2")
    parser.add_argument("--nest", help="Python interpreter with NEST")
    parser.add_argument(
        "--only", nargs="*", choices=["w1", "nest", "ca1", "delivery"], help="cases to run; by default all"
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 10000], help="numbers of neurons of W1")
    parser.add_argument("--repeats", type=int, default=3, help="number of repetitions")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the simulated times of W1")
    parser.add_argument("--quick", action="store_true", help="short runs with few settings, to test the benchmark")
    parser.add_argument(
        "--out", type=Path, help="file for the table in Markdown; a JSON file with the same name is written too"
    )
    options = parser.parse_args()
    if options.brian and not shutil.which("g++"):
        print("Brian2 is skipped, because it needs a C++ compiler and g++ is not installed. (Debian: apt install g++)")
        options.brian = None
    chosen = options.only or ["w1", "nest", "ca1", "delivery"]
    begin = machine(options)
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as folder:
        bench = Bench(options, Path(folder))
        for size in options.sizes:
            if "w1" in chosen:
                bench.w1(size)
            if "nest" in chosen:
                bench.nest(size)
        if "ca1" in chosen:
            bench.ca1()
        if "delivery" in chosen:
            bench.delivery()
    table = lines(bench.rows, CORES)
    reached = [["target", "required", "measured", "", ""], *(t.line() for t in targets(bench.rows, bench.extra, CORES))]
    print(f"\n{text(table)}\n\n{text(reached)}\n\n{begin}")
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        checked = "\n".join(f"- {line.strip()}" if line.startswith(" ") else f"\n{line}:\n" for line in bench.said)
        options.out.write_text(f"{markdown(table)}\n\n{markdown(reached)}\n\n{begin}\n{checked}\n")
        data = {"machine": begin, "rows": [asdict(r) for r in bench.rows], "targets": reached, "checks": bench.said}
        options.out.with_suffix(".json").write_text(json.dumps(data, indent=1))
    return int(bench.wrong)


if __name__ == "__main__":
    sys.exit(main())
