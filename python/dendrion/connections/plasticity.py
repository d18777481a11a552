"""Synaptic plasticity rules, which are passed to ``MCSynapse(plasticity=...)``."""

from __future__ import annotations

from typing import ClassVar

from .. import _core
from .._numbers import real
from .._quoted import told
from .._suggest import SuggestingKeywords
from ..errors import ParameterError
from ..modules._fixed import Abstract, FixedOnceMade
from ..units import fitting, unit_in_table

__all__ = ["STDP", "Plasticity", "TripletSTDP", "TsodyksMarkram"]


class Plasticity(Abstract, FixedOnceMade, SuggestingKeywords):
    """Base class of plasticity rules. The values of a rule become parameters of the synapse to which it is passed."""

    _otherwise: ClassVar[str] = (
        "cannot change after the rule is created; assign to the parameter of the MCSynapse, such as synapse.tau_plus"
    )
    _examples: ClassVar[str] = "STDP()"
    _kind: ClassVar[str]
    #: Whether the rule changes the weights, depending on presynaptic and postsynaptic spikes.
    _learns: ClassVar[bool] = True
    #: Unit of the bounds of the weights, if one of them was a quantity.
    _unit: str | None = None
    w_min: float
    w_max: float

    def _values(self, **given: float) -> None:
        for name, value in given.items():
            unit = unit_in_table(self._kind, name) or ""
            if name in ("w_min", "w_max"):
                # The receptors, which determine the unit of weights, are not known yet.
                value, fits = fitting(f"{type(self).__name__}: {name}", value, self._unit or "pA, or 1")
                self._unit = fits or self._unit
            number = real(f"{type(self).__name__}: {name}", value, "a number", unit)
            _core.check(self._kind, type(self).__name__, name, number, 1)
            setattr(self, name, number)
        self._given = tuple(given)
        if self._learns and not self.w_min < self.w_max:
            kind, low = type(self).__name__, self.w_min
            raise ParameterError(f"{kind}: w_max = {told(self.w_max)}: expected a finite number > w_min = {low:g}")

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name):g}" for name in self._given)
        return f"{type(self).__name__}({values})"


class STDP(Plasticity):
    """Pair-based spike-timing-dependent plasticity (Guetig et al. 2003), as in NEST's ``stdp_synapse``.

    Let ``r = (w - w_min)/(w_max - w_min)`` be the relative weight. At a spike of the target neuron, ``r`` increases by
    ``lambda_ (1 - r)^mu_plus K_plus``; at a spike of the source, it decreases by ``alpha lambda_ r^mu_minus K_minus``.
    Each spike of the source increases ``K_plus`` by 1, and each spike of the target neuron increases ``K_minus`` by 1.
    ``K_plus`` decays with the time constant ``tau_plus``, and ``K_minus`` with ``stdp_tau`` of the target neuron.
    Weights stay in [w_min, w_max]. NEST's rule has ``w_min = 0``.

    Parameters
    ----------
    lambda_ : float
        Learning rate, >= 0.
    alpha : float
        Depression relative to potentiation, >= 0.
    mu_plus, mu_minus : float
        Exponents of the weight, >= 0. The rule is additive if the exponents are 0, and multiplicative if they are 1.
    tau_plus : float
        Time constant of the source's trace (ms), > 0.
    w_max : float
        Largest weight, > ``w_min``.
    w_min : float
        Smallest weight, >= 0, unless all receptors accept negative weights, as a
        [CurrentReceptor][dendrion.CurrentReceptor] does.

    Notes
    -----
    The target neuron's ``dendritic_delay`` is the part of a connection's delay that lies on the dendrite: a spike of
    the source reaches the synapse after ``delay - dendritic_delay``, and a spike of the target neuron reaches it after
    ``dendritic_delay``. If both arrive in the same step, the spike of the target neuron is processed first: the source
    spike has not yet increased ``K_plus``, and the target spike does not yet contribute to ``K_minus``.
    """

    _kind: ClassVar[str] = "stdp"
    lambda_: float
    alpha: float
    mu_plus: float
    mu_minus: float
    tau_plus: float
    w_max: float
    w_min: float

    def __init__(
        self,
        lambda_: float = 0.01,
        alpha: float = 1.0,
        mu_plus: float = 1.0,
        mu_minus: float = 1.0,
        tau_plus: float = 20.0,
        w_max: float = 100.0,
        w_min: float = 0.0,
    ) -> None:
        exponents = {"mu_plus": mu_plus, "mu_minus": mu_minus}
        self._values(lambda_=lambda_, alpha=alpha, **exponents, tau_plus=tau_plus, w_max=w_max, w_min=w_min)


