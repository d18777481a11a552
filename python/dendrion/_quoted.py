"""Representations of values in error messages, including values that Python fails to print."""

from __future__ import annotations

import contextlib

__all__ = ["quoted", "told"]


def quoted(value: object) -> str:
    """Return the ``repr`` of a value, or its type if ``repr`` fails.

    Python prints neither integers of more than 4300 digits nor deeply nested lists, and the ``repr`` of a user's class
    may raise any exception.
    """
    try:
        return repr(value)
    except Exception:
        return _type(value)


def told(value: object) -> str:
    """Return the ``str`` of a value, or its type if ``str`` fails."""
    try:
        return str(value)
    except Exception:
        return _type(value)


def _type(value: object) -> str:
    with contextlib.suppress(Exception):
        if isinstance(value, int):
            return f"<an integer of {value.bit_length()} bits>"
    return f"<{type(value).__name__}>"
