"""Log messages about builds, runs and files. Nothing is printed unless logging is configured."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._quoted import counted
from .progress import short, speed

if TYPE_CHECKING:
    from .. import _core
    from .network import Network

__all__ = ["FILES", "log_built", "logged_run", "size"]

logging.getLogger("dendrion").addHandler(logging.NullHandler())
BUILD = logging.getLogger("dendrion.build")
RUN = logging.getLogger("dendrion.run")
FILES = logging.getLogger("dendrion.files")


def log_built(net: Network, begun: float) -> None:
    """Log that a network was built; ``begun`` is the start time from ``time.perf_counter()``."""
    if not BUILD.isEnabledFor(logging.INFO):
        return
    info, spent = net.info, time.perf_counter() - begun
    counts = ", ".join(counted(info[f"{noun}s"], noun) for noun in ("neuron", "compartment", "connection"))
    BUILD.info("built in %.3g s: %s (%s)", spent, counts, size(info["connection_bytes"]))
    threads, epoch = counted(info["threads"], "thread"), counted(info["epoch"], "step")
    settings = (net.dt, net.dtype.name, net.seed, threads, info["level"], epoch)
    BUILD.debug("dt = %g ms, %s, seed %d, %s, %s, epochs of %s", *settings)
    if BUILD.isEnabledFor(logging.DEBUG):
        for row in net._rows()[1:]:
            BUILD.debug("%s", ", ".join(cell for cell in row if cell))


@contextmanager
def logged_run(sim: _core.Simulation, steps: int, dt: float) -> Iterator[None]:
    """Log the start and the end of a run."""
    if not RUN.isEnabledFor(logging.INFO):
        yield
        return
    before, begin = sim.summary(), sim.steps()
    RUN.info("starts: %g ms from t = %g ms", steps * dt, begin * dt)
    begun, outcome = time.perf_counter(), "ends"
    try:
        yield
    except BaseException as error:
        outcome = f"is stopped by {type(error).__name__}"
        raise
    finally:
        spent, after = time.perf_counter() - begun, sim.summary()
        done = after["steps"] - before["steps"]
        work = done * after["compartments"] * max(sim.batch(), 1) / spent / 1e6 if spent > 0 else 0.0
        RUN.info(
            "%s: t = %g ms after %.3g s; %s, %s million compartment-steps/s; %s",
            *(outcome, after["steps"] * dt, spent, speed(done * dt, spent), short(work)),
            counted(after["spikes"] - before["spikes"], "spike"),
        )


def size(number: float) -> str:
    """Return a number of bytes with a suitable unit."""
    for unit in ("bytes", "kB", "MB"):
        if number < 999.5:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"
