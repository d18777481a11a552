"""Active mechanisms from the literature, defined by equations: dendritic spikes and adaptive somas."""

from __future__ import annotations

from .. import _core
from .equations import Channel, Soma

__all__ = ["AdEx", "AdaptiveIF", "CadIF", "DecayingDendriticSpike", "DendriticSpike", "Izhikevich"]


class DendriticSpike(Channel):
    """A dendritic spike made of rectangular pulses of two conductances (Pagkalos, Chavlis & Poirazi 2023).

    An event occurs at the end of a step if V >= V_th and at least ``t_ref`` has passed since the last event. The rising
    conductance, with reversal potential ``E_rise``, acts for ``duration_rise``, starting with the next step. The
    falling conductance, with ``E_fall``, begins ``offset_fall`` after the event and lasts for ``duration_fall``,
    including both end points. Times are rounded to whole steps with a warning. A dendrite may have several of these
    mechanisms.

    Parameters
    ----------
    g_rise, g_fall : float or array
        Conductances during the pulses (nS), >= 0. Required.
    V_th : float or array
        Threshold of the compartment's V (mV).
    E_rise, E_fall : float or array
        Reversal potentials (mV): sodium 70, calcium 136, potassium -89.
    duration_rise, duration_fall : float or array
        Durations of the pulses (ms), >= 0.
    offset_fall : float or array
        Time from the event to the falling pulse (ms), >= 0.
    t_ref : float or array
        Minimum time between events (ms), >= 0.
    size, on, parent, name, frozen_params
        See [Channel][dendrion.Channel].
    """

    equations = _core.library("dendritic_spike")


class DecayingDendriticSpike(Channel):
    """A dendritic spike made of two conductances that jump and decay (Pagkalos, Chavlis & Poirazi 2023).

    An event occurs at the end of a step if V >= V_th and at least ``t_ref`` has passed since the last event. The
    event adds ``g_rise`` to the state ``g_Na`` and, ``offset_fall`` later, ``g_fall`` to ``g_K``.

    Parameters
    ----------
    g_rise, g_fall : float or array
        Conductances that each event adds (nS), >= 0. Required.
    tau_rise, tau_fall : float or array
        Time constants with which the conductances decay (ms), > 0.
    offset_fall : float or array
        Time from the event to the jump of the falling conductance (ms), at least one step.
    V_th, E_rise, E_fall, t_ref, size, on, parent, name, frozen_params
        See [DendriticSpike][dendrion.DendriticSpike].
    """

    equations = _core.library("decaying_dendritic_spike")


class AdEx(Soma):
    """Adaptive exponential integrate-and-fire soma (Brette & Gerstner 2005).

    ``C dV/dt = gL (V_rest - V) + gL DeltaT exp((V - Vt)/DeltaT) - w + I``, ``tau_w dw/dt = a (V - V_rest) - w``; a
    spike adds ``b`` to ``w``. The exponential term is cut off at the neuron's ``V_th``, for example ``Vt + 5 DeltaT``.

    Parameters
    ----------
    Vt : float or array
        Threshold of the exponential term (mV).
    DeltaT : float or array
        Slope factor of the exponential term (mV), > 0.
    tau_w : float or array
        Time constant of the adaptation (ms), > 0.
    a : float or array
        Subthreshold adaptation (nS).
    b : float or array
        Adaptation per spike (pA).
    size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [LeakyIF][dendrion.LeakyIF].
    """

    equations = _core.library("adex")


class AdaptiveIF(Soma):
    """Leaky integrate-and-fire soma with an adaptation current.

    ``C dV/dt = gL (V_rest - V) - w + I``, ``tau_w dw/dt = a (V - V_rest) - w``; a spike adds ``b`` to ``w``.

    Parameters
    ----------
    tau_w, a, b, size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [AdEx][dendrion.AdEx].
    """

    equations = _core.library("adaptive_if")


class CadIF(Soma):
    """Leaky integrate-and-fire soma with an adaptation conductance (Gorski, Depannemaecker & Destexhe 2021).

    ``C dV/dt = gL (V_rest - V) + gA (EA - V) + I``, ``tauA dgA/dt = gA_max |V - EA|/mV - gA``; a spike adds
    ``delta_gA`` to ``gA``.

    Parameters
    ----------
    gA_max : float or array
        Subthreshold adaptation per mV of distance from ``EA`` (nS).
    delta_gA : float or array
        Adaptation per spike (nS).
    EA : float or array
        Reversal potential of the adaptation (mV).
    tauA : float or array
        Time constant of the adaptation (ms), > 0.
    size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [LeakyIF][dendrion.LeakyIF].
    """

    equations = _core.library("cadif")


class Izhikevich(Soma):
    """Soma with the simple model of Izhikevich (2007).

    ``C dV/dt = k (V - V_rest) (V - Vt) - u + I``, ``du/dt = a (b (V - V_rest) - u)``; a spike adds ``d`` to ``u``. The
    neuron's ``V_th`` is the peak of the spike, and its ``V_reset`` is the model's c; ``gL`` is not used.

    Parameters
    ----------
    k : float or array
        Curvature of the parabola (nS/mV), > 0.
    Vt : float or array
        Threshold of the parabola (mV).
    a : float or array
        Rate of the recovery variable (1/ms), > 0.
    b : float or array
        Subthreshold recovery (nS).
    d : float or array
        Recovery per spike (pA).
    size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [LeakyIF][dendrion.LeakyIF].
    """

    equations = _core.library("izhikevich")
