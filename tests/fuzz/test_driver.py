"""The driver finds failures, errors of the fuzzer itself, crashes and hangs, and continues after them."""

from __future__ import annotations

from ._broken import HOW
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
