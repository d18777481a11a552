"""Export of recordings to the formats of other tools, with several recordings in one file or object.

Single recordings have export methods; see [Recording][dendrion.Recording] and
[SpikeRecording][dendrion.SpikeRecording]. The packages that a format requires are imported on first use.
"""

from ._load import load_recording
from ._neo import neo
from ._nwb import nwb
from ._sonata import sonata

__all__ = ["load_recording", "neo", "nwb", "sonata"]
