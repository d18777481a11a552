"""The time from an SWC file to the first step, and the memory of detailed cells (`make bench-cables`)."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEPTH, DENDRITES = 5, 62


def write_tree(path: Path, step: float = 10.0, length: float = 480.0) -> None:
    """Write a soma and 62 dendrites that branch five times, with a point every 10 um."""
    lines = ["1 1 0 0 0 10 -1"]

    def grow(above: int, left: int, x: float, y: float, turn: float) -> None:
        for side in (turn, -turn) if left else ():
            parent = above
            for k in range(1, round(length / step) + 1):
                lines.append(f"{len(lines) + 1} 3 {x + k * step} {y + side * k * step / length} 0 0.5 {parent}")
                parent = len(lines)
            grow(parent, left - 1, x + length, y + side, turn / 2)

    grow(1, DEPTH, 10.0, 0.0, 1000.0)
    path.write_text("\n".join(lines))


def first_step() -> dict:
    """Return the time (s) from a file to the end of the first step of a cell with 12 mechanisms on all CVs."""
    import dendrion as dn

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cell.swc"
        write_tree(path)
        begun = time.perf_counter(), time.process_time()
        tree = dn.Morphology.read(path)
        cell = dn.CableNeuron(1, tree, cv=dn.MaxLength(10.0), V_rest=-65.0, V_th=-20.0)
        names = ("HHNa", "HHK", "NaT", "NaP", "Kdr", "KA", "KM", "KCa", "CaL", "CaT", "Ih", "CaPool")
        for name in names:
            setattr(cell, name.lower(), getattr(dn.channels, name)(cell, on="all"))
        net = dn.Network([cell], dt=0.025, threads=1)
        net.run(0.025)
        times = time.perf_counter() - begun[0], time.process_time() - begun[1]
    return {"wall": times[0], "cpu": times[1], "cvs": len(cell.cvs), "mechanisms": len(names)}


def memory() -> dict:
    """Return the memory (GB) of 1,000 cells with 621 CVs and the channels of Hodgkin and Huxley, after some steps."""
    import cables
    import dendrion as dn  # noqa: F401

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cables.dendrion(1000, 1.0, 1, "hh", 0)
    return {"memory": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6}


def measure(name: str) -> dict:
    """Call a function of this module in a new process."""
    done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def report(rounds: int) -> str:
    """Return a description of the results."""
    found = [measure("first_step") for _ in range(rounds)]
    wall, cpu = (statistics.median(f[key] for f in found) for key in ("wall", "cpu"))
    what = f"{found[0]['cvs']:,} CVs and {found[0]['mechanisms']} mechanisms"
    gigabytes = measure("memory")["memory"]
    return (
        f"From an SWC file to the end of the first step, {what}: {wall:.3f} s ({cpu:.3f} s of processor time)\n"
        f"Peak memory of 1,000 cells with 621 CVs, HH, float64: {gigabytes:.2f} GB"
    )


if __name__ == "__main__":
    print(json.dumps({"first_step": first_step, "memory": memory}[sys.argv[1]]()))
