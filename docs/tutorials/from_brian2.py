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
# # From Brian2 and Dendrify
#
# This page is for users of [Brian2](https://brian2.readthedocs.io) (Stimberg, Brette & Goodman 2019, eLife
# 8:e47314), with or without [Dendrify](https://dendrify.readthedocs.io) (Pagkalos, Chavlis & Poirazi 2023, Nat
# Commun 14:131). It lists corresponding names, builds the same cell in both simulators, and shows how to check that
# the results are equal. The Brian2 code is shown as text and not executed; its results were recorded with Brian2
# 2.9.0 and the NumPy target.

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np

# %% [markdown]
# ## Corresponding names
#
# | Brian2 | Dendrion |
# | --- | --- |
# | `NeuronGroup(N, eqs, ...)` | a subclass of `dn.MCNeuron` that creates its compartments in `__init__` |
# | `threshold="v > -50*mV"`, `reset="v = -60*mV"` | `V_th=-50.0`, `V_reset=-60.0`, at the soma |
# | `Equations` | compartments, receptors, couplings; your own equations in `dn.Channel`, `dn.Receptor`, `dn.Soma` |
# | `method="euler"`, `"exponential_euler"`, `"rk4"` | `odemethod=`: `dn.SolverMethodODE.EULER`, `.EXP_EULER`, `.RK4` |
# | `Synapses(a, b, on_pre="s += w", delay=1*ms)` | `dn.MCSynapse(a, b.ampa, conn, weight=..., delay=1.0)` |
# | `connect()`, `connect(j="i")`, `connect(p=0.1)` | `dn.All2All()`, `dn.One2One()`, `dn.FixedProb(0.1)` |
# | `connect(i=..., j=...)` | `dn.CustomConn(i, j)`, or a matrix, dense or sparse |
# | STDP written in equations | `plasticity=dn.STDP(...)`, `dn.TripletSTDP`, `dn.TsodyksMarkram` |
# | `PoissonGroup`, `SpikeGeneratorGroup` | `dn.PoissonGenerator`, `dn.SpikeGenerator` |
# | `TimedArray` | `dn.Piecewise` as a rate, or as the amplitude of a `dn.DCGenerator` |
# | a sampled current | `dn.CurrentGenerator(waveform=..., interval=0.25)`, interpolated linearly |
# | `StateMonitor(G, "v", record=[0, 5], dt=1*ms)` | `net.probe(cells.soma, "V", indices=[0, 5], every=1.0)` |
# | `SpikeMonitor(G)` | `net.probe(cells, "spikes")` |
# | `PopulationRateMonitor(G)` | `dn.plot.rate(spikes)`, `spikes.counts()` |
# | `Network(...)`, `defaultclock.dt`, `seed(1)` | `dn.Network([...], dt=0.1, seed=1)` |
# | `run(100*ms)` | `net.run(100.0)` |
# | `G.v = ...`, and parameters `G.g = ...` | `net.set_state({"cell/soma.V": ...})`, `cells.nmda.g = ...` |
# | `store()`, `restore()` | `net.save_state(path)`, `net.load_state(path)`; `net.reset()` goes back to t = 0 |
# | `run_regularly`, `@network_operation` | several runs, with changes in between |
# | `prefs.codegen.target`, `set_device(...)` | not needed, since nothing is compiled; `threads=`, `dtype=` |
# | `SpatialNeuron` | `dn.CableNeuron` ([detailed cells](../howto/detailed_cells.md)) |
#
# | Dendrify | Dendrion |
# | --- | --- |
# | `Soma("soma", "leakyIF")`, `"adaptiveIF"`, `"adex"` | `self.soma = dn.LeakyIF(size)`, `dn.AdaptiveIF`, `dn.AdEx` |
# | `Dendrite("dend")` | `self.dend = dn.Compartment(size)` |
# | `length`, `diameter`, `r_axial` | the same |
# | `cm`, `gl`, `v_rest` | `C` (uF/cm2), `gL` (uS/cm2), `V_rest` |
# | `cm_abs`, `gl_abs` | `C` (pF), `gL` (nS), without a geometry |
# | `scale_factor`, `spine_factor` | `area_factor`, their product (`spine_factor` acts on dendrites) |
# | `NeuronModel([(soma, dend, 15*nS)])`; `"half_cylinders"` | `dn.MCConn(self.soma, self.dend, g=15.0)`; without `g` |
# | `dend.synapse("AMPA", "x", g=, t_decay=)` | `self.x = dn.AMPA(size, g=, t_decay=)` and a `dn.MCConnSynapse` |
# | `dend.dspikes("Na", ...)`, `config_dspikes` | `dn.DendriticSpike(size, self.dend, ...)` |
# | `dend.noise(tau=, sigma=, mean=)` | `dn.OUNoise(self.dend, sigma=, tau=, mean=)` |
# | `make_neurongroup(reset=, second_reset=, spike_width=)` | `V_spike=`, `V_reset=`, `spike_width=` of `dn.MCNeuron` |
#
# ## Units
#
# Brian2 computes in SI units and uses quantities with units. In Dendrion, plain numbers are in mV, ms, pF, nS, pA, um
# or Hz, and in uF/cm2 and uS/cm2 for compartments with a geometry ([all units](../units.md)). Brian2's quantities are
# accepted wherever a number is expected; they are converted and checked, so large parts of a script can remain
# unchanged:
#
# ```text
# soma = dn.LeakyIF(1, V_rest=-65*mV, C=200*pF, gL=10*nS)
# dn.LeakyIF(1, gL=5*mV)    # ParameterError: LeakyIF: gL = 5 mV: got mV, expected nS or uS/cm2
# ```
#
# The results, `v.values` and `spikes.t`, are NumPy arrays in mV and ms. Note that the axes are `(samples, neurons)`,
# whereas Brian2 uses `(neurons, samples)`.
#
# ## One cell in both
#
# This is the four-compartment cell from Dendrify's documentation. The middle dendrite has AMPA synapses, and NMDA
# synapses with the magnesium block of Jahr & Stevens (1990, J Neurosci 10:3178). The code for Brian2 is:
#
# ```python
# from brian2 import *
#
# defaultclock.dt = 0.1*ms
#
# def membrane(length, diameter, factor):
#     area = pi*length*diameter*factor*um**2
#     return 1*uF/cm**2*area, 40*uS/cm**2*area
#
# C_soma, g_soma = membrane(25, 25, 2.8)
# C_trunk, g_trunk = membrane(100, 2.5, 4.2)
# C_prox, g_prox = membrane(100, 1.0, 4.2)
# C_dist, g_dist = membrane(100, 0.5, 4.2)
# EL, g_st, g_tp, g_pd = -65*mV, 15*nS, 6*nS, 2*nS
#
# cell = NeuronGroup(1, """
#     dV_soma/dt = (g_soma*(EL - V_soma) + g_st*(V_trunk - V_soma) + I_ext)/C_soma : volt
#     dV_trunk/dt = (g_trunk*(EL - V_trunk) + g_st*(V_soma - V_trunk)
#                    + g_tp*(V_prox - V_trunk))/C_trunk : volt
#     dV_prox/dt = (g_prox*(EL - V_prox) + g_tp*(V_trunk - V_prox)
#                   + g_pd*(V_dist - V_prox) + I_AMPA + I_NMDA)/C_prox : volt
#     dV_dist/dt = (g_dist*(EL - V_dist) + g_pd*(V_prox - V_dist))/C_dist : volt
#     I_AMPA = 1*nS*s_AMPA*(0*mV - V_prox) : amp
#     I_NMDA = 0.6*nS*s_NMDA*(0*mV - V_prox)/(1 + 1/3.57*exp(-0.062*V_prox/mV)) : amp
#     ds_AMPA/dt = -s_AMPA/(2*ms) : 1
#     ds_NMDA/dt = -s_NMDA/(60*ms) : 1
#     I_ext : amp
#     """, threshold="V_soma > -40*mV", reset="V_soma = -55*mV", refractory=4*ms, method="euler")
# cell.V_soma = cell.V_trunk = cell.V_prox = cell.V_dist = EL
#
# axon = SpikeGeneratorGroup(1, [0]*12, (20 + 5*arange(12))*ms)
# synapse = Synapses(axon, cell, "w : 1", on_pre="s_AMPA += w; s_NMDA += w", delay=1*ms)
# synapse.connect()
# synapse.w = 2
#
# V = StateMonitor(cell, ["V_soma", "V_trunk", "V_prox", "V_dist"], record=True)
# spikes = SpikeMonitor(cell)
# run(10*ms)
# cell.I_ext = 120*pA
# run(110*ms)
# ```
#
# Here is the same cell in Dendrion. The equations of membranes, axial currents and receptors are built in, so the
# code contains only the structure and the parameters of this cell.


