"""Compartments and what connects them, as NeurAI's module of that name has them."""

from .....compartment import Compartment, LeakyIF
from .....coupling import MCConn, MCConnSynapse
from .....receptors import AMPA, NMDA
from .....synapse import ConnGen, MCSynapse

__all__ = ["AMPA", "NMDA", "Compartment", "ConnGen", "LeakyIF", "MCConn", "MCConnSynapse", "MCSynapse"]
