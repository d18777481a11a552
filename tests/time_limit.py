"""Run a command with a time limit: ``python tests/time_limit.py SECONDS COMMAND ...``.

Cargo's test harness has no time limit, so ``make test-rust`` runs each test binary through this script. A command that
takes longer is killed, and the exit code is 124.
"""

from __future__ import annotations

import subprocess
import sys


def main(seconds: float, command: list[str]) -> int:
    """Run a command and return its exit code, or 124 if it took too long."""
    process = subprocess.Popen(command)
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        print(f"time limit: {' '.join(command)}: killed after {seconds:g} s", file=sys.stderr, flush=True)
        return 124
    except BaseException:
        process.kill()
        process.wait()
        raise
    # A negative code is the number of the signal that ended the command.
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