# %%
class FourCompartments(dn.MCNeuron):
    """A soma and three dendrites in a chain, with AMPA and NMDA receptors on the middle one."""

    def __init__(self, size=1):
        super().__init__(size, V_th=-40.0, V_reset=-55.0, refractory=4.0, name="cell")
        membrane = {"V_rest": -65.0, "C": 1.0, "gL": 40.0}
        self.soma = dn.LeakyIF(size, length=25, diameter=25, area_factor=2.8, **membrane)
        self.trunk = dn.Compartment(size, length=100, diameter=2.5, area_factor=4.2, **membrane)
        self.prox = dn.Compartment(size, length=100, diameter=1.0, area_factor=4.2, **membrane)
        self.dist = dn.Compartment(size, length=100, diameter=0.5, area_factor=4.2, **membrane)
        self.soma_trunk = dn.MCConn(self.soma, self.trunk, g=15.0)
        self.trunk_prox = dn.MCConn(self.trunk, self.prox, g=6.0)
        self.prox_dist = dn.MCConn(self.prox, self.dist, g=2.0)
        self.ampa = dn.AMPA(size, g=1.0, t_decay=2.0)
        self.nmda = dn.NMDA(size, g=0.6, t_decay=60.0)
        self.ampa_on = dn.MCConnSynapse(self.ampa, self.prox)
        self.nmda_on = dn.MCConnSynapse(self.nmda, self.prox)


