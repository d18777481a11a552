"""Time that a process uses, so that a busy machine does not look like a hang."""

from __future__ import annotations

import os
import time
from pathlib import Path

#: Ratio of the limits of elapsed time and of processor time. A process that waits forever uses no processor time.
WAIT = 20.0


class Limit:
    """A limit of the processor time of a process and its children since the last restart.

    Systems without ``/proc`` limit the elapsed time instead.
    """

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid, self._seconds = pid, seconds
        self.restart(seconds)

    def restart(self, seconds: float) -> None:
        """Begin to measure again, with a limit in seconds."""
        self._seconds, self._since, self._used = seconds, time.monotonic(), used(self._pid)

    def is_over(self) -> bool:
        """Return whether the process took too long."""
        elapsed = time.monotonic() - self._since
        if elapsed <= self._seconds:
            return False
        now = used(self._pid)
        if now is None or self._used is None:
            return self._used is None or elapsed > WAIT * self._seconds
        # A child that ended no longer counts, unless its parent waited for it.
        return now - self._used > self._seconds or elapsed > WAIT * self._seconds


def used(pid: int) -> float | None:
    """Return the processor time of a process and its children (s), or None if it is unknown."""
    try:
        # The name of the program may contain spaces; it ends at the last parenthesis.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, ValueError):
        return None
    return own + sum(used(int(child)) or 0.0 for child in children)
