"""Compatible with ``neurai.grads``."""

from . import surrogate_grad

__all__ = ["surrogate_grad"]
