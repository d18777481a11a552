"""Noise on compartments, in the sense of Ito. How it is integrated is the neuron's ``sdemethod``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from numpy.typing import ArrayLike

from ..connections._targets import parts_hint
from ..errors import ParameterTypeError
from ..modules._fixed import Abstract
from ..modules._ownership import SENTINEL, Sentinel, maker_of
from ..modules.module import Module
from ..neurons.compartment import Compartment

__all__ = ["ConductanceNoise", "Noise", "OUNoise", "WhiteNoise"]


class Noise(Abstract, Module):
    """Base of the noises on a compartment. Each neuron has noise of its own; streams do not depend on threads.

    White and conductance noises on one compartment are independent, and act as one Wiener process whose variance is the
    sum of theirs: the law is the same, and Milstein's method keeps its order.
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
        if not isinstance(on, Compartment):
            hint = parts_hint(on, Compartment, "compartment")
            raise ParameterTypeError(f"{self._label}: on = {on!r}: expected the Compartment it acts on{hint}")
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
        The compartment it acts on. Made outside an ``__init__``, the noise belongs to that compartment's owner.
    sigma : float or array
        Intensity (pA ms^1/2), >= 0. The current's integral over t ms has the standard deviation ``sigma sqrt(t)``.
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
    """An Ornstein-Uhlenbeck noise current: ``dI = (mean - I)/tau dt + sigma sqrt(2/tau) dW``, exact from step to step.

    Its state ``I`` (pA) can be recorded. It starts at ``mean`` and forgets that within a few ``tau``.

    Parameters
    ----------
    on : Compartment
        The compartment it acts on. Made outside an ``__init__``, the noise belongs to that compartment's owner.
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
    """White noise of a conductance of mean 0: ``C dV = ... dt + sigma (E - V) dW``. It is multiplicative.

    Parameters
    ----------
    on : Compartment
        The compartment it acts on. Made outside an ``__init__``, the noise belongs to that compartment's owner.
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
