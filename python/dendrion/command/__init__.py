"""The command ``dendrion``: runs, shows and checks model files.

Exit codes: 0 where all went well; 1 for a model or a run that is wrong, or files that cannot be read or written; 2 for
a command that means nothing; 130 for Ctrl-C.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence

from ..errors import DendrionError
from ._arguments import parsed
from ._check import check
from ._info import info
from ._report import failure, interrupted, warned
from ._run import run
from ._schema import schema

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say, by default those of the command line, and return the exit code."""
    given = parsed(arguments)
    as_json = getattr(given, "json", False)
    actions = {"run": run, "info": info, "check": check, "schema": schema}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.showwarning = warned
            actions[given.action](given)
    except BrokenPipeError:
        # Whoever reads the output has had enough.
        sys.stderr.close()
        return 1
    except (DendrionError, OSError) as error:
        failure(error, as_json)
        return 1
    except KeyboardInterrupt:
        interrupted(as_json)
        return 130
    return 0
