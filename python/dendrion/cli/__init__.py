"""The command ``dendrion``, which runs, describes and checks model files.

Exit codes: 0 for success; 1 for an invalid model, a failed run, or files that cannot be read or written; 2 for invalid
arguments; 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

from ..errors import DendrionError
from ._arguments import parsed
from ._check import check
from ._info import info
from ._report import discard_output, failure, interrupted, printable, warned
from ._run import run
from ._schema import schema

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code. The arguments default to those of the command line."""
    printable()
    given = parsed(arguments)
    as_json = getattr(given, "json", False)
    actions = {"run": run, "info": info, "check": check, "schema": schema}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.showwarning = warned
            actions[given.action](given)
            # Flush here, so that output errors are reported now and not when Python exits.
            sys.stdout.flush()
    except BrokenPipeError:
        # The program that reads the output has closed the pipe.
        discard_output()
        return 1
    except (DendrionError, OSError, MemoryError, ImportError) as error:
        failure(error, as_json)
        return 1
    except KeyboardInterrupt:
        interrupted(as_json)
        return 130
    return 0
