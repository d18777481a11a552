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
# # Dendritic integration and NMDA spikes
#
# Ten synapses that act together: do they make ten times the response of one? On a passive dendrite less, with NMDA
# receptors more, and it matters whether they share a branch. We measure all three, as Schiller et al. (2000) and
# Polsky, Mel & Schiller (2004) did in the basal dendrites of cortical pyramidal cells.

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# ## A cell with four thin branches
#
# The four basal branches are 200 um long and 0.9 um thick; one large cylinder stands for the rest of the dendrites,
# which loads the soma. Synapses have AMPA receptors, which close with a time constant of 2 ms, and NMDA receptors,
# which close with 60 ms and are blocked by magnesium unless the membrane is depolarised. With `scale_g` the conductance
# of one synapse peaks at `g` (nS), whatever its rise and decay (ms). The threshold (mV) is out of reach: we look at
# potentials below it.


# %%
class Branched(dn.MCNeuron):
    """A soma with four thin basal branches, each with AMPA and NMDA receptors, and a load."""

    def __init__(self, size, nmda=0.8, magnesium=1.0):
        super().__init__(size, V_th=0.0, V_reset=-65.0)
        membrane = {"V_rest": -70.0, "C": 1.0, "gL": 50.0, "r_axial": 150.0}
        self.soma = dn.LeakyIF(size, length=25.0, diameter=25.0, **membrane)
        self.rest = dn.Compartment(size, length=600.0, diameter=6.0, **membrane)
        self.soma_rest = dn.MCConn(self.soma, self.rest)
        self.branch = [dn.Compartment(size, length=200.0, diameter=0.9, **membrane) for _ in range(4)]
        self.soma_branch = [dn.MCConn(self.soma, branch) for branch in self.branch]
        self.ampa = [dn.AMPA(size, g=0.4, t_rise=0.2, t_decay=2.0, scale_g=True) for _ in range(4)]
        self.nmda = [dn.NMDA(size, g=nmda, t_rise=3.0, t_decay=60.0, scale_g=True, Mg=magnesium) for _ in range(4)]
        self.on_branch = [
            dn.MCConnSynapse(receptor, branch)
            for receptors in (self.ampa, self.nmda)
            for receptor, branch in zip(receptors, self.branch, strict=True)
        ]


dn.plot.tree(Branched(1))

# %% [markdown]
# ## The experiment
#
# One spike opens n synapses at once. A population holds all n: the weights say how many synapses each of its cells has
# on each branch, so that one run gives the whole curve. AMPA and NMDA receptors share a synapse, and so a connection.


# %%
def respond(synapses, **options):
    """Return V from rest of the soma and of branch 0; `synapses` has a row per branch and a column per cell."""
    synapses = np.atleast_2d(synapses).astype(float)
    cells = Branched(synapses.shape[1], **options)
    volley = dn.SpikeGenerator(1, indices=[0], times=[20.0])
    inputs = [
        dn.MCSynapse(volley, (cells.ampa[k], cells.nmda[k]), numbers[np.newaxis]) for k, numbers in enumerate(synapses)
    ]
    net = dn.Network([cells, volley, *inputs], dt=0.05, odemethod=dn.SolverMethodODE.CRANK_NICOLSON)
    soma, branch = net.probe(cells.soma, "V"), net.probe(cells.branch[0], "V")
    net.run(200.0)
    return soma.t, soma.values + 70.0, branch.values + 70.0


n = np.arange(1, 31)
peaks = {}
for label, options in {
    "AMPA alone": {"nmda": 0.0},
    "AMPA and NMDA": {},
    "without magnesium": {"magnesium": 0.0},
}.items():
    t, soma, branch = respond(n, **options)
    peaks[label] = soma.max(axis=0)

# %% [markdown]
# ## Sublinear and supralinear summation
#
# The dashed line is what one expects, n times the response of one synapse.

# %%
with dn.plot.style():
    _, axes = plt.subplots(1, 3, figsize=(6.8, 2.2))
    for ax, (label, peak) in zip(axes, peaks.items(), strict=True):
        ax.plot(n, n * peak[0], "--", color="0.6")
        ax.plot(n, peak, ".-", markersize=3)
        ax.set(title=label, xlabel="synapses", ylabel="EPSP at the soma (mV)", ylim=(0, 1.1 * peak.max()))

for label, peak in peaks.items():
    ratio = peak / (n * peak[0])
    print(
        f"{label:>17}: one synapse {peak[0]:.2f} mV; measured/expected {ratio[9]:.2f} at 10 synapses, "
        f"at most {ratio.max():.2f} (n = {n[ratio.argmax()]})"
    )

