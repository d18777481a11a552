"""Descriptions of recordings in words."""

from __future__ import annotations

from ..recordings.recording import Recording

_MEANINGS = {
    ("V", "mV"): "membrane potential",
    ("I", "pA"): "current (positive values depolarise)",
    ("I", "pA/um2"): "current per area (positive values depolarise)",
    ("w", "1"): "weights",
    ("w", "pA"): "weights",
}


def meaning(recording: Recording) -> str:
    """Return a description of a recording, such as ``membrane potential of pyramidal/soma``."""
    path, _, variable = recording.name.rpartition(".")
    return f"{_MEANINGS.get((variable, recording.unit), variable)} of {path}"


def member(recording: Recording) -> str:
    """Return the kind of object in each column: ``neuron`` or ``connection``."""
    return "connection" if recording._population is None else "neuron"
