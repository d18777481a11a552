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
# # A reconstructed cell from a file
#
# This tutorial reads the morphology of a pyramidal cell from an SWC file and turns it into a detailed model with
# about 400 control volumes. An action potential propagates from the soma into the apical dendrite (Stuart & Sakmann
# 1994), and clustered synapses on a branch of the tuft cause an NMDA spike (Schiller et al. 2000, Larkum et al.
# 2009).

# %%
from pathlib import Path

import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# ## A file
#
# If you have a reconstruction, for example from [NeuroMorpho.Org](https://neuromorpho.org), skip this section. Here, a
# short program generates a tree of the same kind: branches are random walks with tapering diameters, and each line of
# the file contains the number of a point, its kind (1 soma, 2 axon, 3 basal, 4 apical dendrite), x, y, z and the radius
# (um), and the point to which it is connected.


# %%
class Tree:
    """The points of a tree, which grows branch by branch."""

    def __init__(self, seed):
        self.rng, self.lines = np.random.default_rng(seed), []

    def point(self, kind, position, diameter, parent):
        """Add a point, and return its number."""
        x, y, z = position
        self.lines.append(f"{len(self.lines) + 1} {kind} {x:.3f} {y:.3f} {z:.3f} {diameter / 2:.4f} {parent}")
        return len(self.lines)

    def branch(self, kind, start, direction, length, diameters, pull):
        """Grow a branch from `start` (point, position) towards `pull`; return its end and the direction there."""
        (parent, position), steps = start, max(int(length / 8.0), 2)
        for diameter in np.linspace(*diameters, steps):
            direction = direction + self.rng.normal(0.0, 0.12, 3) + 0.05 * np.array(pull)
            direction /= np.linalg.norm(direction)
            position = position + length / steps * direction
            parent = self.point(kind, position, diameter, parent)
        return (parent, position), direction

    def bush(self, kind, start, direction, length, diameter, levels, pull):
        """Grow a branch that bifurcates `levels` times; diameters are at least 0.5 um."""
        thin = max(0.85 * diameter, 0.5)
        span = length * self.rng.uniform(0.6, 1.3)
        end, direction = self.branch(kind, start, direction, span, (diameter, thin), pull)
        side = np.cross(direction, self.rng.normal(size=3))
        side *= 0.45 / np.linalg.norm(side)
        for sign in (-1, 1) if levels else ():
            self.bush(kind, end, direction + sign * side, 1.25 * length, max(0.8 * thin, 0.5), levels - 1, pull)


def pyramidal(seed):
    """Return the text of an SWC file: a soma, an axon, six basal dendrites, and an apical dendrite with a tuft."""
    tree, up = Tree(seed), np.array([0.0, 1.0, 0.0])
    soma = []
    for y, diameter in ((-8.0, 9.0), (-4.0, 14.0), (0.0, 16.0), (5.0, 12.0), (10.0, 7.0)):
        soma.append(tree.point(1, y * up, diameter, soma[-1] if soma else -1))
    tree.branch(2, (soma[0], -8.0 * up), np.array([0.1, -1.0, 0.0]), 250.0, (1.4, 0.6), (0.0, -0.5, 0.0))
    for angle in np.linspace(0.0, 2 * np.pi, 6, endpoint=False):
        direction = np.array([np.cos(angle), tree.rng.uniform(-0.9, 0.1), 0.4 * np.sin(angle)])
        direction /= np.linalg.norm(direction)
        tree.bush(3, (soma[1], -4.0 * up + 6.0 * direction), direction, 40.0, 1.6, 2, direction)
    end, direction, diameters = (soma[-1], 10.0 * up), up, np.linspace(4.5, 2.4, 10)
    for k in range(9):  # the trunk, with an oblique branch at the end of each of its first six parts
        end, direction = tree.branch(4, end, direction, 52.0, diameters[k : k + 2], 3.0 * up)
        side = np.array([(-1.0) ** k, tree.rng.uniform(0.1, 0.6), 0.4 * tree.rng.normal()])
        if k < 6:
            tree.bush(4, end, side, tree.rng.uniform(50.0, 80.0), 1.0, 1, (0.5 * side[0], 0.3, 0.0))
    for side in (-1.0, 1.0):
        tree.bush(4, end, np.array([0.5 * side, 1.0, 0.0]), 55.0, 1.6, 3, (0.5 * side, 0.7, 0.0))
    return "\n".join(tree.lines) + "\n"


