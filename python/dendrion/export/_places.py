"""Positions of the columns of recordings of detailed cells."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..morphology import Location
from ..recordings.recording import Recording

__all__ = ["Place", "places"]


class Place(NamedTuple):
    """A property of the control volume of each column."""

    name: str
    #: Unit, or an empty string.
    unit: str
    about: str
    #: Values of shape ``(columns,)``, or ``(columns, 3)`` for coordinates.
    values: NDArray[Any]


def places(recording: Recording) -> list[Place]:
    """Return the positions of the columns, or an empty list if the morphology is not known.

    Recordings that were loaded from files have no morphology.
    """
    cvs, cv = recording._cvs, recording.cv_index
    if cvs is None or cv is None:
        return []
    used, which = np.unique(cv, return_inverse=True)
    centres = [cvs._morphology.position(Location(int(cvs.section[k]), float(cvs.x[k]))) for k in used]
    return [
        Place("section", "", "index of the section of the morphology", cvs.section[cv]),
        Place("x", "", "position of the centre of the control volume on its section, from 0 to 1", cvs.x[cv]),
        Place("distance", "um", "path length from the centre of the soma", cvs.distance[cv]),
        Place(
            "position",
            "um",
            "coordinates x, y and z of the centre, in the coordinate system of the morphology",
            np.array(centres)[which],
        ),
    ]
