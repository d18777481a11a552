"""Neurolucida and HDF5 files, read by MorphIO."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ..errors import MorphologyError
from ..export._extras import needed

__all__ = ["read"]


def read(path: str) -> _core.Morphology:
    """Read a file. The contour of a soma becomes a cylinder with the area of a sphere of the same mean radius."""
    morphio: Any = needed("morphio", "morphology", "Morphology.read of .asc and .h5 files")
    with open(path, "rb"):
        pass  # If the file cannot be opened, the operating system's message is clearer than MorphIO's.
    try:
        found = morphio.Morphology(path)
    except morphio.MorphioError as error:
        raise MorphologyError(f"{path}: {' '.join(str(error).split())}") from error
    points, diameters, parents, kinds = _soma(found.soma)
    roots = len(found.root_sections)
    if not points and roots > 1:
        raise MorphologyError(
            f"{path}: has {roots} separate trees and no soma; expected one connected tree, or a soma that connects them"
        )
    last: dict[int, int] = {}
    for section in found.iter():
        parent = -1 if not len(points) else 0
        own = section.points
        if not section.is_root:
            # Sections repeat the last point of their parent.
            parent, own = last[section.parent.id], section.points[1:]
        widths = section.diameters[len(section.points) - len(own) :]
        for point, width in zip(own, widths, strict=True):
            points.append(point)
            diameters.append(width)
            parents.append(parent)
            kinds.append(int(section.type))
            parent = len(points) - 1
        last[section.id] = parent
    if not points:
        raise MorphologyError(f"{path}: has no points; expected a soma or neurites")
    return _core.Morphology.from_points(
        path,
        np.asarray(points, dtype=np.float64).reshape(-1, 3),
        np.asarray(diameters, dtype=np.float64),
        np.asarray(parents, dtype=np.int64),
        kinds,
    )


def _soma(soma: Any) -> tuple[list[Any], list[float], list[int], list[int]]:
    """Return the soma as one point of radius r: a cylinder of length and diameter 2r, with area 4 pi r^2."""
    if len(soma.points) == 0:
        return [], [], [], []
    centre = np.asarray(soma.points, dtype=np.float64).mean(axis=0)
    if len(soma.points) == 1:
        return [centre], [float(soma.diameters[0])], [-1], [1]
    radius = float(np.linalg.norm(np.asarray(soma.points, dtype=np.float64) - centre, axis=1).mean())
    return [centre], [2.0 * radius], [-1], [1]
