"""Recordings of a small network of two populations."""

from __future__ import annotations

from types import SimpleNamespace

import dendrion as dn
import numpy as np


class Cell(dn.MCNeuron):
    """A soma and a dendrite with AMPA, and a calcium pool in a unit that is not coherent with mV, ms and pA."""

    def __init__(self, size, name):
        super().__init__(size, V_th=-48.0, V_reset=-60.0, name=name)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=100.0, gL=5.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=50.0, gL=2.5)
        self.axial = dn.MCConn(self.soma, self.dend, g=15.0)
        self.ampa = dn.AMPA(size, g=2.0, t_decay=2.0)
        self.gaba = dn.GABA(size, g=1.0, t_decay=8.0)
        self.ampa_on = dn.MCConnSynapse(self.ampa, self.dend)
        self.gaba_on = dn.MCConnSynapse(self.gaba, self.soma)
        self.pool = Pool(size, self.dend)


class Pool(dn.Channel):
    """A leak, and a pool that fills when the dendrite is depolarised."""

    equations = """
    I = g * (V_rest - V) : pA
    dCa/dt = (base + (V - V_rest)/(1 mV) * 1 nM - Ca) / (20 ms) : uM
    Ca(0) = base
    base = 0.1 uM; g = 0.1 nS
    """


def made(batch=None, dtype="float64", duration=60.0):
    """Return the recordings of a run of ``duration`` ms. Weights are recorded only without a batch."""
    exc, inh = Cell(6, "exc"), Cell(4, "inh")
    noise = dn.PoissonGenerator(12, rate=120.0, name="noise")
    silent = dn.SpikeGenerator(3, name="silent")
    rule = None if batch else dn.STDP(lambda_=0.05, alpha=1.05, w_max=4.0)
    syn = dn.MCSynapse(
        noise, exc.ampa, dn.FixedProb(0.6), weight=dn.Uniform(1.0, 3.0), delay=0.5, plasticity=rule, name="syn"
    )
    to_inh = dn.MCSynapse(exc, inh.ampa, dn.All2All(), weight=3.0, delay=1.5, name="to_inh")
    to_exc = dn.MCSynapse(inh, exc.gaba, dn.All2All(), weight=0.3, delay=1.0, name="to_exc")
    net = dn.Network([exc, inh, noise, silent, syn, to_inh, to_exc], dt=0.1, seed=5, dtype=dtype, threads=1)
    run = SimpleNamespace(net=net, exc=exc, inh=inh, noise=noise, syn=syn, batch=batch)
    run.v = net.probe(exc.soma, "V")
    run.dend = net.probe(exc.dend, "V")
    run.some = net.probe(inh.soma, "V", every=0.5, indices=[3, 1])
    run.current = net.probe(inh.dend, "I")
    run.gate = net.probe(exc.ampa, "s")
    run.calcium = net.probe(exc.pool, "Ca", every=1.0)
    run.samples = [run.v, run.dend, run.some, run.current, run.gate, run.calcium]
    if not batch:
        run.weights = net.probe(syn, "w", every=10.0)
        run.samples.append(run.weights)
    run.spikes = net.probe(exc, "spikes")
    run.inhibitory = net.probe(inh, "spikes")
    run.generated = net.probe(noise, "spikes")
    run.nothing = net.probe(silent, "spikes")
    run.trains = [run.spikes, run.inhibitory, run.generated, run.nothing]
    if duration:
        net.run(duration, batch=batch)
        # Both populations spike, and not all neurons at the same time, so that the files are a meaningful test.
        assert len(np.unique(run.spikes.t)) > 3
        assert len(run.inhibitory) > 1
    return run


def tables(recording):
    """Return the values of each sample of a batch, or the values alone."""
    values = recording.values
    return list(values) if values.ndim == 3 else [values]


def train(spikes, sample, i):
    """Return the spike times (ms) of a neuron in a sample, found by a loop over all spikes."""
    found = zip(spikes.sample.tolist(), spikes.i.tolist(), spikes.t.tolist(), strict=True)
    return [t for s, j, t in found if (s, j) == (sample, i)]
