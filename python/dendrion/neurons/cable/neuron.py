"""Detailed cells: populations of neurons with the shape of a morphology."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..._numbers import numbers
from ..._quoted import quoted
from ..._suggest import hint
from ...connections._targets import class_hint
from ...errors import ParameterError, ParameterTypeError, StructureError
from ...modules._ownership import SENTINEL, Sentinel
from ...modules._per_site import PerSite
from ...modules.module import Module, Value
from ...morphology.cvs import CVs, DLambda, MaxLength, PerSection
from ...morphology.morphology import Morphology
from ...morphology.places import Location, Region
from ...surrogate import Sigmoid, Surrogate
from ..methods import SolverMethodODE
from ..neuron import Neuron
from .densities import Where
from .sites import Site, chosen_cvs, exact_locations, points

__all__ = ["CableNeuron"]

#: Parameters of the membrane that may have one value per CV.
_PER_CV = ("C", "gL", "V_rest", "V_init", "length", "diameter")
#: Methods for gates.
_GATES = ("rational", "cnexp", "coupled")
_METHODS = (SolverMethodODE.IMPLICIT_EULER, SolverMethodODE.CRANK_NICOLSON)


class CableNeuron(Neuron):
    """A population of detailed cells with the shape of a [Morphology][dendrion.Morphology].

    The morphology is divided into control volumes (CVs), each of which has one potential. Channels and receptors are
    placed on regions or at locations: pass the neuron as their first argument, in place of ``size``. Subclass
    ``CableNeuron`` and create them in ``__init__``, or create them afterwards.

    Parameters
    ----------
    size : int
        Number of cells.
    tree : Morphology
        The shape of all cells.
    cv : MaxLength, PerSection, DLambda or CVs
        The policy that determines the number of CVs of each section, or the CVs that ``tree.cvs(...)`` returned.
        ``DLambda`` uses the largest ``C`` and ``r_axial``.
    C : float, array, dict or callable
        Specific capacitance (uF/cm2), > 0. A single value, one per CV (shape ``(cvs,)``), one per cell and CV (shape
        ``(size, cvs)``), a dict from regions to values, in which later entries take precedence, or a function of the
        path distance from the soma (um), which is evaluated once.
    gL : float, array, dict or callable
        Leak conductance (uS/cm2), >= 0, in the same forms.
    V_rest : float, array, dict or callable
        Reversal potential of the leak (mV), in the same forms.
    r_axial : float or array
        Axial resistivity (ohm cm), > 0, a single value or one per cell.
    V_th : float or array
        Threshold (mV) of V at ``spike_at``.
    V_reset : float or array, optional
        Potential (mV) at ``spike_at`` after a spike, if ``reset=True``. With ``None``, a spike subtracts ``V_th``.
    reset : bool
        Whether a spike resets V at ``spike_at``; other CVs are unchanged. By default, a spike is an upward crossing of
        ``V_th`` and leaves V unchanged.
    spike_at : Location or str, optional
        Where V is compared with the threshold. Defaults to the centre of the soma or, without a soma, the beginning
        of the root.
    odemethod : SolverMethodODE or str
        ``IMPLICIT_EULER`` or ``CRANK_NICOLSON``. If you do not pass a method, the network's ``odemethod`` takes
        precedence over the default.
    gates : str
        Method for gates. With V held constant, ``"rational"`` (the default) is the linearly implicit Crank-Nicolson
        method, and ``"cnexp"`` is exponential Euler, which is exact for linear gates. ``"coupled"`` solves gates
        together with V, as in [MCNeuron][dendrion.MCNeuron].
    staggered : bool, optional
        Whether gates are advanced after V, so that they are half a time step ahead of V, as in NEURON. The recorded
        values of gates are then their values at t + dt/2. Defaults to True with ``CRANK_NICOLSON``, which is then of
        order 2, and to False with ``IMPLICIT_EULER`` and with coupled gates.
    refractory, dendritic_delay, stdp_tau, tau_triplet, surrogate_grad_fn, detach_reset, pid, area_name, id
        See [MCNeuron][dendrion.MCNeuron].
    neuron_start_id, parent, name, frozen_params
        See [MCNeuron][dendrion.MCNeuron].
    V_init : float, array, dict or callable, optional
        Initial value of V (mV), in the same forms as ``C``. Defaults to ``V_rest``. Gates start at their steady state.
    length : float, array, dict or callable, optional
        Length of the CVs (um), > 0, in the same forms as ``C``. Defaults to that of the morphology. The area of a CV is
        proportional to its length and to its diameter, and its axial resistance to ``length / diameter**2``. Distances,
        regions and the number of CVs are always those of the morphology.
    diameter : float, array, dict or callable, optional
        Diameter of the CVs (um), > 0, in the same forms as ``C``. Defaults to that of the morphology.

    Attributes
    ----------
    cvs : CVs
        The control volumes.
    V : array
        Potentials (mV) in a network, of shape ``(size, cvs)``.

    Examples
    --------
    >>> import dendrion as dn
    >>> tree = dn.Morphology.ball_and_stick(length=300.0, diameter=2.0)
    >>> class Cell(dn.CableNeuron):
    ...     def __init__(self, size, tree):
    ...         super().__init__(size, tree, cv=dn.DLambda(0.1), V_rest=-65.0, V_th=0.0)
    ...         self.na = dn.channels.HHNa(self, on="soma", g=120.0)
    ...         self.k = dn.channels.HHK(self, on="soma", g=36.0)
    ...         self.ampa = dn.AMPA(self, at=tree.random("apical", n=20, seed=1), g=0.5, t_decay=2.0)
    >>> cells = Cell(10, tree)
    >>> cells.ampa.size
    200
    """

    _kinds: ClassVar[tuple[str, ...]] = ("population", "cable")
    _optional: ClassVar[tuple[str, ...]] = ("V_reset", "V_init")
    _fixed: ClassVar[tuple[str, ...]] = (*Neuron._fixed, "tree", "cvs", "spike_at", "gates", "staggered")
    _variable_units: ClassVar[Mapping[str, str]] = MappingProxyType({"V": "mV"})
    tree: Morphology
    cvs: CVs
    spike_at: Site
    gates: str
    staggered: bool | None

    def __init__(
        self,
        size: int,
        tree: Morphology,
        *,
        cv: MaxLength | PerSection | DLambda | CVs,
        C: Any = 1.0,
        gL: Any = 30.0,
        V_rest: Any = -70.0,
        r_axial: ArrayLike = 100.0,
        V_th: ArrayLike = 0.0,
        V_reset: ArrayLike | None = None,
        reset: bool = False,
        spike_at: Location | str | None = None,
        odemethod: SolverMethodODE | str = SolverMethodODE.IMPLICIT_EULER,
        gates: str = "rational",
        staggered: bool | None = None,
        refractory: ArrayLike = 0.0,
        dendritic_delay: Any = 1,
        stdp_tau: ArrayLike = 20.0,
        tau_triplet: ArrayLike = 110.0,
        surrogate_grad_fn: Callable[..., Any] | Surrogate = Sigmoid(),  # noqa: B008
        detach_reset: bool | None = None,
        pid: int = 0,
        area_name: str | None = None,
        id: int = 0,
        neuron_start_id: int = 1,
        V_init: Any = None,
        length: Any = None,
        diameter: Any = None,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        if not isinstance(tree, Morphology):
            raise ParameterTypeError(
                f"{self._label}: tree = {quoted(tree)}: expected a Morphology, such as "
                f"Morphology.read('cell.swc'){class_hint(tree, Morphology)}"
            )
        self._settings(
            size,
            tree=tree,
            pid=pid,
            id=id,
            neuron_start_id=neuron_start_id,
            area_name=area_name,
            dendritic_delay=dendritic_delay,
            surrogate_grad_fn=surrogate_grad_fn,
            detach_reset=detach_reset,
            reset=reset,
            odemethod=odemethod,
            gates=gates,
            staggered=staggered,
        )
        self._declare(r_axial=r_axial)
        self._check("r_axial", self._values["r_axial"])
        self._refer("cvs", self._divided(cv, C))
        self._refer("spike_at", self._spike_site(spike_at))
        self._declare(C=C, gL=gL, V_rest=V_rest, V_init=V_init)
        self._declare(
            length=self.cvs.length if length is None else length,
            diameter=self.cvs.diameter if diameter is None else diameter,
        )
        self._declare(V_th=V_th, V_reset=V_reset, refractory=refractory, stdp_tau=stdp_tau, tau_triplet=tau_triplet)
        super().__init__(parent, name, frozen_params)
        for each in (*_PER_CV, "r_axial"):
            if each != "V_init" or self._values[each] is not None:
                self._check(each, self._values[each])
        self._check_together("population")
        self._check_resets()
        if self.gates == "coupled" and self.staggered:
            raise ParameterError(
                f"{self._label}: staggered = True: expected False or None, because coupled gates are solved together "
                "with V"
            )

    def _checked(self, name: str, value: Any) -> Any:
        if name == "gates":
            return self._checked_gates(value)
        if name == "staggered" and not (value is None or isinstance(value, (bool, np.bool_))):
            raise ParameterTypeError(f"{self._label}: staggered = {quoted(value)}: expected True, False or None")
        value = super()._checked(name, value)
        if name == "odemethod" and value not in _METHODS:
            raise ParameterError(
                f"{self._label}: odemethod = {value.name}: expected IMPLICIT_EULER or CRANK_NICOLSON, which can solve "
                "the coupled equations of the control volumes"
            )
        return value

    def _checked_gates(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ParameterTypeError(
                f"{self._label}: gates = {quoted(value)}: expected 'rational', 'cnexp' or 'coupled'"
            )
        if value not in _GATES:
            raise ParameterError(f"{self._label}: gates = {quoted(value)}{hint(value, _GATES)}")
        return value

    def _divided(self, cv: Any, C: Any) -> CVs:
        """Return the control volumes."""
        what = f"{self._label}: cv"
        if isinstance(cv, CVs):
            if cv._morphology is not self.tree:
                raise StructureError(f"{what} = {quoted(cv)}: belongs to another morphology; expected CVs of the tree")
            return cv
        if not isinstance(cv, (MaxLength, PerSection, DLambda)):
            raise ParameterTypeError(
                f"{what} = {quoted(cv)}: expected MaxLength(...), PerSection(...), DLambda(...), or CVs that "
                "tree.cvs(...) returned"
            )
        largest = 1.0
        if isinstance(cv, DLambda):
            if callable(C):
                raise ParameterError(
                    f"{what} = {quoted(cv)}: requires a single C, but C is a function of the control volumes; "
                    "expected cv=tree.cvs(rule, C=...), where C is a number"
                )
            each = list(C.values()) if isinstance(C, Mapping) else C
            largest = float(np.max(numbers(f"{self._label}: C", each, "a number > 0 (uF/cm2)", "uF/cm2"), initial=0.0))
        return self.tree.cvs(cv, C=largest, r_axial=float(np.max(np.asarray(self._values["r_axial"]))))

    def _spike_site(self, spike_at: Any) -> Site:
        if spike_at is None:
            spike_at = Location(0, 0.5 if self.tree.sections[0].kind == "soma" else 0.0)
        cv, where = points(f"{self._label}: spike_at", self, spike_at)
        if len(cv) != 1:
            raise ParameterError(
                f"{self._label}: spike_at = {quoted(spike_at)}: has {len(cv)} control volumes; expected one, such as "
                "tree.at(section=0, x=0.5)"
            )
        return Site(self, cv, where)

    def at(self, where: Site | Location | list[Location] | Region | str | None = None, *, cv: Any = None) -> Site:
        """Return one or more sites of every cell, for probes, injected currents and the placement of mechanisms.

        Parameters
        ----------
        where : Location, list of Location, Region or str
            A location selects the CV that contains it; a point on the boundary of two CVs belongs to the distal CV.
            ``"soma"`` selects the CV at the centre of the soma. Any other region, such as ``"all"`` or ``"apical"``,
            selects all its CVs.
        cv : int or array of int, optional
            Indices of CVs, instead of ``where``.

        Examples
        --------
        >>> import dendrion as dn
        >>> tree = dn.Morphology.ball_and_stick(length=300.0, diameter=2.0)
        >>> cells = dn.CableNeuron(2, tree, cv=dn.MaxLength(20.0))
        >>> cells.at(tree.at(section=1, x=1.0)).cv
        array([15])
        """
        if (where is None) == (cv is None):
            raise ParameterError(
                f"{self._label}: at: expected either a place, such as at('soma'), or indices, such as at(cv=[0, 5])"
            )
        if cv is not None:
            return Site(self, *chosen_cvs(f"{self._label}: at: cv", self, cv))
        if isinstance(where, Site) and where.neuron is self:
            return where
        return Site(self, *points(f"{self._label}: at", self, where), exact_locations(where))

    # Parameters of the membrane

    def _per_site(self, name: str) -> PerSite | None:
        return PerSite(self.size, len(self.cvs), "CV") if name in (*_PER_CV, "V") else None

    def _convert(self, name: str, value: Any) -> Value | None:
        if name in _PER_CV:
            where = Where(self, np.arange(len(self.cvs)))
            value = where.spread(f"{self._label}: {name}", value, self._unit_of(name))
        return super()._convert(name, value)

    def _check(self, name: str, value: Value | None) -> None:
        super()._check(name, value)
        if name == "diameter":
            for part in self.modules():
                formulas = part.__dict__.get("_formulas")
                if formulas is not None:
                    formulas.check(part, {**part._current(), "diameter": value})

    def _located(self, member: int) -> str:
        return Where(self, np.arange(len(self.cvs))).located(member % len(self.cvs))

    def _membrane(self) -> dict[str, Value]:
        """Return the parameters of the membrane as the engine uses them."""
        values = {name: self._values[name] for name in (*_PER_CV, "r_axial")}
        return {name: value for name, value in values.items() if value is not None}

    def _is_staggered(self, method: SolverMethodODE) -> bool:
        if self.staggered is None:
            return method is SolverMethodODE.CRANK_NICOLSON and self.gates != "coupled"
        return bool(self.staggered)
