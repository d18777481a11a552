"""Random SWC files."""

from __future__ import annotations

import pickle
from pathlib import Path

import dendrion as dn

from ._reader import reader

__all__ = ["case"]


def read(file: bytes) -> None:
    """Read a morphology, use it, and pickle it."""
    path = Path("cell.swc")
    path.write_bytes(file)
    tree = dn.Morphology.read(path)
    again = pickle.loads(pickle.dumps(tree))
    assert again.sections == tree.sections
    places = tree.random(n=5, seed=0)
    assert all(tree.distance(place) >= 0.0 for place in places)
    cvs = tree.cvs(dn.MaxLength(max(1.0, tree.total_length / 1000)))
    assert all(0 <= cvs.at(place) < len(cvs) for place in places)


case = reader("swc", read)
