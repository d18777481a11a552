# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first neuron
#
# This tutorial builds a pyramidal cell from four compartments, measures its passive properties, makes it spike and
# adapt, and compares the effects of a synapse at two locations. It takes about a second to run.

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# ## A cell is a tree of compartments
#
# A compartment is a cylinder of membrane with a capacitance `C` and a leak conductance `gL`, which pulls its
# potential towards `V_rest`. Here both are values per area (uF/cm2, uS/cm2), because we specify the geometry (um); 1
# uF/cm2 and 50 uS/cm2 result in a membrane time constant of 20 ms. `MCConn` couples two compartments through their
# axial resistance, which is computed from `r_axial` (ohm cm) and the geometry.
#
# One compartment is the soma, in this case a leaky integrate-and-fire model: when its V exceeds `V_th`, the neuron
# spikes and V is set to `V_reset` (mV). The class describes a population, and `size` is the number of cells. The
# type of the soma is an argument, because we will replace it later.


# %%
class Pyramidal(dn.MCNeuron):
    """A pyramidal cell: soma, basal dendrites, apical trunk and tuft."""

    def __init__(self, size, soma=dn.LeakyIF, **of_soma):
        super().__init__(size, V_th=-50.0, V_reset=-65.0, refractory=2.0)
        membrane = {"V_rest": -70.0, "C": 1.0, "gL": 50.0, "r_axial": 150.0}
        self.soma = soma(size, length=30.0, diameter=30.0, **membrane, **of_soma)
        self.basal = dn.Compartment(size, length=300.0, diameter=4.0, **membrane)
        self.trunk = dn.Compartment(size, length=400.0, diameter=4.0, **membrane)
        self.tuft = dn.Compartment(size, length=300.0, diameter=2.5, **membrane)
        self.soma_basal = dn.MCConn(self.soma, self.basal)
        self.soma_trunk = dn.MCConn(self.soma, self.trunk)
        self.trunk_tuft = dn.MCConn(self.trunk, self.tuft)


cell = Pyramidal(1)
dn.plot.tree(cell)

# %% [markdown]
# ## The passive response
#
# A generator injects 50 pA into the soma for 200 ms. A `Network` combines all modules, `probe` starts a recording,
# and `run` simulates the network for the given time (ms).

# %%
pulse = dn.DCGenerator(1, amplitude=50.0, start=50.0, stop=250.0)
net = dn.Network([cell, pulse, dn.ConnGen(pulse, cell.soma)], dt=0.1)
v = {part: net.probe(getattr(cell, part), "V") for part in ("soma", "basal", "trunk", "tuft")}
net.run(400.0)
dn.plot.traces(v)

# %% [markdown]
# The potential of the tuft follows that of the soma with a delay and a smaller amplitude, because current leaks out
# along the way. `values` has one row per sample and one column per neuron; `t` contains the times.
# Electrophysiologists usually measure the input resistance, which is dV/I at the soma, and the time constant,
# which we obtain from the late part of the decay:

# %%
t, soma = v["soma"].t, v["soma"].values[:, 0] + 70.0  # mV above rest
resistance = soma[(t >= 240) & (t < 250)].mean() / 50.0 * 1e3  # mV/pA is GOhm
tail = (t >= 270) & (t < 330)
time_constant = -1 / np.polyfit(t[tail], np.log(soma[tail]), 1)[0]
print(f"input resistance {resistance:.0f} MOhm, time constant {time_constant:.1f} ms")
assert abs(time_constant - 20.0) < 0.1  # C/gL

# %% [markdown]
# We can also calculate the input resistance: in the steady state the currents of each compartment sum to 0. A
# coupling consists of half the axial resistance of each of its two cylinders. Together with the leak conductances,
# this condition yields a small linear system.

# %%
parts = {"soma": (30.0, 30.0), "basal": (300.0, 4.0), "trunk": (400.0, 4.0), "tuft": (300.0, 2.5)}
names = list(parts)
leak, axial = {}, {}
for part, (length, diameter) in parts.items():
    leak[part] = 50.0e-5 * np.pi * length * diameter  # uS/cm2 um2 to nS
    axial[part] = 4 * 150.0e-5 * length / (np.pi * diameter**2)  # ohm cm/um to GOhm
system = np.diag([leak[p] for p in names])
for a, b in (("soma", "basal"), ("soma", "trunk"), ("trunk", "tuft")):
    i, j = names.index(a), names.index(b)
    g = 2 / (axial[a] + axial[b])  # nS
    system[[i, j], [i, j]] += g
    system[[i, j], [j, i]] -= g
calculated = np.linalg.inv(system)[0, 0] * 1e3
print(f"calculated {calculated:.0f} MOhm")
assert abs(resistance - calculated) < 0.001 * calculated

