"""Mechanisms that users write: equations as text, in the language that the built-in ones are written in."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from numpy.typing import ArrayLike

from .. import _core
from ..connections._targets import parts_hint
from ..errors import ParameterError, ParameterTypeError, StructureError, UnknownNameError
from ..modules._ownership import SENTINEL, Sentinel, maker_of
from ..modules.module import Module, Value, checked_size, hint
from .compartment import Compartment, LeakyIF

__all__ = ["Channel", "Soma", "Written"]


class Written(Module):
    """Base of the modules that have ``equations``; see [Channel][dendrion.Channel]."""

    #: The equations, in the language of equations.
    equations: ClassVar[str] = ""
    _definition: ClassVar[_core.Definition | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "equations" not in cls.__dict__:
            return
        if not isinstance(cls.equations, str):
            raise ParameterTypeError(f"{cls.__name__}: equations = {cls.equations!r}: expected a string")
        cls._definition = _core.Definition(cls.__name__, cls.equations)
        cls._check_definition(cls._definition)
        for name, *_ in cls._definition.parameters():
            if hasattr(cls, name) or name in _RESERVED:
                raise ParameterError(
                    f"{cls.__name__}: its equations have a parameter {name!r}, which is an attribute of every "
                    f"{cls.__mro__[1].__name__} already; give it another name"
                )
        if "__init__" not in cls.__dict__:
            cls.__signature__ = _signature(cls, cls._definition)  # type: ignore[attr-defined]

    @classmethod
    def _check_definition(cls, definition: _core.Definition) -> None:
        """Raise where the equations are of another sort of module."""

    def _declare_written(self, given: Mapping[str, Any]) -> None:
        """Set the parameters of the equations, as given or by default."""
        definition = type(self)._definition
        if definition is None:
            raise StructureError(f"{type(self).__name__}: has no equations; expected a subclass with `equations`")
        known = {name: default for name, _, default, _, _ in definition.parameters()}
        for name in given:
            if name not in known:
                raise UnknownNameError(
                    f"{type(self).__name__}: unexpected parameter {name} = {given[name]!r}{hint(name, known)}"
                )
        self._declare(**{name: given.get(name, default) for name, default in known.items()})

    def _check_written(self) -> None:
        definition = type(self)._definition
        assert definition is not None
        names = {name for name, *_ in definition.parameters()}
        given = {n: v for n, v in self._values.items() if n in names and v is not None}
        definition.check_module(self._label, given, self.size)

    def _written_values(self) -> dict[str, Value]:
        definition = type(self)._definition
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
        definition = type(self)._definition
        if definition is not None and any(name == p[0] for p in definition.parameters()):
            if value is None:
                raise ParameterError(f"{self._label}: {name} = None: expected a number")
            definition.check(self._label, name, value, self.size)
            return
        super()._check(name, value)


#: Names that parameters of equations cannot have.
_RESERVED = frozenset(
    ("size", "on", "parent", "name", "frozen_params", "path", "scale_g", "training", "I_ext", "r_axial", "area_factor")
)


def _signature(cls: type, definition: _core.Definition) -> inspect.Signature:
    """Return the signature of ``__init__`` with the parameters of the equations."""
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
    """A mechanism on a compartment, in equations: a channel, a pump, a pool of calcium, a dendritic spike.

    Subclass it and write ``equations``; the page on the language says how. Parameters are the numbers in the text, and
    become keywords, attributes and entries of ``net.parameters()`` like those of any module. States, named expressions
    and what events switch on can be probed by name.

    Parameters
    ----------
    size : int
        Number of neurons it is in.
    on : Compartment, optional
        The compartment it acts on and whose V it sees. Or attach it by [MCConnSynapse][dendrion.MCConnSynapse]. Made
        outside an ``__init__``, it belongs to that compartment's owner.
    parent, name, frozen_params
        See [Module][dendrion.Module].
    **given : float or array
        Parameters of the equations, each a number or an array of shape ``(size,)``, in the units of the text.

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
            raise StructureError(f"{cls.__name__}: its equations have 'on event'; make it a Receptor, not a Channel")

    def __init__(
        self,
        size: int = 1,
        on: Compartment | None = None,
        parent: Module | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
        **given: ArrayLike,
    ) -> None:
        self.size = checked_size(self, size)
        if on is not None and not isinstance(on, Compartment):
            hint = parts_hint(on, Compartment, "compartment")
            raise ParameterTypeError(f"{self._label}: on = {on!r}: expected the Compartment it acts on{hint}")
        self._refer("on", on)
        self._declare_written(given)
        if parent is SENTINEL and on is not None and maker_of(self) is None:
            parent = on.parent
        super().__init__(parent, name, frozen_params)
        self._check_written()


class Soma(Written, LeakyIF):
    """A soma with equations of its own, such as an adaptation current: a [LeakyIF][dendrion.LeakyIF] and more.

    ``I = ... : pA`` adds a current to that of the leak; ``dV/dt = ...`` takes the place of the whole equation, with
    ``I`` for all other currents. ``on spike: ...`` says what a spike changes.

    Parameters
    ----------
    size, V_rest, gL, C, length, diameter, r_axial, I_ext, parent, name, frozen_params, area_factor
        See [LeakyIF][dendrion.LeakyIF].
    **given : float or array
        Parameters of the equations, each a number or an array of shape ``(size,)``, in the units of the text.
    """

    def _unit_of_variable(self, name: str) -> str:
        # Its I is the sum of all currents, whatever its equations call I.
        return "pA" if name == "I" else super()._unit_of_variable(name)

    @classmethod
    def _check_definition(cls, definition: _core.Definition) -> None:
        receives, _, _ = definition.traits()
        if receives:
            raise StructureError(f"{cls.__name__}: its equations have 'on event'; put that into a Receptor")

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
