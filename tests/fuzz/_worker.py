"""A process that runs cases. It stores its position in a file, so that the driver can locate crashes and hangs."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import mmap
import os
import random
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from ._target import FaultError, Settings, case_of, generator

#: Number of the case, and number of inputs so far in this process.
PLACE = struct.Struct("=qq")


class Worker:
    """Runs the cases of a target one after another, and writes their results to a folder."""

    def __init__(self, target: str, folder: Path, settings: Settings) -> None:
        self._target, self._settings = target, settings
        self._case = case_of(target)
        self._endings = (folder / "endings").open("a")
        with (folder / "place").open("r+b") as file:
            self._place = mmap.mmap(file.fileno(), PLACE.size)
        self._number, self._inputs, self._steps = 0, 0, [""]

    def run(self, first: int, count: int, until: float) -> int:
        """Run ``count`` cases, or stop earlier at the time ``until``; return the number of the next case."""
        begun, number = time.monotonic(), first
        while number < first + count and time.monotonic() - begun < until:
            self._number, self._steps = number, []
            PLACE.pack_into(self._place, 0, number, self._inputs)
            try:
                outcomes = self._case(generator(self._target, self._settings.seed, number), self._step)
                self._tell({"outcomes": Counter(outcomes)})
            except FaultError as fault:
                self._fail(fault)
            except Exception as error:
                self._fail(_mistake(error))
            number += 1
        return number

    def _step(self, text: str) -> None:
        self._inputs += 1
        self._steps.append(text)
        PLACE.pack_into(self._place, 0, self._number, self._inputs)
        if self._settings.show:
            print(text, flush=True)

    def _fail(self, fault: FaultError) -> None:
        found = {"case": self._number, "key": fault.key, "message": fault.message, "steps": self._steps}
        self._tell({"outcomes": {"failure": 1}, "failure": found})

    def _tell(self, ending: dict[str, Any]) -> None:
        """Write the result of a case to a file, so that it survives a crash of a later case."""
        print(json.dumps(ending), file=self._endings, flush=True)


def _mistake(error: Exception) -> FaultError:
    """Return the failure for an error of the fuzzer itself, for example while it checked a result."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent == Path(__file__).parent][-1]
    at = f"{Path(own.filename).name}:{own.lineno}"
    said = "".join(traceback.format_exception(error))
    return FaultError(f"{type(error).__name__} in the fuzzer at {at}", said)


def limit_memory(most: int) -> None:
    """Make allocations beyond a limit fail, if the operating system supports this."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    """Run the cases that the arguments specify."""
    target, folder, first, count, until, settings = sys.argv[1:]
    given = Settings(**json.loads(settings))
    faulthandler.enable()
    limit_memory(given.memory)
    os.environ.setdefault("DENDRION_MEMORY_LIMIT", "256e6")
    random.seed(0)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        following = Worker(target, Path(folder), given).run(int(first), int(count), float(until))
        os.chdir("/")
    (Path(folder) / "next").write_text(str(following))


if __name__ == "__main__":
    main()
