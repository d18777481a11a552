"""Networks with many kinds of state. As a script, this module continues from a saved state in a new process."""

from __future__ import annotations

import sys

import dendrion as dn
import numpy as np
from dendrion import channels

SIZE = 140


class Learners(dn.MCNeuron):
    """Noisy neurons with two receptors and a dendritic delay."""

    def __init__(self):
        delays = np.arange(SIZE) % 4 + 1
        super().__init__(SIZE, V_th=-52.0, V_reset=-60.0, refractory=1.0, dendritic_delay=delays, name="cells")
        self.soma = dn.LeakyIF(SIZE, V_rest=-65.0, C=100.0, gL=5.0)
        self.dend = dn.Compartment(SIZE, V_rest=-65.0, C=40.0, gL=2.0)
        self.axial = dn.MCConn(self.soma, self.dend, 8.0)
        self.ampa = dn.AMPA(SIZE, g=0.4, t_decay=4.0)
        self.nmda = dn.NMDA(SIZE, g=0.3, t_rise=2.0, t_decay=40.0, scale_g=True)
        self.gaba = dn.GABA(SIZE, g=0.3, t_decay=8.0)
        self.on = [
            dn.MCConnSynapse(r, c) for r, c in ((self.ampa, self.dend), (self.nmda, self.dend), (self.gaba, self.soma))
        ]
        self.noises = [
            dn.OUNoise(self.soma, 30.0, 5.0, 20.0),
            dn.ConductanceNoise(self.dend, 1.0),
            dn.WhiteNoise(self.dend, 20.0),
        ]


def learning(**settings):
    """Return a network with pair-based and triplet STDP, and with delays that are partly dendritic."""
    cells = Learners()
    noise = dn.PoissonGenerator(60, rate=dn.Piecewise([0.0, 30.0, 60.0], [80.0, 160.0, 50.0]), name="noise")
    delay, rule = dn.Uniform(0.4, 3.0), dn.FixedProb(0.08, autapses=False)
    stdp, triplet = dn.STDP(lambda_=0.01, w_max=2.0), dn.TripletSTDP(w_max=2.0)
    beat = dn.TsodyksMarkram(tau_fac=80.0)
    synapses = [
        dn.MCSynapse(noise, (cells.ampa, cells.nmda), dn.FixedIndegree(8), weight=dn.Uniform(0.3, 1.0), name="in"),
        dn.MCSynapse(noise, cells.ampa, dn.FixedOutdegree(9), delay=delay, plasticity=triplet, name="in_learnt"),
        dn.MCSynapse(noise, cells.ampa, dn.FixedIndegree(3), weight=0.5, plasticity=beat, name="beat"),
        dn.MCSynapse(cells, cells.ampa, rule, weight=dn.Uniform(0.1, 0.6), delay=delay, plasticity=stdp, name="learnt"),
        dn.MCSynapse(cells, cells.gaba, dn.FixedTotal(900, multi_conn=True), weight=0.3, delay=1.3, name="inhibition"),
    ]
    return dn.Network([cells, noise, *synapses], seed=7, **settings)


class Spiky(dn.MCNeuron):
    """A neuron with both kinds of dendritic spikes, an adaptive soma with a two-stage reset, and channels."""

    def __init__(self):
        super().__init__(SIZE, V_th=-48.0, V_reset=-60.0, V_spike=20.0, spike_width=0.5, refractory=2.0, name="cells")
        rng = np.random.default_rng(1)
        self.soma = dn.AdaptiveIF(SIZE, V_rest=-68.0, gL=12.0, C=150.0, b=rng.uniform(10, 60, SIZE), I_ext=120.0)
        self.dends = [dn.Compartment(SIZE, V_rest=-68.0, gL=3.0, C=50.0) for _ in range(2)]
        self.axial = [dn.MCConn(self.soma, d, g=8.0) for d in self.dends]
        strength = rng.uniform(20, 40, SIZE)
        self.spike = dn.DendriticSpike(SIZE, self.dends[0], g_rise=strength, g_fall=12.0, V_th=-45.0)
        self.decaying = dn.DecayingDendriticSpike(SIZE, self.dends[1], g_rise=strength, g_fall=9.0, V_th=-45.0)
        self.ka = channels.KA.absolute(SIZE, self.dends[0], g=3.0)
        self.km = channels.KM.absolute(SIZE, self.soma, g=5.0)
        self.ampa = [dn.AMPA(SIZE, g=2.0, t_decay=3.0) for _ in self.dends]
        self.on = [dn.MCConnSynapse(a, d) for a, d in zip(self.ampa, self.dends, strict=True)]


