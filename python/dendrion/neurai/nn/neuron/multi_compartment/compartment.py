"""Compartments and connections: the counterpart of NeurAI's module ``compartment``."""

from .....connections.synapse import ConnGen, MCSynapse
from .....neurons.compartment import Compartment, LeakyIF
from .....neurons.coupling import MCConn, MCConnSynapse
from .....neurons.receptors import AMPA, NMDA

__all__ = ["AMPA", "NMDA", "Compartment", "ConnGen", "LeakyIF", "MCConn", "MCConnSynapse", "MCSynapse"]
