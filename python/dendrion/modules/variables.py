"""The variables of a model, grouped into collections as in NeurAI."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING, Any, ClassVar

from .._quoted import quoted
from .._suggest import unknown_name
from ..errors import AssignmentError, StructureError
from ._fixed import Fixed, shown
from ._values import read_only

if TYPE_CHECKING:
    from .module import Module

__all__ = ["Collection", "VarManager"]


class VarManager(Fixed):
    """Manages the variables of one or more root modules, grouped into collections.

    Every root module has a manager (``module.variables``). If a manager is created first and passed as ``parent`` to
    several modules, they are roots of one namespace: their names must differ, and names derived from classes are
    numbered.

    ``manager["params"]`` maps ``path.parameter`` to values, and ``manager["frozen"]`` does the same for
    ``frozen_params``. ``manager["states"]`` maps ``path.variable`` to states (after the network is built), and
    ``manager["rngs"]`` maps the path of each module that draws random numbers to the name of its stream. After the
    network is built, values are read from it, and assigning to an entry of ``params`` or ``states`` sets the value in
    the network.
    """

    _built = True
    _otherwise: ClassVar[str] = "is read-only; assign an entry, such as manager['params']['cell/soma.gL'] = 5.0"
    COLLECTIONS: ClassVar[tuple[str, ...]] = ("params", "frozen", "states", "rngs")

    def __init__(self) -> None:
        self._roots: list[Module] = []
        self._named: dict[str, Module] = {}
        self._numbers: dict[str, int] = {}

    @property
    def roots(self) -> tuple[Module, ...]:
        """The root modules."""
        return tuple(self._roots)

    def __getitem__(self, collection: str) -> Collection:
        if not isinstance(collection, str) or collection not in self.COLLECTIONS:
            raise unknown_name("VarManager: no collection", collection, self.COLLECTIONS)
        return Collection(self, collection)

    def __setitem__(self, collection: str, value: Any) -> None:
        raise AssignmentError(
            f"VarManager[{quoted(collection)}] = {shown(value)}: cannot replace a collection; assign its entries, such "
            "as manager['params']['cell/soma.gL'] = 5.0"
        )

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.COLLECTIONS)

    def __iter__(self) -> Iterator[str]:
        return iter(self.COLLECTIONS)

    def __len__(self) -> int:
        return len(self.COLLECTIONS)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(self[c])} {c}" for c in self.COLLECTIONS)
        return f"<VarManager of {', '.join(r.path for r in self._roots) or 'nothing'}: {sizes}>"

    def _adopt(self, root: Module) -> None:
        name = root._name
        if name is not None and self._is_taken(name):
            raise StructureError(f"VarManager: two modules are named {quoted(name)}; rename one of them")
        if name is None:
            from .module import unused

            name = unused(type(root).__name__.lower(), self._is_taken, self._numbers)
            root.__dict__.update(_name=name, _automatic=True)
        self._roots.append(root)
        self._named[name] = root

    def _withdraw(self, root: Module) -> None:
        self._roots[:] = [each for each in self._roots if each is not root]
        self._named = {name: each for name, each in self._named.items() if each is not root}
        self._numbers.clear()

    def _is_taken(self, name: str) -> bool:
        """Return whether a root has this name. The name of a root can change until the root is in a network."""
        root = self._named.get(name)
        # The first root of a manager may have got its name after it was added.
        return (root is not None and root._name == name) or any(r._name == name for r in self._roots[:1])

    def _modules(self) -> Iterator[Module]:
        for root in self._roots:
            yield from root.modules()


class Collection(Fixed, Mapping[str, Any]):
    """The variables of one collection, keyed by path."""

    _built = True
    _otherwise: ClassVar[str] = "is read-only; assign an entry, such as manager['params']['cell/soma.gL'] = 5.0"

    def __init__(self, manager: VarManager, kind: str) -> None:
        self._manager, self._kind = manager, kind

    def _entries(self) -> dict[str, tuple[Module, str]]:
        """Return the module and the name to which each key refers."""
        from .module import has_value

        found: dict[str, tuple[Module, str]] = {}
        for module in self._manager._modules():
            if self._kind in ("params", "frozen"):
                frozen = self._kind == "frozen"
                names = [
                    n for n, v in module._values.items() if (n in module._frozen) == frozen and has_value(module, n, v)
                ]
                found.update({f"{module.path}.{name}": (module, name) for name in names})
            elif self._kind == "rngs" and module._stream() is not None:
                found[module.path] = (module, "")
            elif self._kind == "states" and module._network is not None:
                path = module.path
                found.update({f"{path}.{name}": (module, "") for name in module._network._states_of(path)})
        return found

    def _entry(self, key: str) -> tuple[Module, str]:
        entries = self._entries()
        if not isinstance(key, str) or key not in entries:
            raise unknown_name(f"VarManager: {self._kind}: no entry", key, entries)
        return entries[key]

    def __getitem__(self, key: str) -> Any:
        return self._value(key, *self._entry(key))

    def items(self) -> ItemsView[str, Any]:
        """Return the keys and their values."""
        # Looking up each key separately would traverse all modules every time.
        return {key: self._value(key, *entry) for key, entry in self._entries().items()}.items()

    def values(self) -> ValuesView[Any]:
        """Return the values."""
        return dict(self.items()).values()

    def _value(self, key: str, module: Module, name: str) -> Any:
        if self._kind == "rngs":
            return module._stream()
        if self._kind == "states":
            net = module._network
            return None if net is None else read_only(net._state(key))
        return getattr(module, name)

    def __setitem__(self, key: str, value: Any) -> None:
        module, name = self._entry(key)
        if self._kind == "params":
            setattr(module, name, value)
        elif self._kind == "states" and module._network is not None:
            module._network.set_state({key: value})
        else:
            raise StructureError(
                f"VarManager: {self._kind}: {quoted(key)} is read-only; expected an entry of params or states"
            )

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())

    def __repr__(self) -> str:
        return f"<{self._kind}: {', '.join(self) or 'none'}>"
