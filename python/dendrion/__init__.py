"""Dendrion: networks of multi-compartment spiking neurons.

Units: mV, ms, pF, nS, pA, um, Hz; specific values uF/cm2, uS/cm2, ohm cm. Positive current depolarises.
"""

from ._core import __version__
from .compartment import Compartment, LeakyIF
from .connectivity import All2All, Connector, FixedIndegree, FixedOutdegree, FixedProb, FixedTotal, One2One
from .coupling import MCConn, MCConnSynapse
from .currents import CurrentGenerator, DCGenerator
from .custom import CustomGenerator
from .errors import (
    ConnectivityError,
    DelayWarning,
    DendrionError,
    DivergenceError,
    ParameterError,
    ParameterTypeError,
    StructureError,
    UnknownNameError,
)
from .generators import BernoulliGenerator, Generator, PoissonGenerator, SpikeGenerator
from .initializers import Constant, Initializer, LogNormal, Normal, Truncated, Uniform
from .matrices import CustomConn
from .methods import SolverMethodODE, SolverMethodSDE
from .module import Module
from .network import Network
from .neuron import MCNeuron, Neuron
from .noise import ConductanceNoise, Noise, OUNoise, WhiteNoise
from .piecewise import Piecewise
from .plasticity import STDP, Plasticity, TripletSTDP, TsodyksMarkram
from .receptors import AMPA, GABA, NMDA, Receptor
from .recording import Recording, SpikeRecording
from .surrogate import Sigmoid
from .synapse import Connections, ConnGen, MCSynapse
from .values import Mismatch
from .variables import Collection, VarManager

__all__ = [
    "AMPA",
    "GABA",
    "NMDA",
    "STDP",
    "All2All",
    "BernoulliGenerator",
    "Collection",
    "Compartment",
    "ConductanceNoise",
    "ConnGen",
    "Connections",
    "ConnectivityError",
    "Connector",
    "Constant",
    "CurrentGenerator",
    "CustomConn",
    "CustomGenerator",
    "DCGenerator",
    "DelayWarning",
    "DendrionError",
    "DivergenceError",
    "FixedIndegree",
    "FixedOutdegree",
    "FixedProb",
    "FixedTotal",
    "Generator",
    "Initializer",
    "LeakyIF",
    "LogNormal",
    "MCConn",
    "MCConnSynapse",
    "MCNeuron",
    "MCSynapse",
    "Mismatch",
    "Module",
    "Network",
    "Neuron",
    "Noise",
    "Normal",
    "OUNoise",
    "One2One",
    "ParameterError",
    "ParameterTypeError",
    "Piecewise",
    "Plasticity",
    "PoissonGenerator",
    "Receptor",
    "Recording",
    "Sigmoid",
    "SolverMethodODE",
    "SolverMethodSDE",
    "SpikeGenerator",
    "SpikeRecording",
    "StructureError",
    "TripletSTDP",
    "Truncated",
    "TsodyksMarkram",
    "Uniform",
    "UnknownNameError",
    "VarManager",
    "WhiteNoise",
    "__version__",
]
