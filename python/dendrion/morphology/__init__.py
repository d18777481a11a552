"""Shapes of neurons: morphologies from files or cylinders, regions, locations, and division into control volumes."""

from .cvs import CVs, DLambda, MaxLength, PerSection
from .morphology import Morphology, Section
from .places import Location, Region

__all__ = ["CVs", "DLambda", "Location", "MaxLength", "Morphology", "PerSection", "Region", "Section"]
