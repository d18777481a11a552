"""The command ``dendrion``: runs, shows and checks model files.

Exit codes: 0 where all went well; 1 for a model or a run that is wrong, or files that cannot be read or written; 2 for
a command that means nothing; 130 for Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..errors import DendrionError
from ._arguments import parsed
from ._check import check
from ._info import info
from ._report import failure, interrupted
from ._run import run
from ._schema import schema

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say, by default those of the command line, and return the exit code."""
    given = parsed(arguments)
    actions = {"run": run, "info": info, "check": check, "schema": schema}
    try:
        actions[given.action](given)
    except (DendrionError, OSError) as error:
        failure(error, as_json=getattr(given, "json", False))
        return 1
    except KeyboardInterrupt:
        interrupted(as_json=getattr(given, "json", False))
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return 0
