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
# # A network with inhibition
#
# In this network, 400 pyramidal cells excite each other through AMPA and NMDA receptors on their dendrites, and 100
# interneurons inhibit them through GABA receptors. We compare the network with and without inhibition, vary the
# strength of inhibition, and then examine how the effect of inhibition depends on its location on the cell.

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# ## The cells
#
# The pyramidal cell has an adaptive soma and one long dendrite, with excitatory receptors on the dendrite and GABA
# receptors on both soma and dendrite. Interneurons consist of a soma without dendrites. Since they have no
# geometry, their `C` and `gL` are in pF and nS. The reversal potential of GABA is -75 mV, 5 mV below rest, so
# inhibition acts mostly by shunting.


# %%
class Pyramidal(dn.MCNeuron):
    """An adaptive soma and an apical dendrite; excitation of the dendrite, inhibition of both."""

    def __init__(self, size, name="pyramidal"):
        super().__init__(size, V_th=-50.0, V_reset=-65.0, refractory=3.0, name=name)
        membrane = {"V_rest": -70.0, "C": 1.0, "gL": 50.0, "r_axial": 150.0}
        self.soma = dn.AdaptiveIF(size, length=30.0, diameter=30.0, tau_w=150.0, b=50.0, **membrane)
        self.dend = dn.Compartment(size, length=700.0, diameter=3.0, **membrane)
        self.axial = dn.MCConn(self.soma, self.dend)
        self.ampa = dn.AMPA(size, g=0.5, t_decay=2.0)
        self.nmda = dn.NMDA(size, g=0.5, t_rise=3.0, t_decay=60.0, scale_g=True)
        self.gaba_soma = dn.GABA(size, g=1.0, t_decay=8.0, E=-75.0)
        self.gaba_dend = dn.GABA(size, g=1.0, t_decay=8.0, E=-75.0)
        self.ampa_on = dn.MCConnSynapse(self.ampa, self.dend)
        self.nmda_on = dn.MCConnSynapse(self.nmda, self.dend)
        self.gaba_soma_on = dn.MCConnSynapse(self.gaba_soma, self.soma)
        self.gaba_dend_on = dn.MCConnSynapse(self.gaba_dend, self.dend)


class Interneuron(dn.MCNeuron):
    """A fast-spiking interneuron: a soma with AMPA and GABA receptors."""

    def __init__(self, size, name="interneurons"):
        super().__init__(size, V_th=-50.0, V_reset=-65.0, refractory=1.0, name=name)
        self.soma = dn.LeakyIF(size, V_rest=-70.0, C=100.0, gL=10.0)
        self.ampa = dn.AMPA(size, g=1.0, t_decay=2.0)
        self.gaba = dn.GABA(size, g=1.0, t_decay=8.0, E=-75.0)
        self.ampa_on = dn.MCConnSynapse(self.ampa, self.soma)
        self.gaba_on = dn.MCConnSynapse(self.gaba, self.soma)


# %% [markdown]
# ## The network
#
# Each cell has its own Poisson source, which represents all input from outside the network. Within the network,
# neurons are connected at random: `FixedProb(0.1)` creates each possible connection with a probability of 10 %.
# Delays (ms) are random too, so that simultaneous spikes do not all arrive at the same time. A weight scales the `g`
# of the receptor.


# %%
def build(inhibition, onto="gaba_soma"):
    """Return the network and the spikes of both populations; `inhibition` is the weight of inhibitory connections."""
    cells, inter = Pyramidal(400), Interneuron(100)
    to_cells, to_inter = dn.PoissonGenerator(400, rate=600.0), dn.PoissonGenerator(100, rate=700.0)
    excitation = (cells.ampa, cells.nmda)
    modules = [
        cells,
        inter,
        to_cells,
        to_inter,
        dn.MCSynapse(to_cells, excitation, dn.One2One()),
        dn.MCSynapse(to_inter, inter.ampa, dn.One2One(), weight=2.0),
        dn.MCSynapse(cells, excitation, dn.FixedProb(0.1), weight=0.3, delay=dn.Uniform(1.0, 4.0)),
        dn.MCSynapse(cells, inter.ampa, dn.FixedProb(0.2), weight=0.3, delay=dn.Uniform(0.5, 2.0)),
        dn.MCSynapse(inter, inter.gaba, dn.FixedProb(0.2), weight=0.25 * inhibition, delay=dn.Uniform(0.5, 2.0)),
        dn.MCSynapse(inter, getattr(cells, onto), dn.FixedProb(0.2), weight=inhibition, delay=dn.Uniform(0.5, 2.0)),
    ]
    net = dn.Network(modules, dt=0.1, seed=1, odemethod=dn.SolverMethodODE.CRANK_NICOLSON)
    return net, {"pyramidal": net.probe(cells, "spikes"), "interneurons": net.probe(inter, "spikes")}


