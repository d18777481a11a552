"""The base class of everything with a name, an owner and parameters."""

from __future__ import annotations

import functools
import re
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._numbers import is_whole, plain_numbers
from .._paths import is_encodable
from .._quoted import quoted, told
from .._suggest import public, unknown_name
from ..errors import (
    AssignmentError,
    DendrionError,
    ParameterError,
    ParameterTypeError,
    StructureError,
    UnitWarning,
)
from ..units import has_units, in_unit, unit_in_table
from ._attributes import check_assignment, check_deletion, set_state, state_of, states_of
from ._containers import check_depth, guarded, named_items
from ._copies import CopiedAlone
from ._ownership import SENTINEL, Sentinel, maker_of, tracked, under_construction
from ._per_site import PerSite
from ._values import read_only
from .tables import html_tree
from .variables import VarManager

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..simulation.network import Network

__all__ = ["Module"]

Value = float | NDArray[np.float64]


class Module(CopiedAlone):
    """Base class of all components of a model.

    A module that is created inside another module's ``__init__`` belongs to that module. It is named after the
    attribute to which it is assigned (``self.soma = ...``), with its position or key in a list or dict (``dends/0``);
    otherwise the name is derived from its class. The names of its owners and its own name form its path, such as
    ``pyramidal/dends/0``.

    Parameters are attributes. Reading a parameter returns a float or a read-only array of shape ``(size,)``. Assigning
    to a parameter checks the value and, if the module is part of a network, takes effect from the next step. States of
    a built network, such as ``soma.V``, can be read and assigned in the same way. Any other assignment that would have
    no effect raises an [AssignmentError][dendrion.AssignmentError].

    Numbers may be quantities from the packages pint, quantities or Brian2. They are converted to the documented unit,
    and an error is raised if the dimension does not match. Plain numbers are interpreted in the documented unit.

    Parameters
    ----------
    parent : Module, VarManager or None, optional
        The owner. Defaults to the module that is under construction, if any. ``None`` means no owner; a
        [VarManager][dendrion.VarManager] makes the module one of several roots.
    name : str, optional
        The name, which must be unique within its owner.
    frozen_params : dict, optional
        Parameters to set and to exclude from ``parameters()``, so that optimizers do not change them. They can still be
        assigned explicitly.

    Attributes
    ----------
    training : bool
        Whether the module is in training mode (the default). Plastic connections change their weights only in this
        mode.
    """

    _kinds: ClassVar[tuple[str, ...]] = ()
    #: Parameters that may be ``None``.
    _optional: ClassVar[tuple[str, ...]] = ()
    #: Units of those recordable variables that are not dimensionless.
    _variable_units: ClassVar[Mapping[str, str]] = MappingProxyType({})
    #: Hint in messages about distributions and functions, which parameters do not accept.
    _otherwise_drawn: ClassVar[str] = "; draw one value per neuron first, such as rng.normal(mean, std, size)"
    #: Attributes that cannot be changed after construction.
    _fixed: ClassVar[tuple[str, ...]] = ("size",)
    #: Attributes that cannot change after the network is built.
    _built_in: ClassVar[tuple[str, ...]] = ()
    _children: list[Module]
    #: Children by the names that were assigned to them. Entries may be outdated.
    _named: dict[str, Module]
    #: For each base name that was derived from a class, the lowest number that may be unused as a suffix.
    _numbers: dict[str, int]
    _name: str | None
    #: Whether the name was derived from the class, so that an explicit name can replace it.
    _automatic: bool
    _owner: Module | None
    _values: dict[str, Value | None]
    _frozen: frozenset[str]
    #: Parameters that were set to quantities, so that their units are certain.
    _measured: set[str]
    _net: weakref.ref[Network] | None
    size: int

    def __new__(cls, *args: Any, **kwargs: Any) -> Module:
        """Set the attributes that attribute access relies on, before any ``__init__`` runs."""
        self = super().__new__(cls)
        self.__dict__.update(_children=[], _name=None, _automatic=False, _owner=None)
        self.__dict__.update(_values={}, _frozen=frozenset(), _net=None, _manager=None, training=True)
        self.__dict__.update(_measured=set(), _named={}, _numbers={})
        return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            cls.__init__ = tracked(cls.__init__)  # type: ignore[method-assign]

    def __init__(
        self,
        parent: Module | VarManager | Sentinel | None = SENTINEL,
        name: str | None = None,
        frozen_params: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        if name is not None and not is_name(name):
            raise ParameterError(f"{self._label}: name = {quoted(name)}: expected a name without '/' or '.'")
        owner = maker_of(self) if isinstance(parent, Sentinel) else parent
        if owner is not None and not isinstance(owner, (Module, VarManager)):
            given = type(owner).__name__
            raise ParameterTypeError(f"{self._label}: parent = {given}: expected a Module, a VarManager or None")
        self.__dict__["_name"] = name
        if isinstance(owner, VarManager):
            self.__dict__["_manager"] = owner
        if owner is not None:
            owner._adopt(self)
        self._freeze({} if frozen_params is None else frozen_params)

    # Ownership and names

    def _adopt(self, child: Module) -> None:
        if self._network is not None:
            raise StructureError(f"{self._label}: a {type(child).__name__} cannot be added after the network is built")
        self._check_owners(child)
        if child._name is not None and not child._automatic:
            self._call(child, child._name)
        self._children.append(child)
        child.__dict__["_owner"] = self
        if child._name is not None:
            self._named.setdefault(child._name, child)

    def _withdraw(self) -> None:
        """Remove this module from its owner, because its ``__init__`` failed. A corrected module can take its place."""
        owner, manager = self._owner, self.__dict__["_manager"]
        if owner is not None:
            owner._children[:] = [child for child in owner._children if child is not self]
            owner._numbers.clear()
            self.__dict__["_owner"] = None
        if manager is not None:
            manager._withdraw(self)

    def _check_owners(self, child: Module) -> None:
        """Raise an error if a module would own itself, directly or indirectly."""
        owner: Module | None = self
        while owner is not None:
            if owner is child:
                raise StructureError(
                    f"{self._label}: cannot own {child!r}, which owns it; keep such a reference in an attribute whose "
                    "name begins with '_'"
                )
            owner = owner._owner

    def _call(self, child: Module, name: str) -> None:
        """Name a child. Another child that got the same name automatically, from its class, is left without a name."""
        if not is_encodable(name):
            raise ParameterError(f"{self._label}: name = {quoted(name)}: expected a name that can be encoded in UTF-8")
        other = self._child_named(name)
        if other is not None and other is not child:
            if not other._automatic:
                raise StructureError(f"{self._label}: two modules are named {quoted(name)}; rename one of them")
            other.__dict__["_name"] = None
        if child._name is not None:
            self._numbers.clear()
        self._named[name] = child
        child.__dict__.update(_name=name, _automatic=False)

    def _child_named(self, name: str) -> Module | None:
        """Return the child with this name, or ``None``."""
        child = self._named.get(name)
        return child if child is not None and child._owner is self and child._name == name else None

    def _assign(self, name: str, child: Module) -> None:
        """Adopt a module that is assigned to an attribute, and name it after the attribute."""
        if child._owner is None and child is not self and child._net is None:
            self._adopt(child)
        if child._owner is self and (child._name is None or child._automatic) and self._network is None:
            self._call(child, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._values:
            self._set(name, value)
        elif name == "training":
            self.train(value)
        elif not set_state(self, name, value):
            check_assignment(self, name, value)
            self._replace(name, value)

    def _replace(self, name: str, value: Any) -> None:
        """Set an attribute, adopt modules in the new value, and release modules in the old value."""
        old = self.__dict__.get(name)
        if isinstance(value, (list, tuple, dict)) and not name.startswith("_"):
            check_depth(self._label, name, value)
        if not name.startswith("_"):
            for item in [value] if isinstance(value, Module) else _items(name, value):
                if isinstance(item, Module) and item is not self and item._owner is None and item._net is None:
                    self._check_owners(item)
        if isinstance(old, Module) and old is not value:
            self._let_go(name, old)
        if name.startswith("_"):
            super().__setattr__(name, value)
            return
        if isinstance(old, (list, tuple, dict)):
            self._let_go_of_items(name, old, value)
        if not under_construction(self):
            value = guarded(self, name, value)
        super().__setattr__(name, value)
        if isinstance(value, Module):
            self._assign(name, value)
        elif isinstance(value, (list, tuple, dict)):
            for place, item in named_items(name, value):
                # Modules in nested containers keep names derived from their classes if an ``__init__`` created them.
                if isinstance(item, Module) and (place.count("/") == 1 or item._owner is None):
                    self._assign(place, item)

    def _let_go(self, name: str, old: Module) -> None:
        self._let_go_of([(name, old)])

    def _let_go_of(self, named: Iterable[tuple[str, Module]]) -> None:
        """Release the children with these names."""
        gone = {id(old): old for name, old in named if old._owner is self and old._name == name}
        if gone:
            self._children[:] = [c for c in self._children if id(c) not in gone]
            self._numbers.clear()
        for old in gone.values():
            old.__dict__.update(_owner=None, _name=None)

    def _let_go_of_items(self, name: str, old: Any, new: Any) -> None:
        """Release the modules in a container that is replaced."""
        kept = {id(item) for _, item in named_items(name, new)} if isinstance(new, (list, tuple, dict)) else set()
        items = named_items(name, old)
        self._let_go_of((place, item) for place, item in items if isinstance(item, Module) and id(item) not in kept)

    def _contents_changed(self, name: str, before: list[tuple[str, Any]], after: list[tuple[str, Any]]) -> None:
        """After a change to a list or dict, adopt new modules, release removed modules, and rename moved modules."""
        modules = [item for _, item in (*before, *after) if isinstance(item, Module)]
        if self._network is not None and modules:
            raise AssignmentError(
                f"{self._label}.{name}: cannot change after the network is built; change it before, or build a new "
                "network from new modules"
            )
        kept = {id(item) for _, item in after}
        for place, item in before:
            if isinstance(item, Module) and item._owner is self and item._name == place and id(item) in kept:
                item.__dict__["_name"] = None
                self._numbers.clear()
        self._let_go_of((place, item) for place, item in before if isinstance(item, Module) and id(item) not in kept)
        for place, item in after:
            if isinstance(item, Module):
                self._assign(place, item)

    def _guard_containers(self) -> None:
        """After ``__init__``, make lists and dicts of modules report their changes."""
        for name, value in self.__dict__.items():
            if not name.startswith("_"):
                self.__dict__[name] = guarded(self, name, value)

    def _refer(self, name: str, value: object) -> None:
        """Store a reference without adopting the module."""
        self.__dict__[name] = value

    @property
    def name(self) -> str:
        """Name of the module within its owner."""
        if self._name is None:
            owner, base = self._owner, type(self).__name__.lower()
            name = base if owner is None else unused(base, owner._child_named, owner._numbers)
            self.__dict__.update(_name=name, _automatic=True)
            if owner is not None:
                owner._named[name] = self
        return self._name or ""

    @property
    def path(self) -> str:
        """Path of the module from the outermost owner, such as ``pyramidal/dend``."""
        return f"{self._owner.path}/{self.name}" if self._owner else self.name

    @property
    def parent(self) -> Module | None:
        """The owner."""
        return self._owner

    @property
    def variables(self) -> VarManager:
        """The variable manager of the outermost owner."""
        if self._owner is not None:
            return self._owner.variables
        manager: VarManager | None = self.__dict__["_manager"]
        if manager is None:
            manager = VarManager()
            manager._roots.append(self)
            self.__dict__["_manager"] = manager
        return manager

    def children(self) -> Iterator[Module]:
        """Iterate over the modules that this module owns, in the order in which it adopted them."""
        return iter(tuple(self._children))

    def modules(self) -> Iterator[Module]:
        """Iterate over the module and all modules that it owns, directly or indirectly."""
        yield self
        for child in self.children():
            yield from child.modules()

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Iterate over the module and all modules that it owns, with their paths."""
        return ((module.path, module) for module in self.modules())

    def parameters(self) -> dict[str, NDArray[np.float64]]:
        """Return all parameters of the module and its parts, except frozen ones, keyed by ``path.parameter``."""
        found = {}
        for module in self.modules():
            for name, value in module._values.items():
                if name not in module._frozen and has_value(module, name, value):
                    found[f"{module.path}.{name}"] = np.asarray(getattr(module, name))
        return found

    def train(self, mode: bool = True) -> Self:
        """Set training mode, in which plastic weights change, for the module and everything it owns."""
        if not isinstance(mode, (bool, np.bool_)):
            raise ParameterTypeError(f"{self._label}: training = {quoted(mode)}: expected True or False")
        for module in self.modules():
            before = module.__dict__["training"]
            module.__dict__["training"] = bool(mode)
            try:
                module._training_changed()
            except DendrionError:
                module.__dict__["training"] = before
                raise
        return self

    def eval(self) -> Self:
        """Leave training mode for the module and everything it owns, so that weights do not change."""
        return self.train(False)

    def _training_changed(self) -> None:
        """Apply a change of ``training``."""

    def _stream(self) -> str | None:
        """Return the name of the module's random stream, or ``None`` if it draws no random numbers."""
        return None

    @property
    def _label(self) -> str:
        """Name of the module in messages: its path if it has a name, otherwise its class."""
        return self.path if self._name is not None else type(self).__name__

    # Parameters

    def _declare(self, **given: Any) -> None:
        """Set parameters for the first time."""
        for name, value in given.items():
            self._values[name] = self._convert(name, value)

    def _check_together(self, kind: str) -> None:
        given = {}
        for name, *_ in _core.parameters(kind):
            value = self._values.get(name)
            if value is not None:
                per_site = self._per_site(name)
                given[name] = value if per_site is None else per_site.whole(value)
            elif name in self._values and name not in self._optional:
                raise ParameterError(f"{self._label}: {name} = None: expected a number")
        _core.check_module(kind, self._label, given, self.size)

    def _drawn(self, value: object) -> str:
        """Return a hint for messages about distributions and functions, which parameters do not accept."""
        return self._otherwise_drawn if callable(value) or hasattr(value, "_spec") else ""

    def _freeze(self, frozen: Mapping[str, ArrayLike]) -> None:
        if not isinstance(frozen, Mapping):
            raise ParameterTypeError(
                f"{self._label}: frozen_params = {quoted(frozen)}: expected a dict from parameter names to "
                "values, such as {'gL': 5.0}"
            )
        for name, value in frozen.items():
            if name not in self._values:
                raise unknown_name(f"{self._label}: frozen_params: no parameter", name, self._values)
            self._values[name] = self._convert(name, value)
            self._check(name, self._values[name])
        self.__dict__["_frozen"] = frozenset(frozen)

    def _convert(self, name: str, value: ArrayLike | None) -> Value | None:
        if value is None:
            return None
        if has_units(value):
            converted = self._convert_quantity(name, value)
            self._measured.add(name)
            return converted
        self._measured.discard(name)
        per_site = self._per_site(name)
        expected = f"a number or an array of length {self.size}{self._drawn(value)}"
        array = plain_numbers(f"{self._label}: {name}", value, per_site.expected if per_site else expected)
        if array.ndim == 0:
            return float(array)
        if per_site is not None:
            return per_site.flat(f"{self._label}: {name}", array)
        if array.ndim != 1:
            raise ParameterError(
                f"{self._label}: {name} = array of shape {array.shape}: expected a number or an array of shape "
                f"({self.size},)"
            )
        return array

    def _convert_quantity(self, name: str, value: Any) -> Value | None:
        return self._convert(name, in_unit(f"{self._label}: {name}", value, self._unit_of(name)))

    def _per_site(self, name: str) -> PerSite | None:
        """Return the numbers of cells and sites, if a parameter or state may have one value per cell and site."""
        return None

    def _shaped(self, name: str, value: Any) -> Any:
        """Return a parameter or a state in the shape that users see."""
        per_site = self._per_site(name)
        return value if per_site is None else per_site.shaped(value)

    def _unit_of(self, name: str) -> str:
        """Return the unit of a parameter, or an empty string if it is dimensionless."""
        return next((u for kind in self._kinds if (u := unit_in_table(kind, name)) is not None), "")

    def _unit_of_variable(self, name: str) -> str:
        """Return the unit of a variable that can be recorded, or an empty string if it is dimensionless."""
        return self._variable_units.get(name, "")

    def _check(self, name: str, value: Value | None) -> None:
        for kind in self._kinds:
            if any(name == p[0] for p in _core.parameters(kind)):
                if value is None:
                    raise ParameterError(f"{self._label}: {name} = None: expected a number")
                self._check_values(name, value, functools.partial(_core.check, kind, self._label, name, value))
                return

    def _check_values(self, name: str, value: Value, check: Callable[[int], None]) -> None:
        """Call a check with the number of values that an array may have. Errors name the CV."""
        per_site = self._per_site(name)
        if per_site is None or np.ndim(value) == 0:
            return check(self.size)
        try:
            check(np.size(value))
        except ParameterError as error:
            wrong = re.search(rf"{re.escape(name)}\[(\d+)\]", str(error))
            if wrong is None:
                raise
            raise ParameterError(f"{error} ({self._located(int(wrong[1]))})") from None

    def _located(self, member: int) -> str:
        """Return a description of the site of a member, for messages."""
        raise NotImplementedError

    def _set(self, name: str, value: ArrayLike | None) -> None:
        converted = self._convert(name, value)
        self._check(name, converted)
        net = self._network
        if net is None:
            self._values[name] = converted
        elif self._values[name] is None and net._key_of(self, name) is None:
            raise StructureError(
                f"{self._label}: {name} was None when the network was built, so its equations do not use it; set it "
                "before building the network"
            )
        else:
            self._look_at(name, converted)
            net._set_module(self, name, converted)

    def _look_at(self, name: str, value: Value | None) -> None:
        """Warn if an assigned value seems to be in another unit. Building a network checks all values."""
        from .._checks import odd_value, warn_of_all

        with np.errstate(all="ignore"):
            looks = list(odd_value(self, name, value))
        warn_of_all(looks, UnitWarning)

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name not in values:
            return state_of(self, name)
        net = self._network
        return read_only(self._shaped(name, values[name] if net is None else net._value_of(self, name, values[name])))

    def __dir__(self) -> list[str]:
        return public(self, (*self._values, *states_of(self)))

    @property
    def _network(self) -> Network | None:
        net = self._net() if self._net is not None else None
        # A copy of a module belongs to no network.
        return net if net is not None and id(self) in net._parts else None

    def __delattr__(self, name: str) -> None:
        check_deletion(self, name)
        old = self.__dict__.get(name)
        super().__delattr__(name)
        if isinstance(old, Module):
            self._let_go(name, old)
        elif isinstance(old, (list, tuple, dict)):
            self._let_go_of_items(name, old, None)

    def _repr_html_(self) -> str:
        return html_tree(self)

    def __repr__(self) -> str:
        size = f" x {self.size}" if "size" in self.__dict__ else ""
        return f"<{type(self).__name__} {self._label}{size}>"


def _items(name: str, value: Any) -> Iterator[Any]:
    """Yield the items of lists, tuples and dicts, including nested ones."""
    return (item for _, item in named_items(name, value)) if isinstance(value, (list, tuple, dict)) else iter(())


def checked_size(module: Module, size: object) -> int:
    """Return a size after checking that it is an integer >= 1."""
    if not is_whole(size):
        raise ParameterTypeError(f"{module._label}: size = {quoted(size)}: expected an integer >= 1")
    if not 1 <= size < 2**32:  # type: ignore[operator]
        raise ParameterError(f"{module._label}: size = {told(size)}: expected an integer from 1 to 2^32 - 1")
    return int(size)  # type: ignore[call-overload,no-any-return]


def is_name(name: object) -> bool:
    """Return whether an object is a valid name of a module."""
    return isinstance(name, str) and bool(name) and "/" not in name and "." not in name and is_encodable(name)


def has_value(module: Module, name: str, value: Any) -> bool:
    """Return whether a parameter has a value and, in a network, is used by an equation."""
    net = module._network
    return value is not None if net is None else net._key_of(module, name) is not None


def unused(base: str, is_taken: Callable[[str], object], numbers: dict[str, int]) -> str:
    """Return ``base``, or the first of ``base_1``, ``base_2``, ... that is not taken.

    Parameters
    ----------
    base : str
        Base of the name.
    is_taken : callable
        Returns whether a name is taken.
    numbers : dict
        For each base, the number from which to search; it is updated for the next call.
    """
    i = numbers.get(base, 0)
    while is_taken(name := f"{base}_{i}" if i else base):
        i += 1
    numbers[base] = i + 1
    return name
