"""Gradients: the counterpart of NeurAI's ``neurai.grads``."""

from . import surrogate_grad

__all__ = ["surrogate_grad"]
