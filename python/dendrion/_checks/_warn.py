"""Warnings that point to the user's own line of code."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

from ..errors import ModelWarning

__all__ = ["warn", "warn_of_all"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

#: Maximum number of warnings of a category that are shown individually.
TOLD = 3


def warn(message: str, category: type[ModelWarning]) -> None:
    """Emit a warning that refers to the calling line outside the package.

    While Python exits, ``__del__`` may still use a network after the warnings machinery has been torn down.
    """
    if sys.is_finalizing():
        return
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and os.path.abspath(frame.f_code.co_filename).startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def warn_of_all(messages: Sequence[str], category: type[ModelWarning]) -> None:
    """Emit the first few warnings; the last of these states the number of remaining warnings."""
    more = len(messages) - TOLD
    for k, message in enumerate(messages[:TOLD]):
        rest = f" (and {more} more such warning{'s' if more > 1 else ''})" if more > 0 and k == TOLD - 1 else ""
        warn(message + rest, category)
