"""Ions of detailed cells: concentrations that are changed by currents and determine reversal potentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ... import _core
from ..._numbers import real
from ..._quoted import quoted
from ..._suggest import hint
from ...errors import EquationError, ParameterError, ParameterTypeError, StructureError
from ...modules._ownership import SENTINEL, Sentinel
from ...modules.module import Module, Value
from ..equations import Channel
from .ion_form import REVERSALS, IonForm
from .neuron import CableNeuron

__all__ = ["Ion"]

#: Valences of common ions.
_VALENCES: Mapping[str, float] = {"Na": 1.0, "K": 1.0, "Ca": 2.0, "Cl": -1.0, "Mg": 2.0}
#: The default temperature, in degrees Celsius.
_CELSIUS = 6.3
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Ion(Channel):
    """An ion of detailed cells, whose concentration is changed by the currents of channels.

    The ion has an intracellular concentration in each control volume (CV). All channels in a CV that export the current
    ``I_<ion>`` contribute to it, no matter where they are placed, and all mechanisms can import its concentrations and
    its reversal potential. For calcium, the names are ``I_Ca``, ``Ca``, ``Ca_out`` and ``E_Ca``. The intracellular
    concentration c follows

        dc/dt = gamma I/(z F volume) - (c - inside)/tau

    with the valence z, Faraday's constant F = 96485.33212 C/mol and the volume of the CV or of a shell under its
    membrane. With ``reversal="nernst"``, the reversal potential is E = R T/(z F) log(outside/c), with the gas constant
    R = 8.314462618 J/(mol K) (CODATA 2018); see Hille (2001), Ion Channels of Excitable Membranes, chapter 1. With a
    diffusion coefficient, the ion diffuses along the dendrites.

    Parameters
    ----------
    neuron : CableNeuron
        The detailed cells.
    ion : str
        Name of the ion, such as ``"Ca"``.
    inside : float, array, dict, callable or str
        Intracellular concentration (mM), >= 0, at the beginning and, with ``tau``, at rest. It accepts the same forms
        as [densities](../howto/detailed_cells.md#densities).
    outside : float, array, dict, callable or str, optional
        Extracellular concentration (mM), > 0, which is constant. Required for ``reversal="nernst"``.
    valence : float, optional
        Valence, from -100 to 100. It has a default value for Na, K, Ca, Cl and Mg, and is required for other ions.
    reversal : str
        ``"fixed"``: the reversal potential is ``E`` or, without ``E``, a parameter of each channel. ``"nernst"``: the
        Nernst potential for the current concentrations.
    E : float, array, dict, callable or str, optional
        Reversal potential (mV), for ``reversal="fixed"``.
    diffusion : float, array, dict, callable or str, optional
        Coefficient of the diffusion along the dendrites (um2/ms), >= 0. By default, the ion does not diffuse. Ions move
        only between neighbouring CVs that both belong to ``on``. The ion diffuses in the whole volume of each CV
        instead of a shell, so ``depth`` must be None.
    on : Region, Site or str
        The region where the concentration changes.
    depth : float, array, dict, callable or str, optional
        Depth (um) of the shell under the membrane that contains the ion. By default, the ion fills the whole CV.
    gamma : float, array, dict, callable or str
        Fraction of the current that changes the concentration, from 0 to 1; the rest is buffered.
    tau : float, array, dict, callable or str, optional
        Time constant (ms) with which the concentration returns to ``inside``. By default, the concentration does not
        return.
    celsius : float or array
        Temperature in degrees Celsius, above absolute zero, for ``reversal="nernst"`` only.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    **params : float or array
        The parameters of formulas, such as ``c0=1e-4`` for ``inside="c0*exp(-distance/100)"``.

    Examples
    --------
    >>> import dendrion as dn
    >>> cells = dn.CableNeuron(1, dn.Morphology.ball_and_stick(300.0, 2.0), cv=dn.MaxLength(20.0))
    >>> ca = dn.Ion(cells, "Ca", inside=5e-5, outside=2.0, reversal="nernst", depth=0.1, tau=80.0)
    >>> cal = dn.channels.CaL(cells, on="soma", g=0.5)
    >>> kca = dn.channels.KCa(cells, on="all", g=0.1)
    >>> net = dn.Network([cells], dt=0.025)
    >>> concentration = net.probe(ca, "Ca")
    >>> net.run(1.0)
    """

    _fixed: ClassVar[tuple[str, ...]] = (*Channel._fixed, "ion", "valence", "reversal")
    ion: str
    valence: float
    reversal: str

    def __init__(
        self,
        neuron: CableNeuron,
        ion: str,
        *,
        inside: Any,
        outside: Any = None,
        valence: float | None = None,
        reversal: str = "fixed",
        E: Any = None,
        diffusion: Any = None,
        on: Any = "all",
        depth: Any = None,
        gamma: Any = 1.0,
        tau: Any = None,
        celsius: ArrayLike = _CELSIUS,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        **params: Any,
    ) -> None:
        if not isinstance(neuron, CableNeuron):
            raise ParameterTypeError(f"{self._label}: neuron = {quoted(neuron)}: expected a CableNeuron")
        self._refer("ion", self._checked_ion(ion))
        self._refer("valence", self._checked_valence(valence))
        self._refer("reversal", self._checked_reversal(reversal, outside, E))
        self._check_celsius(celsius, reversal)
        if diffusion is not None and depth is not None:
            raise ParameterError(
                f"{self._label}: diffusion = {quoted(diffusion)}: expected depth=None as well, because the whole "
                "volume takes part in diffusion"
            )
        form = IonForm(
            reversal, outside is not None, E is not None, tau is not None, depth is not None, diffusion is not None
        )
        self._use_equations(form.equations(self.ion, self.valence))
        given = {"inside": inside, "gamma": gamma}
        optional = {"outside": outside, "E": E, "depth": depth, "tau": tau, "diffusion": diffusion}
        given |= {key: value for key, value in optional.items() if value is not None}
        given |= {"celsius": celsius} if reversal == "nernst" else {}
        given |= params
        super().__init__(neuron, on, parent, name, frozen_params, **given)
        self._check("celsius", self._values.get("celsius"))

    def _checked_ion(self, ion: Any) -> str:
        if not isinstance(ion, str) or not _NAME.fullmatch(ion):
            raise ParameterTypeError(f"{self._label}: ion = {quoted(ion)}: expected the name of an ion, such as 'Ca'")
        return ion

    def _checked_valence(self, valence: Any) -> float:
        if valence is None:
            if self.ion not in _VALENCES:
                raise ParameterError(
                    f"{self._label}: valence = None: the valence of {self.ion} is unknown; expected valence= with a "
                    f"number{hint(self.ion, _VALENCES)}"
                )
            return _VALENCES[self.ion]
        expected = "a number other than 0 from -100 to 100, such as 2"
        value = real(f"{self._label}: valence", valence, expected)
        if value == 0.0 or not -100.0 <= value <= 100.0:
            raise ParameterError(f"{self._label}: valence = {quoted(valence)}: expected {expected}")
        return value

    def _check_celsius(self, celsius: Any, reversal: str) -> None:
        is_default = isinstance(celsius, float) and celsius == _CELSIUS
        if reversal == "fixed" and not is_default:
            raise ParameterError(
                f"{self._label}: celsius = {quoted(celsius)}: has no effect with reversal='fixed'; expected "
                "reversal='nernst', or no celsius"
            )

    def _check(self, name: str, value: Value | None) -> None:
        super()._check(name, value)
        if name == "celsius" and value is not None and np.min(value) <= -273.15:
            raise ParameterError(
                f"{self._label}: celsius = {np.min(value):g}: expected a temperature above absolute zero, -273.15 "
                "degrees Celsius"
            )

    def _checked_reversal(self, reversal: Any, outside: Any, E: Any) -> str:
        if not isinstance(reversal, str):
            raise ParameterTypeError(f"{self._label}: reversal = {quoted(reversal)}: expected 'fixed' or 'nernst'")
        if reversal not in REVERSALS:
            raise ParameterError(f"{self._label}: reversal = {quoted(reversal)}{hint(reversal, REVERSALS)}")
        if reversal == "nernst" and outside is None:
            raise ParameterError(
                f"{self._label}: outside = None: reversal='nernst' requires the extracellular concentration; expected "
                "outside= with a number > 0 (mM)"
            )
        if reversal == "nernst" and E is not None:
            raise ParameterError(
                f"{self._label}: E = {quoted(E)}: expected E=None, because reversal='nernst' computes the reversal "
                "potential from the concentrations"
            )
        return reversal

    def _use_equations(self, equations: str) -> None:
        try:
            definition = _core.Definition(type(self).__name__, equations)
        except EquationError as error:
            raise ParameterError(
                f"{self._label}: ion = {self.ion!r}: this name has another meaning in equations ({error})"
            ) from None
        self._refer("equations", equations)
        self._refer("_definition", definition)


def check_ions(neuron: CableNeuron) -> None:
    """Raise an error if detailed cells have two ions of the same name."""
    seen: dict[str, Ion] = {}
    for module in neuron.modules():
        if isinstance(module, Ion) and seen.setdefault(module.ion, module) is not module:
            raise StructureError(
                f"{module.path}: {neuron.path} already contains the ion {module.ion}, {seen[module.ion].path}; "
                "expected one ion of each name"
            )
