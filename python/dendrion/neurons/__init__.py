"""Neurons: compartments, receptors, channels and other mechanisms, and integration methods."""
