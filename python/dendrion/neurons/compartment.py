"""Compartments: isopotential pieces of membrane."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from numpy.typing import ArrayLike

from ..errors import ParameterError
from ..modules._ownership import SENTINEL, Sentinel, under_construction
from ..modules.module import Module, Value, checked_size
from ..units import alternatives, described, fitting

__all__ = ["MEMBRANE", "Compartment", "LeakyIF"]

#: Parameters of a compartment's own membrane.
MEMBRANE = frozenset(("V_rest", "gL", "C", "length", "diameter", "r_axial", "area_factor", "I_ext"))


class Given(NamedTuple):
    """A quantity to which ``gL`` or ``C`` was set: its converted value, the unit of this value, and a description."""

    value: Value | None
    unit: str
    description: str


class Compartment(Module):
    """A passive compartment: ``C dV/dt = gL (V_rest - V) + I``.

    With ``length`` and ``diameter``, the compartment is a cylinder without end caps, with area ``pi length
    diameter``, and ``gL`` and ``C`` are per area; otherwise they are absolute. Every parameter is a number or an
    array of shape ``(size,)``.

    Parameters
    ----------
    size : int
        Number of neurons. Each neuron has this compartment.
    V_rest : float or array
        Resting potential (mV), and initial value of V.
    gL : float or array
        Leak conductance, > 0, in nS, or in uS/cm2 with a geometry.
    C : float or array
        Capacitance, > 0, in pF, or in uF/cm2 with a geometry.
    length, diameter : float or array, optional
        Geometry (um); set both or neither. With a geometry, ``gL`` and ``C`` must also be set.
    r_axial : float or array, optional
        Axial resistivity (ohm cm), for couplings that are computed from the geometry.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    area_factor : float or array
        Factor that multiplies the membrane area, for example to account for spines. Axial conductances do not use it.
    I_ext : float or array
        Constant injected current (pA).
    """

    _kinds: ClassVar[tuple[str, ...]] = ("compartment",)
    _optional: ClassVar[tuple[str, ...]] = ("length", "diameter", "r_axial")
    _variable_units: ClassVar[Mapping[str, str]] = MappingProxyType({"V": "mV", "I": "pA"})

    def __init__(
        self,
        size: int = 1,
        V_rest: ArrayLike = -70,
        gL: ArrayLike = 2.9,
        C: ArrayLike = 58.9,
        length: ArrayLike | None = None,
        diameter: ArrayLike | None = None,
        r_axial: ArrayLike | None = None,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        area_factor: ArrayLike = 1.0,
        I_ext: ArrayLike = 0.0,
    ) -> None:
        self.size = checked_size(self, size)
        self._declare(
            V_rest=V_rest,
            gL=gL,
            C=C,
            length=length,
            diameter=diameter,
            r_axial=r_axial,
            area_factor=area_factor,
            I_ext=I_ext,
        )
        super().__init__(parent, name, frozen_params)
        self._check_together("compartment")
        self._check_quantities()

    def _unit_of(self, name: str) -> str:
        # A compartment under construction may get its geometry later.
        return super()._unit_of(name) if under_construction(self) else self._unit_by_geometry(name)

    def _unit_by_geometry(self, name: str) -> str:
        unit = super()._unit_of(name)
        if name not in ("gL", "C"):
            return unit
        absolute, specific = alternatives(unit)
        has_geometry = self._values["length"] is not None and self._values["diameter"] is not None
        return f"{specific} with length and diameter" if has_geometry else f"{absolute} without length and diameter"

    def _convert_quantity(self, name: str, value: Any) -> Value | None:
        if name not in ("gL", "C"):
            return super()._convert_quantity(name, value)
        numbers, unit = fitting(f"{self._label}: {name}", value, self._unit_of(name))
        converted = self._convert(name, numbers)
        if unit is not None:
            self.__dict__.setdefault("_quantities", {})[name] = Given(converted, unit, described(value))
        return converted

    def _check_quantities(self) -> None:
        """Raise an error for an absolute quantity with a geometry, or a quantity per area without a geometry."""
        for name, given in self.__dict__.get("_quantities", {}).items():
            expected = self._unit_by_geometry(name)
            if self._values[name] is given.value and given.unit not in alternatives(expected):
                raise ParameterError(f"{self._label}: {name} = {given.description}, expected {expected}")


class LeakyIF(Compartment):
    """The soma: the compartment whose V is compared with the threshold. Each neuron has exactly one soma.

    Parameters
    ----------
    I_ext : float or array
        Constant injected current (pA).
    size, V_rest, gL, C, length, diameter, r_axial, parent, name, frozen_params, area_factor
        See [Compartment][dendrion.Compartment].
    """

    _kinds: ClassVar[tuple[str, ...]] = ("soma",)

    def __init__(
        self,
        size: int = 1,
        V_rest: ArrayLike = -70,
        gL: ArrayLike = 2.9,
        C: ArrayLike = 58.9,
        length: ArrayLike | None = None,
        diameter: ArrayLike | None = None,
        r_axial: ArrayLike | None = None,
        I_ext: ArrayLike = 0.0,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        area_factor: ArrayLike = 1.0,
    ) -> None:
        self.size = checked_size(self, size)
        self._declare(I_ext=I_ext)
        membrane = (size, V_rest, gL, C, length, diameter, r_axial)
        super().__init__(*membrane, parent, name, frozen_params, area_factor=area_factor, I_ext=I_ext)
        self._check_together("soma")
