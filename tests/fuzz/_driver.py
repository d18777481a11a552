"""Runs cases in separate processes, chunk by chunk, so that the fuzzer survives crashes and hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ._clock import Limit
from ._target import TARGETS, Settings
from ._worker import PLACE

#: Folder of this package, which the processes import by its name.
PACKAGE = Path(__file__).parent
#: Maximum time that a process may take to start (s).
BEGIN = 120.0


@dataclass
class Report:
    """The results of the cases of a target."""

    inputs: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    #: Lists of failures, by key.
    failures: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def take(self, ending: dict[str, Any]) -> None:
        """Add the result of a case."""
        self.outcomes.update(ending["outcomes"])
        if "failure" in ending:
            self.fail(ending["failure"])

    def fail(self, failure: dict[str, Any]) -> None:
        """Add a failure."""
        self.failures.setdefault(failure["key"], []).append(failure)


class Driver:
    """Runs the cases of one target in ``jobs`` parallel processes, until the limit of inputs or time is reached."""

    def __init__(self, target: str, settings: Settings, inputs: float, seconds: float, jobs: int = 1) -> None:
        self._target, self._settings = target, settings
        self._inputs, self._seconds, self._jobs = inputs, seconds, jobs
        self._report, self._lock = Report(), threading.Lock()
        self._next, self._begun = 0, time.monotonic()

    def run(self, first: int = 0, chunk: int | None = None) -> Report:
        """Run cases from number ``first`` on, and return their results."""
        self._next, self._begun = first, time.monotonic()
        chunk = chunk or TARGETS[self._target][1]
        threads = [threading.Thread(target=self._work, args=(chunk,)) for _ in range(self._jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._report.seconds = time.monotonic() - self._begun
        return self._report

    def _left(self) -> float:
        return self._seconds - (time.monotonic() - self._begun)

    def _work(self, chunk: int) -> None:
        while self._left() > 0:
            with self._lock:
                if self._report.inputs >= self._inputs:
                    return
                first, self._next = self._next, self._next + chunk
            end = first + chunk
            # After a crash, another process continues with the rest of the chunk.
            while first < end and self._left() > 0:
                first = self._chunk(first, end - first)

    def _chunk(self, first: int, count: int) -> int:
        """Run a chunk of cases in a process, and return the first case that it did not run."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "place").write_bytes(PLACE.pack(first, 0))
            why, said = self._watched(folder, first, count)
            place, inputs = PLACE.unpack((folder / "place").read_bytes())
            endings = (folder / "endings").read_text() if (folder / "endings").exists() else ""
            with self._lock:
                self._report.inputs += inputs
                for line in endings.splitlines():
                    self._report.take(json.loads(line))
                if why is None:
                    return int((folder / "next").read_text())
                self._report.outcomes.update([why])
                self._report.fail({"case": place, "key": f"{why}: {_place(said)}", "message": said, "steps": []})
                return int(place) + 1

    def _watched(self, folder: Path, first: int, count: int) -> tuple[str | None, str]:
        """Run a process to its end; return the reason if it failed, and its output."""
        command = [sys.executable, "-m", f"{PACKAGE.name}._worker", self._target, str(folder), str(first), str(count)]
        command += [str(self._left()), json.dumps(asdict(self._settings))]
        path = os.pathsep.join([str(PACKAGE.parent), *filter(None, sys.path)])
        with (folder / "said").open("w+b") as said:
            out = None if self._settings.show else said
            process = subprocess.Popen(
                command, stdout=out, stderr=said, env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.DEVNULL
            )
            try:
                why = self._watch(process, folder)
            finally:
                process.kill()
                process.wait()
            said.seek(0)
            return why, said.read().decode(errors="replace")[-4000:]

    def _watch(self, process: subprocess.Popen[bytes], folder: Path) -> str | None:
        """Wait for a process; end it if one input takes too long."""
        before, limit = b"", Limit(process.pid, BEGIN)
        for _ in _ticks():
            code = process.poll()
            if code is not None:
                return None if code == 0 else f"crash ({_named(code)})"
            place = (folder / "place").read_bytes()
            if place != before:
                before = place
                limit.restart(self._settings.limit if PLACE.unpack(place)[1] > 0 else BEGIN)
            if limit.is_over():
                # This signal makes Python print the stack of each thread.
                process.send_signal(signal.SIGABRT)
                process.wait()
                return "hang"
        raise AssertionError


def _place(said: str) -> str:
    """Return the position of a failure, from a traceback that Python or faulthandler printed."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    innermost = [line for line in lines if line.startswith("File ")][:1]
    return "".join(innermost if any("most recent call first" in line for line in lines) else lines[-1:])[:300]


def _ticks() -> Iterator[None]:
    wait = 0.01
    while True:
        yield
        time.sleep(wait)
        wait = min(0.25, 1.5 * wait)


def _named(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"
