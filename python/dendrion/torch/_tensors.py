"""Conversion of tensors, and names of parameters."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import ParameterTypeError, RunError

__all__ = ["array_of", "check_tensor", "name_of"]

#: Replacement for the dots in parameter keys, because PyTorch does not allow dots in parameter names.
DOT = ":"


def name_of(key: str) -> str:
    """Return the name of a parameter in a layer."""
    return key.replace(".", DOT)


def check_tensor(name: str, tensor: object) -> None:
    """Raise an error unless the argument is a tensor of real numbers."""
    if not isinstance(tensor, torch.Tensor):
        raise ParameterTypeError(f"Layer: {name} = {type(tensor).__name__}: expected a torch.Tensor")
    if tensor.is_complex():
        raise ParameterTypeError(f"Layer: {name} = tensor of {tensor.dtype}: expected real numbers")


def array_of(name: str, tensor: torch.Tensor) -> NDArray[np.float64]:
    """Return the values of a tensor as an array that may share its memory."""
    if tensor.is_meta:
        raise RunError(
            f"Layer: {name} is on the device 'meta', which stores no values; load values first, for example with "
            "load_state_dict(..., assign=True)"
        )
    return np.asarray(tensor.detach().to("cpu", torch.float64).numpy(), dtype=np.float64)