Path("pyramidal.swc").write_text(pyramidal(seed=4))

# %% [markdown]
# ## The morphology
#
# `dn.Morphology.read` checks the file and returns a tree of unbranched sections. Properties that are unusual but
# valid are listed in `tree.warnings`. [Use reconstructed morphologies](../howto/morphologies.md) describes the
# conventions for somata.

# %%
tree = dn.Morphology.read("pyramidal.swc")
print(tree)
print(f"area {tree.area:.0f} um2, warnings {tree.warnings}")
dn.plot.morphology(tree, thickness=2.0)

# %% [markdown]
# Locations are positions on sections, and regions are sets of control volumes. The next code cell finds the terminal
# branch of the apical dendrite whose tip is farthest from the soma, and the path from the soma to it.
# `section.distance` is the path length from the soma's centre to the beginning of a section.

# %%
parents = {section.parent for section in tree.sections}
tips = [s for s in tree.sections if s.kind == "apical" and s.index not in parents]
tuft = max(tips, key=lambda s: s.distance + s.length)
path = [tuft]
while path[-1].kind != "soma":
    path.append(tree.sections[path[-1].parent])


def on_path(distance):
    """Return the location on the path to the tuft at this distance (um) from the soma."""
    section = next((s for s in path[:-1] if s.distance <= distance), None)
    return tree.at(section.index, (distance - section.distance) / section.length) if section else tree.at(0, 0.5)


print(f"the tip of section {tuft.index} is {tuft.distance + tuft.length:.0f} um from the soma")

# %% [markdown]
# ## The cell
#
# `dn.DLambda(0.1)` divides each section into control volumes (CVs) that are no longer than a tenth of the length
# constant at 100 Hz. Channels are placed on regions. A density is a number, a number per region, or a formula that
# depends on the distance from the soma (um): in the apical dendrite, the density of sodium channels decreases
# towards the tuft, which has none, and the density of h channels increases. The parameters of formulas, such as
# `g_soma`, are parameters of the network.
#
# Twenty synapses with AMPA and NMDA receptors share the outer half of the branch in the tuft.

# %%
proximal = tree.region("apical", distance=(0.0, 600.0))
cluster = [tree.at(section=tuft.index, x=x) for x in np.linspace(0.5, 0.95, 20)]


class Pyramidal(dn.CableNeuron):
    """A pyramidal cell with active dendrites and a cluster of synapses."""

    def __init__(self, size):
        membrane = {"C": 1.0, "gL": 40.0, "V_rest": -70.0, "r_axial": 120.0}  # uF/cm2, uS/cm2, mV, ohm cm
        super().__init__(size, tree, cv=dn.DLambda(0.1), V_th=-20.0, **membrane)
        self.na = dn.channels.NaT(self, on="soma", g=100.0)  # mS/cm2
        self.na_axon = dn.channels.NaT(self, on="axon", g=200.0)
        self.na_apical = dn.channels.NaT(self, on=proximal, g="g_soma * exp(-distance/lam)", g_soma=40.0, lam=400.0)
        self.k = dn.channels.Kdr(self, on="all", g={"all": 3.0, "soma": 10.0, "axon": 30.0})
        self.ih = dn.channels.Ih(self, on="apical", g="g_soma * exp(distance/lam)", g_soma=0.005, lam=200.0)
        self.ampa = dn.AMPA(self, at=cluster, g=0.1, t_rise=0.2, t_decay=2.0, scale_g=True)  # nS, ms
        self.nmda = dn.NMDA(self, at=cluster, g=0.3, t_rise=3.0, t_decay=60.0, scale_g=True)


cell = Pyramidal(1)
print(f"{len(cell.cvs)} CVs")

