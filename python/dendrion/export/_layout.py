"""What is in a file of a recording."""

from __future__ import annotations

#: Version of the layout.
VERSION = 1

#: Formats, by which files are told apart.
SAMPLES, SPIKES = "dendrion.recording", "dendrion.spikes"

_COMMON = {"format", "version", "name", "population", "index", "step", "t"}

#: Arrays that a file of each format has.
NAMES = {
    SAMPLES: {*_COMMON, "values", "unit", "gid", "first", "every"},
    SPIKES: {*_COMMON, "i", "size", "first_gid", "begin", "steps", "spikes_per_sample"},
}

#: Arrays that it may lack: what is not in neurons has no numbers, and not every run has a batch.
OPTIONAL = {"gid", "first_gid", "spikes_per_sample"}
