"""Voltage clamps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from ... import _core
from ..._quoted import quoted
from ...errors import ParameterError, ParameterTypeError
from ...inputs.piecewise import Piecewise
from ...modules._ownership import SENTINEL, Sentinel
from ...modules.module import Module
from ..equations import Channel
from .sites import Site
from .time_course import TimeCourse, of_piecewise, of_samples

__all__ = ["VoltageClamp"]


class VoltageClamp(Channel):
    """A voltage clamp with a series resistance: a current ``I = (V_clamp - V) / r_series`` at sites of detailed cells.

    ``net.probe(clamp, "I")`` records the current that the clamp injects (pA). A constant potential can change between
    runs: ``clamp.V_clamp = -20.0``.

    The potential may also be a function of time, which ``net.probe(clamp, "V_command")`` records. Each step uses one
    potential. The potential of a ``Piecewise`` changes at the beginning of the time step that is nearest to the time of
    the change, with a ``RoundingWarning`` if the two times differ. The values of a ``Piecewise`` are the parameters
    ``V_0``, ``V_1`` and so on, which can change between runs and have gradients. Samples are interpolated linearly, and
    a time step uses the potential at the middle of the step, which is the time average if the interval is a multiple of
    the time step. After the last sample, the potential remains constant. Time is counted from the last ``net.reset()``.

    Parameters
    ----------
    site : Site
        The site at which the potential is clamped, such as ``cells.at("soma")``.
    V_clamp : float, array, Piecewise or signal
        Command potential of the clamp (mV). A constant potential is a single value, one per site (shape ``(sites,)``),
        or one per cell and site (shape ``(cells, sites)``). A [Piecewise][dendrion.Piecewise] is a sequence of at most
        100 steps, whose times begin at 0. Its values have the shape ``(k,)``, ``(k, sites)`` or
        ``(k, cells * sites)``.
        With ``interval``, ``V_clamp`` contains 2 to 1000 samples at 0, ``interval`` and so on, of shape ``(samples,)``,
        which all cells and sites share. A signal with sample times, such as a Neo ``AnalogSignal``, defines the
        interval itself.
    r_series : float or array
        Series resistance (Mohm), > 0: a single value, one per site, or one per cell and site.
    interval : float, optional
        Time between samples (ms), at least the time step.
    parent, name, frozen_params
        See [Module][dendrion.Module].

    Examples
    --------
    >>> import dendrion as dn
    >>> cells = dn.CableNeuron(1, dn.Morphology.cable(500.0, 2.0), cv=dn.MaxLength(10.0))
    >>> steps = dn.Piecewise([0.0, 10.0, 30.0], [-70.0, -20.0, -70.0])
    >>> clamp = dn.VoltageClamp(cells.at(cells.tree.at(section=0, x=0.0)), steps, r_series=10.0)
    >>> net = dn.Network([cells], dt=0.025)
    >>> current = net.probe(clamp, "I")
    >>> net.run(40.0)
    >>> clamp.V_1 = 0.0
    """

    equations = """
    I = (V_clamp - V)/r_series  : pA
    V_clamp : mV                         # potential of the clamp
    r_series = 1 Mohm (> 0)              # series resistance
    """

    #: The time course of the potential; ``None`` if it is constant.
    _course: TimeCourse | None = None

    def __init__(
        self,
        site: Site,
        V_clamp: ArrayLike | Piecewise | TimeCourse,
        *,
        r_series: ArrayLike = 1.0,
        interval: float | None = None,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        if not isinstance(site, Site):
            raise ParameterTypeError(
                f"{self._label}: site = {quoted(site)}: expected a site of detailed cells, such as cells.at('soma')"
            )
        given: dict[str, Any] = {"V_clamp": V_clamp}
        course = self._time_course(site, V_clamp, interval)
        if course is not None:
            self._refer("_course", course)
            self._refer("equations", course.equations)
            self._refer("_definition", _core.Definition(type(self).__name__, course.equations))
            given = dict(course.values)
        super().__init__(site.neuron, None, parent, name, frozen_params, at=site, **given, r_series=r_series)

    def _time_course(self, site: Site, V_clamp: Any, interval: Any) -> TimeCourse | None:
        what = f"{self._label}: V_clamp"
        if isinstance(V_clamp, TimeCourse):
            return V_clamp  # from a file
        if not isinstance(V_clamp, Piecewise):
            return of_samples(what, V_clamp, interval)
        if interval is not None:
            raise ParameterError(
                f"{self._label}: interval = {quoted(interval)}: expected None, because a Piecewise has its own times"
            )
        return of_piecewise(what, V_clamp, site)

    def __getattr__(self, name: str) -> Any:
        course = self.__dict__.get("_course")
        if name == "V_clamp" and course is not None:
            values = {each: getattr(self, each) for each in course.values}
            return TimeCourse(course.equations, values).given()
        return super().__getattr__(name)
