"""Multi-compartment neurons: the counterpart of NeurAI's ``neurai.nn.neuron.multi_compartment``."""

from .compartment import AMPA, NMDA, Compartment, ConnGen, LeakyIF, MCConn, MCConnSynapse, MCSynapse
from .mc_neuron import MCNeuron

__all__ = ["AMPA", "NMDA", "Compartment", "ConnGen", "LeakyIF", "MCConn", "MCConnSynapse", "MCNeuron", "MCSynapse"]
