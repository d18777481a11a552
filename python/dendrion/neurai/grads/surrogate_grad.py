"""Surrogate derivatives: the counterpart of NeurAI's ``neurai.grads.surrogate_grad``."""

from ...surrogate import Sigmoid

__all__ = ["Sigmoid"]