net, spikes = build(inhibition=2.0)
print(net)

# %% [markdown]
# Many simultaneous spikes open large conductances, which make the equations of a cell stiff. We therefore use the
# Crank-Nicolson method, which is stable in this case and as accurate with a step of 0.1 ms as with a quarter of it;
# see [Choose a solver and a time step](../howto/solver.md).
#
# ## With and without inhibition
#
# We simulate the network with and without inhibition (as in the presence of bicuculline), and plot one second of
# each simulation:

# %% figure="raster"
sizes = {"pyramidal": 400, "interneurons": 100}
runs = {}
with dn.plot.style():
    _, axes = plt.subplots(2, 2, figsize=(6.8, 4.2), sharex=True, height_ratios=(2, 1))
    for column, (label, weight) in enumerate({"with inhibition": 2.0, "without": 0.0}.items()):
        net, spikes = build(weight)
        net.run(1200.0)
        runs[label] = spikes
        dn.plot.raster(spikes, ax=axes[0, column])
        dn.plot.rate(spikes, bin=10.0, ax=axes[1, column]).get_legend().remove()
        axes[0, column].set(title=label, xlabel="", xlim=(200, 1200))


def rate(spikes, size, start=200.0, stop=1200.0):
    """Return the mean rate (Hz) of a neuron."""
    return np.sum((spikes.t >= start) & (spikes.t < stop)) / size / (stop - start) * 1e3


for label, spikes in runs.items():
    print(f"{label:>15}: " + ", ".join(f"{name} {rate(s, sizes[name]):.1f} Hz" for name, s in spikes.items()))

# %% [markdown]
# With inhibition, the cells fire irregularly at about 9 Hz. Without inhibition, recurrent excitation causes bursts of
# the whole network. Adaptation terminates each burst, and the network is silent until the cells have recovered. Slices
# with blocked GABA receptors behave in the same way (Miles & Wong 1983). Two numbers quantify this difference. The
# coefficient of variation (CV) of inter-spike intervals measures how irregularly a neuron fires. The variance of the
# population's spike counts in bins of 5 ms, divided by their mean, measures synchrony; it is 1 for independent Poisson
# neurons.


# %%
def irregularity(spikes, size, start=200.0):
    """Return the mean CV of the intervals of neurons with at least five spikes."""
    trains = [spikes.t[(spikes.i == neuron) & (spikes.t >= start)] for neuron in range(size)]
    intervals = [np.diff(train) for train in trains if len(train) >= 5]
    return np.mean([d.std() / d.mean() for d in intervals])


def synchrony(spikes):
    """Return the variance divided by the mean of spike counts in bins of 5 ms."""
    counts, _ = np.histogram(spikes.t, np.arange(200.0, 1200.1, 5.0))
    return counts.var() / counts.mean()


for label, spikes in runs.items():
    cells = spikes["pyramidal"]
    print(f"{label:>15}: CV {irregularity(cells, 400):.2f}, synchrony {synchrony(cells):.0f}")
together = {label: synchrony(spikes["pyramidal"]) for label, spikes in runs.items()}
assert together["with inhibition"] < 10 < 100 < together["without"]
assert 5 < rate(runs["with inhibition"]["pyramidal"], 400) < 15

# %% [markdown]
# ## How much inhibition?
#
# A minimum weight is needed to turn bursts into irregular firing; larger weights only reduce the rates.

# %%
weights = np.array([0.0, 0.25, 0.5, 1.0, 2.0, 4.0])
swept = []
for weight in weights:
    net, spikes = build(weight)
    net.run(1200.0)
    swept.append(spikes)
with dn.plot.style():
    _, axes = plt.subplots(1, 2, figsize=(6.8, 2.2))
    for name, size in sizes.items():
        axes[0].plot(weights, [rate(s[name], size) for s in swept], ".-", label=name)
    axes[1].semilogy(weights, [synchrony(s["pyramidal"]) for s in swept], ".-")
    axes[0].set(xlabel="weight of inhibition", ylabel="rate (Hz)", ylim=(0, None))
    axes[1].set(xlabel="weight of inhibition", ylabel="variance/mean")
    axes[0].legend()

