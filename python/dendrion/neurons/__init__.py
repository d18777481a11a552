"""Neurons: compartments, receptors, channels and other mechanisms, and how they are integrated."""
