"""NeurAI's module paths contain Dendrion's own classes."""

import importlib
import json
from pathlib import Path

import dendrion as dn
import pytest

SEED = json.loads((Path(__file__).parent / "signatures.json").read_text())


@pytest.mark.parametrize("name", SEED)
def test_the_seeds_paths(name):
    place = "mc_neuron" if name == "MCNeuron" else "compartment"
    module = importlib.import_module(f"dendrion.neurai.nn.neuron.multi_compartment.{place}")
    assert getattr(module, name) is getattr(dn, name)


def test_other_paths():
    from dendrion.neurai.const import SolverMethodODE, SolverMethodSDE
    from dendrion.neurai.grads.surrogate_grad import Sigmoid
    from dendrion.neurai.nn.connector import CustomConn, FixedIndegree
    from dendrion.neurai.nn.generator import BernoulliGenerator, CustomGenerator
    from dendrion.neurai.nn.module import Module, VarManager, _Sentinel

    for found in (
        SolverMethodODE,
        SolverMethodSDE,
        Sigmoid,
        CustomConn,
        FixedIndegree,
        BernoulliGenerator,
        CustomGenerator,
    ):
        assert found is getattr(dn, found.__name__)
    assert Module is dn.Module
    assert VarManager is dn.VarManager
    import inspect

    assert isinstance(inspect.signature(dn.MCNeuron).parameters["parent"].default, _Sentinel)


def test_a_user_moves_over_by_changing_an_import():
    from dendrion.neurai.nn.neuron.multi_compartment.compartment import (
        NMDA,
        Compartment,
        LeakyIF,
        MCConn,
        MCConnSynapse,
    )
    from dendrion.neurai.nn.neuron.multi_compartment.mc_neuron import MCNeuron

    class Pyramidal(MCNeuron):
        def __init__(self, size, name=None):
            super().__init__(size, V_th=-40.0, V_reset=-50.0, name=name)
            self.soma = LeakyIF(size=size, V_rest=-60.0, gL=40, C=1, length=25, diameter=25, r_axial=150, I_ext=300.0)
            self.dend = Compartment(size=size, V_rest=-60.0, gL=40, C=1, length=50, diameter=1, r_axial=150)
            self.axial = MCConn(pre=self.soma, post=self.dend)
            self.nmda = NMDA(size=size, g=0.1, t_rise=2.0, t_decay=60.0, scale_g=True)
            self.nmda_dend = MCConnSynapse(pre=self.nmda, post=self.dend)

    net = dn.Network([cells := Pyramidal(3, name="cells")])
    spikes = net.probe(cells, "spikes")
    net.run(200.0)
    assert len(spikes) > 3
