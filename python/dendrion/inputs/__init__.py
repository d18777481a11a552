"""Inputs: generators of spikes and currents, and noise."""
