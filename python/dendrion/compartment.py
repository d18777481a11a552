"""Compartments: isopotential pieces of membrane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from numpy.typing import ArrayLike

from ._ownership import SENTINEL, Sentinel
from .module import Module, checked_size

__all__ = ["Compartment", "LeakyIF"]


class Compartment(Module):
    """A passive compartment: ``C dV/dt = gL (V_rest - V) + I``.

    With ``length`` and ``diameter`` it is an open cylinder of area ``pi length diameter``, and ``gL`` and ``C`` are
    specific; without, they are absolute. Every parameter takes a number or an array of shape ``(size,)``.

    Parameters
    ----------
    size : int
        Number of neurons it is in.
    V_rest : float or array
        Resting potential (mV); V starts there.
    gL : float or array
        Leak conductance: nS, or uS/cm2 with a geometry. > 0.
    C : float or array
        Capacitance: pF, or uF/cm2 with a geometry. > 0.
    length, diameter : float or array, optional
        Geometry (um); both or neither. With it, pass ``gL`` and ``C`` too.
    r_axial : float or array, optional
        Axial resistivity (ohm cm), for couplings that follow from the geometry.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    area_factor : float or array
        Factor on the membrane area (spines, scaling); not on axial conductances.
    """

    _kinds: ClassVar[tuple[str, ...]] = ("compartment",)
    _optional: ClassVar[tuple[str, ...]] = ("length", "diameter", "r_axial")

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
        )
        super().__init__(parent, name, frozen_params)
        self._check_together("compartment")


class LeakyIF(Compartment):
    """The soma: the compartment whose V the threshold of its neuron watches. A neuron has exactly one.

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
        super().__init__(*membrane, parent, name, frozen_params, area_factor=area_factor)
        self._check_together("soma")
