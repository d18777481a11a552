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
# If ten synapses are active at the same time, is the response ten times the response to one synapse? On a passive
# dendrite, the response is smaller; with NMDA receptors, it can be larger. The response also depends on whether
# the synapses share a branch. This tutorial measures all three effects, following the experiments of Schiller et
# al. (2000) and Polsky, Mel & Schiller (2004) in the basal dendrites of cortical pyramidal cells.

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# ## A cell with four thin branches
#
# The four basal branches are 200 um long and 0.9 um thick. One large cylinder represents the rest of the dendrites,
# which act as a load on the soma. Synapses have AMPA receptors, which close with a time constant of 2 ms, and NMDA
# receptors, which close with a time constant of 60 ms and are blocked by magnesium unless the membrane is
# depolarized. With `scale_g` the conductance of one synapse peaks at `g` (nS) for any rise and decay times (ms).
# We study subthreshold potentials, so the threshold (mV) is high enough that the cell does not spike.


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
# One spike activates n synapses simultaneously. One population covers all values of n: the weights determine how
# many synapses each cell has on each branch, so that a single run yields the whole curve. AMPA and NMDA receptors
# belong to the same synapses and therefore share a connection.


# %%
def respond(synapses, **options):
    """Return t, and V - V_rest at the soma and in branch 0; `synapses` has one row per branch, one column per cell."""
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
# The dashed lines show the linear expectation: n times the response to one synapse.

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
        f"{label:>17}: one synapse {peak[0]:.2f} mV; measured/expected {ratio[9]:.2f} for 10 synapses, "
        f"at most {ratio.max():.2f} (n = {n[ratio.argmax()]})"
    )

ratio = {label: peak / (n * peak[0]) for label, peak in peaks.items()}
assert (np.diff(ratio["AMPA alone"]) < 0).all()  # each additional synapse adds less
assert ratio["AMPA and NMDA"].max() > 1.5
assert (np.diff(ratio["without magnesium"]) < 0).all()

# %% [markdown]
# - **AMPA alone** sums sublinearly. The branch is thin, so a few synapses shift its potential by tens of mV towards
#   the reversal potential, which reduces the driving force of further synapses.
# - **With NMDA** the curve is sigmoidal: nearly linear, then supralinear, then saturating. Depolarization of the branch
#   unblocks its NMDA receptors, which depolarize it further.
# - **Without magnesium** the same receptors are never blocked, and they sum sublinearly for any number of synapses.
#   The supralinear summation is therefore due to the block, not to the slow current as such.
#
# ## The NMDA spike
#
# What happens in the branch itself?

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
# Between 6 and 14 synapses the fast EPSP turns into a plateau near -35 mV that lasts as long as glutamate is bound
# to the receptors: an NMDA spike. It does not require sodium channels and stays within its branch; the soma shows a
# slow depolarization of about 10 mV.
#
# ## Clustered and distributed synapses
#
# We compare the same number of synapses, either all on one branch or a quarter on each of the four branches:

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
# On a passive tree, distributed synapses always have the larger effect, because they do not reduce each other's
# driving force. With NMDA receptors there is a range in which clustered synapses are more effective: together they
# trigger an NMDA spike in their branch, whereas a quarter of the synapses is not enough to trigger an NMDA spike in
# any branch. Beyond this range the single branch is saturated, and NMDA spikes in all four branches have a larger
# effect. A branch thus acts as a unit with its own threshold, and a neuron as a small network of such units
# (Poirazi, Brannon & Mel 2003).
#
# ## Next steps
#
# - `g`, `Mg` and the geometry are attributes: try `Branched(1).nmda[0].Mg`, thicker branches, or a larger `g`.
# - [DendriticSpike](../api/channels.md#dendrion.DendriticSpike) models sodium and calcium spikes of dendrites.
# - [A network with inhibition](network_with_inhibition.py) uses cells like this one.
