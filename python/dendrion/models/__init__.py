"""Published neuron models."""

from .ca1 import CA1Pyramidal, ca1_inputs

__all__ = ["CA1Pyramidal", "ca1_inputs"]
