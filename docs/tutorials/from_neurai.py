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
# # From NeurAI
#
# Dendrion contains the multi-compartment classes of NeurAI (`neurai.nn.neuron.multi_compartment`) with the
# parameters of its documentation: the same names in the same order with the same defaults. You can therefore move a
# model by changing its imports. This page demonstrates such a move, defines the behaviour of the classes where
# NeurAI's documentation does not specify it, and lists additional features.

# %%
import inspect

import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np
from dendrion.neurai.const import SolverMethodODE, SolverMethodSDE
from dendrion.neurai.grads.surrogate_grad import Sigmoid
from dendrion.neurai.nn.module import Module, VarManager
from dendrion.neurai.nn.neuron.multi_compartment.compartment import (
    AMPA,
    NMDA,
    Compartment,
    ConnGen,
    LeakyIF,
    MCConn,
    MCConnSynapse,
    MCSynapse,
)
from dendrion.neurai.nn.neuron.multi_compartment.mc_neuron import MCNeuron

# %% [markdown]
# ## The same names
#
# Add `dendrion.` before `neurai.` in an import, or import the class from `dendrion` itself. They are the same
# objects:
#
# | NeurAI | Dendrion | meaning |
# | --- | --- | --- |
# | `...compartment.Compartment` | `dn.Compartment` | a passive compartment |
# | `...compartment.LeakyIF` | `dn.LeakyIF` | the soma, whose V is compared with the threshold |
# | `...compartment.AMPA`, `.NMDA` | `dn.AMPA`, `dn.NMDA` | receptors |
# | `...compartment.MCConn` | `dn.MCConn` | axial coupling of two compartments |
# | `...compartment.MCConnSynapse` | `dn.MCConnSynapse` | attaches a receptor to a compartment |
# | `...compartment.MCSynapse` | `dn.MCSynapse` | connects sources of spikes to receptors |
# | `...compartment.ConnGen` | `dn.ConnGen` | connects a generator one to one |
# | `...mc_neuron.MCNeuron` | `dn.MCNeuron` | a population of neurons |
# | `neurai.nn.module.Module`, `VarManager` | `dn.Module`, `dn.VarManager` | the base class, and its variables |
# | `neurai.grads.surrogate_grad.Sigmoid` | `dn.Sigmoid` | surrogate derivative of a spike |

# %%
moved = (
    Compartment,
    LeakyIF,
    AMPA,
    NMDA,
    MCConn,
    MCConnSynapse,
    MCSynapse,
    ConnGen,
    MCNeuron,
    Module,
    VarManager,
    Sigmoid,
)
assert all(found is getattr(dn, found.__name__) for found in moved)
assert SolverMethodODE is dn.SolverMethodODE
assert SolverMethodSDE.MISLTEAIN is dn.SolverMethodSDE.MILSTEIN  # NeurAI's spelling is an alias

# %% [markdown]
# Parameters are in the same order as in NeurAI's documentation; Dendrion's additional parameters are keyword-only.
# ([NeurAI compatibility](../neurai.md) lists each parameter with its unit, default and equation.)

# %%
membrane = "size V_rest gL C length diameter r_axial"
owned = "parent name frozen_params"
documented = {
    Compartment: f"{membrane} {owned}",
    LeakyIF: f"{membrane} I_ext {owned}",
    AMPA: f"{membrane} g w t_rise t_decay scale_g {owned}",
    NMDA: f"{membrane} g w Mg gamma alpha beta t_rise t_decay scale_g {owned}",
    MCConn: f"pre post g {owned}",
    MCConnSynapse: f"pre post {owned}",
    MCSynapse: f"pre post conn {owned}",
    ConnGen: f"pre mc {owned}",
    MCNeuron: "size pid V_th V_reset stdp_tau tau_triplet dendritic_delay area_name surrogate_grad_fn id "
    f"neuron_start_id odemethod sdemethod {owned}",
}
for kind, names in documented.items():
    parameters = list(inspect.signature(kind).parameters.values())
    assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == names.split()
    added = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    print(f"{kind.__name__:13s} additional: {', '.join(added) or 'none'}")

# %% [markdown]
# ## Move a model
#
# The class below uses only names from NeurAI's documentation.


