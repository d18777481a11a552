"""Plots of the surrogate derivatives of spikes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._quoted import quoted, told
from ..errors import ParameterError, ParameterTypeError
from ..neurons.neuron import Neuron
from ..surrogate import EventProp, Surrogate
from ._axes import drawing, legend
from ._read import span
from ._style import LINE, colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["surrogate"]

Function = Surrogate | Callable[..., Any] | Neuron


def surrogate(
    surrogates: Function | Sequence[Function] | Mapping[str, Function],
    *,
    limits: tuple[float, float] = (-5.0, 5.0),
    ax: Axes | None = None,
) -> Axes:
    """Plot the surrogate derivatives that gradients use for spikes, against V - V_th.

    Parameters
    ----------
    surrogates : Surrogate, callable or neuron, or a list or dict of them
        A surrogate such as ``dn.Sigmoid(2.0)``, a function of ``V - V_th`` (mV), or a population, whose surrogate is
        drawn. A dict maps labels to surrogates. Surrogates with ``relative=True`` are drawn against ``(V - V_th) /
        (V_th - V_reset)`` and cannot be combined with others, except if they belong to populations: the surrogates of
        populations are always drawn against ``V - V_th``.
    limits : (float, float)
        Limits of the x axis, in mV unless the surrogates are relative.
    ax : Axes, optional
        Axes to draw into. By default, a new figure is created.

    Returns
    -------
    Axes
        The axes, with V - V_th in mV and the derivative in 1/mV; both are dimensionless for relative surrogates.

    Raises
    ------
    ParameterError, ParameterTypeError
        If an item is not a function of one array, or ``limits`` is not in ascending order.

    Examples
    --------
    >>> dn.plot.surrogate([dn.Sigmoid(), dn.FastSigmoid(), dn.ATan()])
    """
    functions, relative = _labelled(surrogates)
    low, high = span("surrogate", "limits", limits, "" if relative else "mV")
    # Include the threshold in the points, because the derivative has a corner or a narrow peak there.
    x = np.unique(np.append(np.linspace(low, high, 1001), 0.0 if low < 0.0 < high else low))
    curves = {label: _values(label, function, x) for label, function in functions.items()}
    with drawing("surrogate", ax, 1.9) as axes:
        paint = colours(len(curves), len(axes.lines))
        for (label, y), colour in zip(curves.items(), paint, strict=True):
            axes.plot(x, y, color=colour, lw=1.25 * LINE, label=label)
        axes.margins(x=0.0)
        if relative:
            axes.set_xlabel(r"$x = (V - V_\mathrm{th}) / (V_\mathrm{th} - V_\mathrm{reset})$")
            axes.set_ylabel(r"$\mathrm{d}S/\mathrm{d}x$")
        else:
            axes.set_xlabel(r"$V - V_\mathrm{th}$ (mV)")
            axes.set_ylabel(r"$\mathrm{d}S/\mathrm{d}V$ (1/mV)")
        legend(axes)
    return axes


def _labelled(given: Any) -> tuple[dict[str, Callable[..., Any]], bool]:
    """Return functions, keyed by label, and whether they depend on the relative distance from the threshold."""
    if isinstance(given, Mapping):
        items = {told(label): item for label, item in given.items()}
    else:
        items = {_label(item): item for item in (given if isinstance(given, (list, tuple)) else [given])}
    if not items:
        raise ParameterError("plot.surrogate: surrogates is empty; expected a Surrogate, such as dn.Sigmoid()")
    for item in items.values():
        found = item.surrogate_grad_fn if isinstance(item, Neuron) else item
        if isinstance(found, EventProp):
            found(0.0)  # raises an error that says what EventProp is
        if not callable(item) and not isinstance(item, Neuron):
            raise ParameterTypeError(
                f"plot.surrogate: surrogates = {quoted(item)}: expected a Surrogate, such as dn.Sigmoid(), a function "
                "of V - V_th, a population of neurons, or a list or dict of them"
            )
    relative = {label: isinstance(item, Surrogate) and item.relative for label, item in items.items()}
    if len(set(relative.values())) > 1:
        which = next(label for label, is_relative in relative.items() if is_relative)
        raise ParameterError(
            f"plot.surrogate: {which}: is a function of (V - V_th) / (V_th - V_reset), but others are functions of "
            "V - V_th; draw them separately, or pass neurons, whose surrogates are drawn against V - V_th"
        )
    return {k: _of(item) if isinstance(item, Neuron) else item for k, item in items.items()}, any(relative.values())


def _of(neuron: Neuron) -> Callable[..., Any]:
    """Return the surrogate of a population as a function of V - V_th."""
    function = neuron.surrogate_grad_fn
    if not (isinstance(function, Surrogate) and function.relative):
        return function
    V_th, V_reset = (neuron._values[name] for name in ("V_th", "V_reset"))
    distance = np.unique(np.asarray(V_th) - np.asarray(V_reset)) if V_reset is not None else np.zeros(0)
    if len(distance) != 1:
        raise ParameterError(
            f"plot.surrogate: {neuron.path}: {quoted(function)} requires the same V_th - V_reset for all neurons; "
            "pass the surrogate itself instead"
        )
    scale = float(distance[0])
    return lambda x: function(x / scale) / scale


def _label(item: Any) -> str:
    if isinstance(item, Neuron):
        return item.path
    return repr(item).removesuffix("()") if isinstance(item, Surrogate) else told(getattr(item, "__name__", item))


def _values(label: str, function: Callable[..., Any], x: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        y = np.asarray(function(x), dtype=np.float64)
    except Exception as error:
        raise ParameterError(
            f"plot.surrogate: {label}: raised {quoted(error)}; expected a function of an array of V - V_th (mV)"
        ) from error
    if y.shape not in ((), x.shape):
        raise ParameterError(
            f"plot.surrogate: {label}: returned shape {y.shape} for an input of shape {x.shape}; expected equal shapes"
        )
    return np.broadcast_to(y, x.shape)
