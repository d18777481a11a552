"""Checks of file names before they are passed to the operating system."""

from __future__ import annotations

import os
from typing import Any

from ._quoted import quoted
from .errors import ParameterError, ParameterTypeError

__all__ = ["file_name", "is_encodable"]


def file_name(what: str, path: Any, expected: str = "the name of a file") -> str:
    """Return the name of a file or folder as a string, after checking that the operating system accepts it.

    Parameters
    ----------
    what : str
        Name of the argument for error messages, such as ``network: save: path``.
    path : str, bytes or path
        The argument.
    expected : str
        Description of accepted values, for error messages.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise ParameterTypeError(f"{what} = {quoted(path)}: expected {expected}")
    try:
        name = os.fsdecode(path)
        encoded = os.fsencode(name)
    except (TypeError, UnicodeError):
        raise ParameterError(
            f"{what} = {quoted(path)}: expected {expected}; this name has characters that the system cannot encode"
        ) from None
    if not encoded or b"\0" in encoded:
        raise ParameterError(
            f"{what} = {quoted(path)}: expected {expected}; a name must not be empty or contain null characters"
        )
    return name


def is_encodable(text: str) -> bool:
    """Return whether a string can be encoded in UTF-8; lone surrogates cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
