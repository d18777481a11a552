"""Networks as PyTorch layers. ``import dendrion.torch`` requires ``torch``, which Dendrion does not install."""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise ImportError("dendrion.torch requires PyTorch; install it with: pip install torch") from error

from ._layer import Layer
from ._state import State

__all__ = ["Layer", "State"]
