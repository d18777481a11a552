"""NeurAI's module paths: ``neurai.x.y`` becomes ``dendrion.neurai.x.y``. The classes are Dendrion's own."""

from . import const, grads, nn

__all__ = ["const", "grads", "nn"]
