"""Derivatives of spikes, as ``neurai.grads.surrogate_grad`` has them."""

from ...surrogate import Sigmoid

__all__ = ["Sigmoid"]