# %% [markdown]
# ## Inhibition at the soma or at the dendrite
#
# Some interneurons target the soma (basket cells), and others target the dendrites (Martinotti cells). To compare
# their effects, we now simulate unconnected cells. They are driven either by spikes onto the dendrite or by a
# current into the soma, and inhibited by 300 spikes per second at one of the two locations. Each population consists
# of 20 groups of 20 cells, and each group receives a drive of a different strength.

# %%
spikes_per_s, current = np.linspace(0.0, 2000.0, 20), np.linspace(0.0, 600.0, 20)  # Hz, pA


def curve(drive, inhibited=None):
    """Return the firing rate as a function of the strength of the drive."""
    cells = Pyramidal(400)
    excitation = dn.PoissonGenerator(400, rate=np.repeat(spikes_per_s, 20) if drive == "dendrite" else 0.0)
    if drive == "soma":
        cells.soma.I_ext = np.repeat(current, 20)
    inhibition = dn.PoissonGenerator(400, rate=300.0)
    modules = [cells, excitation, dn.MCSynapse(excitation, (cells.ampa, cells.nmda), dn.One2One())]
    if inhibited is not None:
        inhibiting = dn.MCSynapse(inhibition, getattr(cells, f"gaba_{inhibited}"), dn.One2One(), weight=2.0)
        modules += [inhibition, inhibiting]
    net = dn.Network(modules, dt=0.1, seed=2, odemethod=dn.SolverMethodODE.CRANK_NICOLSON)
    spikes = net.probe(cells, "spikes")
    net.run(1000.0)
    return np.bincount(spikes.i, minlength=400).reshape(20, 20).mean(axis=1)


rates = {(drive, at): curve(drive, at) for drive in ("dendrite", "soma") for at in (None, "soma", "dend")}
labels = {None: "no inhibition", "soma": "inhibited at the soma", "dend": "inhibited at the dendrite"}
with dn.plot.style():
    _, axes = plt.subplots(1, 2, figsize=(6.8, 2.4), sharey=True)
    for at, label in labels.items():
        axes[0].plot(spikes_per_s, rates["dendrite", at], ".-", label=label)
        axes[1].plot(current, rates["soma", at], ".-", label=label)
    axes[0].set(title="drive on the dendrite", xlabel="excitatory spikes (1/s)", ylabel="rate (Hz)")
    axes[1].set(title="drive at the soma", xlabel="injected current (pA)")
    axes[0].legend()

# %% [markdown]
# For each drive, we compare the rates at the strength that causes about 20 Hz without inhibition:

# %%
left = {}
for drive in ("dendrite", "soma"):
    alone = rates[drive, None]
    chosen = np.argmin(np.abs(alone - 20.0))
    for at in ("soma", "dend"):
        left[drive, at] = rates[drive, at][chosen] / alone[chosen]
        print(f"drive on the {drive:>8}, {labels[at]}: {left[drive, at]:.0%} of {alone[chosen]:.0f} Hz remain")

assert (
    left["dendrite", "dend"] < left["dendrite", "soma"]
)  # dendritic inhibition is more effective against dendritic excitation
assert left["soma", "dend"] > left["soma", "soma"]  # and less effective than somatic inhibition against a somatic drive
# Compared with somatic inhibition, dendritic inhibition is more effective against a dendritic drive, and less effective
# against a somatic drive.
assert left["dendrite", "dend"] < left["dendrite", "soma"]
assert left["soma", "dend"] > left["soma", "soma"]
assert left["dendrite", "dend"] < 0.7 * left["soma", "dend"]

# %% [markdown]
# Inhibition at the soma affects all inputs and reduces the responses to both drives by about the same amount.
# Inhibition at the dendrite is selective: it shunts the dendritic synapses and keeps NMDA receptors blocked, which
# suppresses responses to dendritic excitation, but it hardly affects the response to a current injected into the soma.
# Dendritic inhibition thus controls which inputs reach the soma, and somatic inhibition controls the output of the
# cell.
#
# ## Next steps
#
# - `build(2.0, onto="gaba_dend")` builds the same network with Martinotti cells instead of basket cells; compare the
#   rates.
# - [Plasticity](plasticity.py) adds learning to the connections.
# - [Speed up simulations](../howto/speed_up.md) lists what to try before you make the network 100 times larger.
