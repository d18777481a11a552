"""Names of files, checked before the system sees them."""

from __future__ import annotations

import os
from typing import Any

from ._quoted import quoted
from .errors import ParameterError, ParameterTypeError

__all__ = ["file_name", "is_encodable"]


def file_name(what: str, path: Any, expected: str = "the name of a file") -> str:
    """Return the name of a file or folder as a text that the system takes.

    Parameters
    ----------
    what : str
        What to call it in a message, such as ``network: save: path``.
    path : str, bytes or path
        What was given.
    expected : str
        What would be accepted, for messages.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise ParameterTypeError(f"{what} = {quoted(path)}: expected {expected}")
    try:
        name = os.fsdecode(path)
        encoded = os.fsencode(name)
    except (TypeError, UnicodeError):
        raise ParameterError(
            f"{what} = {quoted(path)}: expected {expected}, without characters that the system cannot encode"
        ) from None
    if not encoded or b"\0" in encoded:
        raise ParameterError(
            f"{what} = {quoted(path)}: expected {expected}, which is not empty and has no null character"
        )
    return name


def is_encodable(text: str) -> bool:
    """Return whether a text has a form in UTF-8, which lone surrogates lack."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
