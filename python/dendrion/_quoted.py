"""Representations of values and counts in messages, including values that are long or that Python cannot print."""

from __future__ import annotations

import contextlib

import numpy as np

#: Number of characters of a value in a message.
_MOST = 200

__all__ = ["counted", "quoted", "told"]


def quoted(value: object) -> str:
    """Return the ``repr`` of a value, or its type if ``repr`` fails. A long value is abbreviated to one line.

    Python cannot print integers with more than 4300 digits or deeply nested lists, and the ``repr`` of a user's class
    may raise any exception.
    """
    try:
        text = repr(value)
    except Exception:
        return _type(value)
    return text if len(text) <= _MOST and "\n" not in text else _abbreviated(value, text)


def _abbreviated(value: object, text: str) -> str:
    if isinstance(value, np.ndarray):
        kind = "masked array" if isinstance(value, np.ma.MaskedArray) else "array"
        return f"{kind} of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, int):
        return _type(value)
    line = text.partition("\n")[0]
    return line[: _MOST - 3] + "..."


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number and a noun, such as ``1 neuron`` or ``2 neurons``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


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