with dn.plot.style():
    _, ax = plt.subplots(figsize=(3.4, 2.0))
    for channel, region, label in ((cell.na_apical, proximal, "Na"), (cell.ih, "apical", "h")):
        ax.plot(cell.cvs.distance[cell.cvs.select(region)], channel.g, ".", markersize=2, label=label)
    ax.set(xlabel="distance from the soma (µm)", ylabel="g (mS/cm$^2$)", yscale="log")
    ax.legend()

# %% [markdown]
# ## A back-propagating action potential
#
# A generator injects 1.5 nA into the soma for 2 ms. `cell.at(...)` returns sites, which can be probed like
# compartments; one probe records six sites, and another probe records all CVs.

# %%
electrode = dn.DCGenerator(1, amplitude=1500.0, start=5.0, stop=7.0)  # pA, ms
net = dn.Network([cell, electrode, dn.ConnGen(electrode, cell.at("soma"))], dt=0.025)
distances = np.array([0.0, 100.0, 200.0, 350.0, 500.0, 700.0])
at_sites = net.probe(cell.at([on_path(d) for d in distances]), "V")
everywhere = net.probe(cell, "V")
spikes = net.probe(cell, "spikes")
net.run(20.0)
active = at_sites.values.copy()
peak = everywhere.values.max(axis=0)
print(f"{len(spikes)} spike at {spikes.t[0]:.2f} ms; peaks: {active.max(axis=0).round(1)} mV")

# %% [markdown]
# A movie shows V in all CVs. It can be saved as a GIF file or, with ffmpeg, as a video.

# %%
movie = dn.plot.movie(everywhere, cell, window=(5.0, 11.0), every=0.1, fps=12.5, thickness=2.5)
movie.save("action_potential.gif", dpi=110)

# %% [markdown]
# All parameters are live. Without dendritic sodium channels, the action potential decays on its way:

# %%
cell.na_apical.g_soma = 0.0
net.reset()
net.run(20.0)
passive = at_sites.values.copy()

# %% figure="backpropagation"
with dn.plot.style():
    figure = plt.figure(figsize=(6.8, 3.6))
    shape, top, bottom = figure.subplot_mosaic(
        [["cell", "active"], ["cell", "passive"]], width_ratios=(1, 1.4)
    ).values()
    dn.plot.morphology(
        tree,
        color=peak,
        cvs=cell.cvs,
        label="peak of V (mV)",
        thickness=2.5,
        sites=[on_path(d) for d in distances],
        ax=shape,
    )
    for ax, values, title in ((top, active, "with"), (bottom, passive, "without")):
        for k, distance in enumerate(distances):
            ax.plot(at_sites.t, values[:, k], color=plt.cm.viridis(k / 6), label=f"{distance:.0f} µm")
        ax.set(
            ylabel="V (mV)", title=f"{title} Na channels of the apical dendrite", xlim=(4.0, 16.0), ylim=(-75.0, 50.0)
        )
    top.legend()
    bottom.set_xlabel("time (ms)")

times = at_sites.t[active.argmax(axis=0)]
speed = (distances[4] - distances[0]) / (times[4] - times[0])
print(f"the peak reaches {distances[4]:.0f} um after {times[4] - times[0]:.2f} ms ({speed / 1000:.2f} m/s)")
assert len(spikes) == 1
assert (np.diff(times[:5]) > 0).all()
assert active[:, 4].max() > 0.0
assert passive[:, 4].max() < -40.0

# %% [markdown]
# The axon spikes first, because it has the highest density of channels. From the soma the action potential propagates
# into the dendrite, and sodium channels with a decreasing density amplify it: it becomes lower and wider with
# distance, as in recordings.
#
# ## An NMDA spike
#
# Three presynaptic spikes, 10 ms apart, arrive at the cluster. Receptors placed at locations are ordered by cell and
# then by site, and these pairs of a cell and a site are the targets of connections. The cells of one population
# differ in the number of active synapses, which one connection matrix describes.

