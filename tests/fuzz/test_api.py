"""A few cases of the API's fuzzer, with a fixed seed, find no fault; ``make fuzz`` runs more."""

from __future__ import annotations

from ._driver import Driver
from ._target import Settings

#: Number of cases, which make about 1,500 calls.
CASES = 40


def test_hostile_calls_end_in_errors_of_dendrion():
    report = Driver("api", Settings(seed=2026, limit=60.0), inputs=1, seconds=240).run(0, CASES)
    assert not report.failures, "\n".join(f"{key}: {found[0]}" for key, found in report.failures.items())
    assert report.inputs > 1000
    assert report.outcomes["ok"] > report.inputs // 3
    assert report.outcomes["ParameterError"] > 20
