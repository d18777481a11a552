"""Dendrion: networks of multi-compartment spiking neurons.

Units: mV, ms, pF, nS, pA, um, Hz; specific values uF/cm2, uS/cm2, ohm cm. Positive current depolarises.
"""

import importlib
from typing import TYPE_CHECKING

from . import channels, nmodl, optim
from ._core import __version__
from ._suggest import no_attribute
from .active import AdaptiveIF, AdEx, CadIF, DecayingDendriticSpike, DendriticSpike, Izhikevich
from .compartment import Compartment, LeakyIF
from .connectivity import All2All, Connector, FixedIndegree, FixedOutdegree, FixedProb, FixedTotal, One2One
from .coupling import MCConn, MCConnSynapse
from .currents import CurrentGenerator, DCGenerator
from .custom import CustomGenerator
from .equations import Channel, Soma
from .errors import (
    AssignmentError,
    ConnectivityError,
    DelayWarning,
    DendrionError,
    DivergenceError,
    EquationError,
    GradientWarning,
    MemoryLimitError,
    ModelFileError,
    ModelWarning,
    ParameterError,
    ParameterTypeError,
    ResetWarning,
    RoundingWarning,
    StateError,
    StructureError,
    ThresholdWarning,
    TimeStepWarning,
    UnconnectedWarning,
    UndrivenWarning,
    UnitWarning,
    UnknownNameError,
    UnusedWarning,
)
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
    "AssignmentError",
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
    "GradientWarning",
    "Gradients",
    "Initializer",
    "Izhikevich",
    "LeakyIF",
    "LogNormal",
    "MCConn",
    "MCConnSynapse",
    "MCNeuron",
    "MCSynapse",
    "MemoryLimitError",
    "Mismatch",
    "ModelFileError",
    "ModelWarning",
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
    "ResetWarning",
    "RoundingWarning",
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
    "ThresholdWarning",
    "TimeStepWarning",
    "Triangle",
    "TripletSTDP",
    "Truncated",
    "TsodyksMarkram",
    "UnconnectedWarning",
    "UndrivenWarning",
    "Uniform",
    "UnitWarning",
    "UnknownNameError",
    "UnusedWarning",
    "VarManager",
    "WhiteNoise",
    "__version__",
    "channels",
    "export",
    "files",
    "load_recording",
    "nmodl",
    "optim",
    "plot",
]

if TYPE_CHECKING:
    from . import export, files, plot
    from .export import load_recording
else:
    #: What is imported when it is first used, since most programs never do, and the module it is in.
    _LATER = {"export": ".export", "files": ".files", "load_recording": ".export", "plot": ".plot"}

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise no_attribute(f"module {__name__!r}", name, [*__all__, "jax", "models", "torch"])
        module = importlib.import_module(_LATER[name], __name__)
        return getattr(module, name) if name == "load_recording" else module


def __dir__() -> list[str]:
    return sorted(__all__)
