"""Dendrion: networks of multi-compartment spiking neurons.

Units are mV, ms, pF, nS, pA, um and Hz; values per area are in uF/cm2 and uS/cm2. Positive currents depolarize.
"""

import importlib
from typing import TYPE_CHECKING

from . import channels, nmodl, optim
from ._core import __version__
from ._suggest import no_attribute
from .connections.connectivity import All2All, Connector, FixedIndegree, FixedOutdegree, FixedProb, FixedTotal, One2One
from .connections.initializers import Constant, Initializer, LogNormal, Normal, Truncated, Uniform
from .connections.matrices import CustomConn
from .connections.plasticity import STDP, Plasticity, TripletSTDP, TsodyksMarkram
from .connections.synapse import Connections, ConnGen, MCSynapse
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
    MorphologyError,
    ParameterError,
    ParameterTypeError,
    ResetWarning,
    ResourceError,
    RoundingWarning,
    RunError,
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
from .inputs.currents import CurrentGenerator, DCGenerator
from .inputs.custom import CustomGenerator
from .inputs.generators import BernoulliGenerator, Generator, PoissonGenerator, SpikeGenerator
from .inputs.noise import ConductanceNoise, Noise, OUNoise, WhiteNoise
from .inputs.piecewise import Piecewise
from .modules.module import Module
from .modules.variables import Collection, VarManager
from .morphology import DLambda, Location, MaxLength, Morphology, PerSection, Region
from .neurons.active import AdaptiveIF, AdEx, CadIF, DecayingDendriticSpike, DendriticSpike, Izhikevich
from .neurons.cable.clamp import VoltageClamp
from .neurons.cable.ion import Ion
from .neurons.cable.neuron import CableNeuron
from .neurons.cable.sites import Site
from .neurons.compartment import Compartment, LeakyIF
from .neurons.coupling import MCConn, MCConnSynapse
from .neurons.equations import Channel, Soma
from .neurons.mc_neuron import MCNeuron
from .neurons.methods import SolverMethodODE, SolverMethodSDE
from .neurons.neuron import Neuron
from .neurons.receptors import AMPA, GABA, NMDA, CurrentReceptor, Receptor
from .recordings.recording import Recording, SpikeRecording
from .simulation.network import Network
from .simulation.values import Mismatch
from .surrogate import ATan, EventProp, FastSigmoid, Gaussian, MultiGaussian, Sigmoid, Surrogate, Triangle
from .training._filters import Filtered
from .training.gradients import Gradients, Run

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
    "CableNeuron",
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
    "CurrentReceptor",
    "CustomConn",
    "CustomGenerator",
    "DCGenerator",
    "DLambda",
    "DecayingDendriticSpike",
    "DelayWarning",
    "DendrionError",
    "DendriticSpike",
    "DivergenceError",
    "EquationError",
    "EventProp",
    "FastSigmoid",
    "Filtered",
    "FixedIndegree",
    "FixedOutdegree",
    "FixedProb",
    "FixedTotal",
    "Gaussian",
    "Generator",
    "GradientWarning",
    "Gradients",
    "Initializer",
    "Ion",
    "Izhikevich",
    "LeakyIF",
    "Location",
    "LogNormal",
    "MCConn",
    "MCConnSynapse",
    "MCNeuron",
    "MCSynapse",
    "MaxLength",
    "MemoryLimitError",
    "Mismatch",
    "ModelFileError",
    "ModelWarning",
    "Module",
    "Morphology",
    "MorphologyError",
    "MultiGaussian",
    "Network",
    "Neuron",
    "Noise",
    "Normal",
    "OUNoise",
    "One2One",
    "ParameterError",
    "ParameterTypeError",
    "PerSection",
    "Piecewise",
    "Plasticity",
    "PoissonGenerator",
    "Receptor",
    "Recording",
    "Region",
    "ResetWarning",
    "ResourceError",
    "RoundingWarning",
    "Run",
    "RunError",
    "Sigmoid",
    "Site",
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
    "VoltageClamp",
    "WhiteNoise",
    "__version__",
    "channels",
    "export",
    "files",
    "init",
    "load_recording",
    "nmodl",
    "optim",
    "plot",
]

if TYPE_CHECKING:
    from . import export, files, init, plot
    from .export import load_recording
else:
    #: Names that are imported on first use, because most programs do not need them, with the modules that provide them.
    _LATER = {"export": ".export", "files": ".files", "init": ".init", "load_recording": ".export", "plot": ".plot"}

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise no_attribute(f"module {__name__!r}", name, [*__all__, "jax", "models", "torch"])
        module = importlib.import_module(_LATER[name], __name__)
        return getattr(module, name) if name == "load_recording" else module


def __dir__() -> list[str]:
    return sorted(__all__)
