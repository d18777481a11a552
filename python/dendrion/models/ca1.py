"""CA1 pyramidal cell with nine compartments.

Pagkalos, Chavlis & Poirazi, "Introducing the Dendrify framework for incorporating dendrites to spiking neural
networks", Nature Communications 14:131 (2023), Fig. 4. Dendritic spikes are optional.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..connections.connectivity import One2One
from ..connections.synapse import MCSynapse
from ..inputs.generators import PoissonGenerator
from ..modules.module import Module
from ..neurons.active import DendriticSpike
from ..neurons.compartment import Compartment, LeakyIF
from ..neurons.coupling import MCConn, MCConnSynapse
from ..neurons.mc_neuron import MCNeuron
from ..neurons.receptors import AMPA, NMDA

__all__ = ["COUPLINGS", "DENDRITES", "INPUTS", "CA1Pyramidal", "ca1_inputs"]

#: Specific membrane constants (mV, uS/cm2, uF/cm2, ohm cm), the same for all compartments.
MEMBRANE: dict[str, Any] = {"V_rest": -65.0, "gL": 40.0, "C": 1.0, "r_axial": 120.0}
#: Area factors of the soma and of dendrites; the factor 1.5 accounts for spines.
SOMA_AREA, DENDRITE_AREA = 2.9, 2.9 * 1.5


class Dendrite(NamedTuple):
    """A dendritic compartment: its length and diameter (um), and the conductances of its receptors (nS)."""

    length: float
    diameter: float
    ampa: float | None = None
    nmda: float | None = None


DENDRITES = {
    "prox": Dendrite(100.0, 2.0, 0.6, 0.4),
    "ob1": Dendrite(100.0, 1.0, 0.6, 0.4),
    "ob2": Dendrite(100.0, 1.0, 0.6, 0.4),
    "med": Dendrite(150.0, 1.25, 0.81, 0.4),
    "dist1": Dendrite(150.0, 0.8, 0.81, 0.81),
    "dist2": Dendrite(150.0, 0.8, 0.81, 0.81),
    "bas1": Dendrite(150.0, 0.8),
    "bas2": Dendrite(150.0, 0.8),
}

#: Axial conductances (nS); ``None`` computes them from the geometry (half cylinders).
COUPLINGS = {
    ("soma", "bas1"): 3.8,
    ("soma", "bas2"): 3.8,
    ("soma", "prox"): 22.0,
    ("prox", "ob1"): None,
    ("prox", "ob2"): None,
    ("prox", "med"): None,
    ("med", "dist1"): None,
    ("med", "dist2"): None,
}

#: Rate (Hz) of the input to each compartment: from the entorhinal cortex (EC) to distal dendrites, and from CA3 to
#: oblique and medial dendrites.
INPUTS = {"dist1": 82.0, "dist2": 82.0, "ob1": 120.0, "ob2": 120.0, "med": 120.0}


#: Conductances of dendritic spikes (rise and fall, nS) per pF of a dendrite. The paper lists no values for this cell;
#: these are from an example by the same authors: a pyramidal cell with active dendrites (22 and 14 nS; trunk of 33 pF).
SPIKE_RISE, SPIKE_FALL = 22.0 / 32.98672, 14.0 / 32.98672


class CA1Pyramidal(MCNeuron):
    """A population of CA1 pyramidal cells.

    The compartments are ``soma``, ``prox``, ``ob1``, ``ob2``, ``med``, ``dist1``, ``dist2``, ``bas1``, ``bas2``.
    Receptors are named after their compartment (``dist1_ampa``, ``dist1_nmda``), and couplings after both compartments
    (``soma_prox``).

    Parameters
    ----------
    size : int
        Number of cells.
    name : str, optional
        Name of the population.
    couplings : dict, optional
        Axial conductance (nS) of each pair of compartments, or ``None`` to compute it from the geometry (half
        cylinders). Defaults to the values in the paper.
    dendritic_spikes : bool
        Whether ``prox`` and the dendrites that receive input generate dendritic spikes
        ([DendriticSpike][dendrion.DendriticSpike], named ``prox_spike`` and so on), with conductances proportional to
        their capacitance.
    """

    def __init__(
        self,
        size: int = 1,
        name: str | None = None,
        *,
        couplings: Mapping[tuple[str, str], float | None] = MappingProxyType(COUPLINGS),
        dendritic_spikes: bool = False,
    ) -> None:

        super().__init__(size, V_th=-47.5, V_reset=-53.0, name=name)
        self.soma = LeakyIF(size, length=30, diameter=20, area_factor=SOMA_AREA, **MEMBRANE)
        for part, dendrite in DENDRITES.items():
            self._dendrite(part, dendrite)
            if dendritic_spikes and dendrite.ampa is not None:
                self._spiking(part, dendrite)
        for (a, b), g in couplings.items():
            setattr(self, f"{a}_{b}", MCConn(getattr(self, a), getattr(self, b), g))

    def _dendrite(self, part: str, dendrite: Dendrite) -> None:
        geometry: dict[str, Any] = {
            "length": dendrite.length,
            "diameter": dendrite.diameter,
            "area_factor": DENDRITE_AREA,
        }
        compartment = Compartment(self.size, **geometry, **MEMBRANE)
        setattr(self, part, compartment)
        if dendrite.ampa is None or dendrite.nmda is None:
            return
        ampa = AMPA(self.size, g=dendrite.ampa, t_decay=2.5)
        nmda = NMDA(self.size, g=dendrite.nmda, t_decay=50.0, alpha=0.087, beta=3.57, gamma=10.0, Mg=1.0)
        setattr(self, f"{part}_ampa", ampa)
        setattr(self, f"{part}_nmda", nmda)
        setattr(self, f"{part}_ampa_on", MCConnSynapse(ampa, compartment))
        setattr(self, f"{part}_nmda_on", MCConnSynapse(nmda, compartment))

    def _spiking(self, part: str, dendrite: Dendrite) -> None:
        # 1 uF/cm2 um2 = 1e-2 pF
        capacitance = 1e-2 * MEMBRANE["C"] * math.pi * dendrite.length * dendrite.diameter * DENDRITE_AREA
        g = {"g_rise": SPIKE_RISE * capacitance, "g_fall": SPIKE_FALL * capacitance}
        setattr(self, f"{part}_spike", DendriticSpike(self.size, getattr(self, part), **g))


def ca1_inputs(cells: CA1Pyramidal) -> list[Module]:
    """Create the input of the paper's population study: five independent Poisson inputs per cell.

    ``dist1`` and ``dist2`` each receive spikes at 82 Hz (EC), and ``ob1``, ``ob2`` and ``med`` each receive spikes at
    120 Hz (CA3). The AMPA and NMDA receptors of a compartment receive the same spikes. Returns the generators and
    connections, which you must add to the network.
    """
    modules: list[Module] = []
    for part, rate in INPUTS.items():
        source = PoissonGenerator(cells.size, rate=rate, name=f"to_{part}", parent=None)
        receptors = (getattr(cells, f"{part}_ampa"), getattr(cells, f"{part}_nmda"))
        modules += [source, MCSynapse(source, receptors, One2One(), name=f"{part}_input", parent=None)]
    return modules
