"""Output of a run: files with recordings, a summary and a plot."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .. import export
from ..export._files import replacing
from ..recordings.recording import Recording, SpikeRecording
from ..simulation.network import Network
from ._places import Places

__all__ = ["plotted", "written"]


def written(net: Network, places: Places, summary: dict[str, Any]) -> list[str]:
    """Write the recordings in each requested format, and the summary; return the paths of the files."""
    files: list[Path] = []
    for form in places.formats:
        if form in ("npz", "csv"):
            for name, recording in net.recordings.items():
                files.append(places.of(name, form))
                _one(recording, files[-1])
        elif net.recordings:
            files.append(places.together(form))
            together = export.nwb if form == "nwb" else export.sonata
            together(list(net.recordings.values()), files[-1], overwrite=True)
    with replacing(places.summary) as partial:
        partial.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [os.fspath(f) for f in [*files, places.summary]]


def _one(recording: Recording | SpikeRecording, path: Path) -> None:
    if path.suffix == ".npz":
        recording.save(path, overwrite=True)
        return
    with replacing(path) as partial:
        recording.to_pandas().to_csv(partial)


def plotted(net: Network, path: Path) -> Path:
    """Plot the recordings to a PNG file, with one panel per recording. Spikes are shown as raster plots."""
    from .. import plot
    from ..plot._style import pyplot

    plt = pyplot()
    count = len(net.recordings)
    figure, axes = plt.subplots(count, 1, figsize=(5.0, 1.7 * count), sharex=True, squeeze=False, layout="constrained")
    for ax, (name, recording) in zip(axes[:, 0], net.recordings.items(), strict=True):
        if isinstance(recording, SpikeRecording):
            plot.raster(recording, ax=ax)
        else:
            shown = min(recording.values.shape[-1], 5)
            plot.traces(recording, neurons=list(range(shown)), ax=ax)
        ax.set_title(name, loc="left", fontsize="small")
        if ax is not axes[-1, 0]:
            ax.set_xlabel("")
    try:
        with replacing(path) as partial:
            figure.savefig(partial, dpi=150)
    finally:
        plt.close(figure)
    return path
