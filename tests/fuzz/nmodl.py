"""Random NMODL files."""

from __future__ import annotations

import dendrion as dn

from ._reader import reader

__all__ = ["case"]


def read(file: bytes) -> object:
    """Make a class from a file."""
    return dn.nmodl.loads(file.decode())


case = reader("nmodl", read)