ratio = {label: peak / (n * peak[0]) for label, peak in peaks.items()}
assert (np.diff(ratio["AMPA alone"]) < 0).all()  # the more synapses, the less each adds
assert ratio["AMPA and NMDA"].max() > 1.5
assert (np.diff(ratio["without magnesium"]) < 0).all()

# %% [markdown]
# - **AMPA alone** is sublinear. The branch is thin, so a few synapses move its potential by tens of mV towards the
#   reversal potential, and the next one has less driving force.
# - **With NMDA** summation is a sigmoid: near linear, then supralinear, then it saturates. A depolarised branch
#   unblocks its NMDA receptors, which depolarises it further.
# - **Without magnesium** the same receptors, always unblocked, sum sublinearly from the first synapse on. So it is the
#   block that makes the nonlinearity, not the slow current as such.
#
# ## The NMDA spike
#
# What does the branch itself do?

# %% figure="nmda_spike"
shown = (6, 10, 14, 18)
t, soma, branch = respond(shown)
with dn.plot.style():
    _, axes = plt.subplots(1, 2, figsize=(6.8, 2.2))
    for column, count in enumerate(shown):
        for ax, v in zip(axes, (branch, soma), strict=True):
            ax.plot(t, v[:, column], color=plt.cm.viridis(column / 4), label=f"{count} synapses")
    axes[0].set(title="branch", xlabel="time (ms)", ylabel="V - V_rest (mV)")
    axes[1].set(title="soma", xlabel="time (ms)", ylabel="V - V_rest (mV)")
    axes[0].legend()

width = [np.sum(v > v.max() / 2) * 0.05 for v in branch.T]
print("half-width in the branch:", ", ".join(f"{w:.0f} ms ({k})" for w, k in zip(width, shown, strict=True)))
assert width[0] < 10
assert width[-1] > 50

# %% [markdown]
# Between 6 and 14 synapses the fast EPSP gives way to a plateau near -35 mV that lasts as long as the receptors hold
# glutamate: an NMDA spike. It needs no sodium and stays in its branch; the soma sees a slow depolarisation of some 10
# mV.
#
# ## Together or apart
#
# The same number of synapses, once all on one branch, once a quarter on each of the four:

# %%
total = np.arange(4, 41, 4)
clustered = np.array([total, 0 * total, 0 * total, 0 * total])
spread = np.tile(total / 4, (4, 1))
with dn.plot.style():
    _, axes = plt.subplots(1, 2, figsize=(6.8, 2.2))
    found = {}
    for ax, (label, options) in zip(axes, {"AMPA alone": {"nmda": 0.0}, "AMPA and NMDA": {}}.items(), strict=True):
        for where, synapses in (("on one branch", clustered), ("on four branches", spread)):
            found[label, where] = respond(synapses, **options)[1].max(axis=0)
            ax.plot(total, found[label, where], ".-", label=where)
        ax.set(title=label, xlabel="synapses", ylabel="EPSP at the soma (mV)")
    axes[0].legend()

for label in ("AMPA alone", "AMPA and NMDA"):
    one, four = found[label, "on one branch"], found[label, "on four branches"]
    print(f"{label}: 16 synapses give {one[3]:.1f} mV on one branch, {four[3]:.1f} mV on four")
one, four = found["AMPA alone", "on one branch"], found["AMPA alone", "on four branches"]
assert (one < four).all()
one, four = found["AMPA and NMDA", "on one branch"], found["AMPA and NMDA", "on four branches"]
assert one[3] > 1.5 * four[3]
assert one[-1] < four[-1]

# %% [markdown]
# A passive tree always prefers synapses apart, where they do not take each other's driving force. With NMDA receptors
# there is a range in which synapses that share a branch work best: they reach its NMDA spike together, which none of
# the quarters does. Beyond it one branch is saturated, and four that all spike are stronger. So a branch acts as a unit
# with a threshold of its own, and a neuron as a small network of them (Poirazi, Brannon & Mel 2003).
#
# ## Where to go from here
#
# - `g`, `Mg` and the geometry are attributes: try `Branched(1).nmda[0].Mg`, thicker branches, or a larger `g`.
# - Sodium and calcium spikes of dendrites are in [DendriticSpike](../api/channels.md#dendrion.DendriticSpike).
# - [A network with inhibition](network_with_inhibition.py) puts cells like this to work.
