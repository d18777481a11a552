"""A network with every kind of module, for tests of saving and loading."""

from __future__ import annotations

import dendrion as dn
import numpy as np
import scipy.sparse
from dendrion import channels


class Pyramidal(dn.MCNeuron):
    def __init__(self, size: int) -> None:
        super().__init__(
            size, V_th=-47.5, V_reset=-53.0, refractory=1.5, area_name="CA1", neuron_start_id=100, dendritic_delay=2
        )
        passive = {"V_rest": -65, "gL": 40, "C": 1, "r_axial": 120}
        self.soma = dn.LeakyIF(size, **passive, length=30, diameter=20, I_ext=np.linspace(0, 50, size))
        self.dends = [dn.Compartment(size, **passive, length=150, diameter=1.2) for _ in range(2)]
        self.axial = [dn.MCConn(self.soma, d) for d in self.dends]
        self.nmda = dn.NMDA(size, g=0.8, t_rise=2.0, t_decay=50.0, scale_g=True, frozen_params={"g": 0.7})
        self.on_dend = dn.MCConnSynapse(self.nmda, self.dends[1])
        self.ampa = dn.AMPA(size, V_rest=-65, gL=2.9, C=58, t_decay=2.0)
        self.neck = dn.MCConn(self.ampa, self.dends[0], g=3.0)
        self.gaba = dn.GABA(size, t_decay=5.0)
        self.on_soma = dn.MCConnSynapse(self.gaba, self.soma)
        self.ka = channels.KA(size, on=self.dends[0])
        self.ka_soma = channels.KA.absolute(size, on=self.soma, g=1.0)
        self.spikes = dn.DendriticSpike(size, on=self.dends[0], g_rise=5.0, g_fall=3.0)
        self.noise = dn.OUNoise(self.soma, sigma=5.0, tau=10.0)


class Adapting(dn.MCNeuron):
    def __init__(self, size: int) -> None:
        super().__init__(
            size,
            V_th=-45.0,
            V_reset=-60.0,
            odemethod=dn.SolverMethodODE.EXP_EULER,
            surrogate_grad_fn=lambda x: 1 / (1 + abs(x)) ** 2,
        )
        self.soma = dn.AdEx(size)
        self.gaba = dn.GABA(size, t_decay=6.0)
        self.attached = dn.MCConnSynapse(self.gaba, self.soma)


class Soft(dn.MCNeuron):
    def __init__(self) -> None:
        super().__init__(2, V_th=1.0, V_reset=None)
        self.soma = dn.LeakyIF(2, V_rest=0.0, I_ext=10.0)


class Circuit(dn.Module):
    """A module that contains populations, so that paths have several parts."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = [Pyramidal(30), Adapting(20)]
        self.soft = Soft()


def build(threads: int = 2, dtype: str = "float64") -> dn.Network:
    rng = np.random.default_rng(0)
    circuit = Circuit()
    cells, adapting = circuit.cells
    noise = dn.PoissonGenerator(50, rate=dn.Piecewise([0, 50], [20.0, 80.0]))
    steps = dn.CurrentGenerator(30, waveform=rng.normal(0, 30, (500, 30)))
    given = dn.SpikeGenerator(30, indices=[0, 5, 6], times=[3.0, 4.0, 9.0])
    dc = dn.DCGenerator(1, amplitude=100.0, stop=40.0)
    sparse = scipy.sparse.random(30, 30, 0.2, random_state=1)
    modules = [
        circuit,
        noise,
        steps,
        given,
        dc,
        dn.MCSynapse(
            noise, (cells.nmda, cells.ampa), dn.FixedProb(0.3), weight=dn.Normal(1.0, 0.2), delay=dn.Uniform(1.0, 3.0)
        ),
        dn.MCSynapse(cells, adapting.gaba, rng.random((30, 20)), delay=1.5, frozen_params={"w": 0.5}),
        dn.MCSynapse(adapting, cells.gaba, dn.FixedOutdegree(5), plasticity=dn.STDP(w_max=5.0), delay=1.0),
        dn.MCSynapse(cells, cells.nmda, sparse, delay=dn.Truncated(dn.Normal(2.0, 0.5), 1.0)),
        dn.MCSynapse(adapting, cells.ampa, dn.FixedTotal(40), weight=lambda pre, post: (pre + post) / 50.0),
        dn.ConnGen(dc, adapting.soma),
        dn.ConnGen(steps, cells.dends[0]),
        dn.ConnGen(given, cells.ampa),
    ]
    net = dn.Network(modules, dt=0.1, seed=7, threads=threads, dtype=dtype)
    net.probe(cells.soma, "V")
    net.probe(cells, "spikes")
    net.probe(adapting, "spikes")
    net.probe(cells.ka, "m", every=1.0, indices=[2, 0])
    return net
