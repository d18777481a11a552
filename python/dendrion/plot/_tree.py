"""The compartments of a neuron, drawn to scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ParameterError
from . import _annotate
from ._axes import drawing, laid_out, small
from ._layout import Cylinder, layout
from ._paint import Paint, painted
from ._parts import Part, parts_of
from ._style import COLUMN, GREY, INK, THIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..neurons.neuron import MCNeuron

__all__ = ["tree"]

#: Factors on diameters to choose from, and how thin, in extents of the tree, a dendrite may be without one.
FACTORS, THINNEST = (1, 2, 3, 5, 10), 0.01
#: Compartments whose names are written where the user did not say.
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
    """Draw the compartments of a neuron as a tree of cylinders: the soma an ellipse, the rest as long as they are.

    Dendrites named as apical or oblique (``api``, ``trunk``, ``tuft``, ``prox``, ``ob``, ``med``, ``dist``) grow up
    from the soma, and basal ones and axons (``bas``, ``axon``, ``ais``) down; without such names they grow all around.
    No two overlap. Compartments without a geometry are as large as the median of the others, and dashed; where none has
    one there is no scale.

    Parameters
    ----------
    neuron : MCNeuron
        The population, in a network or not.
    color : dict, str or array, optional
        A number for each compartment, by name, or all in the order in which they were made; or the name of a parameter
        of compartments, such as ``"gL"``. Or colours by name, or one colour. Those without a value are light grey.
    label : str, optional
        Label of the colour bar. By default that of the parameter, with its unit.
    limits : (float, float), optional
        Values at the ends of the colour bar. By default the least and the greatest.
    names : bool, optional
        Whether to write names. By default where there are at most 15 compartments.
    receptors : bool
        Whether to mark the receptors and channels on each compartment.
    thickness : float, optional
        Factor on the diameters of dendrites, which the picture says: dendrites are so much longer than wide that they
        would be hairlines. By default 1, 2, 3, 5 or 10, such that they are seen and the thickest is thinner than the
        soma. With 1 they are to scale.
    index : int, optional
        The neuron whose parameters to draw, where neurons differ. By default their mean.
    ax : Axes, optional
        Where to draw. By default a new figure.

    Returns
    -------
    Axes
        In um, with a scale bar where there is a geometry. Its patches have the compartments' names (``get_gid``).

    Raises
    ------
    ParameterError, ParameterTypeError, UnknownNameError
        For what is no neuron, and for colours that fit none of its compartments.
    StructureError
        For compartments that are no tree around one soma.

    Examples
    --------
    >>> from dendrion.models import CA1Pyramidal
    >>> cells = CA1Pyramidal()
    >>> dn.plot.tree(cells, color="diameter")
    >>> dn.plot.tree(cells, color={"soma": -60.0, "prox": -55.0}, label="V (mV)")
    """
    if thickness is not None and not 0 < thickness < math.inf:
        raise ParameterError(f"plot.tree: thickness = {thickness!r}: expected a factor > 0")
    parts = parts_of(neuron, index)
    paint = painted(parts, color, label, limits, index)
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
        _colour_bar(axes, paint)
        if names or (names is None and len(parts) <= MOST_NAMES):
            # Names find their places by how large the tree is once all else has its room.
            if ax is None:
                cast("Figure", axes.figure).draw_without_rendering()
            else:
                laid_out(axes)
            _annotate.names(axes, [p.name for p in parts], [_outline(*p) for p in zip(parts, placed, strict=True)])
    return axes


def _size(width: float, height: float, room: float) -> tuple[float, float]:
    """Return height and width of a figure (inch), with so much room at the right, and some for names."""
    room += 0.7
    tall = float(np.clip((COLUMN - room) * height / width, 1.4, 3.6))
    return tall + 0.3, float(np.clip(tall * width / height + room, 1.6, COLUMN))


def _factor(parts: list[Part]) -> float:
    """Return what to multiply diameters by."""
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
    """Return corners around what is drawn, the first two at the near end."""
    if part.parent >= 0:
        return at.corners
    x, y = part.diameter / 2, part.length / 2
    return np.array([[-x, -y], [x, -y], [x, y], [-x, y]])


def _draw(ax: Axes, part: Part, at: Cylinder, placed: list[Cylinder], colour: Any, is_default: bool) -> None:
    from matplotlib.patches import Ellipse, Polygon

    # An edge keeps what is thinner than a line in sight.
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


def _colour_bar(ax: Axes, paint: Paint) -> None:
    if paint.scale is None:
        return
    bar = ax.figure.colorbar(paint.scale, ax=ax, shrink=0.5, aspect=15, pad=0.02, label=paint.label)
    bar.outline.set_visible(False)
    bar.ax.tick_params(width=THIN, length=2, labelsize=small(ax))
