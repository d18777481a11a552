"""Dendrion: networks of multi-compartment spiking neurons.

Units: mV, ms, pF, nS, pA, um, Hz; specific values uF/cm2, uS/cm2, ohm cm. Positive current depolarises.
"""

import importlib
from typing import TYPE_CHECKING

from . import channels, export, nmodl, optim
from ._core import __version__
from .active import AdaptiveIF, AdEx, CadIF, DecayingDendriticSpike, DendriticSpike, Izhikevich
from .compartment import Compartment, LeakyIF
from .connectivity import All2All, Connector, FixedIndegree, FixedOutdegree, FixedProb, FixedTotal, One2One
from .coupling import MCConn, MCConnSynapse
from .currents import CurrentGenerator, DCGenerator
from .custom import CustomGenerator
from .equations import Channel, Soma
from .errors import (
    ConnectivityError,
    DelayWarning,
    DendrionError,
    DivergenceError,
    EquationError,
    ModelFileError,
    ParameterError,
    ParameterTypeError,
    StateError,
    StructureError,
    UnknownNameError,
)
from .export import load_recording
from .generators import BernoulliGenerator, Generator, PoissonGenerator, SpikeGenerator
from .gradients import Gradients, Run
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
from .surrogate import ATan, FastSigmoid, Gaussian, MultiGaussian, Sigmoid, Surrogate, Triangle
from .synapse import Connections, ConnGen, MCSynapse
from .values import Mismatch
from .variables import Collection, VarManager

__all__ = [
    "AMPA",
    "GABA",
    "NMDA",
    "STDP",
    "ATan",
    "AdEx",
    "AdaptiveIF",
    "All2All",
    "BernoulliGenerator",
    "CadIF",
    "Channel",
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
    "DecayingDendriticSpike",
    "DelayWarning",
    "DendrionError",
    "DendriticSpike",
    "DivergenceError",
    "EquationError",
    "FastSigmoid",
    "FixedIndegree",
    "FixedOutdegree",
    "FixedProb",
    "FixedTotal",
    "Gaussian",
    "Generator",
    "Gradients",
    "Initializer",
    "Izhikevich",
    "LeakyIF",
    "LogNormal",
    "MCConn",
    "MCConnSynapse",
    "MCNeuron",
    "MCSynapse",
    "Mismatch",
    "ModelFileError",
    "Module",
    "MultiGaussian",
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
    "Run",
    "Sigmoid",
    "SolverMethodODE",
    "SolverMethodSDE",
    "Soma",
    "SpikeGenerator",
    "SpikeRecording",
    "StateError",
    "StructureError",
    "Surrogate",
    "Triangle",
    "TripletSTDP",
    "Truncated",
    "TsodyksMarkram",
    "Uniform",
    "UnknownNameError",
    "VarManager",
    "WhiteNoise",
    "__version__",
    "channels",
    "export",
    "load_recording",
    "nmodl",
    "optim",
    "plot",
]

if TYPE_CHECKING:
    from . import plot
else:

    def __getattr__(name: str) -> object:
        """Import the plots when they are first used: most programs never do."""
        if name == "plot":
            return importlib.import_module(".plot", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
