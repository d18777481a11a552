"""Plots of morphologies: projections and dendrograms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from .._numbers import numbers
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError
from ..morphology import CVs, Location, Morphology, Region
from ..neurons.cable.neuron import CableNeuron
from ._axes import colour_bar, drawing, small
from ._paint import NONE, Paint, checked_label, scaled
from ._shapes import Piece, shape_of
from ._style import FILL, INK, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["checked_places", "morphology"]

#: Colours of the kinds of sections.
KIND_COLOURS = {"soma": INK, "axon": PALETTE[2], "basal": PALETTE[1], "apical": PALETTE[3]}


def morphology(
    tree: Morphology | CableNeuron,
    *,
    view: str = "xy",
    color: ArrayLike | str | None = None,
    cvs: CVs | None = None,
    region: Region | None = None,
    sites: Iterable[Location] = (),
    label: str | None = None,
    limits: tuple[float, float] | None = None,
    cmap: str | Colormap | None = None,
    thickness: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw a morphology: a projection with true diameters, or a dendrogram.

    Parameters
    ----------
    tree : Morphology or CableNeuron
        The morphology, or detailed cells, which have a morphology and control volumes.
    view : str
        ``"xy"``, ``"xz"`` or ``"yz"`` for a projection, or ``"dendrogram"``, whose horizontal axis is the path length
        from the soma's centre.
    color : array or str, optional
        One number per CV (with ``cvs``), one number per section, or a single colour. By default, each kind of section
        has its own colour.
    cvs : CVs, optional
        The division of the morphology to which ``color`` or ``region`` refers. Defaults to that of the detailed cells.
    region : Region, optional
        A region to highlight (requires ``cvs``); everything else is drawn in light grey.
    sites : list of Location
        Locations to mark.
    label : str, optional
        Label of the colour bar.
    limits : (float, float), optional
        Limits of the colour bar. Defaults to the smallest and largest value.
    cmap : str or Colormap, optional
        A Matplotlib colour map, or the name of one. Defaults to viridis without its lightest part.
    thickness : float
        Factor by which diameters are multiplied.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, in um.

    Raises
    ------
    ParameterError, ParameterTypeError
        If an argument does not match the morphology.

    Examples
    --------
    >>> tree = dn.Morphology.ball_and_stick(300.0, 2.0)
    >>> cvs = tree.cvs(dn.MaxLength(10.0))
    >>> dn.plot.morphology(tree, color=cvs.distance, cvs=cvs, label="distance (µm)")
    """
    if isinstance(tree, CableNeuron):
        cvs = tree.cvs if cvs is None else cvs
        tree = tree.tree
    _check(tree, cvs)
    places = checked_places("morphology", tree, sites)
    shape = shape_of("morphology", tree, cvs, view, thickness)
    paint = _painted(tree, shape.pieces, cvs, region, color, checked_label("morphology", label), limits, cmap)
    for name, value in (("label", label), ("limits", limits), ("cmap", cmap)):
        if value is not None and paint.scale is None:
            raise ParameterError(
                f"plot.morphology: {name} = {quoted(value)}: requires a colour bar; pass an array of numbers as "
                f"color, or omit {name}"
            )
    with drawing("morphology", ax, *shape.size()) as axes:
        shape.draw(axes, paint.colours)
        if places:
            shape.mark(axes, places)
        _explain(axes, tree, paint, color is None and region is None)
    return axes


def _check(tree: object, cvs: object) -> None:
    if not isinstance(tree, Morphology):
        raise ParameterTypeError(
            f"plot.morphology: tree = {quoted(tree)}: expected a Morphology or a CableNeuron; plot.tree draws "
            "the compartments of an MCNeuron"
        )
    if cvs is not None and (not isinstance(cvs, CVs) or cvs._morphology is not tree):
        raise ParameterTypeError(f"plot.morphology: cvs = {quoted(cvs)}: expected the CVs of tree: tree.cvs(...)")


def checked_places(what: str, tree: Morphology, sites: Any) -> list[Location]:
    """Check the locations to be marked, and return them. ``what`` is the name of the plot function."""
    expected = "expected a list of locations, such as [tree.at(0, 0.5)]"
    if isinstance(sites, (Location, str, Mapping)) or not isinstance(sites, Iterable):
        raise ParameterTypeError(f"plot.{what}: sites = {quoted(sites)}: {expected}")
    try:
        places = list(sites)
    except Exception as error:
        # The `__iter__` method of arrays without dimensions fails.
        raise ParameterTypeError(f"plot.{what}: sites = {quoted(sites)}: {expected}") from error
    for place in places:
        tree._checked(f"plot.{what}: sites", place)
    return places


def _painted(
    tree: Morphology,
    pieces: list[Piece],
    cvs: CVs | None,
    region: Region | None,
    color: Any,
    label: str | None,
    limits: tuple[float, float] | None,
    cmap: Any,
) -> Paint:
    """Return the colour of each piece."""
    from matplotlib.colors import is_color_like

    kinds = [KIND_COLOURS.get(s.kind, FILL) for s in tree.sections]
    if region is not None:
        if cvs is None or color is not None:
            raise ParameterError(
                f"plot.morphology: region = {quoted(region)}: requires cvs=tree.cvs(...), and cannot be "
                "combined with color"
            )
        chosen = set(cvs.select(region).tolist())
        return Paint([kinds[p.section] if p.cv in chosen else NONE for p in pieces], None, "")
    if color is None:
        return Paint([kinds[p.section] for p in pieces], None, "")
    if isinstance(color, str):
        if not is_color_like(color):
            raise ParameterError(f"plot.morphology: color = {quoted(color)}: expected a Matplotlib colour, or numbers")
        return Paint([color] * len(pieces), None, "")
    values = numbers("plot.morphology: color", color, "one number per CV (with cvs=), or per section")
    if cvs is not None and values.shape == (len(cvs),):
        return scaled("morphology", values[[p.cv for p in pieces]], label or "", limits, cmap)
    if values.shape == (len(tree.sections),):
        return scaled("morphology", values[[p.section for p in pieces]], label or "", limits, cmap)
    per_cv = "" if cvs is None else f"({len(cvs)},), one number per CV, or "
    raise ParameterError(
        f"plot.morphology: color of shape {values.shape}: expected {per_cv}({len(tree.sections)},), one per section"
    )


def _explain(ax: Axes, tree: Morphology, paint: Paint, has_kinds: bool) -> None:
    """Add a colour bar, or a legend of the kinds of sections."""
    if paint.scale is not None:
        colour_bar(ax, paint.scale, paint.label)
    elif has_kinds and len(tree.kinds) > 1:
        from matplotlib.patches import Patch

        patches = [Patch(color=KIND_COLOURS.get(kind, FILL), label=kind) for kind in tree.kinds]
        ax.legend(handles=patches, loc="best", fontsize=small(ax), frameon=False, handlelength=1.0)
