"""Progress of a run: tqdm where it is installed, else a line on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(steps: int, dt: float) -> Iterator[Callable[[int], None]]:
    """Show a bar for a run of ``steps`` steps; yields what to call with the steps done."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield from _plain(steps, dt)
        return
    unit = "{desc}{percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} ms [{elapsed}<{remaining}]"
    with tqdm(total=steps * dt, bar_format=unit, desc="simulating ") as shown:

        def show(done: int) -> None:
            shown.update(done * dt - shown.n)

        yield show


def _plain(steps: int, dt: float) -> Iterator[Callable[[int], None]]:
    begun = time.perf_counter()

    def show(done: int) -> None:
        share, spent = done / steps, time.perf_counter() - begun
        left = spent / share - spent if share else 0.0
        sys.stderr.write(f"\rsimulating {share:4.0%} of {steps * dt:.0f} ms, {left:.0f} s left ")
        sys.stderr.flush()

    yield show
    sys.stderr.write("\n")
