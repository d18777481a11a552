"""Tree plots of the compartments of a neuron."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._numbers import real
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError
from . import _annotate
from ._axes import colour_bar, drawing, laid_out
from ._layout import Cylinder, layout
from ._paint import checked_label, painted
from ._parts import Part, parts_of
from ._style import COLUMN, GREY, INK, THIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..neurons.mc_neuron import MCNeuron

__all__ = ["tree"]

#: Available factors for diameters, and the minimum width of a dendrite relative to the extent of the tree.
FACTORS, THINNEST = (1, 2, 3, 5, 10), 0.01
#: Maximum number of compartments whose names are written by default.
MOST_NAMES = 15


def tree(
    neuron: MCNeuron,
    *,
    color: Mapping[str, Any] | str | ArrayLike | None = None,
    label: str | None = None,
    limits: tuple[float, float] | None = None,
    names: bool | None = None,
    receptors: bool = False,
    thickness: float | None = None,
    index: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the compartments of a neuron as a tree: the soma as an ellipse, all others as rectangles of true length.

    Apical and oblique dendrites (names with ``api``, ``trunk``, ``tuft``, ``prox``, ``ob``, ``med``, ``dist``) extend
    upwards from the soma; basal dendrites and axons (``bas``, ``axon``, ``ais``, ``hill``) extend downwards. Without
    such names, dendrites are drawn all around the soma. Compartments never overlap. Compartments without a geometry are
    drawn with dashed outlines and the median size of the other compartments. There is no scale bar if no compartment
    has a geometry.

    Parameters
    ----------
    neuron : MCNeuron
        The population. It need not be part of a network.
    color : dict, str or array, optional
        A dict from compartment name to number or colour; an array with one number per compartment, in order of
        creation; the name of a compartment parameter, such as ``"gL"``; or a single colour. Compartments without a
        value are light grey.
    label : str, optional
        Label of the colour bar. Defaults to the parameter's name and unit.
    limits : (float, float), optional
        Limits of the colour bar. Defaults to the smallest and largest value.
    names : bool, optional
        Whether to write the names of compartments. By default they are written if there are at most 15.
    receptors : bool
        Whether to mark the receptors and channels on each compartment.
    thickness : float, optional
        Factor by which the diameters of dendrites are multiplied; the label of the scale bar shows it. Without such a
        factor, many dendrites would be too thin to see. By default, it is 1, 2, 3, 5 or 10, chosen so that dendrites
        are visible and thinner than the soma. Use 1 to draw them to scale.
    index : int, optional
        Index of the neuron whose parameters are drawn. By default, parameters are averaged over neurons.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, in um. The method ``get_gid`` of a patch returns the name of its compartment.

    Raises
    ------
    ParameterError, ParameterTypeError, UnknownNameError
        If ``neuron`` is not an MCNeuron, or ``color`` does not match its compartments.
    StructureError
        If the compartments do not form a tree around one soma.

    Examples
    --------
    >>> from dendrion.models import CA1Pyramidal
    >>> cells = CA1Pyramidal()
    >>> dn.plot.tree(cells, color="diameter")
    >>> dn.plot.tree(cells, color={"soma": -60.0, "prox": -55.0}, label="V (mV)")
    """
    if thickness is not None and not 0 < real("plot.tree: thickness", thickness, "a factor > 0") < math.inf:
        raise ParameterError(f"plot.tree: thickness = {quoted(thickness)}: expected a factor > 0")
    if not isinstance(receptors, (bool, np.bool_)):
        raise ParameterTypeError(f"plot.tree: receptors = {quoted(receptors)}: expected True or False")
    parts = parts_of(neuron, index)
    paint = painted(parts, color, checked_label("tree", label), limits, index)
    factor = _factor(parts) if thickness is None else thickness
    placed = _placed(parts, factor)
    has_scale = any(part.has_geometry for part in parts)
    corners = np.concatenate([_outline(part, at) for part, at in zip(parts, placed, strict=True)])
    low, high = corners.min(0), corners.max(0)
    width, height = high - low
    with drawing("tree", ax, *_size(width, height, 0.6 * (paint.scale is not None) + 0.8 * receptors)) as axes:
        axes.set_aspect("equal")
        axes.axis("off")
        for part, at, colour in zip(parts, placed, paint.colours, strict=True):
            _draw(axes, part, at, placed, colour, has_scale and not part.has_geometry)
        axes.set_xlim(low[0] - 0.05 * width, high[0] + 0.05 * width)
        axes.set_ylim(low[1] - 0.05 * height, high[1] + 0.05 * height)
        if has_scale:
            _annotate.scale_bar(axes, low, high, factor if len(parts) > 1 else 1.0)
        if receptors:
            _annotate.marks(axes, parts, placed)
        if paint.scale is not None:
            colour_bar(axes, paint.scale, paint.label)
        if names or (names is None and len(parts) <= MOST_NAMES):
            # The positions of names depend on the size of the tree, so everything else must be laid out first.
            if ax is None:
                cast("Figure", axes.figure).draw_without_rendering()
            else:
                laid_out(axes)
            _annotate.names(axes, [p.name for p in parts], [_outline(*p) for p in zip(parts, placed, strict=True)])
    return axes


