"""Gradients, and what the layers for PyTorch and JAX share."""
