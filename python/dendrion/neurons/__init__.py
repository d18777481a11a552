"""Neurons: compartments, receptors, channels and other mechanisms, and methods of integration."""
