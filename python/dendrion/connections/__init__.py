"""Connections between populations: rules, weights, delays and plasticity."""
