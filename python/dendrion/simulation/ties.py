"""Tied parameters: one value that several keys share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .. import _core
from .._checks._warn import warn
from .._quoted import quoted
from .._suggest import unknown_name
from ..connections.synapse import MCSynapse
from ..errors import ModelWarning, ParameterError, ParameterTypeError, StructureError
from ..inputs.generators import Generator
from ..modules.module import Module
from ..training._sharing import NetworkSharing
from ..training.selection import is_pattern, listed_keys, matching

__all__ = ["NetworkTies"]


class NetworkTies(NetworkSharing):
    """Methods for tying parameters.

    The engine stores the value of each key. Whenever one of them is set, the network also sets the others.
    """

    _sim: _core.Simulation
    _owners: dict[str, tuple[Module, str]]
    #: For each tied key, all keys that share its value. Under the first one, the value is a parameter of the network.
    _tied: dict[str, tuple[str, ...]]

    def _frozen_keys(self) -> set[str]:
        raise NotImplementedError

    def _unit_of(self, key: str) -> str:
        raise NotImplementedError

    @property
    def ties(self) -> tuple[tuple[str, ...], ...]:
        """Groups of keys that share one value, as passed to ``tie``."""
        return tuple(dict.fromkeys(self._tied.values()))

    def tie(self, keys: Iterable[str]) -> None:
        """Make several parameters share one value: that of the first parameter.

        If you set the value of one key, all of them change. ``parameters()`` and gradients contain the value once,
        under the first key; its gradient is the sum of the gradients of all keys. Optimizers and layers created
        afterwards therefore train it as a single parameter. ``state_dict()`` contains all keys.

        Model files and saved states contain the values, but not the ties. Call
        ``tie`` again after ``Network.load``.

        Parameters
        ----------
        keys : list of str
            Keys of at least two parameters, or patterns such as ``"*.gL"``. They must have the same unit and shape.

        Raises
        ------
        ParameterError, StructureError
            If the parameters cannot share a value: they differ in unit or shape, are frozen, belong to a generator,
            are weights that plasticity changes, or are already tied.

        Example
        -------
        ``net.tie(["left/soma.gL", "right/soma.gL"])``
        """
        found = self._ties_of(keys)
        shapes = {key: np.shape(value) for key, value in self._all_values().items() if key in found}
        first = found[0]
        for key in found:
            self._check_tie(key)
            if self._unit_of(key) != self._unit_of(first):
                here, there = (self._unit_of(k) or "1" for k in (key, first))
                raise ParameterError(f"network: tie: {key} ({here}) and {first} ({there}): expected equal units")
            if shapes[key] != shapes[first]:
                raise ParameterError(
                    f"network: tie: {key}: has shape {shapes[key]}, but {first} has shape {shapes[first]}; expected "
                    "equal shapes"
                )
        value = self._all_values()[first]
        self._set(dict.fromkeys(found, value))
        self._tied.update(dict.fromkeys(found, found))

    def untie(self, key: str) -> None:
        """Remove the tie that contains a key. All of its parameters keep their current values."""
        if not isinstance(key, str) or key not in self._tied:
            raise unknown_name("network: untie: no tied parameter", key, self._tied)
        for tied in self._tied[key]:
            del self._tied[tied]

    def _all_values(self) -> dict[str, Any]:
        raise NotImplementedError

    def _ties_of(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Return the keys that the arguments of ``tie`` select."""
        known, found = self._sim.parameter_names(), []
        for text in listed_keys("network: tie: keys", keys):
            matched = matching(text, known) if text in known or is_pattern(text) else []
            if not matched:
                raise unknown_name("network: tie: no parameter", text, known)
            found += matched
        unique = tuple(dict.fromkeys(found))
        if len(unique) < 2:
            raise ParameterTypeError(f"network: tie: keys = {quoted(keys)}: expected at least two parameters")
        return unique

    def _check_tie(self, key: str) -> None:
        """Raise an error if a parameter cannot be tied."""
        module, name = self._owners.get(key, (None, ""))
        if key in self._tied:
            raise StructureError(
                f"network: tie: {key}: is already tied to {', '.join(k for k in self._tied[key] if k != key)}; call "
                "net.untie first"
            )
        if key in self._frozen_keys():
            raise ParameterError(f"network: tie: {key}: is frozen; expected a parameter that is not in frozen_params")
        if isinstance(module, Generator):
            raise StructureError(f"network: tie: {key}: parameters of generators cannot be tied")
        if (
            isinstance(module, MCSynapse)
            and name == "w"
            and module.plasticity is not None
            and module.plasticity._learns
        ):
            raise StructureError(f"network: tie: {key}: plastic weights cannot be tied")

    def _together(self, key: str) -> tuple[str, ...]:
        """Return all keys that share the value of a key."""
        return self._tied.get(key, (key,))

    def _is_repeated(self, key: str) -> bool:
        """Return whether a value is a parameter of the network under another key."""
        return key in self._tied and self._tied[key][0] != key

    def _with_tied(self, converted: Mapping[str, Any]) -> dict[str, Any]:
        """Return values for all keys of the ties that a change affects, or raise an error if the values differ."""
        if not self._tied:
            return dict(converted)
        found = dict(converted)
        for key, value in converted.items():
            for other in self._together(key):
                if other in converted and not np.array_equal(converted[other], value):
                    raise ParameterError(
                        f"{other}: is tied to {key}, but the new values differ; pass the value once, or equal values"
                    )
                found[other] = value
        return found

    def _tie_again(self) -> None:
        """Restore ties after values were loaded from a state of a network in which they differed."""
        for keys in self.ties:
            values = [self._sim.parameter(key) for key in keys]
            if not all(np.array_equal(values[0], value) for value in values):
                self._sim.set_parameters(dict.fromkeys(keys, values[0]))
                warn(
                    f"network: load_state: {', '.join(keys)} are tied, but their values in the file differ; all "
                    f"of them now have the value of {keys[0]}",
                    ModelWarning,
                )
