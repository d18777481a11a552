"""Detailed cells: neurons whose compartments are the control volumes of a morphology."""