# %% [markdown]
# ## Spikes
#
# Parameters are live attributes: `I_ext`, a constant current (pA) into the soma, takes effect from the next step on. An
# integrate-and-fire neuron does not model the shape of a spike; V jumps from the threshold to the reset. If you pass
# spikes to `traces`, it draws a vertical line for each spike.

# %%
net.reset()
spikes = net.probe(cell, "spikes")
pulse.amplitude = 0.0
cell.soma.I_ext = 150.0
net.run(200.0)
dn.plot.traces({"soma": v["soma"], "tuft": v["tuft"]}, spikes={"soma": spikes})
print(f"{len(spikes)} spikes, the first at {spikes.t[0]:.1f} ms")

# %% [markdown]
# ## Spike-frequency adaptation
#
# How does the firing rate depend on the current? All neurons of a population are simulated together, and any
# parameter can be an array with one value per neuron, so a single run yields a whole f-I curve. We compare the cell
# with one that adapts: each spike adds `b` (pA) to a current that hyperpolarizes the soma and decays with the time
# constant `tau_w` (ms).

# %%
currents = np.linspace(0.0, 300.0, 31)
rates, ax = {}, None
for label, cells in {
    "leaky": Pyramidal(31),
    "adaptive": Pyramidal(31, dn.AdaptiveIF, tau_w=150.0, b=50.0),
}.items():
    cells.soma.I_ext = currents
    net = dn.Network([cells], dt=0.1)
    spikes = net.probe(cells, "spikes")
    net.run(1000.0)
    ax = dn.plot.fi_curve(currents, spikes=spikes, label=label, ax=ax)
    rates[label] = np.bincount(spikes.i, minlength=31)

rheobase = 20.0 / calculated * 1e3  # pA: 20 mV from rest to the threshold
print(f"calculated rheobase of the leaky cell: {rheobase:.0f} pA")
assert (rates["leaky"] > 0).tolist() == (currents > rheobase).tolist()
assert rates["adaptive"].max() < 0.15 * rates["leaky"].max()

# %% [markdown]
# Without adaptation the rate rises steeply, because a reset removes little charge from the soma and the dendrites
# replace it immediately. With adaptation the cell fires at rates that are typical of real pyramidal cells.
#
# ## A synapse near the soma and far from it
#
# A receptor is a module like any other; `MCConnSynapse` attaches it to a compartment. An AMPA receptor opens
# instantly and closes with the time constant `t_decay`; `g` is the conductance (nS) that a spike of weight 1 opens.


# %%
class Synaptic(Pyramidal):
    """The cell with AMPA receptors on soma and tuft."""

    def __init__(self, size):
        super().__init__(size)
        self.at_soma = dn.AMPA(size, g=1.0, t_decay=2.0)
        self.at_tuft = dn.AMPA(size, g=1.0, t_decay=2.0)
        self.soma_ampa = dn.MCConnSynapse(self.at_soma, self.soma)
        self.tuft_ampa = dn.MCConnSynapse(self.at_tuft, self.tuft)


# %% [markdown]
# A `SpikeGenerator` emits spikes at specified times. `MCSynapse` connects its sources to receptors; here, a matrix with
# one row per source and one column per neuron defines the connections. Cell 0 receives the spike at the soma, and cell
# 1 receives it at the tuft.

# %% figure="synapse"
cells = Synaptic(2)
volley = dn.SpikeGenerator(1, indices=[0], times=[10.0])
modules = [
    cells,
    volley,
    dn.MCSynapse(volley, cells.at_soma, np.array([[1.0, 0.0]])),
    dn.MCSynapse(volley, cells.at_tuft, np.array([[0.0, 1.0]])),
]
net = dn.Network(modules, dt=0.02)
soma, tuft = net.probe(cells.soma, "V"), net.probe(cells.tuft, "V")
net.run(60.0)

with dn.plot.style():
    _, axes = plt.subplots(1, 2, figsize=(6.8, 2.2), sharey=True)
    for neuron, place in enumerate(("soma", "tuft")):
        dn.plot.traces({"V of the soma": soma, "V of the tuft": tuft}, neurons=neuron, ax=axes[neuron])
        axes[neuron].set_title(f"synapse on the {place}")

near, far = soma.values.max(axis=0) + 70.0
local = tuft.values[:, 1].max() + 70.0
print(f"EPSP at the soma: {near:.2f} mV (synapse on the soma), {far:.2f} mV (on the tuft)")
print(f"EPSP at the tuft: {local:.2f} mV (synapse on the tuft)")
assert local > near > far

# %% [markdown]
# The tuft is small and thin, so the same conductance causes a larger EPSP there: less membrane has to be charged.
# Because the dendrite acts as a low-pass filter, only a small fraction of this EPSP reaches the soma, and it arrives
# late and broad. [The next tutorial](dendritic_integration.py) shows how dendrites do more than filter their inputs.
