"""Recordings in the formats of others, several in one file or object.

Single recordings have methods: [Recording][dendrion.Recording], [SpikeRecording][dendrion.SpikeRecording]. The packages
that a format needs are imported when it is asked for.
"""

from ._load import load_recording
from ._neo import neo
from ._nwb import nwb
from ._sonata import sonata

__all__ = ["load_recording", "neo", "nwb", "sonata"]