# %%
class Pyramidal(MCNeuron):
    """A soma and a dendrite with AMPA and NMDA receptors."""

    def __init__(self, size, name=None):
        super().__init__(size, V_th=-50.0, V_reset=-60.0, name=name)
        self.soma = LeakyIF(size, V_rest=-70.0, gL=40.0, C=1.0, length=25.0, diameter=25.0, r_axial=150.0)
        self.dend = Compartment(size, V_rest=-70.0, gL=40.0, C=1.0, length=200.0, diameter=2.0, r_axial=150.0)
        self.axial = MCConn(pre=self.soma, post=self.dend)
        self.ampa = AMPA(size, g=1.0, t_decay=2.0)
        self.nmda = NMDA(size, g=0.5, t_rise=2.0, t_decay=60.0, scale_g=True)
        self.ampa_dend = MCConnSynapse(pre=self.ampa, post=self.dend)
        self.nmda_dend = MCConnSynapse(pre=self.nmda, post=self.dend)


# %% [markdown]
# The network and the run are specific to Dendrion: a `Network` of modules, probes that record from the moment you
# create them, and `run` with a time in ms. No compilation is needed, and you do not have to write a step function.

# %% figure="network"
cells = Pyramidal(20, name="cells")
noise = dn.PoissonGenerator(50, rate=20.0)
weights = np.random.default_rng(0).uniform(0.0, 0.15, (50, 20))
onto = [MCSynapse(noise, cells.ampa, weights, name="to_ampa"), MCSynapse(noise, cells.nmda, weights, name="to_nmda")]
net = dn.Network([cells, noise, *onto], dt=0.1, seed=1)
v, spikes = net.probe(cells.soma, "V"), net.probe(cells, "spikes")
net.run(500.0)
print(net)
with dn.plot.style():
    _, axes = plt.subplots(1, 2, figsize=(6.8, 2.2))
    dn.plot.traces(v, neurons=[0, 1], spikes=spikes, ax=axes[0])
    dn.plot.raster(spikes, ax=axes[1])
assert len(spikes) > 50

# %% [markdown]
# ## The meaning of the classes
#
# **C and gL** are values per area, in uF/cm2 and uS/cm2, if a compartment has `length` and `diameter`. Without a
# geometry they are the values of the whole compartment, in pF and nS. The defaults of 58.9 and 2.9 are such
# absolute values; together with a geometry they raise an error instead of being used as 58.9 uF/cm2.

# %%
try:
    Compartment(length=100.0, diameter=1.0)
except dn.ParameterError as error:
    print(error)

# %% [markdown]
# **`MCConn` without g** computes g from two half cylinders in series. (The code below computes resistances from
# `r_axial` in ohm cm and lengths in um, so it needs a factor to obtain nS.) A cell that is created with this value
# of g behaves in the same way:

# %%
half = [4 * 150.0 * length / (np.pi * diameter**2) for length, diameter in ((25.0, 25.0), (200.0, 2.0))]
g = 2e5 / sum(half)  # nS


class Explicit(MCNeuron):
    """Soma and dendrite, coupled by a conductance or by the geometry."""

    def __init__(self, g):
        super().__init__(1, V_th=0.0, V_reset=-60.0)
        self.soma = LeakyIF(gL=40.0, C=1.0, length=25.0, diameter=25.0, r_axial=150.0, I_ext=50.0)
        self.dend = Compartment(gL=40.0, C=1.0, length=200.0, diameter=2.0, r_axial=150.0)
        self.axial = MCConn(self.soma, self.dend, g)


ends = []
for cell in (Explicit(None), Explicit(g)):
    pair = dn.Network([cell])
    end = pair.probe(cell.dend, "V")
    pair.run(50.0)
    ends.append(end.values[-1, 0])
print(f"g = {g:.2f} nS; V of the dendrite {ends[0]:.6f} mV with the geometry, {ends[1]:.6f} mV with g")
assert abs(ends[0] - ends[1]) < 1e-9

# %% [markdown]
# **Receptors** are compartments, as in NeurAI. If you attach one with `MCConnSynapse`, it acts on another
# compartment and depends on the V of that compartment. If you couple it with `MCConn`, it is a compartment of its
# own with its own membrane.
#
# **`scale_g`** divides g by the peak of a single response, so that the conductance peaks at g. Without it, the peak
# depends on the rise and decay times:

# %%
peaks = {}
for scale_g in (True, False):
    single = Pyramidal(1)
    single.nmda.scale_g = scale_g
    once = dn.SpikeGenerator(1, indices=[0], times=[5.0])
    one = dn.Network([single, once, MCSynapse(once, single.nmda, np.ones((1, 1)))], dt=0.01)
    current, block, dend = one.probe(single.nmda, "I"), one.probe(single.nmda, "B"), one.probe(single.dend, "V")
    one.run(60.0)
    peaks[scale_g] = float(np.max(current.values / (block.values * (0.0 - dend.values))))
