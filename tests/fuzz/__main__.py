"""Fuzz, as in ``make fuzz ARGS="--only api --inputs 200000"``; ``--first 17 --cases 1 --show`` repeats one case."""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path
from typing import Any

from ._driver import Driver, Report
from ._target import TARGETS, Settings


def arguments() -> argparse.Namespace:
    """Return the arguments of the command."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=list(TARGETS), help="targets, by default all")
    parser.add_argument("--seconds", type=float, default=math.inf, help="time for each target")
    parser.add_argument("--inputs", type=float, default=math.inf, help="inputs of each target")
    parser.add_argument("--seed", type=int, default=0, help="seed of all cases")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--cases", type=int, default=None, help="run so many cases, and no more")
    parser.add_argument("--limit", type=float, default=5.0, help="seconds that one input may take")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--show", action="store_true", help="print each input before it is run")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"), help="folder for failures")
    return parser.parse_args()


def main() -> int:
    """Run the targets; return 1 if one failed."""
    given, failed = arguments(), False
    if given.inputs == given.seconds == math.inf and given.cases is None:
        given.seconds = 60.0
    settings = Settings(given.seed, given.limit, show=given.show)
    for target in given.only:
        # If a number of cases is requested, they form one chunk, and the run ends after it.
        jobs, inputs = (given.jobs, given.inputs) if given.cases is None else (1, 1)
        report = Driver(target, settings, inputs, given.seconds, jobs).run(given.first, given.cases)
        print(told(target, report), flush=True)
        save(target, given.seed, report, given.failures)
        failed |= bool(report.failures)
    return int(failed)


def told(target: str, report: Report) -> str:
    """Return a report as text."""
    rate = report.inputs / max(report.seconds, 1e-9)
    lines = [f"{target}: {report.inputs} inputs in {report.seconds:.1f} s, {rate:.0f} inputs/s"]
    lines += [f"  {count:9} {kind}" for kind, count in report.outcomes.most_common()]
    for key, found in sorted(report.failures.items(), key=lambda item: -len(item[1])):
        cases = ", ".join(str(f["case"]) for f in found[:5])
        lines.append(f"  FAILURE, {len(found)} times, cases {cases}: {key}")
    return "\n".join(lines)


def save(target: str, seed: int, report: Report, folder: Path) -> None:
    """For each kind of failure, write a file with the command that repeats it, a description and the inputs."""
    for k, found in enumerate(report.failures.values()):
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{target}-{seed}-{k}.txt"
        file.write_text("\n\n".join(again(target, seed, failure) for failure in found[:3]), errors="backslashreplace")
        print(f"  {file}")


def again(target: str, seed: int, failure: dict[str, Any]) -> str:
    """Return a failure as text, with the arguments that repeat it."""
    command = f'make fuzz ARGS="--only {target} --seed {seed} --first {failure["case"]} --cases 1 --show"'
    return "\n".join([command, failure["key"], failure["message"], *failure["steps"]])


if __name__ == "__main__":
    sys.exit(main())