cell = FourCompartments()
axon = dn.SpikeGenerator(1, indices=[0] * 12, times=20.0 + 5.0 * np.arange(12))
synapse = dn.MCSynapse(axon, (cell.ampa, cell.nmda), dn.All2All(), weight=2.0, delay=1.0)
net = dn.Network([cell, axon, synapse], dt=0.1)
v = {part: net.probe(getattr(cell, part), "V") for part in ("soma", "trunk", "prox", "dist")}
spikes = net.probe(cell, "spikes")
net.run(10.0)
cell.soma.I_ext = 120.0
net.run(110.0)
_ = dn.plot.traces(v, spikes={"soma": spikes})

# %%
_ = dn.plot.tree(cell)

# %% [markdown]
# ## Are the results equal?
#
# With forward Euler and the same time step, both simulators compute the same sums, so the results should agree up to
# rounding errors. Record both from t = 0 at each step, start both from rest, compare all compartments with a tolerance
# of 1e-9 mV, and compare spike times exactly. The following numbers are Brian2's potentials every 10 ms, starting at 20
# ms. The largest difference in all 4,800 samples was 3e-13 mV.

# %%
brian2_spikes = [36.9, 45.8, 53.7, 60.9, 67.7, 74.2, 80.4, 87.0, 94.5, 102.9, 112.3]  # ms
brian2_v = {  # mV, at 20, 30, ... 110 ms
    "soma": [
        -53.4707191004, -45.0800253043, -46.3990279292, -44.3051434325, -41.1082537776, -46.864854503, -40.5970787889,
        -45.7653764688, -42.7785924292, -41.8310608832,
    ],
    "trunk": [
        -56.9299731363, -47.2018121719, -45.9478252228, -44.1682788588, -41.2511800232, -43.756819671, -39.9474965095,
        -44.374107843, -43.5277515753, -43.327604854,
    ],
    "prox": [
        -59.6640251688, -44.8966390618, -38.4959692949, -35.2316359979, -31.5278236884, -29.7627015782, -27.1975558084,
        -33.4258436132, -36.5450773172, -38.6098518349,
    ],
    "dist": [
        -61.9401788767, -49.3671180183, -41.2206398133, -38.2131978392, -35.7253648611, -33.3387941331, -31.8068078452,
        -35.4177837614, -38.9639392844, -41.3694390894,
    ],
}  # fmt: skip
np.testing.assert_allclose(spikes.t, brian2_spikes, rtol=0, atol=1e-9)
for part, expected in brian2_v.items():
    found = v[part].values[200:1200:100, 0]
    print(f"{part:5s} differs by at most {np.abs(found - expected).max():.1e} mV")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)

