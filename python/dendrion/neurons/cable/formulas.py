"""Parameters of mechanisms on detailed cells, given by formulas of the distance: ``"g0 * exp(distance/lam)"``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ... import _core
from ..._paths import is_encodable
from ..._quoted import quoted
from ...errors import EquationError, ParameterError, StructureError

if TYPE_CHECKING:
    from ..equations import Written
    from .placement import Placement

__all__ = ["Formulas", "with_formulas"]


class Formulas(NamedTuple):
    """The formulas of a mechanism, keyed by the names of the parameters that they replace."""

    formulas: Mapping[str, _core.Density]
    #: The definition of the mechanism without formulas, from which the bounds of the parameters are read.
    plain: _core.Definition

    def parameters(self) -> set[str]:
        """Return the names of the parameters of all formulas."""
        return {name for formula in self.formulas.values() for name in formula.parameters()}

    def values(self, module: Written, name: str, values: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return the values of a parameter: one per site, or one per cell and site in flat form.

        ``values`` contains the parameters of the mechanism and, optionally, the ``diameter`` of all control volumes in
        flat form, in place of the current one.
        """
        place = module._placement
        assert place is not None
        per_site, formula = place.per_site, self.formulas[name]
        given = {each: np.asarray(values[each], dtype=np.float64) for each in formula.parameters()}
        given |= {"distance": place.neuron.cvs.distance[place.cvs], "diameter": _diameters(place, values)}
        is_whole = any(value.size == per_site.members and value.ndim for value in given.values())
        size = per_site.members if is_whole else per_site.sites
        whole = {each: np.resize(value, size) for each, value in given.items()}
        return formula.values(whole, size)

    def check(self, module: Written, values: Mapping[str, Any]) -> None:
        """Raise an error if the value of a formula is not finite or is outside the bounds of its parameter."""
        for name in self.formulas:
            found = self.values(module, name, values)
            module._check_values(name, found, functools.partial(self.plain.check, module._label, name, found))


def _diameters(place: Placement, values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the diameters at the sites of a mechanism, one per site or one per cell and site in flat form."""
    found = np.asarray(values.get("diameter", place.neuron.diameter), dtype=np.float64)
    by_cell = np.broadcast_to(found, len(place.neuron.cvs)) if found.ndim == 0 else found
    return by_cell.reshape(-1, len(place.neuron.cvs))[:, place.cvs].reshape(-1)


def with_formulas(module: Written, given: dict[str, Any]) -> Formulas | None:
    """Replace parameters in the equations of a mechanism with formulas.

    ``given`` contains the arguments of the user; formulas are removed from it.
    """
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    definition = module._definition
    known = () if definition is None else tuple(name for name, *_ in definition.parameters())
    if definition is None or not texts or not set(texts) <= set(known):
        return None
    found: dict[str, _core.Density] = {}
    for name, text in texts.items():
        label = f"{module._label}: {name} = {quoted(text)}"
        if module._placement is None:
            raise StructureError(
                f"{label}: formulas may depend on the distance from the soma, which is defined only on a "
                "CableNeuron; expected numbers"
            )
        if not is_encodable(text):
            raise EquationError(f"{label}: expected text that can be encoded in UTF-8")
        formula = _core.Density(label, text)
        missing = [each for each in formula.parameters() if given.get(each) is None]
        if missing:
            raise ParameterError(
                f"{label}: {missing[0]} has no value; pass {missing[0]}= with a number, or use a formula of distance "
                "and diameter (um) only"
            )
        _check_names(label, module, formula)
        equations = formula.placed(module.equations, name)
        placed = _core.Definition(type(module).__name__, equations)
        if any(name == each for each, *_ in placed.parameters()):
            # The formula is a constant, such as "2.5", so the parameter is not replaced.
            given[name] = float(formula.values({"distance": np.zeros(1), "diameter": np.ones(1)}, 1)[0])
            continue
        module._refer("equations", equations)
        module._refer("_definition", placed)
        found[name] = formula
        del given[name]
    return Formulas(found, definition) if found else None


def _check_names(label: str, module: Written, formula: _core.Density) -> None:
    """Raise an error if a parameter of a formula has the name of an attribute, which would hide the parameter."""
    taken = [each for each in formula.parameters() if module._is_taken(each)]
    if taken:
        raise ParameterError(
            f"{label}: {taken[0]} is already an attribute of every {type(module).__name__}; choose another name"
        )
