"""The ``state_dict`` of a layer, with physical values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ._constraints import Constrained
from ._tensors import name_of

__all__ = ["Saved"]


class Saved(Constrained):
    """The part of a layer that saves and loads its parameters."""

    #: Version of the ``state_dict`` layout: version 1 had unconstrained values, version 2 has physical values.
    _version = 2
    keys: list[str]

    def values(self) -> dict[str, torch.Tensor]:
        """Return the physical values of the parameters in the network (mV, nS, weights), keyed by parameter."""
        return {key: self._value(key, self._parameter(key)) for key in self.keys}

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)  # type: ignore[no-untyped-call]
        for key, value in self.values().items():
            destination[prefix + name_of(key)] = value if keep_vars else value.detach().clone()

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        version = local_metadata.get("version")
        if version is not None and version != self._version:
            error_msgs.append(
                f"{prefix}: the state_dict has version {version} of dendrion.torch.Layer, with scaled values; this "
                f"Dendrion reads version {self._version}, with physical values"
            )
            return
        given, loaded = dict(state_dict), {}
        for key in self.keys:
            name, parameter = prefix + name_of(key), self._parameter(key)
            value = given.get(name)
            if not isinstance(value, torch.Tensor) or value.shape != parameter.shape:
                continue
            if value.is_meta:
                continue
            refused = self._refused(key, value)
            if refused:
                error_msgs.append(f"{prefix}{refused}")
                given[name] = parameter.detach()
                continue
            loaded[key] = value.detach()
            given[name] = self._free(key, value.detach().to(torch.float64)).to(value.dtype)
        super()._load_from_state_dict(  # type: ignore[no-untyped-call]
            given, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        for key, value in loaded.items():
            self._start(key, value)
