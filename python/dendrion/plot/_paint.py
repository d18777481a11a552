"""Colours of compartments, from the user's ``color`` argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._numbers import numbers
from .._paths import is_encodable
from .._quoted import quoted
from .._suggest import hint, unknown_name
from ..errors import ParameterError, ParameterTypeError, UnknownNameError
from ..neurons.equations import Written
from ._parts import Part, value_of
from ._read import span
from ._style import FILL, INK, shades

if TYPE_CHECKING:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap

__all__ = ["NONE", "Paint", "checked_label", "colours_of", "painted", "scale_of", "scaled"]

#: Colour of compartments without a value.
NONE = "#dcdcdc"


class Paint(NamedTuple):
    """A colour for each compartment and, if colours encode values, the colour scale and its label."""

    colours: list[Any]
    scale: ScalarMappable | None
    label: str


def painted(
    parts: list[Part], color: Any, label: str | None, limits: tuple[float, float] | None, index: int | None
) -> Paint:
    """Return the colours of compartments; see [tree][dendrion.plot.tree] for the values of ``color``."""
    from matplotlib.colors import is_color_like

    if color is None:
        return Paint([INK, *[FILL] * (len(parts) - 1)], None, "")
    if isinstance(color, str):
        if any(color in part.module._values for part in parts):
            values = [value_of(p.module, color, index) if color in p.module._values else None for p in parts]
            return scaled("tree", _floats(values), _with_unit(parts, color) if label is None else label, limits)
        if is_color_like(color):
            return Paint([color] * len(parts), None, "")
        known = list(dict.fromkeys(name for part in parts for name in part.module._values))
        reason = f"neither a parameter of a compartment nor a colour{hint(color, known)}"
        raise UnknownNameError(
            f"plot.tree: color = {quoted(color)}: {reason}",
            name=color,
            known=known,
        )
    if isinstance(color, Mapping):
        known = [part.name for part in parts]
        for name in color:
            if name not in known:
                raise unknown_name("plot.tree: color: no compartment", name, known)
        given = [color.get(name) for name in known]
        if {type(value) for value in given} <= {str, type(None)} and any(given):
            return Paint([_colour(v) for v in given], None, "")
        return scaled("tree", _floats(given), label or "", limits)
    array = numbers("plot.tree: color", color, "a dict by compartment name, a parameter name, a colour or an array")
    if array.shape != (len(parts),):
        names = ", ".join(part.name for part in sorted(parts, key=lambda part: part.made))
        raise ParameterError(
            f"plot.tree: color of shape {array.shape}: expected ({len(parts)},), one value for each of {names}"
        )
    return scaled("tree", array[[part.made for part in parts]], label or "", limits)


def _colour(value: str | None) -> str:
    from matplotlib.colors import is_color_like

    if value is not None and not is_color_like(value):
        raise ParameterError(
            f"plot.tree: color: {quoted(value)}: expected a Matplotlib colour, such as 'tab:red', or a number"
        )
    return NONE if value is None else value


def _floats(values: list[Any]) -> NDArray[np.float64]:
    """Return values as floats, with NaN for missing values."""
    for value in values:
        if value is not None and (np.ndim(value) > 0 or np.asarray(value).dtype.kind not in "biuf"):
            raise ParameterTypeError(
                f"plot.tree: color: {quoted(value)}: expected a number; numbers and colours cannot be mixed"
            )
    return np.array([np.nan if value is None else float(value) for value in values])


def scaled(
    what: str, values: NDArray[np.float64], label: str, limits: tuple[float, float] | None, cmap: Any = None
) -> Paint:
    """Return the colours of values on a colour scale. ``what`` is the name of the plot function, for error messages."""
    scale = scale_of(what, "color", values, limits, cmap)
    return Paint(list(colours_of(scale, values)), scale, label)


def scale_of(
    what: str, name: str, values: NDArray[np.float64], limits: tuple[float, float] | None, cmap: Any, unit: str = ""
) -> ScalarMappable:
    """Return the colour scale of values.

    Parameters
    ----------
    what, name : str
        Names of the plot function and of the argument that contains the values, for error messages.
    values : array
        The values.
    limits : (float, float) or None
        Limits of the scale. Defaults to the smallest and largest value.
    cmap : str, Colormap or None
        The colour map. Defaults to the colour map of all plots.
    unit : str
        Unit of the values.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise ParameterError(f"plot.{what}: {name}: no finite values; expected at least one finite value")
    low, high = (finite.min(), finite.max()) if limits is None else span(what, "limits", limits, unit)
    if low == high:
        # If all values are equal, they get the colour in the middle of the scale.
        low, high = low - 0.5, high + 0.5
    return ScalarMappable(Normalize(low, high), _map(what, cmap))


def colours_of(scale: ScalarMappable, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the RGBA colour of each value. Values that are not finite are light grey."""
    from matplotlib.colors import to_rgba

    finite = np.isfinite(values)
    return np.where(finite[..., None], scale.to_rgba(np.where(finite, values, 0.0)), to_rgba(NONE))


def _map(what: str, cmap: Any) -> Colormap:
    from matplotlib import colormaps
    from matplotlib.colors import Colormap, ListedColormap

    if cmap is None:
        return ListedColormap(shades(256))
    if isinstance(cmap, Colormap):
        return cmap
    if not isinstance(cmap, str):
        raise ParameterTypeError(
            f"plot.{what}: cmap = {quoted(cmap)}: expected the name of a Matplotlib colour map, or a Colormap"
        )
    if cmap not in colormaps:
        known = list(colormaps)
        raise UnknownNameError(
            f"plot.{what}: cmap = {quoted(cmap)}: unknown colour map{hint(cmap, known)}", name=cmap, known=known
        )
    return colormaps[cmap]


def checked_label(what: str, label: Any) -> str | None:
    """Return a label after checking that it is text. ``what`` is the name of the plot function."""
    if label is not None and not isinstance(label, str):
        raise ParameterTypeError(f"plot.{what}: label = {quoted(label)}: expected text, or None")
    if label is not None and not is_encodable(label):
        raise ParameterError(f"plot.{what}: label = {quoted(label)}: expected text without lone surrogates")
    return label


def _with_unit(parts: list[Part], name: str) -> str:
    """Return the label of a parameter with its unit, which depends on whether compartments have a geometry."""
    units = {_unit(part, name) for part in parts if part.module._values.get(name) is not None}
    if len(units) > 1:
        raise ParameterError(
            f"plot.tree: color = {name!r}: has units {' and '.join(sorted(units))} on different compartments; pass a "
            "dict of values in one unit instead"
        )
    unit = units.pop() if units else ""
    return f"{name} ({unit})" if unit else name


def _unit(part: Part, name: str) -> str:
    found = {p[0]: p[1] for kind in part.module._kinds for p in _core.parameters(kind)}
    definition = type(part.module)._definition if isinstance(part.module, Written) else None
    if definition is not None:
        found |= {p[0]: p[1] for p in definition.parameters()}
    absolute, _, specific = found.get(name, "").partition(", or ")
    unit = specific.partition(" with ")[0] if specific and part.has_geometry else absolute
    return unit.replace("um", "µm").replace("uS", "µS").replace("uF", "µF").replace("cm2", "cm²")
