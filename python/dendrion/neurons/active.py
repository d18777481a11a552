"""Active parts from the literature, in equations: dendritic spikes and adaptive somas."""

from __future__ import annotations

from .. import _core
from .equations import Channel, Soma

__all__ = ["AdEx", "AdaptiveIF", "CadIF", "DecayingDendriticSpike", "DendriticSpike", "Izhikevich"]


class DendriticSpike(Channel):
    """A dendritic spike by rectangular pulses of two conductances (Pagkalos, Chavlis & Poirazi 2023).

    An event happens at the end of a step when V >= V_th and the last one is ``t_ref`` ago. The rise, towards
    ``E_rise``, acts in the steps after it; the fall, towards ``E_fall``, from ``offset_fall`` on, both ends included.
    Times are rounded to whole steps with a warning. Several of them may be on one dendrite.

    Parameters
    ----------
    g_rise, g_fall : float or array
        Conductances of the pulses (nS), >= 0. Required.
    V_th : float or array
        Threshold of the compartment (mV).
    E_rise, E_fall : float or array
        Reversal potentials (mV): sodium 70, calcium 136, potassium -89.
    duration_rise, duration_fall : float or array
        How long the pulses last (ms), >= 0.
    offset_fall : float or array
        From the event to the fall (ms), >= 0.
    t_ref : float or array
        From one event to the next, at least (ms), >= 0.
    size, on, parent, name, frozen_params
        See [Channel][dendrion.Channel].
    """

    equations = _core.library("dendritic_spike")


class DecayingDendriticSpike(Channel):
    """A dendritic spike by two conductances that jump and decay (Pagkalos, Chavlis & Poirazi 2023).

    An event happens at the end of a step when V >= V_th and the last one is ``t_ref`` ago; it adds ``g_rise`` to the
    state ``g_Na`` and, ``offset_fall`` later, ``g_fall`` to ``g_K``.

    Parameters
    ----------
    g_rise, g_fall : float or array
        Conductances that an event adds (nS), >= 0. Required.
    tau_rise, tau_fall : float or array
        Time constants of their decay (ms), > 0.
    offset_fall : float or array
        From the event to the fall (ms), at least a step.
    V_th, E_rise, E_fall, t_ref, size, on, parent, name, frozen_params
        See [DendriticSpike][dendrion.DendriticSpike].
    """

    equations = _core.library("decaying_dendritic_spike")


class AdEx(Soma):
    """Adaptive exponential integrate-and-fire (Brette & Gerstner 2005).

    ``C dV/dt = gL (V_rest - V) + gL DeltaT exp((V - Vt)/DeltaT) - w + I``, ``tau_w dw/dt = a (V - V_rest) - w``; a
    spike adds ``b`` to ``w``. The neuron's ``V_th`` is where the exponential is cut, such as ``Vt + 5 DeltaT``.

    Parameters
    ----------
    Vt : float or array
        Threshold of the exponential (mV).
    DeltaT : float or array
        Its steepness (mV), > 0.
    tau_w : float or array
        Time constant of the adaptation (ms), > 0.
    a : float or array
        Adaptation below the threshold (nS).
    b : float or array
        Adaptation by a spike (pA).
    size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [LeakyIF][dendrion.LeakyIF].
    """

    equations = _core.library("adex")


class AdaptiveIF(Soma):
    """Leaky integrate-and-fire with an adaptation current.

    ``C dV/dt = gL (V_rest - V) - w + I``, ``tau_w dw/dt = a (V - V_rest) - w``; a spike adds ``b`` to ``w``.

    Parameters
    ----------
    tau_w, a, b, size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [AdEx][dendrion.AdEx].
    """

    equations = _core.library("adaptive_if")


class CadIF(Soma):
    """Leaky integrate-and-fire with an adaptation conductance (Gorski, Depannemaecker & Destexhe 2021).

    ``C dV/dt = gL (V_rest - V) + gA (EA - V) + I``, ``tauA dgA/dt = gA_max |V - EA|/mV - gA``; a spike adds
    ``delta_gA``.

    Parameters
    ----------
    gA_max : float or array
        Adaptation below the threshold, for each mV from ``EA`` (nS).
    delta_gA : float or array
        Adaptation by a spike (nS).
    EA : float or array
        Reversal potential of the adaptation (mV).
    tauA : float or array
        Time constant of the adaptation (ms), > 0.
    size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [LeakyIF][dendrion.LeakyIF].
    """

    equations = _core.library("cadif")


class Izhikevich(Soma):
    """The simple model of Izhikevich (2007).

    ``C dV/dt = k (V - V_rest) (V - Vt) - u + I``, ``du/dt = a (b (V - V_rest) - u)``; a spike adds ``d`` to ``u``. The
    neuron's ``V_th`` is the peak, its ``V_reset`` the model's c; ``gL`` takes no part.

    Parameters
    ----------
    k : float or array
        Curvature (nS/mV), > 0.
    Vt : float or array
        Threshold of the parabola (mV).
    a : float or array
        Rate of the recovery (1/ms), > 0.
    b : float or array
        Recovery below the threshold (nS).
    d : float or array
        Recovery by a spike (pA).
    size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [LeakyIF][dendrion.LeakyIF].
    """

    equations = _core.library("izhikevich")
