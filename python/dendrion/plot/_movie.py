"""Movies of recordings on morphologies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._numbers import real
from .._quoted import quoted
from ..errors import ParameterError
from ._axes import colour_bar, drawing
from ._frames import cvs_of, frames_of
from ._morphology import checked_places
from ._paint import checked_label, colours_of, scale_of
from ._shapes import shape_of

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

    from ..morphology import CVs, Location
    from ..neurons.cable.neuron import CableNeuron
    from ..recordings.recording import Recording

__all__ = ["movie"]

#: Maximum number of frames per second.
_FASTEST = 1000.0
#: Room for the colour bar (inch).
_ROOM = 0.9
#: Maximum number of decimals of the time.
_DECIMALS = 3


def movie(
    recording: Recording,
    cells: CableNeuron | CVs,
    *,
    index: int = 0,
    sample: int | None = None,
    window: tuple[float, float] | None = None,
    every: float | None = None,
    fps: float = 25.0,
    view: str = "xy",
    cmap: str | Colormap | None = None,
    label: str | None = None,
    limits: tuple[float, float] | None = None,
    sites: Iterable[Location] = (),
    thickness: float = 1.0,
    ax: Axes | None = None,
) -> FuncAnimation:
    """Show V, or any other recorded variable, on the morphology of a detailed cell over time.

    Control volumes that were not recorded are light grey. If several columns of the recording are in one control
    volume, as is possible for receptors at locations, their mean is shown.

    Parameters
    ----------
    recording : Recording
        A recording of detailed cells, such as ``net.probe(cells.at("all"), "V")`` or a recording of a channel. Any
        object with ``t`` (ms, of shape ``(samples,)``), ``values`` (of shape ``(samples, columns)``) and ``cv_index``
        (the control volume of each column) is accepted; its ``index`` (the cell of each column), ``name`` and ``unit``
        are used if present.
    cells : CableNeuron or CVs
        The recorded cells, or their control volumes, ``tree.cvs(...)``.
    index : int
        Index of the cell to show.
    sample : int, optional
        The sample of the batch to show. Required for batched runs.
    window : (float, float), optional
        Start and end of the time window to show (ms). Defaults to the whole recording.
    every : float, optional
        Time between frames (ms). Each frame shows the last sample at or before its time. By default, every sample is
        shown or, if there are more than 200, every second, every third, and so on.
    fps : float
        Frames per second.
    view : str
        ``"xy"``, ``"xz"`` or ``"yz"`` for a projection, or ``"dendrogram"``.
    cmap : str or Colormap, optional
        A Matplotlib colour map, or the name of one. Defaults to viridis without its lightest part.
    label : str, optional
        Label of the colour bar. Defaults to the variable and its unit.
    limits : (float, float), optional
        Limits of the colour bar, in the unit of the recording. Defaults to the smallest and largest value shown.
    sites : list of Location
        Locations to mark.
    thickness : float
        Factor by which diameters are multiplied.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    FuncAnimation
        The animation. Keep a reference to it while it is shown. ``movie.save("cell.gif")`` saves it; MP4 files require
        ffmpeg. Its method ``to_jshtml`` returns a player for notebooks.

    Raises
    ------
    ParameterError, ParameterTypeError
        If the recording has no samples or belongs to other cells, or an argument does not match it.
    UnknownNameError
        If there is no such view or colour map.

    Examples
    --------
    >>> tree = dn.Morphology.ball_and_stick(300.0, 2.0)
    >>> cell = dn.CableNeuron(1, tree, cv=dn.MaxLength(10.0))
    >>> step = dn.DCGenerator(1, amplitude=200.0, start=1.0, stop=2.0)
    >>> net = dn.Network([cell, step, dn.ConnGen(step, cell.at("soma"))], dt=0.025)
    >>> v = net.probe(cell.at("all"), "V", every=0.1)
    >>> net.run(4.0)
    >>> movie = dn.plot.movie(v, cell, thickness=3.0)
    >>> movie.save("cell.gif")
    """
    cvs = cvs_of(cells)
    tree = cvs._morphology
    frames = frames_of(recording, cells, index, sample, window, every)
    places = checked_places("movie", tree, sites)
    shape = shape_of("movie", tree, cvs, view, thickness)
    scale = scale_of("movie", "recording", frames.values, limits, cmap, frames.unit)
    text = checked_label("movie", label)
    if text is None:
        text = f"{frames.variable} ({frames.unit})" if frames.unit else frames.variable
    interval = _interval(fps)
    colours = colours_of(scale, frames.values)[:, [piece.cv for piece in shape.pieces]]
    times = _texts(frames.t)
    with drawing("movie", ax, *shape.size(_ROOM)) as axes:
        from ._animation import Movie

        drawn = shape.draw(axes, list(colours[0]))
        if places:
            shape.mark(axes, places)
        colour_bar(axes, scale, text)
        time = axes.set_title(times[0], loc="left", fontsize=axes.xaxis.get_label().get_fontsize())

        def show(k: int) -> list[Any]:
            shape.paint(drawn, list(colours[k]))
            time.set_text(times[k])
            return [drawn, time]

        # The root figure, even if the axes are in a subfigure.
        figure = axes.figure.canvas.figure
        return Movie(figure, show, frames=len(times), interval=interval, cache_frame_data=False)


def _interval(fps: Any) -> float:
    """Return the time (ms) for which each frame of the movie is shown."""
    expected = f"a number of frames per second > 0, at most {_FASTEST:g}"
    rate = real("plot.movie: fps", fps, expected, "Hz")
    if not 0.0 < rate <= _FASTEST:
        raise ParameterError(f"plot.movie: fps = {quoted(fps)}: expected {expected}")
    return 1000.0 / rate


def _texts(t: NDArray[np.float64]) -> list[str]:
    """Return the times as strings of equal length, with as many decimals as they need."""
    decimals = next((d for d in range(_DECIMALS) if np.allclose(t, np.round(t, d), rtol=0.0, atol=1e-6)), _DECIMALS)
    plain = [f"{each:.{decimals}f}" for each in t]
    longest = max(map(len, plain))
    # A figure space is as wide as a digit.
    return [f"{each.rjust(longest, chr(0x2007))} ms" for each in plain]