# %% [markdown]
# (The remaining difference of about 1e-11 mV is due to rounding the numbers above to twelve digits.)
#
# If results differ, the first sample that differs indicates the cause. If this sample follows an input, the cause is
# a delay; if it follows a spike, the cause is the reset or the refractory time; if results differ from the first
# step on, the cause is a parameter or a unit. The rest of this page describes these cases.
#
# ## The order of a step
#
# | | Brian2's default schedule | Dendrion |
# | --- | --- | --- |
# | 1 | `start`: monitors record | probes record |
# | 2 | `groups`: states are integrated | states are integrated |
# | 3 | `thresholds`: spikes, stamped with the step's t | threshold, spikes stamped with the step's t |
# | 4 | `synapses`: arriving spikes | reset |
# | 5 | `resets` | arriving spikes |
#
# The two simulators perform operations 4 and 5 in reverse order. This matters only if both change the same variable, as
# in `on_pre="v += w"` with `reset="v = 0*mV"`. In Dendrion arriving spikes change the gate of a receptor, and a reset
# changes V.
#
# ## Delays
#
# In both simulators, a spike that is sent in step n with a delay of d reaches its gate at the end of step n + d/dt.
# The default delays differ: Brian2 uses 0; Dendrion uses 0 for connections from generators, and one time step for
# connections between neurons, for which shorter delays raise an error. To compare results, set the delays
# explicitly in both.

# %%
firsts = []
for delay in (0.0, 0.1, 1.0):
    target = FourCompartments()
    once = dn.SpikeGenerator(1, indices=[0], times=[5.0])
    small = dn.Network([target, once, dn.MCSynapse(once, target.ampa, dn.All2All(), delay=delay)], dt=0.1)
    s = small.probe(target.ampa, "s")
    small.run(10.0)
    firsts.append(int(np.argmax(s.values[:, 0] > 0)))
print("first samples with s > 0:", firsts)
assert firsts == [51, 52, 61]  # as with Brian2's SpikeGeneratorGroup and Synapses

try:
    dn.Network([a := FourCompartments(), dn.MCSynapse(a, a.ampa, dn.All2All(), delay=0.0)], dt=0.1)
except dn.ParameterError as error:
    print(error)

# %% [markdown]
# ## Refractory times
#
# In both simulators, V keeps evolving after a reset and only spikes are suppressed. Brian2 also has the flag `(unless
# refractory)`, which holds V constant during the refractory time. In Dendrion, write a soma with its own equation for
# V, in a language that is similar to Brian2's:


# %%
class HeldIF(dn.Soma):
    """A leaky integrate-and-fire soma whose V is held for ``t_ref`` after a spike."""

    equations = """
    dV/dt = 0 mV/ms if held else (gL*(V_rest - V) + I)/C
    on spike: held for t_ref - dt    # t_ref begins with the step of the spike
    t_ref = 5 ms
    """


class Point(dn.MCNeuron):
    """A soma alone."""

    def __init__(self, soma, **given):
        super().__init__(1, V_th=-50.0, V_reset=-60.0, refractory=5.0)
        self.soma = soma(1, V_rest=-65.0, C=200.0, gL=10.0, I_ext=400.0, **given)