def _size(width: float, height: float, room: float) -> tuple[float, float]:
    """Return the height and width of a figure (inch), with ``room`` (inch) on the right and some space for names."""
    room += 0.7
    tall = float(np.clip((COLUMN - room) * height / width, 1.4, 3.6))
    return tall + 0.3, float(np.clip(tall * width / height + room, 1.6, COLUMN))


def _factor(parts: list[Part]) -> float:
    """Return the default factor for diameters."""
    dendrites = [part.diameter for part in parts[1:]]
    if not dendrites:
        return 1.0
    corners = np.concatenate([at.corners for at in _placed(parts, 1.0)[1:]])
    extent = float((corners.max(0) - corners.min(0)).max())
    fitting = [f for f in FACTORS if f * max(dendrites) <= 0.75 * min(parts[0].diameter, parts[0].length)]
    wide = [f for f in fitting if f * min(dendrites) >= THINNEST * extent]
    return float(wide[0] if wide else fitting[-1] if fitting else 1)


def _placed(parts: list[Part], factor: float) -> list[Cylinder]:
    soma, dendrites = parts[0], parts[1:]
    return layout(
        [part.name for part in parts],
        [part.parent for part in parts],
        [part.length for part in parts],
        [soma.diameter, *(factor * part.diameter for part in dendrites)],
        (soma.diameter, soma.length),
    )


def _outline(part: Part, at: Cylinder) -> NDArray[np.float64]:
    """Return the corners of a rectangle around a compartment as drawn; the first two are at its proximal end."""
    if part.parent >= 0:
        return at.corners
    x, y = part.diameter / 2, part.length / 2
    return np.array([[-x, -y], [x, -y], [x, y], [-x, y]])


def _draw(ax: Axes, part: Part, at: Cylinder, placed: list[Cylinder], colour: Any, is_default: bool) -> None:
    from matplotlib.patches import Ellipse, Polygon

    # The edge keeps compartments visible even if they are thinner than a line.
    edge: dict[str, Any] = {"edgecolor": colour, "lw": THIN / 2}
    if is_default:
        edge = {"edgecolor": INK, "lw": THIN, "linestyle": (0, (2, 2))}
    if part.parent < 0:
        patch: Any = Ellipse((0.0, 0.0), part.diameter, part.length, facecolor=colour, zorder=3, **edge)
    else:
        patch = Polygon(at.corners, closed=True, facecolor=colour, zorder=2, **edge)
        begin = placed[part.parent].end
        ax.plot(*zip(begin, at.start, strict=True), color=GREY, lw=THIN, zorder=1, solid_capstyle="butt")
    patch.set_gid(part.name)
    ax.add_patch(patch)
