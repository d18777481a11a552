"""Validation of the recordings passed to export functions."""

from __future__ import annotations

from collections.abc import Iterable

from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError
from ..recordings.recording import Recording, SpikeRecording

Recorded = Recording | SpikeRecording


def recordings(what: str, given: Recorded | Iterable[Recorded]) -> list[Recorded]:
    """Return one or more recordings as a list with at least one item.

    Parameters
    ----------
    what : str
        Name of the export function, for error messages.
    given : Recording, SpikeRecording or list of them
        The argument that the user passed.
    """
    if isinstance(given, Recorded):
        return [given]
    found = list(given) if isinstance(given, Iterable) else [given]
    for recording in found:
        if not isinstance(recording, Recorded):
            raise ParameterTypeError(f"{what}: {quoted(recording)}: expected a Recording or a SpikeRecording")
    if not found:
        raise ParameterError(f"{what}: no recordings; expected at least one")
    return found