recorded = {}
for label, point in (("evolving", Point(dn.LeakyIF)), ("held", Point(HeldIF, t_ref=5.0))):
    small = dn.Network([point], dt=0.1)
    recorded[label], stamps = small.probe(point.soma, "V"), small.probe(point, "spikes")
    small.run(50.0)
    print(f"{label:10s}", stamps.t.round(1))
    # The spikes in Brian2, without and with the flag
    np.testing.assert_allclose(stamps.t, np.arange(9.3, 50.0, 6.8 if label == "evolving" else 11.7), atol=1e-9)
_ = dn.plot.traces(recorded)

# %% [markdown]
# ## Thresholds, initial values, solvers, random numbers
#
# - A threshold is `V > V_th` at the soma, as in `threshold="v > V_th"`. Conditions on dendrites are events of a
#   channel, `on V >= V_th: ...`, which replace Brian2's custom events ([the language](../equations.md#events)).
# - Brian2 initializes states with 0, in SI units: without `G.v = ...`, V starts at 0 mV. In Dendrion V starts at
#   `V_rest`.
# - Without `method`, Brian2 chooses a solver; for linear equations, it uses the exact solution. Dendrion's default
#   is forward Euler for all equations, so write `method="euler"` in Brian2 to compare results.
# - A source of Brian2's `PoissonGroup` spikes at most once per step. The equivalent is `dn.BernoulliGenerator` with a
#   probability of rate times dt; `dn.PoissonGenerator` draws exact Poisson counts.
# - Random numbers differ even for the same seed: compare rates and distributions, or use the same spikes in both.
#
# ## Your own equations
#
# A mechanism is attached to a compartment, and its current `I` is added to the membrane; the rest of the cell does
# not change. Brian2's equations for a soma with an M-current (Yamada, Koch & Adams 1989) are
#
# ```python
# E, tau_max = -90*mV, 400*ms
# cells = NeuronGroup(3, """
#     dv/dt = (10*nS*(-65*mV - v) + g*p*(E - v) + 400*pA)/(200*pF) : volt
#     dp/dt = (p_inf - p)/tau_p : 1
#     p_inf = 1/(1 + exp(-(v + 35*mV)/(10*mV))) : 1
#     tau_p = tau_max/(3.3*exp((v + 35*mV)/(20*mV)) + exp(-(v + 35*mV)/(20*mV))) : second
#     g : siemens
#     """, threshold="v > -45*mV", reset="v = -60*mV", refractory=2*ms, method="euler")
# cells.v = -65*mV
# cells.g = [0, 5, 15]*nS
# cells.p = "p_inf"
# ```
#
# In Dendrion's language a unit directly follows its number (`10 mV`); `V`, `V_rest`, `gL` and `C` refer to the
# compartment; initial values are part of the equations; and named numbers are parameters.


# %%
class KM(dn.Channel):
    """Muscarinic potassium current."""

    equations = """
    I = g*p*(E - V)                : pA
    dp/dt = (p_inf - p)/tau_p      : 1
    p_inf = 1/(1 + exp(-(V + 35 mV)/10 mV))
    tau_p = tau_max/(3.3*exp((V + 35 mV)/20 mV) + exp(-(V + 35 mV)/20 mV))
    p(0) = p_inf
    g = 10 nS (>= 0); E = -90 mV; tau_max = 400 ms (> 0)
    """


class WithKM(dn.MCNeuron):
    """A soma with an M-current."""

    def __init__(self, size, g):
        super().__init__(size, V_th=-45.0, V_reset=-60.0, refractory=2.0)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0, I_ext=400.0)
        self.km = KM(size, self.soma, g=g)


