"""Multi-compartment neurons, as ``neurai.nn.neuron.multi_compartment`` has them."""

from .compartment import AMPA, NMDA, Compartment, ConnGen, LeakyIF, MCConn, MCConnSynapse, MCSynapse
from .mc_neuron import MCNeuron

__all__ = ["AMPA", "NMDA", "Compartment", "ConnGen", "LeakyIF", "MCConn", "MCConnSynapse", "MCNeuron", "MCSynapse"]
