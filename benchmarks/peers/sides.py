"""The simulators and their settings. Each class runs cases in separate processes and returns times and memory."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
#: Time limit of a run (s), needed because OpenMP's threads can spin for a minute if other processes use the cores.
PATIENCE = 60.0


class TooLongError(Exception):
    """A run that exceeded its time limit."""


def process(argv: list[str], cwd: Path | None = None, patience: float = PATIENCE, **environment: str) -> dict[str, Any]:
    """Run a program; return the JSON object on its last line of output."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(argv, cwd=cwd, env={**os.environ, **environment}, stdout=out, stderr=err)
        late = threading.Timer(patience, child.kill)
        late.start()
        child.wait()
        late.cancel()
        for file in (out, err):
            file.seek(0)
        if child.returncode == -signal.SIGKILL:
            raise TooLongError(f"{argv[0]}: stopped after {patience:g} s")
        if child.returncode:
            raise RuntimeError(f"{' '.join(argv)}: exit status {child.returncode}\n{out.read()}\n{err.read()}")
        return json.loads(out.read().strip().splitlines()[-1])


@dataclass
class Dendrion:
    """Dendrion with a dtype and a number of threads."""

    dtype: str
    threads: int

    @property
    def label(self) -> str:
        return f"Dendrion f{self.dtype[-2:]}, {threads(self.threads)}"

    def run(self, case: Path, weights: dict[str, float], span: float, **more: Any) -> dict[str, Any]:
        """Run a case for ``span`` ms."""
        options = {"case": str(case), "dtype": self.dtype, "threads": self.threads, "weights": weights, "span": span}
        return process([sys.executable, str(HERE / "dendrion_side.py"), json.dumps({**options, **more})])


@dataclass
class Nest:
    """NEST with a number of threads."""

    python: str
    threads: int
    dtype = "float64"

    @property
    def label(self) -> str:
        return f"NEST, {threads(self.threads)}"

    def run(self, case: Path, weights: dict[str, float], span: float, **more: Any) -> dict[str, Any]:
        """Run a case for ``span`` ms."""
        options = {"case": str(case), "threads": self.threads, "weights": weights, "span": span, **more}
        return process([self.python, str(HERE / "nest_side.py"), json.dumps(options)], patience=600)


@dataclass
class Brian:
    """Brian2's C++ standalone mode with a dtype, a number of threads, and default or tuned compiler flags."""

    python: str
    dtype: str
    threads: int
    flags: str = "default"
    builds: dict[Path, tuple[Path, float]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        flags = ", tuned flags" if self.flags == "tuned" else ""
        return f"Brian2 f{self.dtype[-2:]}, {threads(self.threads)}{flags}"

    def program(self, case: Path) -> tuple[Path, float]:
        """Return the folder of the program for a case, and the compile time (s). The first call compiles it."""
        if case not in self.builds:
            folder = case / f"{self.dtype}-{self.threads}-{self.flags}"
            argv = [self.python, str(HERE / "brian_side.py"), str(case), str(folder)]
            took = process([*argv, self.dtype, str(self.threads), self.flags], patience=600)["build"]
            self.builds[case] = folder, took
        return self.builds[case]

    def run(self, case: Path, weights: dict[str, float], span: float, out: str | None = None) -> dict[str, Any]:
        """Run a case for ``span`` ms; the build time contains compilation and set-up."""
        folder, took = self.program(case)
        results = folder / "run"
        results.mkdir(exist_ok=True)
        argv = ["./main", "--results_dir", f"{results}/", *(f"{name}.w={w!r}" for name, w in weights.items())]
        full = {"FULL": "1"} if out else {}
        found = process(argv, folder, SPAN=repr(span * 1e-3), **full)
        if out:
            self._gather(case, results, out)
        return {**found, "build": took + found["setup"]}

    def _gather(self, case: Path, results: Path, out: str) -> None:
        """Save final voltages and spike counts in the format of the other simulators."""
        files = {re.sub(r"_-?\d+$", "", f.name.removeprefix("_array_cells_")): f for f in results.iterdir()}
        parts = json.loads((case / "spec.json").read_text())["compartments"]
        saved = {part: np.fromfile(files[f"v_{part}"], dtype=self.dtype) for part in parts}
        np.savez(out, counts=np.fromfile(files["n"], dtype=np.int32), **saved)
        shutil.rmtree(results)


def threads(count: int) -> str:
    """Return a number of threads in words."""
    return f"{count} thread{'s' if count > 1 else ''}"
