"""Selection of parameters by key, by shell-style pattern, or by the name of a group."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from .._quoted import quoted
from .._suggest import hint, nearest
from ..connections.synapse import ConnGen, MCSynapse
from ..errors import ParameterError, ParameterTypeError, UnknownNameError

if TYPE_CHECKING:
    from ..simulation.network import Network

__all__ = ["GROUPS", "chosen", "connection_weights", "is_pattern", "listed_keys", "matching"]

#: Units of conductances. On membranes with a geometry, the unit is followed by a remark.
_CONDUCTANCES = ("nS", "uS/cm2")


def listed_keys(what: str, keys: Iterable[str]) -> list[str]:
    """Return parameter keys as a list."""
    if isinstance(keys, str):
        return [keys]
    if not isinstance(keys, Iterable):
        raise ParameterTypeError(f"{what} = {quoted(keys)}: expected a list of parameter keys")
    try:
        found = list(keys)
    except Exception:
        # Zero-dimensional arrays and sparse matrices have an `__iter__` that fails.
        raise ParameterTypeError(f"{what} = {quoted(keys)}: expected a list of parameter keys") from None
    for key in found:
        if not isinstance(key, str):
            raise ParameterTypeError(f"{what}: {quoted(key)}: expected parameter keys (strings)")
    return found


def connection_weights(net: Network, keys: Iterable[str]) -> list[str]:
    """Return the keys that are weights of connections, not including the ``w`` of receptors."""
    return [
        key
        for path, _, name in (key.rpartition(".") for key in keys)
        if name == "w" and isinstance(net._by_path.get(path), (MCSynapse, ConnGen))
        for key in (f"{path}.{name}",)
    ]


def _time_constants(net: Network, keys: Iterable[str]) -> list[str]:
    named = ((key, key.rpartition(".")[2]) for key in keys)
    return [
        key for key, name in named if (name.startswith("t_") or "tau" in name.lower()) and net._unit_of(key) == "ms"
    ]


def _conductances(net: Network, keys: Iterable[str]) -> list[str]:
    return [key for key in keys if net._unit_of(key).partition(" ")[0] in _CONDUCTANCES]


def _thresholds(net: Network, keys: Iterable[str]) -> list[str]:
    return [key for key in keys if key.rpartition(".")[2] == "V_th"]


#: The parameters of each group. No group contains V_rest and C: a change of V_rest has the effect of a constant
#: current, and scaling C, all conductances and all currents by the same factor does not change V.
GROUPS: dict[str, Callable[[Network, Iterable[str]], list[str]]] = {
    "weights": connection_weights,
    "time constants": _time_constants,
    "conductances": _conductances,
    "thresholds": _thresholds,
}


def is_pattern(text: str) -> bool:
    """Return whether a text contains wildcards."""
    return any(letter in text for letter in "*?[")


def matching(pattern: str, keys: Iterable[str]) -> list[str]:
    """Return the keys that equal or match a pattern. ``*`` also matches ``/`` and ``.``."""
    keys = list(keys)
    return [pattern] if pattern in keys else [key for key in keys if fnmatch.fnmatchcase(key, pattern)]


def chosen(what: str, net: Network, text: str, keys: Sequence[str], excluded: str) -> list[str]:
    """Return the keys that a pattern or the name of a group selects, or raise an error if it selects none.

    Parameters
    ----------
    what : str
        The beginning of error messages.
    net : Network
        The network that has the parameters.
    text : str
        The pattern or the name of a group.
    keys : list of str
        The keys among which to select.
    excluded : str
        Why other parameters of the network are not among ``keys``, such as ``"frozen"``, for error messages.
    """
    known = net._sim.parameter_names()
    group = GROUPS.get(text)
    found = matching(text, keys) if group is None else group(net, keys)
    if found:
        return found
    others = matching(text, known) if group is None else group(net, known)
    if others:
        verb = "are" if len(others) > 1 else "is"
        raise ParameterError(f"{what}: {quoted(text)} matches only {_few(others)}, which {verb} {excluded}")
    if group is not None:
        raise UnknownNameError(
            f"{what}: the network has no parameters of the group {quoted(text)}", name=text, known=keys
        )
    raise UnknownNameError(f"{what}: {quoted(text)} matches no parameter{_nearest(text, keys)}", name=text, known=keys)


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown


def _nearest(pattern: str, keys: Sequence[str]) -> str:
    """Return a hint with the keys that are most similar to a pattern without matches."""
    # The name behind the last dot is compared first, because patterns usually consist of it and of wildcards.
    path, _, name = pattern.rpartition(".")
    meant = nearest(name, dict.fromkeys(key.rpartition(".")[2] for key in keys)) if path and name else None
    if meant:
        corrected = matching(f"{path}.{meant}", keys)
        similar = corrected or [key for key in keys if key.rpartition(".")[2] == meant]
        return f"; did you mean {quoted(f'{path}.{meant}') if corrected else _few(similar)}?"
    return hint(pattern.replace("*", ""), [*keys, *GROUPS])
