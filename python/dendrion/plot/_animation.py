"""Animations that report a missing program before drawing. Imports matplotlib, so import it only when needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.animation import FuncAnimation, writers
from matplotlib.figure import Figure

from .._paths import file_name
from .._quoted import quoted
from ..errors import ParameterError

__all__ = ["Movie"]

#: The writer for files with these endings.
WRITERS = {
    **dict.fromkeys((".gif", ".webp", ".apng"), "pillow"),
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"), "ffmpeg"),
    ".html": "html",
}


class Movie(FuncAnimation):
    """A ``FuncAnimation`` whose ``save`` checks the file name and the writer first."""

    def __init__(self, figure: Figure, show: Any, **kwargs: Any) -> None:
        super().__init__(figure, show, **kwargs)
        self._figure = figure

    def save(self, filename: Any, writer: Any = None, *args: Any, **kwargs: Any) -> None:
        """Save the movie; see ``matplotlib.animation.Animation.save``.

        Parameters
        ----------
        filename : str or path
            Path of the file. An existing file is replaced. GIF, WebP and APNG files are written by Pillow, which
            Matplotlib requires; MP4 files and other videos require ffmpeg.
        writer : str or MovieWriter, optional
            The writer. By default, it is chosen according to the ending of the file name.
        *args, **kwargs
            See ``matplotlib.animation.Animation.save``.

        Raises
        ------
        ParameterError
            If no writer is installed for this kind of file, or the folder does not exist.
        """
        path = Path(file_name("plot.movie: save: filename", filename))
        where = f"plot.movie: save: filename = {quoted(str(path))}"
        if not path.parent.is_dir():
            raise ParameterError(f"{where}: the folder {quoted(str(path.parent))} does not exist")
        if writer is None:
            writer = _writer(where, path.suffix.lower())
        elif isinstance(writer, str) and not writers.is_available(writer):
            known = ", ".join(writers.list())
            raise ParameterError(
                f"plot.movie: save: writer = {quoted(writer)}: is not available; expected one of: {known}"
            )
        with _fixed_layout(self._figure):
            super().save(str(path), writer, *args, **kwargs)


@contextmanager
def _fixed_layout(figure: Figure) -> Iterator[None]:
    """Lay out a figure only once; a new layout for each frame would triple the time per frame."""
    for _ in range(2):
        # The layout needs two passes if panels have a fixed aspect ratio.
        figure.draw_without_rendering()
    engine = figure.get_layout_engine()
    if engine is not None:
        figure.set_layout_engine("none")
    # Each frame is drawn when it is saved, so there is no need to draw it on the screen.
    canvas: Any = figure.canvas
    canvas.draw_idle = lambda *_, **__: None
    try:
        yield
    finally:
        del canvas.draw_idle
        if engine is not None:
            figure.set_layout_engine(engine)


def _writer(where: str, suffix: str) -> str:
    """Return the name of the writer for files with this ending."""
    if suffix not in WRITERS:
        raise ParameterError(f"{where}: expected a name that ends in one of: {', '.join(WRITERS)}")
    name = WRITERS[suffix]
    if not writers.is_available(name):
        raise ParameterError(
            f"{where}: requires {name}, which was not found; install it, or save the movie as a GIF file, which "
            "requires no other program"
        )
    return name
