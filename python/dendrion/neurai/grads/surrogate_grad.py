"""Surrogate derivatives, under the path ``neurai.grads.surrogate_grad``."""

from ...surrogate import Sigmoid

__all__ = ["Sigmoid"]
