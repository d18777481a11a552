"""Published neurons, ready to use."""

from .ca1 import CA1Pyramidal, ca1_inputs

__all__ = ["CA1Pyramidal", "ca1_inputs"]