cells = WithKM(3, g=[0.0, 5.0, 15.0])
net = dn.Network([cells], dt=0.1)
soma, spikes = net.probe(cells.soma, "V"), net.probe(cells, "spikes")
net.run(500.0)
counts = np.bincount(spikes.i, minlength=3)
print("spikes:", counts)
assert counts.tolist() == [44, 39, 29]  # as in Brian2
brian2_km = [-45.018957068471, -58.063438975368, -57.314580632030, -57.479295917066, -58.249782452476]
np.testing.assert_allclose(soma.values[500:3000:500, 1], brian2_km, rtol=0, atol=1e-9)

# %% [markdown]
# The largest difference from Brian2 in all 15,000 samples was 3e-13 mV.
#
# ## Dendritic spikes
#
# Dendrify's example of back-propagation uses the same four compartments. Each dendrite generates sodium spikes,
# which consist of rectangular conductance pulses. After a spike, V of the soma is held at 40 mV for 0.8 ms before it
# is reset. The soma receives 115 pA for 100 ms. With Dendrify 2.2.0 the soma spikes at 57.0, 68.7, 80.2, 91.7 and
# 103.2 ms, and the dendrites reach the peak potentials listed in the code. The largest difference in all samples was
# 3e-13 mV.


# %% figure="dendritic_spikes"
class Active(dn.MCNeuron):
    """Four compartments in a chain, with dendritic spikes."""

    def __init__(self):
        super().__init__(1, V_th=-40.0, V_spike=40.0, spike_width=0.8, V_reset=-55.0, refractory=4.0)
        membrane = {"V_rest": -65.0, "C": 1.0, "gL": 40.0}
        self.soma = dn.LeakyIF(1, length=25, diameter=25, area_factor=2.8, **membrane)
        self.trunk, self.prox, self.dist = (
            dn.Compartment(1, length=100, diameter=d, area_factor=2.8 * 1.5, **membrane) for d in (2.5, 1.0, 0.5)
        )
        self.axial = [
            dn.MCConn(self.soma, self.trunk, g=15.0),
            dn.MCConn(self.trunk, self.prox, g=6.0),
            dn.MCConn(self.prox, self.dist, g=2.0),
        ]
        pulses = {"V_th": -35.0, "duration_rise": 1.2, "duration_fall": 2.4, "offset_fall": 0.2, "t_ref": 5.0}
        self.spikes = [
            dn.DendriticSpike(1, self.trunk, g_rise=22.0, g_fall=14.0, **pulses),
            dn.DendriticSpike(1, self.prox, g_rise=9.0, g_fall=5.7, **pulses),
            dn.DendriticSpike(1, self.dist, g_rise=3.7, g_fall=2.4, **pulses),
        ]


cell = Active()
net = dn.Network([cell], dt=0.1)
v = {part: net.probe(getattr(cell, part), "V") for part in ("soma", "trunk", "prox", "dist")}
spikes = net.probe(cell, "spikes")
net.run(10.0)
cell.soma.I_ext = 115.0
net.run(100.0)
cell.soma.I_ext = 0.0
net.run(60.0)
with dn.plot.style():
    _, ax = plt.subplots(figsize=(6.8, 2.4))
    dn.plot.traces(v, ax=ax)
    ax.set_xlim(50, 120)
np.testing.assert_allclose(spikes.t, [57.0, 68.7, 80.2, 91.7, 103.2], atol=1e-9)
dendrify_peaks = {"soma": 40.0, "trunk": -7.464371431573, "prox": -10.997723007358, "dist": -36.219674783183}  # mV
for part, peak in dendrify_peaks.items():
    assert abs(v[part].values.max() - peak) < 1e-9

# %% [markdown]
# ## Differences
#
# Dendrion has no compile step, its results do not depend on the number of threads, and it computes gradients through
# the whole model. Unlike Brian2, it supports neither gap junctions between neurons nor synapses with
# user-defined equations.
#
# ## Next steps
#
# - [The equation language](../equations.md) is the reference for your own mechanisms, and [Write your own
#   channel](../own_channel.md) is an introduction.
# - [Numerics](../numerics.md) describes what is computed, in what order, and how accurately.
# - [Speed](../speed.md) compares Dendrion with Brian2.
# - The tutorials [Train a network](training.py) and [Fit a cell](fitting.py) use gradients.
