"""The driver finds failures, errors of the fuzzer itself, crashes and hangs, and continues after them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ._broken import HOW
from ._clock import Limit
from ._driver import Driver
from ._target import Settings, generator

CASES = 12


def endings(seed):
    """Return the expected result of each case."""
    return [generator("._broken", seed, k).choice(HOW) for k in range(CASES)]


def test_the_driver_reports_every_case_that_ends_wrongly():
    expected = endings(1)
    assert set(HOW) == set(expected)
    report = Driver("._broken", Settings(seed=1, limit=0.2), inputs=1, seconds=60).run(0, CASES)
    found = {f["case"]: key for key, failures in report.failures.items() for f in failures}
    assert report.inputs == CASES
    assert sorted(found) == [k for k, how in enumerate(expected) if how != "ok"]
    keys = {"failure": "wrong", "error": "ZeroDivisionError in the fuzzer at _broken.py:"}
    for k, key in found.items():
        assert key.startswith(keys.get(expected[k], expected[k])), key
    assert report.outcomes["ok"] == expected.count("ok")


def over(code, seconds):
    """Return whether a process with this code exceeds a limit within 2 s."""
    process = subprocess.Popen([sys.executable, "-c", code])
    limit, begun = Limit(process.pid, seconds), time.monotonic()
    try:
        while time.monotonic() - begun < 2.0:
            if limit.is_over():
                return True
            time.sleep(0.02)
        return False
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs the processor time of other processes")
def test_limits_apply_to_processor_time():
    wait, work = "import time; time.sleep(60)", "import time\nwhile time.process_time() < 3: pass"
    assert over(work, 0.2)
    assert not over(wait, 0.2)
    # A process that waits forever uses no processor time.
    assert over(wait, 0.05)
    assert over(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])", 0.2)
