"""Dendrion's classes under NeurAI's module paths: import ``neurai.x.y`` as ``dendrion.neurai.x.y``."""

from . import const, grads, nn

__all__ = ["const", "grads", "nn"]
