"""Neurons with a few compartments: trees of compartments with one soma."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from numpy.typing import ArrayLike

from ..modules._ownership import SENTINEL, Sentinel
from ..modules.module import Module
from ..surrogate import Sigmoid, Surrogate
from .methods import SolverMethodODE, SolverMethodSDE
from .neuron import Neuron

__all__ = ["MCNeuron"]


class MCNeuron(Neuron):
    """A population of multi-compartment neurons. Subclass it, and create the compartments in ``__init__``.

    The soma, a single [LeakyIF][dendrion.LeakyIF], emits a spike when ``V > V_th``, and V is reset. With
    ``reset=False``, an upward crossing of ``V_th`` causes a spike, and V is left unchanged.

    Parameters
    ----------
    size : int
        Number of neurons.
    pid : int
        Process to which the population belongs, >= 0. It is stored for future simulations with several processes
        (``net.decomposition``), and can be used to select populations.
    V_th : float or array
        Threshold (mV).
    V_reset : float or array, optional
        Potential after a spike (mV). With ``None``, a spike subtracts ``V_th``, which must then be > 0.
    stdp_tau, tau_triplet : float or array
        Time constants (ms) of the fast and slow traces of the neurons' spikes, for plastic connections to the
        population ([STDP][dendrion.STDP], [TripletSTDP][dendrion.TripletSTDP]).
    dendritic_delay : int, array of int, Initializer, or callable
        Dendritic part of the delay of connections (steps): a single value, one per neuron, an initializer whose values
        are rounded, or a function that takes the size and returns the values. Only plastic connections use it; it must
        then be at least 1 and at most the delay.
    area_name : str, optional
        Brain area of the population, which can be used to select populations: ``net.select(area_name="CA1")``.
    surrogate_grad_fn : Surrogate or callable
        Surrogate derivative of the spike with respect to V for gradients, such as [Sigmoid][dendrion.Sigmoid], or a
        function of V - V_th (mV) that uses NumPy functions, such as ``lambda x: 1 / (1 + abs(x)) ** 2``. Simulations
        use the hard threshold. A surrogate with ``relative=True`` requires ``V_reset``. With
        [EventProp][dendrion.EventProp], gradients are those of spike times.
    id, neuron_start_id : int
        Network-wide id of the population and of its first neuron, used in results (``spikes.gid``) and selections. By
        default, a network numbers populations from 0 and neurons from 1, in the order of their paths, and skips ids
        that are set explicitly. Explicit ids must not overlap.
    odemethod : SolverMethodODE or str
        Integration method, as a member of the enumeration or its name, such as ``"rk4"``. If you do not pass
        a method, the network's ``odemethod`` takes precedence over the default.
    sdemethod : SolverMethodSDE or str
        Integration method for noise ([Noise][dendrion.Noise]), specified like ``odemethod``.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    detach_reset : bool, optional
        Whether gradients omit the derivative of the reset of V with respect to the spike. This derivative is about
        ``(V_reset - V_th)`` times the surrogate per step, and can make gradients grow without bound over many steps.
        By default, it is omitted with a surrogate, and included with [EventProp][dendrion.EventProp]. All other effects
        of a spike, such as an adaptation current, are always differentiated.
    reset : bool
        Whether a spike resets V. Use ``False`` for somas whose channels generate action potentials: a spike is then an
        upward crossing of ``V_th`` (``V <= V_th`` at the beginning of a step, ``V > V_th`` at its end; the first step
        starts from the initial V). There is no reset and no refractory period, and setting ``V_reset``,
        ``refractory``, ``V_spike`` or ``spike_width`` is an error. In gradients the surrogate is evaluated at V at the
        end of steps that begin at or below ``V_th``, and is 0 in other steps.
    refractory : float or array
        Refractory period (ms): time after a spike during which no other spike occurs, while V is still integrated.
        It is rounded to whole steps, with a warning.
    V_spike, spike_width : float or array, optional
        Two-stage reset: a spike sets V to ``V_spike`` (mV), V is integrated, and after ``spike_width`` (ms, at least
        one step) it is set to ``V_reset``. The spike can thereby propagate back into dendrites. Set both or neither.
        Gradients are not supported.
    """

    _optional: ClassVar[tuple[str, ...]] = ("V_reset", "V_spike", "spike_width")
    _built_in: ClassVar[tuple[str, ...]] = (*Neuron._built_in, "sdemethod")

    def __init__(
        self,
        size: int = 1,
        pid: int = 0,
        V_th: ArrayLike = 1.0,
        V_reset: ArrayLike | None = 0.0,
        stdp_tau: ArrayLike = 20.0,
        tau_triplet: ArrayLike = 110.0,
        dendritic_delay: Any = 1,
        area_name: str | None = None,
        surrogate_grad_fn: Callable[..., Any] | Surrogate = Sigmoid(),  # noqa: B008
        id: int = 0,
        neuron_start_id: int = 1,
        odemethod: SolverMethodODE | str = SolverMethodODE.EULER,
        sdemethod: SolverMethodSDE | str = SolverMethodSDE.MISLTEAIN,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        detach_reset: bool | None = None,
        reset: bool = True,
        refractory: ArrayLike = 0.0,
        V_spike: ArrayLike | None = None,
        spike_width: ArrayLike | None = None,
    ) -> None:
        self._settings(
            size,
            pid=pid,
            id=id,
            neuron_start_id=neuron_start_id,
            area_name=area_name,
            dendritic_delay=dendritic_delay,
            surrogate_grad_fn=surrogate_grad_fn,
            detach_reset=detach_reset,
            reset=reset,
            odemethod=odemethod,
            sdemethod=sdemethod,
        )
        if not self.reset and "V_reset" not in self._given:
            V_reset = None
        self._declare(V_th=V_th, V_reset=V_reset, refractory=refractory, stdp_tau=stdp_tau, tau_triplet=tau_triplet)
        self._declare(V_spike=V_spike, spike_width=spike_width)
        super().__init__(parent, name, frozen_params)
        self._check_together("population")
        self._check_resets()
