"""Progress of a run: a tqdm bar if tqdm is installed, otherwise a line on standard error."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

from .._quoted import quoted
from ..errors import ParameterTypeError

__all__ = ["Progress", "Writable", "bar", "short", "speed", "stream_of"]

#: Minimum time between two updates (s).
PAUSE = 0.1


#: A function that is called with the number of completed steps.
Show = Callable[[int], None]


class Writable(Protocol):
    """A text stream."""

    def write(self, text: str, /) -> object:
        """Write text."""

    def flush(self) -> object:
        """Make the written text visible."""


#: Whether to show progress, or the stream to write it to.
Progress = bool | Writable


def stream_of(progress: object) -> Writable | None:
    """Return the stream for the progress bar. ``True`` means standard error, if it is a terminal or in a notebook."""
    if sys.is_finalizing():
        # Python is exiting, and modules that a progress bar needs may already be gone.
        return None
    if isinstance(progress, bool):
        watched = sys.stderr is not None and (sys.stderr.isatty() or _in_notebook())
        return sys.stderr if progress and watched else None
    if not (callable(getattr(progress, "write", None)) and callable(getattr(progress, "flush", None))):
        raise ParameterTypeError(
            f"network: progress = {quoted(progress)}: expected True, False, or a stream to write to"
        )
    return cast(Writable, progress)


def _in_notebook() -> bool:
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return getattr(get() if get else None, "kernel", None) is not None


@contextmanager
def bar(steps: int, dt: float, stream: Writable) -> Iterator[Show]:
    """Show a bar for a run of ``steps`` steps; yield a function to call with the number of completed steps."""
    tqdm = _tqdm(stream)
    if tqdm is None:
        line = _Line(steps, dt, stream)
        try:
            yield line
        finally:
            line.end()
        return
    number = "g" if steps * dt < 10 else ".0f"
    form = f"{{desc}}{{percentage:3.0f}}%|{{bar}}| {{n:{number}}}/{{total:{number}}} ms [{{elapsed}}<{{remaining}}"
    begun = time.perf_counter()
    with tqdm(
        total=steps * dt, bar_format=f"{form}{{postfix}}]", desc="simulating ", file=stream, mininterval=PAUSE
    ) as shown:

        def show(done: int) -> None:
            shown.set_postfix_str(speed(done * dt, time.perf_counter() - begun), refresh=False)
            shown.update(round(done * dt, 9) - shown.n)

        yield show


def _tqdm(stream: Writable) -> Any:
    """Return tqdm's bar: the notebook version for standard error in a notebook, otherwise the terminal version."""
    try:
        with warnings.catch_warnings():
            # Without ipywidgets, a notebook gets the terminal version, and tqdm warns.
            warnings.simplefilter("ignore")
            from tqdm import tqdm
            from tqdm.auto import tqdm as suited
    except ImportError:
        return None
    return suited if stream is sys.stderr else tqdm


class _Line:
    """A line that is overwritten at each update; call it with the number of completed steps."""

    def __init__(self, steps: int, dt: float, stream: Writable) -> None:
        self._steps, self._dt, self._stream = steps, dt, stream
        self._begun = time.perf_counter()
        self._done, self._width, self._written = 0, 0, -PAUSE
        self._shown: int | None = None

    def __call__(self, done: int) -> None:
        self._done = done
        if time.perf_counter() - self._begun >= self._written + PAUSE:
            self._write()

    def _write(self) -> None:
        done, steps, spent = self._done, self._steps, time.perf_counter() - self._begun
        number = "g" if steps * self._dt < 10 else ".0f"
        times = f"{done * self._dt:{number}} of {steps * self._dt:{number}} ms"
        left = f", {_clock(spent * (steps - done) / done)} left" if 0 < done < steps else ""
        line = f"simulating {done / steps:4.0%}, {times}, {speed(done * self._dt, spent)}{left}"
        self._stream.write("\r" + line.ljust(self._width))
        self._stream.flush()
        self._written, self._width, self._shown = spent, len(line), done

    def end(self) -> None:
        """Write the final state."""
        if self._shown != self._done:
            self._write()
        self._stream.write("\n")
        self._stream.flush()


def speed(ms: float, spent: float) -> str:
    """Return the simulation speed in ms of simulated time per second, and relative to real time."""
    rate = ms / spent if spent > 0 else 0.0
    return f"{short(rate)} ms/s, {short(rate / 1000.0)}x real time"


def short(number: float) -> str:
    """Return a number with two significant digits, or without decimals if it is large."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.2g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
