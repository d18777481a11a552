"""NeurAI's module paths: ``neurai.x.y`` is ``dendrion.neurai.x.y``. What they hold is Dendrion's own."""

from . import const, grads, nn

__all__ = ["const", "grads", "nn"]