# %%
counts = np.array([2, 4, 6, 12, 20])
cells = Pyramidal(len(counts))
axon = dn.SpikeGenerator(1, indices=[0, 0, 0], times=[20.0, 30.0, 40.0])
active_synapses = (np.arange(len(cluster)) < counts[:, np.newaxis]).astype(float)
synapses = dn.MCSynapse(axon, (cells.ampa, cells.nmda), active_synapses.reshape(1, -1))
net = dn.Network([cells, axon, synapses], dt=0.025)
branch = net.probe(cells.at(cluster[10]), "V")
soma = net.probe(cells.at("soma"), "V")
trunk = net.probe(cells.at(on_path(450.0)), "V")
net.run(200.0)

# %%
with dn.plot.style():
    _, axes = plt.subplots(1, 3, figsize=(6.8, 2.2))
    for ax, probe, title in zip(axes, (branch, trunk, soma), ("branch", "trunk, 450 µm", "soma"), strict=True):
        for k, count in enumerate(counts):
            ax.plot(probe.t, probe.values[:, k], color=plt.cm.viridis(k / 5), label=f"{count} synapses")
        ax.set(title=title, xlabel="time (ms)", xlim=(10.0, 200.0))
    axes[0].set_ylabel("V (mV)")
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(counts))

height = branch.values.max(axis=0) - branch.values[0]
at_soma = soma.values.max(axis=0) - soma.values[0]
for k, count in enumerate(counts):
    width = np.sum(branch.values[:, k] > branch.values[0, k] + height[k] / 2) * 0.025
    print(
        f"{count:2d} synapses: {height[k]:4.1f} mV for {width:3.0f} ms in the branch, {at_soma[k]:.1f} mV at the soma"
    )


assert height[1] > 2.1 * height[0]  # four synapses cause more than twice the response to two
assert height[4] < 1.2 * height[3]

# %% [markdown]
# Summation in the branch is supralinear at first: depolarization removes the magnesium block of the NMDA receptors,
# which depolarize the branch further. Then the branch reaches a plateau, an NMDA spike. More synapses make the
# plateau longer rather than higher. The soma is depolarized by only a few mV, because most of the current leaks out
# along the way. Sodium spikes are not involved, since this branch has no sodium channels.
#
# ## Does it matter for the output?
#
# Two cells receive the same weak current at the soma; one of them also has an NMDA spike in the tuft.

# %%
pair = Pyramidal(2)
axon = dn.SpikeGenerator(1, indices=[0, 0, 0], times=[20.0, 30.0, 40.0])
electrode = dn.DCGenerator(1, amplitude=80.0, start=20.0, stop=180.0)
synapses = dn.MCSynapse(axon, (pair.ampa, pair.nmda), np.repeat([0.0, 1.0], len(cluster))[np.newaxis])
net = dn.Network([pair, axon, synapses, electrode, dn.ConnGen(electrode, pair.at("soma"))], dt=0.025)
soma = net.probe(pair.at("soma"), "V")
spikes = net.probe(pair, "spikes")
net.run(200.0)

with dn.plot.style():
    _, ax = plt.subplots(figsize=(3.4, 2.0))
    for k, label in enumerate(("current", "current and NMDA spike")):
        ax.plot(soma.t, soma.values[:, k], color=("0.6", "#d55e00")[k], label=label)
    ax.set(xlabel="time (ms)", ylabel="V of the soma (mV)")
    ax.figure.legend(loc="outside upper center", ncols=2)

without, with_spike = np.bincount(spikes.i, minlength=2)
print(f"{without} action potentials without the NMDA spike, {with_spike} with it")
assert without == 0
assert with_spike >= 2

# %% [markdown]
# The current alone remains below the threshold. A single NMDA spike, more than 700 um away from the soma, is enough
# to make the cell fire.
#
# ## Next steps
#
# - Read your own file. Look at `tree.warnings` first.
# - [Simulate detailed cells](../howto/detailed_cells.md) describes placement, sites, densities and methods.
# - [Fit channel densities](fitting_densities.py) finds densities from recordings with gradients.
# - `examples/reconstructed_cell.py` draws the potential of the whole cell at several times, or as a movie; it also
#   accepts your own file.
