"""Synaptic receptors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._quoted import quoted
from ..errors import ParameterError, ParameterTypeError, StructureError
from ..modules._attributes import check_assignment
from ..modules._ownership import SENTINEL, Sentinel
from ..modules.module import Module, Value
from .cable.neuron import CableNeuron
from .cable.placement import owner_of
from .compartment import MEMBRANE, Compartment
from .equations import Written

__all__ = ["AMPA", "GABA", "NMDA", "CurrentReceptor", "Receptor"]


class Receptor(Written, Compartment):
    """Base class of the built-in receptors, such as [AMPA][dendrion.AMPA], and of custom receptors.

    For a custom receptor, subclass it and define ``equations`` with ``on event: s += weight`` for the effect of an
    arriving spike and ``I = ... : pA`` for the current; see [Equations](../equations.md) for the language. The weights
    of its connections may be negative with the class attribute ``signed = True``; by default, they must be >= 0.

    A receptor that is attached with [MCConnSynapse][dendrion.MCConnSynapse] acts on another compartment and uses the V
    of that compartment; setting membrane parameters of the receptor is an error. A receptor that is coupled with
    [MCConn][dendrion.MCConn] is a compartment itself.

    Parameters
    ----------
    size : int or CableNeuron
        Number of neurons, or the detailed cells on which the receptor is placed.
    V_rest, gL, C, length, diameter, r_axial, area_factor, I_ext
        Membrane parameters, if the receptor is a compartment itself. See [Compartment][dendrion.Compartment].
    at : Location, list of Location, Region, str or Site, optional
        On detailed cells, the points at which the receptor is placed, in the forms that
        [CableNeuron.at][dendrion.CableNeuron.at] accepts. Its size is the number of pairs of a cell and a point.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    **given : float or array
        Parameters of the equations, each a number or an array of shape ``(size,)``, in the units of the equations.
    """

    _is_receptor: ClassVar[bool] = True
    #: The kind of a built-in receptor.
    _receptor: ClassVar[str | None] = None
    #: Whether the weights of connections may be negative.
    signed: ClassVar[bool] = False
    # t_decay is optional here, because the engine's message about a missing value is more specific.
    _optional: ClassVar[tuple[str, ...]] = (*Compartment._optional, "t_rise", "t_decay")
    _built_in: ClassVar[tuple[str, ...]] = ("scale_g",)
    scale_g: bool

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not isinstance(cls.signed, bool):
            raise ParameterTypeError(f"{cls.__name__}: signed = {quoted(cls.signed)}: expected True or False")
        if cls._receptor is not None and cls.signed is not (cls._receptor == "current_receptor"):
            raise StructureError(
                f"{cls.__name__}: signed = {cls.signed}: the sign of the weights of a built-in receptor is fixed; "
                "use a CurrentReceptor for negative weights, or derive the class from Receptor, with its own equations"
            )

    @classmethod
    def _check_definition(cls, definition: _core.Definition) -> None:
        receives, has_current, _ = definition.traits()
        if not receives or not has_current:
            raise StructureError(
                f"{cls.__name__}: its equations do not define a receptor; expected 'on event: s += weight' and "
                "'I = ... : pA'"
            )

    def __init__(
        self,
        size: int | CableNeuron = 1,
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
        at: Any = None,
        **given: Any,
    ) -> None:
        is_written = self._receptor is None
        place = self._place(size, None, at)
        if is_written:
            self._gate(False)
            self._declare_written(given)
        if place is not None:
            self._refuse_membrane()
            Module.__init__(self, owner_of(self, place, parent), name, frozen_params)
        else:
            assert not isinstance(size, CableNeuron)
            membrane = (size, V_rest, gL, C, length, diameter, r_axial)
            Compartment.__init__(self, *membrane, parent, name, frozen_params, area_factor=area_factor, I_ext=I_ext)
        if is_written:
            self._check_written()

    def _refuse_membrane(self) -> None:
        """Raise an error for membrane parameters of a receptor on detailed cells, which has no membrane."""
        useless = sorted(MEMBRANE & self._given)
        if useless:
            raise StructureError(
                f"{self._label}: {', '.join(useless)} would have no effect, because a receptor on detailed cells has "
                "no membrane of its own; omit these arguments"
            )

    def _gate(self, scale_g: bool, **given: ArrayLike | None) -> None:
        self._refer("_given", self.__dict__.get("_arguments", frozenset()))
        self.scale_g = scale_g
        self._declare(**given)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "scale_g":
            check_assignment(self, name, value)
            if not isinstance(value, (bool, np.bool_)):
                raise ParameterTypeError(f"{self._label}: scale_g = {quoted(value)}: expected True or False")
            value = bool(value)
            if value and self._receptor in (None, "current_receptor"):
                raise StructureError(
                    f"{self._label}: scale_g = True would have no effect, because this receptor has no conductance g "
                    "that could be scaled; omit it"
                )
        if name in self._values and self._network is None:
            # An attached receptor has no membrane, so setting a membrane parameter must be reported.
            self._refer("_given", self._given | {name})
        super().__setattr__(name, value)


class _Excitatory(Receptor):
    """An excitatory receptor, whose conductance and weight must not be negative."""

    def _check(self, name: str, value: Value | None) -> None:
        self._refuse_negative(name, value)
        super()._check(name, value)

    def _check_together(self, kind: str) -> None:
        for name in ("g", "w"):
            self._refuse_negative(name, self._values.get(name))
        super()._check_together(kind)

    def _refuse_negative(self, name: str, value: Value | None) -> None:
        """Raise an error for a negative conductance or weight, with a hint about inhibition."""
        if name not in ("g", "w") or value is None or not np.any(np.asarray(value) < 0):
            return
        flat = np.ravel(value)
        bad = int(np.argmax(flat < 0))
        at = f"[{bad}]" if np.ndim(value) else ""
        unit = " (nS)" if name == "g" else ""
        raise ParameterError(
            f"{self._label}: {name}{at} = {flat[bad]:g}: expected a finite number >= 0{unit}; for inhibition, use a "
            "GABA receptor"
        )


class AMPA(_Excitatory):
    """AMPA receptor: ``I = g w x (E - V)``.

    If only ``t_decay`` is set, ``x = s`` and ``ds/dt = -s/t_decay``. If both ``t_rise`` and ``t_decay`` are
    set, ``dx/dt = -x/t_decay + s/(1 ms)`` and ``ds/dt = -s/t_rise``. A spike adds its weight to ``s``.

    Parameters
    ----------
    size : int or CableNeuron
        Number of neurons, or the detailed cells on which the receptor is placed.
    V_rest, gL, C, length, diameter, r_axial, area_factor, I_ext
        Membrane parameters, if the receptor is a compartment itself. See [Compartment][dendrion.Compartment].
    at : Location, list of Location, Region, str or Site, optional
        On detailed cells, the points at which the receptor is placed, in the forms that
        [CableNeuron.at][dendrion.CableNeuron.at] accepts. Its size is the number of pairs of a cell and a point.
    g : float or array
        Maximal conductance (nS), >= 0.
    w : float or array
        Weight, a factor that multiplies ``g``, >= 0.
    t_rise : float or array, optional
        Time constant of the rise (ms), > 0.
    t_decay : float or array
        Time constant of the decay (ms), > 0. Required.
    scale_g : bool
        Whether to divide ``g`` by the peak of ``x`` after one unit spike, so that the peak conductance is ``g w``.
        Without ``t_rise`` that peak is already 1.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    E : float or array
        Reversal potential (mV).
    """

    _kinds: ClassVar[tuple[str, ...]] = ("compartment", "ampa")
    _receptor: ClassVar[str | None] = "ampa"

    def __init__(
        self,
        size: int | CableNeuron = 1,
        V_rest: ArrayLike = -70,
        gL: ArrayLike = 2.9,
        C: ArrayLike = 58.9,
        length: ArrayLike | None = None,
        diameter: ArrayLike | None = None,
        r_axial: ArrayLike | None = None,
        g: ArrayLike = 1.0,
        w: ArrayLike = 1.0,
        t_rise: ArrayLike | None = None,
        t_decay: ArrayLike | None = None,
        scale_g: bool = False,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        E: ArrayLike = 0.0,
        area_factor: ArrayLike = 1.0,
        I_ext: ArrayLike = 0.0,
        at: Any = None,
    ) -> None:
        self._place(size, None, at)
        self._gate(scale_g, g=g, w=w, t_rise=t_rise, t_decay=t_decay, E=E)
        membrane = (size, V_rest, gL, C, length, diameter, r_axial)
        super().__init__(*membrane, parent, name, frozen_params, area_factor=area_factor, I_ext=I_ext)
        self._check_together("ampa")


class GABA(Receptor):
    """GABA receptor: ``I = g w x (E - V)``. By default its reversal potential is below rest, so it is inhibitory.

    Parameters
    ----------
    E : float or array
        Reversal potential (mV).
    size, V_rest, gL, C, length, diameter, r_axial, g, w, t_rise, t_decay, scale_g, parent, name, frozen_params, at
        See [AMPA][dendrion.AMPA].
    area_factor, I_ext
        See [Compartment][dendrion.Compartment].
    """

    _kinds: ClassVar[tuple[str, ...]] = ("compartment", "gaba")
    _receptor: ClassVar[str | None] = "gaba"

    def __init__(
        self,
        size: int | CableNeuron = 1,
        V_rest: ArrayLike = -70,
        gL: ArrayLike = 2.9,
        C: ArrayLike = 58.9,
        length: ArrayLike | None = None,
        diameter: ArrayLike | None = None,
        r_axial: ArrayLike | None = None,
        g: ArrayLike = 1.0,
        w: ArrayLike = 1.0,
        t_rise: ArrayLike | None = None,
        t_decay: ArrayLike | None = None,
        scale_g: bool = False,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        E: ArrayLike = -80.0,
        area_factor: ArrayLike = 1.0,
        I_ext: ArrayLike = 0.0,
        at: Any = None,
    ) -> None:
        self._place(size, None, at)
        self._gate(scale_g, g=g, w=w, t_rise=t_rise, t_decay=t_decay, E=E)
        membrane = (size, V_rest, gL, C, length, diameter, r_axial)
        super().__init__(*membrane, parent, name, frozen_params, area_factor=area_factor, I_ext=I_ext)
        self._check_together("gaba")


class NMDA(_Excitatory):
    """NMDA receptor: ``I = g w x (E - V) B(V)`` with the magnesium block of Jahr & Stevens (1990).

    ``B(V) = 1 / (1 + Mg exp(-alpha (V + gamma)) / beta)``, V in mV.

    Parameters
    ----------
    Mg : float or array
        Magnesium concentration (mM), >= 0.
    gamma : float or array
        Shift of the block (mV).
    alpha : float or array
        Steepness of the block (1/mV).
    beta : float or array
        Half-block concentration at ``V = -gamma`` (mM), > 0.
    size, V_rest, gL, C, length, diameter, r_axial, g, w, t_rise, t_decay, scale_g, parent, name, frozen_params, E, at
        See [AMPA][dendrion.AMPA].
    area_factor, I_ext
        See [Compartment][dendrion.Compartment].
    """

    _kinds: ClassVar[tuple[str, ...]] = ("compartment", "nmda")
    _receptor: ClassVar[str | None] = "nmda"

    def __init__(
        self,
        size: int | CableNeuron = 1,
        V_rest: ArrayLike = -70,
        gL: ArrayLike = 2.9,
        C: ArrayLike = 58.9,
        length: ArrayLike | None = None,
        diameter: ArrayLike | None = None,
        r_axial: ArrayLike | None = None,
        g: ArrayLike = 1.0,
        w: ArrayLike = 1.0,
        Mg: ArrayLike = 1.0,
        gamma: ArrayLike = 0.0,
        alpha: ArrayLike = 0.062,
        beta: ArrayLike = 3.57,
        t_rise: ArrayLike | None = None,
        t_decay: ArrayLike | None = None,
        scale_g: bool = False,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        E: ArrayLike = 0.0,
        area_factor: ArrayLike = 1.0,
        I_ext: ArrayLike = 0.0,
        at: Any = None,
    ) -> None:
        self._place(size, None, at)
        self._gate(scale_g, g=g, w=w, t_rise=t_rise, t_decay=t_decay, E=E)
        self._declare(Mg=Mg, gamma=gamma, alpha=alpha, beta=beta)
        membrane = (size, V_rest, gL, C, length, diameter, r_axial)
        super().__init__(*membrane, parent, name, frozen_params, area_factor=area_factor, I_ext=I_ext)
        self._check_together("nmda")


class CurrentReceptor(Receptor):
    """Current-based receptor: ``I = x`` in pA, independent of V, with weights in pA of any sign.

    If only ``t_decay`` is set, a spike of weight ``w`` adds ``w`` to ``x``, and ``dx/dt = -x/t_decay``. If ``t_rise``
    is also set, ``x`` is a difference of exponentials whose peak after a single spike is ``w`` (in continuous time):
    ``dx/dt = -x/t_decay + s/c``, ``ds/dt = -s/t_rise``, and a spike adds ``w`` to ``s``. Here ``c = t_rise exp(-log(1 +
    d)/d)`` with ``d = (t_decay - t_rise)/t_rise``, or ``c = t_rise/e`` for equal time constants. A spike thus injects
    the charge ``w t_decay``, or ``w t_rise t_decay/c`` with a rise.

    Positive weights depolarize the neuron, and negative weights hyperpolarize it without limit, because there is no
    reversal potential.

    Parameters
    ----------
    size : int or CableNeuron
        Number of neurons, or the detailed cells on which the receptor is placed.
    t_rise : float or array, optional
        Time constant of the rise (ms), > 0.
    t_decay : float or array
        Time constant of the decay (ms), > 0. Required.
    V_rest, gL, C, length, diameter, r_axial, area_factor, I_ext
        Membrane parameters, if the receptor is a compartment itself. See [Compartment][dendrion.Compartment].
    at : Location, list of Location, Region, str or Site, optional
        On detailed cells, the points at which the receptor is placed, in the forms that
        [CableNeuron.at][dendrion.CableNeuron.at] accepts. Its size is the number of pairs of a cell and a point.
    parent, name, frozen_params
        See [Module][dendrion.Module].

    Examples
    --------
    >>> import dendrion as dn
    >>> class Cell(dn.MCNeuron):
    ...     def __init__(self, size):
    ...         super().__init__(size, V_th=-50.0, V_reset=-70.0)
    ...         self.soma = dn.LeakyIF(size)
    ...         self.input = dn.CurrentReceptor(size, t_decay=5.0)
    ...         self.input_on = dn.MCConnSynapse(self.input, self.soma)
    >>> cells, source = Cell(10), dn.PoissonGenerator(100, rate=20.0)
    >>> synapse = dn.MCSynapse(source, cells.input, dn.All2All(), weight=dn.Normal(0.0, 8.0))
    >>> net = dn.Network([source, cells, synapse], dt=0.1, seed=1)
    >>> float(synapse.w.min()) < 0.0
    True
    """

    _kinds: ClassVar[tuple[str, ...]] = ("compartment", "current_receptor")
    _receptor: ClassVar[str | None] = "current_receptor"
    signed: ClassVar[bool] = True

    def __init__(
        self,
        size: int | CableNeuron = 1,
        *,
        t_rise: ArrayLike | None = None,
        t_decay: ArrayLike | None = None,
        V_rest: ArrayLike = -70,
        gL: ArrayLike = 2.9,
        C: ArrayLike = 58.9,
        length: ArrayLike | None = None,
        diameter: ArrayLike | None = None,
        r_axial: ArrayLike | None = None,
        area_factor: ArrayLike = 1.0,
        I_ext: ArrayLike = 0.0,
        at: Any = None,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self._place(size, None, at)
        self._gate(False, t_rise=t_rise, t_decay=t_decay)
        membrane = (size, V_rest, gL, C, length, diameter, r_axial)
        super().__init__(*membrane, parent, name, frozen_params, area_factor=area_factor, I_ext=I_ext)
        self._check_together("current_receptor")