print(f"g = 0.5 nS; the conductance peaks at {peaks[True]:.3f} nS with scale_g, at {peaks[False]:.3f} nS without")
assert abs(peaks[True] - 0.5) < 0.005
assert peaks[False] > 0.8

# %% [markdown]
# **`MCSynapse`** takes a rule such as `dn.FixedProb(0.1)`, or a matrix of weights from NumPy, JAX or
# `scipy.sparse`, with one row per source and one column per target. In a dense matrix every entry is a
# connection, including zeros, so that they can be trained. Weights cannot be negative; use a `dn.GABA` receptor
# for inhibition. Delays (ms) are passed as `MCSynapse(..., delay=...)`.
#
# **`V_reset=None`** subtracts `V_th` after a spike, as documented; `V_th` must then be above 0.
#
# **`frozen_params`** sets parameters and excludes them from `net.parameters()`, gradients and optimizers:

# %%
plain, frozen = Compartment(name="plain"), Compartment(name="frozen", frozen_params={"gL": 3.0, "C": 60.0})
print(sorted(plain.parameters()), sorted(frozen.parameters()))
assert frozen.gL == 3.0
assert "frozen.gL" not in frozen.parameters()

# %% [markdown]
# **`area_name`, `id`, `pid` and `neuron_start_id`** identify populations and neurons within the whole network:


# %%
class Relay(MCNeuron):
    """A soma alone."""

    def __init__(self, size, **given):
        super().__init__(size, V_th=-50.0, V_reset=-60.0, **given)
        self.soma = LeakyIF(size)


ca3, ca1 = Relay(3, area_name="CA3", name="ca3"), Relay(2, area_name="CA1", neuron_start_id=101, name="ca1")
areas = dn.Network([ca3, ca1])
print(areas.select(area_name="CA1"), areas.gids(ca1), areas.gids(ca3))
assert areas.select(area_name="CA1") == [ca1]
assert areas.gids(ca1).tolist() == [101, 102]

# %% [markdown]
# **`stdp_tau`, `tau_triplet`, `dendritic_delay`** are the postsynaptic parameters of plastic connections; the rule
# itself is passed to the synapse, as in `MCSynapse(..., plasticity=dn.STDP())`. See [Plasticity](plasticity.py).
#
# **`surrogate_grad_fn`** accepts a `dn.Surrogate`, or a function of V - V_th that uses NumPy functions:

# %%
own = Relay(1, surrogate_grad_fn=lambda x: 1 / (1 + abs(x)) ** 2)
print(own.spike_derivative([-50.0, -49.0, -45.0]))
np.testing.assert_allclose(own.spike_derivative([-50.0, -49.0]), [1.0, 0.25])

# %% [markdown]
# ## Train the model
#
# Parameters form a dict with paths as keys, and `backward` returns gradients in the same form:

# %%
net.reset()
run = net.run(100.0, grad=True)
gradients = run.backward({v: 2 * (v.values + 58.0)}, wrt=["cells/dend.gL", "to_nmda.w"])
print({key: value.shape for key, value in gradients.items()})
assert gradients["to_nmda.w"].shape == (50, 20)
assert np.abs(gradients["to_nmda.w"]).max() > 0

# %% [markdown]
# With JAX, `dendrion.jax.function(net, duration=100.0, inputs=[noise], outputs=[v])` returns a function of
# parameters and inputs that supports `jit` and `grad`; the network itself runs outside of XLA.
# `dendrion.torch.Layer` is the equivalent for PyTorch. [Gradients](../gradients.md) describes both.
#
# ## Additional features
#
# | | |
# | --- | --- |
# | receptors and resets | `dn.GABA`; `refractory`; two-stage resets (`V_spike`, `spike_width`) |
# | channels | Hodgkin-Huxley, calcium, dendritic spikes, adaptive somas; [your own equations](../own_channel.md) |
# | noise | `dn.WhiteNoise`, `dn.OUNoise`, `dn.ConductanceNoise` |
# | connections | delays, sparse matrices, rules, [plasticity](plasticity.py) |
# | solvers | eight, including implicit ones, [with their orders](../numerics.md#solvers) |
# | recording and plots | `net.probe`, [`dn.plot`](../api/plot.md) |
#
# ## Next steps
#
# - [NeurAI compatibility](../neurai.md) lists every parameter with its unit and equation.
# - [A tour of the package](../python.md) shows all features, and [Units](../units.md) lists the units of all
#   parameters.
# - The tutorials [Train a network](training.py) and [Fit a cell](fitting.py) use gradients.