class TripletSTDP(Plasticity):
    """Triplet spike-timing-dependent plasticity (Pfister & Gerstner 2006), as in NEST's ``stdp_triplet_synapse``.

    At a spike of the target neuron, ``w`` increases by ``K_plus (A_plus + A_plus_triplet K_slow)``, where ``K_slow`` is
    the target neuron's slow trace (time constant ``tau_triplet``) just before the spike. At a spike of the source,
    ``w`` decreases by ``K_minus (A_minus + A_minus_triplet K_slow)``, where ``K_slow`` is the source's slow trace (time
    constant ``tau_plus_triplet``) just before the spike. Weights stay in [w_min, w_max].

    Parameters
    ----------
    A_plus, A_minus : float
        Amplitudes of pair interactions, >= 0.
    A_plus_triplet, A_minus_triplet : float
        Amplitudes of triplet interactions, >= 0.
    tau_plus, tau_plus_triplet : float
        Time constants of the source's traces (ms), > 0.
    w_max, w_min : float
        Largest and smallest weight. See [STDP][dendrion.STDP].

    Notes
    -----
    Delays and simultaneous spikes are handled as in [STDP][dendrion.STDP].
    """

    _kind: ClassVar[str] = "triplet_stdp"
    A_plus: float
    A_minus: float
    A_plus_triplet: float
    A_minus_triplet: float
    tau_plus: float
    tau_plus_triplet: float
    w_max: float
    w_min: float

    def __init__(
        self,
        A_plus: float = 5e-10,
        A_minus: float = 7e-3,
        A_plus_triplet: float = 6.2e-3,
        A_minus_triplet: float = 2.3e-4,
        tau_plus: float = 16.8,
        tau_plus_triplet: float = 101.0,
        w_max: float = 100.0,
        w_min: float = 0.0,
    ) -> None:
        pairs = {"A_plus": A_plus, "A_minus": A_minus}
        triplets = {"A_plus_triplet": A_plus_triplet, "A_minus_triplet": A_minus_triplet}
        taus = {"tau_plus": tau_plus, "tau_plus_triplet": tau_plus_triplet}
        self._values(**pairs, **triplets, **taus, w_max=w_max, w_min=w_min)


class TsodyksMarkram(Plasticity):
    """Short-term plasticity (Tsodyks, Pawelzik & Markram 1998; Maass & Markram 2002).

    The rule is the same as in NEST's ``tsodyks2_synapse``. The effective weight of a spike is ``w u x``. In an interval
    ``t`` between two spikes, ``x`` recovers to ``1 + (x - x u - 1) exp(-t/tau_rec)``, and ``u`` decays to ``U + u (1 -
    U) exp(-t/tau_fac)``. At the first spike, ``x = 1`` and ``u = U``. The weight itself does not change.

    Parameters
    ----------
    U : float
        Utilization at rest, in [0, 1].
    tau_rec : float
        Time constant of the recovery from depression (ms), > 0.
    tau_fac : float
        Time constant of facilitation (ms), >= 0; 0 disables facilitation.
    """

    _kind: ClassVar[str] = "tsodyks_markram"
    _learns: ClassVar[bool] = False
    U: float
    tau_rec: float
    tau_fac: float

    def __init__(self, U: float = 0.5, tau_rec: float = 800.0, tau_fac: float = 0.0) -> None:
        self._values(U=U, tau_rec=tau_rec, tau_fac=tau_fac)
