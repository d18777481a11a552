"""Noise on compartments (Ito calculus). The ``sdemethod`` of the neuron determines how the noise is integrated."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from numpy.typing import ArrayLike

from .._quoted import quoted
from ..connections._targets import parts_hint
from ..errors import ParameterTypeError, StructureError
from ..modules._fixed import Abstract
from ..modules._ownership import SENTINEL, Sentinel, maker_of
from ..modules.module import Module
from ..neurons.cable.neuron import CableNeuron
from ..neurons.cable.sites import Site
from ..neurons.compartment import Compartment

__all__ = ["ConductanceNoise", "Noise", "OUNoise", "WhiteNoise"]


class Noise(Abstract, Module):
    """Base class of the noise processes on a compartment. Each neuron has independent noise.

    Results do not depend on the number of threads. White and conductance noise on one compartment are independent. They
    are simulated as one Wiener process with the sum of their variances, which has the same distribution and
    preserves the order of Milstein's method.
    """

    _examples: ClassVar[str] = "WhiteNoise(compartment, sigma)"
    _kind: ClassVar[str]
    _fixed: ClassVar[tuple[str, ...]] = ("size", "on")
    on: Compartment

    def _stream(self) -> str | None:
        return self.path if isinstance(self, OUNoise) else self.on.path

    def _attach(
        self,
        on: Compartment,
        parent: Module | Sentinel | None,
        name: str | None,
        frozen_params: Mapping[str, ArrayLike] | None,
        **given: ArrayLike,
    ) -> None:
        if isinstance(on, (CableNeuron, Site)):
            raise StructureError(
                f"{self._label}: on = {quoted(on)}: detailed cells do not support noise processes; inject random "
                "currents into a site instead: ConnGen(CurrentGenerator(...), cells.at(...))"
            )
        if not isinstance(on, Compartment):
            hint = parts_hint(on, Compartment, "compartment")
            raise ParameterTypeError(
                f"{self._label}: on = {quoted(on)}: expected the Compartment on which it acts{hint}"
            )
        self._refer("on", on)
        self.size = on.size
        self._declare(**given)
        if parent is SENTINEL and maker_of(self) is None:
            parent = on.parent
        Module.__init__(self, parent, name, frozen_params)
        self._check_together(self._kind)


class WhiteNoise(Noise):
    """A white noise current: ``C dV = ... dt + sigma dW``.

    Parameters
    ----------
    on : Compartment
        The compartment on which the noise acts. Noise that is created outside an ``__init__`` belongs to the owner of
        that compartment.
    sigma : float or array
        Intensity (pA ms^1/2), >= 0. The integral of the current over t ms has standard deviation ``sigma sqrt(t)``.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _kind: ClassVar[str] = "white_noise"
    _kinds: ClassVar[tuple[str, ...]] = ("white_noise",)

    def __init__(
        self,
        on: Compartment,
        sigma: ArrayLike,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._attach(on, parent, name, frozen_params, sigma=sigma)


class OUNoise(Noise):
    """An Ornstein-Uhlenbeck noise current: ``dI = (mean - I)/tau dt + sigma sqrt(2/tau) dW``, updated exactly.

    Its state ``I`` (pA) can be recorded. It starts at ``mean``, and this initial value is forgotten within a few
    ``tau``.

    Parameters
    ----------
    on : Compartment
        The compartment on which the noise acts. Noise that is created outside an ``__init__`` belongs to the owner of
        that compartment.
    sigma : float or array
        Standard deviation of the current (pA), >= 0.
    tau : float or array
        Correlation time (ms), > 0.
    mean : float or array
        Mean of the current (pA).
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _kind: ClassVar[str] = "ou_noise"
    _variable_units: ClassVar[Mapping[str, str]] = MappingProxyType({"I": "pA"})
    _kinds: ClassVar[tuple[str, ...]] = ("ou_noise",)

    def __init__(
        self,
        on: Compartment,
        sigma: ArrayLike,
        tau: ArrayLike,
        mean: ArrayLike = 0.0,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._attach(on, parent, name, frozen_params, sigma=sigma, tau=tau, mean=mean)


class ConductanceNoise(Noise):
    """White noise in a conductance with mean 0: ``C dV = ... dt + sigma (E - V) dW``. The noise is multiplicative.

    Parameters
    ----------
    on : Compartment
        The compartment on which the noise acts. Noise that is created outside an ``__init__`` belongs to the owner of
        that compartment.
    sigma : float or array
        Intensity (nS ms^1/2), >= 0.
    E : float or array
        Reversal potential (mV).
    parent, name, frozen_params
        See [Module][dendrion.Module].
    """

    _kind: ClassVar[str] = "conductance_noise"
    _kinds: ClassVar[tuple[str, ...]] = ("conductance_noise",)

    def __init__(
        self,
        on: Compartment,
        sigma: ArrayLike,
        E: ArrayLike = 0.0,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._attach(on, parent, name, frozen_params, sigma=sigma, E=E)
