"""Custom mechanisms, defined by equations in the same language as the built-in ones."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._paths import is_encodable
from .._quoted import quoted
from .._suggest import hint
from ..connections._targets import parts_hint
from ..errors import EquationError, ParameterError, ParameterTypeError, StructureError, UnknownNameError
from ..modules._ownership import SENTINEL, Sentinel, maker_of
from ..modules._per_site import PerSite
from ..modules._values import read_only
from ..modules.module import Module, Value, checked_size
from ..morphology.places import Region
from .cable.formulas import Formulas, with_formulas
from .cable.neuron import CableNeuron
from .cable.placement import Placement, owner_of, placement
from .compartment import Compartment, LeakyIF

__all__ = ["Channel", "Soma", "Written"]


class Written(Module):
    """Base class of the modules with ``equations``; see [Channel][dendrion.Channel]."""

    #: The equations, in Dendrion's equation language.
    equations: ClassVar[str] = ""
    #: The checked equations. An instance with a density that depends on the distance has its own definition.
    _definition: _core.Definition | None = None
    #: Whether the module receives spikes.
    _is_receptor: ClassVar[bool] = False
    #: The control volumes on which the module is placed, if it is on detailed cells.
    _placement: Placement | None = None
    #: Formulas that replace parameters.
    _formulas: Formulas | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "equations" not in cls.__dict__:
            return
        if not isinstance(cls.equations, str):
            raise ParameterTypeError(f"{cls.__name__}: equations = {quoted(cls.equations)}: expected a string")
        if not is_encodable(cls.equations):
            raise EquationError(f"{cls.__name__}: equations: expected text that can be encoded in UTF-8")
        cls._definition = _core.Definition(cls.__name__, cls.equations)
        cls._check_definition(cls._definition)
        for name, *_ in cls._definition.parameters():
            if cls._is_taken(name):
                raise ParameterError(
                    f"{cls.__name__}: its equations have a parameter {quoted(name)}, which is already an "
                    f"attribute of every {cls.__mro__[1].__name__}; choose another name"
                )
        if "__init__" not in cls.__dict__:
            cls.__signature__ = _signature(cls, cls._definition)  # type: ignore[attr-defined]

    @classmethod
    def _is_taken(cls, name: str) -> bool:
        """Return whether a parameter cannot have this name, because it is an attribute or an argument."""
        return hasattr(cls, name) or name in _RESERVED

    @classmethod
    def _check_definition(cls, definition: _core.Definition) -> None:
        """Raise an error if the equations belong to a different kind of module."""

    def _place(self, size: Any, on: Any, at: Any) -> Placement | None:
        """Set the size: the size of a population, or the number of sites on detailed cells."""
        if self._placement is None and (place := placement(self, size, on, at, self._is_receptor)) is not None:
            self._refer("_placement", place)
            self.size = place.per_site.members
        elif self._placement is None:
            self.size = checked_size(self, size)
        return self._placement

    def _per_site(self, name: str) -> PerSite | None:
        return None if self._placement is None else self._placement.per_site

    def _located(self, member: int) -> str:
        assert self._placement is not None
        return self._placement.sites().located(member % len(self._placement.cvs))

    def _convert(self, name: str, value: Any) -> Value | None:
        if self._placement is not None:
            value = self._placement.sites().spread(f"{self._label}: {name}", value, self._unit_of(name))
        return super()._convert(name, value)

    def _declare_written(self, given: Mapping[str, Any]) -> None:
        """Set the parameters of the equations to the values passed by the user, or to their defaults."""
        given = dict(given)
        formulas = with_formulas(self, given)
        if formulas is not None:
            self._refer("_formulas", formulas)
        definition = self._definition
        if definition is None:
            raise StructureError(f"{type(self).__name__}: has no equations; expected a subclass with `equations`")
        known = {name: default for name, _, default, _, _ in definition.parameters()}
        for name in given:
            if name not in known:
                raise UnknownNameError(
                    f"{type(self).__name__}: unexpected parameter {name} = {quoted(given[name])}{hint(name, known)}",
                    name=name,
                    known=known,
                )
        self._declare(**{name: given.get(name, default) for name, default in known.items()})

    def _check_written(self) -> None:
        definition = self._definition
        assert definition is not None
        names = {name for name, *_ in definition.parameters()}
        given = {n: v for n, v in self._values.items() if n in names and v is not None}
        if self._formulas is not None:
            self._formulas.check(self, given)
        if self._placement is not None:
            for name, value in given.items():
                self._check(name, value)
            given = {n: self._placement.per_site.whole(v) for n, v in given.items()}
        definition.check_module(self._label, given, self.size)

    def _current(self) -> dict[str, Any]:
        """Return the current values of all parameters in flat form."""
        values = {name: getattr(self, name) for name in self._values}
        return {name: np.ravel(value) if isinstance(value, np.ndarray) else value for name, value in values.items()}

    def __getattr__(self, name: str) -> Any:
        formulas = self.__dict__.get("_formulas")
        if formulas is not None and name in formulas.formulas:
            return read_only(self._shaped(name, formulas.values(self, name, self._current())))
        return super().__getattr__(name)

    def _written_values(self) -> dict[str, Value]:
        definition = self._definition
        assert definition is not None
        values = {name: self._values[name] for name, *_ in definition.parameters()}
        return {name: value for name, value in values.items() if value is not None}

    def _unit_of(self, name: str) -> str:
        known = {} if self._definition is None else {n: unit for n, unit, *_ in self._definition.parameters()}
        return known[name] if name in known else super()._unit_of(name)

    def _unit_of_variable(self, name: str) -> str:
        known = {} if self._definition is None else dict(self._definition.variables())
        return known[name] if name in known else super()._unit_of_variable(name)

    def _check(self, name: str, value: Value | None) -> None:
        definition = self._definition
        if definition is not None and any(name == p[0] for p in definition.parameters()):
            if value is None:
                raise ParameterError(f"{self._label}: {name} = None: expected a number")
            if self._formulas is not None and name in self._formulas.parameters():
                self._formulas.check(self, {**self._current(), name: value})
            self._check_values(name, value, functools.partial(definition.check, self._label, name, value))
            return
        super()._check(name, value)


#: Names that parameters of equations cannot have.
_RESERVED = frozenset(
    (
        "size",
        "on",
        "at",
        "parent",
        "name",
        "frozen_params",
        "path",
        "scale_g",
        "training",
        "I_ext",
        "r_axial",
        "area_factor",
    )
)


def _signature(cls: type, definition: _core.Definition) -> inspect.Signature:
    """Return the signature of ``__init__``, including the parameters of the equations."""
    own = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    kept = [p for p in own if p.kind is not p.VAR_KEYWORD]
    last = next((i for i, p in enumerate(kept) if p.kind is p.KEYWORD_ONLY), len(kept))
    empty, keyword = inspect.Parameter.empty, inspect.Parameter.KEYWORD_ONLY
    new = [
        inspect.Parameter(name, keyword, default=empty if default is None else default)
        for name, _, default, _, _ in definition.parameters()
    ]
    return inspect.Signature([*kept[:last], *new, *kept[last:]])


class Channel(Written):
    """A mechanism that acts on a compartment and is defined by equations, such as a channel, a pump or a calcium pool.

    Subclass it and define ``equations``; see [Equations](../equations.md) for the language. Parameters in the equations
    become keyword arguments, attributes and entries of ``net.parameters()``, like those of any module. States, named
    expressions and the switches that events set can be probed by name.

    Parameters
    ----------
    size : int or CableNeuron
        Number of neurons, each with this mechanism, or the detailed cells on which it is placed.
    on : Compartment, Region or str, optional
        The compartment on which the channel acts and whose V it uses. Alternatively, attach the channel with
        [MCConnSynapse][dendrion.MCConnSynapse]. A channel that is created outside an ``__init__`` belongs to the owner
        of that compartment. On detailed cells, the region on whose control volumes the channel is placed.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    at : Location, list of Location, or Site, optional
        On detailed cells, the points at which the channel is placed, instead of a region. Its current is then in pA.
    **given : float or array
        Parameters of the equations, each a number or an array of shape ``(size,)``, in the units of the equations.
        On detailed cells, see [Densities](../howto/detailed_cells.md#densities).

    Examples
    --------
    >>> import dendrion as dn
    >>> class KA(dn.Channel):
    ...     equations = '''
    ...     I = g * n * (E - V)                                  : pA
    ...     dn/dt = (1/(1 + exp(-(V - Vn)/8 mV)) - n) / tau_n    : 1
    ...     g = 5 nS; E = -90 mV; Vn = -30 mV; tau_n = 0.5 ms
    ...     '''
    >>> KA(3, g=2.0).Vn
    -30.0
    """

    _fixed: ClassVar[tuple[str, ...]] = ("size", "on")
    on: Compartment | None

    @classmethod
    def _check_definition(cls, definition: _core.Definition) -> None:
        receives, _, _ = definition.traits()
        if receives:
            raise StructureError(f"{cls.__name__}: its equations contain 'on event'; use Receptor as the base class")

    def __init__(
        self,
        size: int | CableNeuron = 1,
        on: Any = None,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        *,
        at: Any = None,
        **given: Any,
    ) -> None:
        place = self._place(size, on, at)
        if place is not None:
            self._refer("on", None)
            self._declare_written(given)
            super().__init__(owner_of(self, place, parent), name, frozen_params)
            self._check_written()
            return
        if on is not None and not isinstance(on, Compartment):
            hint = parts_hint(on, Compartment, "compartment")
            if isinstance(on, (str, Region)):
                hint = "; to place it on a region, pass a CableNeuron as the first argument, in place of the size"
            raise ParameterTypeError(
                f"{self._label}: on = {quoted(on)}: expected the Compartment on which it acts{hint}"
            )
        self._refer("on", on)
        self._declare_written(given)
        if parent is SENTINEL and on is not None and maker_of(self) is None:
            parent = on.parent
        super().__init__(parent, name, frozen_params)
        self._check_written()


class Soma(Written, LeakyIF):
    """A [LeakyIF][dendrion.LeakyIF] soma with additional equations, for example for an adaptation current.

    ``I = ... : pA`` adds a current to the leak current. ``dV/dt = ...`` replaces the whole equation for V, and can use
    ``I``, the sum of all other currents. ``on spike: ...`` defines the effect of a spike.

    Parameters
    ----------
    size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [LeakyIF][dendrion.LeakyIF].
    **given : float or array
        Parameters of the equations, each a number or an array of shape ``(size,)``, in the units of the equations.
    """

    def _unit_of_variable(self, name: str) -> str:
        # The probed I is the sum of all currents, even if the equations define I differently.
        return "pA" if name == "I" else super()._unit_of_variable(name)

    @classmethod
    def _check_definition(cls, definition: _core.Definition) -> None:
        receives, _, _ = definition.traits()
        if receives:
            raise StructureError(f"{cls.__name__}: its equations contain 'on event', which only a Receptor can have")

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
        **given: ArrayLike,
    ) -> None:
        self.size = checked_size(self, size)
        self._declare_written(given)
        membrane = (size, V_rest, gL, C, length, diameter, r_axial, I_ext)
        LeakyIF.__init__(self, *membrane, parent, name, frozen_params, area_factor=area_factor)
        self._check_written()
