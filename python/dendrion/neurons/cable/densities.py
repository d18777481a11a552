"""Values of parameters on a region: one value per region, or a function of the path distance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._numbers import numbers
from ..._quoted import quoted
from ...errors import ParameterError, ParameterTypeError
from ...inputs.piecewise import Piecewise
from .sites import in_region

if TYPE_CHECKING:
    from .neuron import CableNeuron

__all__ = ["Where"]


class Where(NamedTuple):
    """The control volumes on which the values of a parameter depend."""

    neuron: CableNeuron
    cvs: NDArray[np.int64]

    def spread(self, what: str, value: Any, unit: str) -> Any:
        """Return one value per CV for a dict of regions or a function of the distance, and other values unchanged."""
        if isinstance(value, Mapping):
            return self._by_region(what, value, unit)
        if isinstance(value, Piecewise):
            # It can be called, but with times.
            raise ParameterTypeError(
                f"{what} = {quoted(value)}: is a function of time; expected a number, one per region or site, or a "
                "function of the distance"
            )
        if callable(value) and not isinstance(value, type) and not hasattr(value, "_spec"):
            return self._function(what, value, unit)
        return value

    def located(self, site: int) -> str:
        """Return a description of a CV for messages."""
        cvs, cv = self.neuron.cvs, int(self.cvs[site])
        return f"CV {cv}, at x = {cvs.x[cv]:.3g} of section {cvs.section[cv]}, {cvs.distance[cv]:.4g} um from the soma"

    def _by_region(self, what: str, values: Mapping[Any, Any], unit: str) -> NDArray[np.float64]:
        found = np.full(len(self.cvs), np.nan)
        is_set = np.zeros(len(self.cvs), dtype=bool)
        for region, value in values.items():
            chosen, _ = in_region(f"{what}: region", self.neuron, region)
            inside = np.isin(self.cvs, chosen)
            part = Where(self.neuron, self.cvs[inside])
            label = f"{what}[{quoted(region)}]"
            each = numbers(label, part.spread(label, value, unit), "a number, or a function of the distance", unit)
            if each.shape not in ((), (int(inside.sum()),)):
                raise ParameterError(f"{label} = array of shape {each.shape}: expected a number")
            found[inside], is_set[inside] = each, True
        if not is_set.all():
            raise ParameterError(
                f"{what} = {quoted(values)}: has no value for {self.located(int(np.argmin(is_set)))}; expected regions "
                "that contain all control volumes, such as 'all', before more specific ones"
            )
        return found

    def _function(self, what: str, function: Callable[[Any], Any], unit: str) -> NDArray[np.float64]:
        distance = self.neuron.cvs.distance[self.cvs]
        named = f"{what}: {getattr(function, '__name__', quoted(function))}"
        try:
            values = function(distance.copy())
        except Exception as error:
            raise ParameterError(f"{named}(distances) raised {quoted(error)}") from error
        array = numbers(f"{named}(distances)", values, "one number per distance", unit)
        if array.shape not in ((), distance.shape):
            raise ParameterError(
                f"{named}(distances) = array of shape {array.shape}: expected one number for each of the "
                f"{len(distance)} distances (um)"
            )
        array = np.array(np.broadcast_to(array, distance.shape))
        wrong = np.flatnonzero(~np.isfinite(array))
        if len(wrong):
            at = int(wrong[0])
            raise ParameterError(
                f"{named}({distance[at]:.6g} um) = {array[at]}: expected a finite number ({self.located(at)})"
            )
        return array
