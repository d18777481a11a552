"""Gradients, and the code shared by the PyTorch and JAX interfaces."""