def events(**settings):
    """Return a network whose neurons have events with durations, delays and refractory periods."""
    cells = Spiky()
    source = dn.PoissonGenerator(40, rate=60.0, name="noise")
    onto = [dn.MCSynapse(source, a, dn.FixedProb(0.3), weight=1.0, name=f"s{i}") for i, a in enumerate(cells.ampa)]
    back = dn.MCSynapse(cells, cells.ampa[0], dn.FixedIndegree(10), weight=0.5, delay=1.5, name="back")
    return dn.Network([cells, source, *onto, back], seed=2, **settings)


def chance(t):
    """Return spikes that depend only on the times, no matter how often the function is called."""
    steps = np.rint(t / 0.1).astype(np.int64)
    return (steps[:, None] * np.array([7919, 104729]) % 211) % 37 == 0


def driven(**settings):
    """Return a network that every kind of generator drives."""
    cells = dn.MCNeuron(SIZE, V_th=-50.0, V_reset=-62.0, name="cells")
    cells.soma = dn.LeakyIF(SIZE, V_rest=-65.0, C=100.0, gL=5.0)
    cells.ampa = dn.AMPA(SIZE, g=0.6, t_decay=3.0)
    cells.on = dn.MCConnSynapse(cells.ampa, cells.soma)
    sources = [
        dn.PoissonGenerator(SIZE, rate=np.linspace(0.0, 300.0, SIZE), name="noise", rng_col="shared"),
        dn.PoissonGenerator(SIZE, rate=90.0, start=20.0, stop=70.0, name="again", rng_col="shared"),
        dn.BernoulliGenerator(SIZE, prob=0.01, name="coins"),
        dn.SpikeGenerator(SIZE, indices=np.arange(400) % SIZE, times=np.arange(400) * 0.3, name="given"),
        dn.CustomGenerator(2, fn=chance, name="asked"),
        dn.CustomGenerator(1, fn=np.arange(1000)[:, None] % 17 == 0, name="table"),
    ]
    rules = [dn.One2One()] * 4 + [dn.All2All()] * 2
    onto = [
        dn.MCSynapse(g, cells.ampa, rule, weight=1.2, delay=delay, name=f"from_{g.name}")
        for g, rule, delay in zip(sources, rules, (0.0, 1.1, 0.5, 2.0, 3.3, 0.7), strict=True)
    ]
    currents = [
        dn.DCGenerator(SIZE, amplitude=np.linspace(0.0, 60.0, SIZE), start=10.0, stop=80.0, name="steady"),
        dn.CurrentGenerator(1, waveform=40.0 * np.sin(np.arange(900) / 50.0), start=5.0, name="wave"),
    ]
    into = [dn.ConnGen(c, cells.soma, name=f"into_{c.name}") for c in currents]
    among = dn.MCSynapse(cells, cells.ampa, dn.FixedIndegree(5), weight=0.2, delay=dn.Uniform(0.8, 4.0), name="among")
    return dn.Network([cells, *sources, *onto, *currents, *into, among], seed=5, **settings)


NETWORKS = {"learning": learning, "events": events, "driven": driven}


def watched(net):
    """Return probes of the spikes of neurons and of a generator."""
    modules = {m.name: m for m in net.modules}
    return [net.probe(modules[name], "spikes") for name in ("cells", "noise")]


def main(name, dtype, threads, state, duration, end):
    """Continue from a state, and save the spikes and the final state."""
    net = NETWORKS[name](dtype=dtype, threads=int(threads))
    spikes = watched(net)
    net.load_state(state)
    net.run(float(duration))
    net.save_state(end)
    np.savez(f"{end}.npz", *(x for s in spikes for x in (s.t, s.i)), **net.get_state(), **net.state_dict())


if __name__ == "__main__":
    main(*sys.argv[1:])
