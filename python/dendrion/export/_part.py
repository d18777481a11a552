"""A recording in a file or folder that may have several."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ._archive import Arrays


class Part(NamedTuple):
    """A recording that can be read."""

    #: What it is called there, each differently.
    key: str
    #: The name of the recording.
    name: str
    #: Returns its arrays, in the layout of npz files.
    read: Callable[[], Arrays]
