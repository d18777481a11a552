"""Warnings that point at the user's own line."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

from ..errors import ModelWarning

__all__ = ["warn", "warn_of_all"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

#: How many of one category are told one by one.
TOLD = 3


def warn(message: str, category: type[ModelWarning]) -> None:
    """Warn of the line outside of the package that led here.

    When Python exits, ``__del__`` may use a network while the machinery of warnings is gone already.
    """
    if sys.is_finalizing():
        return
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and os.path.abspath(frame.f_code.co_filename).startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def warn_of_all(messages: Sequence[str], category: type[ModelWarning]) -> None:
    """Warn of the first few, and of how many more there are."""
    more = len(messages) - TOLD
    for k, message in enumerate(messages[:TOLD]):
        rest = f" (and {more} more such warnings)" if more > 0 and k == TOLD - 1 else ""
        warn(message + rest, category)
