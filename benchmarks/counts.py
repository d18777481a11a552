"""Compares the instruction counts of four fixed programs (`crates/dendrion/examples/counted.rs`) with a record.

Each program runs under callgrind with two lengths. The difference between the counts is the additional work of the
longer run, without start-up and build. Valgrind does not know AVX-512, so the instructions in the loops of the step's
machine code are counted too, for each level that the processor has
(`crates/dendrion-equations/examples/emitted.rs`). `benchmarks/record/README.md` explains how to use the counts.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RECORD = Path(__file__).parent / "record" / "counts.json"
# Two lengths, and the unit of work. Lengths are multiples of all epochs, so that no epoch is incomplete; the driven
# network already fires in the shorter run.
PROGRAMS = {
    "silent": (960, 2880, "compartment-step"),
    "driven": (2880, 4800, "compartment-step"),
    "delivery": (64, 192, "delivered connection"),
    "calls": (5000, 25000, "call of one step"),
}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done


def build(package: str, example: str) -> str:
    """Build an example in release mode; return the path of the executable."""
    done = run("cargo", "build", "--release", f"--package={package}", f"--example={example}", "--message-format=json")
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return next(m["executable"] for m in messages if m.get("target", {}).get("name") == example)


def count(executable: str, name: str, length: int) -> tuple[int, int, int, str]:
    """Return the instructions of a program, its units of work, its spikes and its instruction set."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"--callgrind-out-file={folder}/out"
        done = run("valgrind", "--tool=callgrind", out, executable, name, str(length))
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if not collected:
        sys.exit(f"callgrind gave no count:\n{done.stderr}")
    units, spikes, level = done.stdout.split()
    return int(collected[1]), int(units), int(spikes), level


def emitted() -> dict[str, list[int]]:
    """Return the numbers of instructions in the loops of the step, by method, scalar type and level."""
    lines = run(build("dendrion-equations", "emitted")).stdout.splitlines()
    return {" ".join(line.split()[:3]): [int(n) for n in line.split()[3:]] for line in lines}


def measure() -> dict:
    """Count all programs."""
    executable = build("dendrion", "counted")
    programs, level = {}, ""
    for name, (short, long, unit) in PROGRAMS.items():
        few, many = (count(executable, name, length) for length in (short, long))
        instructions, units, spikes = (b - a for a, b in zip(few[:3], many[:3], strict=True))
        level = many[3]
        per = round(instructions / units, 3)
        programs[name] = {"instructions": instructions, "per": per, "unit": unit, "spikes": spikes}
    return {
        "rustc": run("rustc", "--version").stdout.strip(),
        "valgrind": run("valgrind", "--version").stdout.strip(),
        "machine": platform.machine(),
        "level": level,
        "programs": programs,
        "emitted": emitted(),
    }


def compare(old: dict, new: dict) -> None:
    """Print the new counts and the old ones."""
    for key in ("rustc", "valgrind", "machine", "level"):
        if old and old[key] != new[key]:
            print(f"note: {key} is {new[key]}, but {old[key]} in the record: the counts are of different code")
    print(f"{'program':9s} {'instructions per':27s} {'recorded':>10s} {'now':>10s} {'change':>8s}")
    for name, found in new["programs"].items():
        before = old.get("programs", {}).get(name)
        change = f"{100 * (found['instructions'] / before['instructions'] - 1):+7.2f}%" if before else "new"
        was = f"{before['per']:.2f}" if before else "-"
        print(f"{name:9s} {found['unit']:27s} {was:>10s} {found['per']:10.2f} {change:>8s}")
        if before and before["spikes"] != found["spikes"]:
            print(f"          spikes changed from {before['spikes']} to {found['spikes']}: it does different work")
    print(f"\n{'loops of the step of W1':27s} {'instructions per turn, recorded':>32s} {'now':>14s}")
    for name, loops in sorted((old.get("emitted", {}) | new["emitted"]).items()):
        was = old.get("emitted", {}).get(name)
        shown = [" ".join(map(str, x)) if x else "-" for x in (was, new["emitted"].get(name))]
        print(f"{name:27s} {shown[0]:>32s} {shown[1]:>14s}{'' if was in (None, loops) else '  changed'}")


def main() -> None:
    """Count, compare, and write the record if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write the counts to the record ({RECORD.name})")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("counting instructions needs valgrind, which is not installed (on Debian: apt install valgrind)")
    new = measure()
    compare(json.loads(RECORD.read_text()) if RECORD.exists() else {}, new)
    if options.write:
        RECORD.write_text(json.dumps(new, indent=2) + "\n")


if __name__ == "__main__":
    main()
