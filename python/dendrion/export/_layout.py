"""The arrays in the file of a recording."""

from __future__ import annotations

#: Version of the layout.
VERSION = 1

#: Values of ``format``, which identify the kind of recording.
SAMPLES, SPIKES = "dendrion.recording", "dendrion.spikes"

_COMMON = {"format", "version", "name", "population", "index", "step", "t"}

#: Names of the arrays of each format.
NAMES = {
    SAMPLES: {*_COMMON, "values", "unit", "gid", "cv", "first", "every"},
    SPIKES: {*_COMMON, "i", "size", "first_gid", "begin", "steps", "spikes_per_sample"},
}

#: Arrays that may be missing: connections and generators have no gid, only detailed cells have CVs, and not every run
#: has a batch.
OPTIONAL = {"gid", "cv", "first_gid", "spikes_per_sample"}
