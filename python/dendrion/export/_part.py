"""A recording in a file or folder that may contain several recordings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ._archive import Arrays


class Part(NamedTuple):
    """A recording that has not been read yet."""

    #: Unique name within the file or folder.
    key: str
    #: The name of the recording.
    name: str
    #: Function that returns the arrays of the recording, in the layout of npz files.
    read: Callable[[], Arrays]
