"""What a run leaves: recordings in files, a summary, a picture."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .. import export
from ..network import Network
from ..recording import Recording, SpikeRecording

__all__ = ["plotted", "written"]


def written(net: Network, folder: Path, formats: list[str], summary: dict[str, Any]) -> list[str]:
    """Write the recordings in each format, and the summary; return the files."""
    files: list[Path] = []
    for form in dict.fromkeys(formats):
        if form in ("npz", "csv"):
            for name, recording in net.recordings.items():
                path = folder / f"{_file_name(name)}.{form}"
                _one(recording, path)
                files.append(path)
        elif net.recordings:
            path = folder / ("recordings.nwb" if form == "nwb" else "recordings.h5")
            together = export.nwb if form == "nwb" else export.sonata
            together(list(net.recordings.values()), path, overwrite=True)
            files.append(path)
    path = folder / "summary.json"
    path.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [os.fspath(f) for f in [*files, path]]


def _file_name(name: str) -> str:
    """Return a recording's name without what file systems do not take."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)


def _one(recording: Recording | SpikeRecording, path: Path) -> None:
    if path.suffix == ".npz":
        recording.save(path, overwrite=True)
    else:
        recording.to_pandas().to_csv(path)


def plotted(net: Network, path: Path) -> Path:
    """Draw the recordings below each other, spikes as rasters, into a PNG."""
    from .. import plot
    from ..plot._style import pyplot

    if not net.recordings:
        from ..errors import StructureError

        raise StructureError("--plot: the model records nothing; expected a [record.NAME] in the file")
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
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path
