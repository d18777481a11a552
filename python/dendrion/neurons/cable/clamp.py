"""Voltage clamps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from ..._quoted import quoted
from ...errors import ParameterTypeError
from ...modules._ownership import SENTINEL, Sentinel
from ...modules.module import Module
from ..equations import Channel
from .sites import Site

__all__ = ["VoltageClamp"]


class VoltageClamp(Channel):
    """A voltage clamp with a series resistance: a current ``I = (V_clamp - V) / r_series`` at sites of detailed cells.

    ``net.probe(clamp, "I")`` records the current that the clamp injects (pA). You can change the potential of the
    clamp between runs: ``clamp.V_clamp = -20.0``. Waveforms within a run are not supported.

    Parameters
    ----------
    site : Site
        Where the potential is clamped, such as ``cells.at("soma")``.
    V_clamp : float or array
        Potential of the clamp (mV): a single value, one per site (shape ``(sites,)``), or one per cell and site (shape
        ``(cells, sites)``).
    r_series : float or array
        Series resistance (Mohm), > 0, in the same forms.
    parent, name, frozen_params
        See [Module][dendrion.Module].

    Examples
    --------
    >>> import dendrion as dn
    >>> cells = dn.CableNeuron(1, dn.Morphology.cable(500.0, 2.0), cv=dn.MaxLength(10.0))
    >>> clamp = dn.VoltageClamp(cells.at(cells.tree.at(section=0, x=0.0)), V_clamp=-40.0, r_series=10.0)
    >>> net = dn.Network([cells], dt=0.025)
    >>> current = net.probe(clamp, "I")
    """

    equations = """
    I = (V_clamp - V)/r_series  : pA
    V_clamp : mV                         # potential of the clamp
    r_series = 1 Mohm (> 0)              # series resistance
    """

    def __init__(
        self,
        site: Site,
        V_clamp: ArrayLike,
        *,
        r_series: ArrayLike = 1.0,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        if not isinstance(site, Site):
            raise ParameterTypeError(
                f"{self._label}: site = {quoted(site)}: expected a site of detailed cells, such as cells.at('soma')"
            )
        given: dict[str, Any] = {"V_clamp": V_clamp, "r_series": r_series}
        super().__init__(site.neuron, None, parent, name, frozen_params, at=site, **given)
