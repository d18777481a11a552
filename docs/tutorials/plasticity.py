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
# # Plasticity
#
# Synapses can change depending on the order of two spikes (STDP) or on triplets of spikes. Other changes last only a
# few hundred milliseconds (short-term plasticity). We measure the effect of each rule as in a slice experiment, and
# then let a small network learn.

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np

blue, orange, green = "#0072b2", "#d55e00", "#009e73"

# %% [markdown]
# ## A pairing experiment
#
# The synapse is on a soma with an electrode that makes the neuron spike at given times: a current of 50 nA for one
# step of 0.1 ms raises the potential of 200 pF by 25 mV, from -70 mV to above the threshold. Each neuron of a
# population is one experiment with its own source and synapse, so all pairings are simulated together. One step (0.1
# ms) of the delay of 0.2 ms is dendritic, so both the presynaptic and the postsynaptic spike take 0.1 ms to reach
# the synapse.


# %%
class Patched(dn.MCNeuron):
    """A soma under an electrode, and a weak AMPA synapse."""

    def __init__(self, size, **kwargs):
        super().__init__(size, V_th=-50.0, V_reset=-70.0, name="patched", **kwargs)
        self.soma = dn.LeakyIF(size, V_rest=-70.0, C=200.0, gL=10.0)
        self.ampa = dn.AMPA(size, g=0.1, t_decay=5.0)
        self.on_soma = dn.MCConnSynapse(self.ampa, self.soma)


def pair(rule, pre, post, weight=1.0, delay=0.2, dt=0.1, **neuron):
    """Return the weights after presynaptic spikes at ``pre`` and postsynaptic spikes at ``post`` (lists, ms)."""
    size = len(pre)
    duration = max(times[-1] for times in (*pre, *post)) + 50.0
    cells = Patched(size, **neuron)
    source = dn.SpikeGenerator(size, np.repeat(np.arange(size), [len(t) for t in pre]), np.concatenate(pre))
    pulses = np.zeros((round(duration / dt), size))
    for neuron_index, times in enumerate(post):
        pulses[np.rint(np.asarray(times) / dt).astype(int), neuron_index] = 50e3  # pA
    electrode = dn.CurrentGenerator(size, pulses)
    synapse = dn.MCSynapse(source, cells.ampa, dn.One2One(), weight=weight, delay=delay, plasticity=rule)
    net = dn.Network([cells, source, electrode, dn.ConnGen(electrode, cells.soma), synapse], dt=dt)
    spikes = net.probe(cells, "spikes")
    net.run(duration)
    assert len(spikes) == sum(len(times) for times in post), "only the electrode makes the neurons spike"
    return synapse.w


# %% [markdown]
# ## The STDP window
#
# Each experiment has one pair of spikes with its own interval Δt = t_post - t_pre. If the presynaptic spike comes
# first, the synapse becomes stronger; if it comes second, the synapse becomes weaker (Markram, Lübke, Frotscher &
# Sakmann 1997, Science 275:213; Bi & Poo 1998, J Neurosci 18:10464). `dn.STDP` is the rule of Gütig, Aharonov, Rotter &
# Sompolinsky (2003, J Neurosci 23:3697). A pair of spikes changes a weight w, which lies between 0 and w_max, by
#
# $$
# \frac{\Delta w}{w_\text{max}} =
# \begin{cases}
# \lambda\,(1 - w/w_\text{max})^{\mu_+}\, e^{-\Delta t/\tau_+} & \Delta t > 0 \\
# -\alpha \lambda\,(w/w_\text{max})^{\mu_-}\, e^{\Delta t/\tau_-} & \Delta t < 0
# \end{cases}
# $$
#
# $\tau_+$ is a parameter of the synapse (`tau_plus`). $\tau_-$ is a parameter of the postsynaptic neuron
# (`stdp_tau`), because the trace that decays with it belongs to the neuron. The values used here, 17 and 34 ms,
# were measured in cultured hippocampal neurons (Bi & Poo 2001, Annu Rev Neurosci 24:139).

# %%
distances = np.arange(-80.0, 81.0, 2.0)  # ms
start = 100.0
rule = dn.STDP(lambda_=0.01, alpha=0.6, mu_plus=0.0, mu_minus=0.0, tau_plus=17.0, w_max=2.0)
before = [np.array([start])] * len(distances)
after = [np.array([start + d]) for d in distances]
change = (pair(rule, before, after, stdp_tau=34.0) - 1.0) / 2.0

expected = np.where(distances > 0, 0.01 * np.exp(-distances / 17.0), -0.006 * np.exp(distances / 34.0))
expected[distances == 0] = 0.0
np.testing.assert_allclose(change, expected, rtol=0, atol=1e-12)

with dn.plot.style():
    _, ax = plt.subplots(figsize=(3.4, 2.3))
    ax.axhline(0, color="0.8")
    ax.axvline(0, color="0.8")
    ax.plot(distances, 100 * expected, color="0.6", label="formula")
    ax.plot(distances, 100 * change, ".", ms=3, color=orange, label="measured")
    ax.set(xlabel=r"$\Delta t = t_{post} - t_{pre}$ (ms)", ylabel=r"$\Delta w / w_{max}$ (%)")
    ax.legend()

# %% [markdown]
# At Δt = 0 the weight does not change: if both spikes reach the synapse in the same step, the postsynaptic spike is
# processed first, before the presynaptic spike has left a trace.
#
# ## Dependence on the weight
#
# The exponents determine how a change depends on the weight. With μ = 0, the change does not depend on the weight
# (*additive*, as in Song, Miller & Abbott 2000, Nat Neurosci 3:919). With μ = 1 (*multiplicative*; Rubin, Lee &
# Sompolinsky 2001, Phys Rev Lett 86:364) strong synapses hardly grow and weak synapses hardly shrink.

# %%
weights = np.linspace(0.1, 1.9, 19)
with dn.plot.style():
    _, ax = plt.subplots(figsize=(3.4, 2.3))
    ax.axhline(0, color="0.8")
    for mu, colour in ((0.0, blue), (0.2, green), (1.0, orange)):
        rule = dn.STDP(lambda_=0.01, mu_plus=mu, mu_minus=mu, w_max=2.0)
        for distance in (10.0, -10.0):
            moved = pair(rule, [np.array([start])] * 19, [np.array([start + distance])] * 19, weight=weights) - weights
            label = rf"$\mu$ = {mu:g}" if distance > 0 else None
            ax.plot(weights / 2.0, 100 * moved / 2.0, color=colour, label=label)
            if mu == 0.0:
                assert np.ptp(moved) < 1e-12
            else:
                assert (np.diff(moved) < 0).all()  # strong synapses grow less and shrink more
    ax.set(xlabel=r"$w / w_{max}$", ylabel=r"$\Delta w / w_{max}$ (%)", title=r"$\Delta t = \pm 10$ ms")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %% [markdown]
# ## The dendritic part of a delay
#
# STDP depends on the times at which spikes reach *the synapse*. The `delay` of a connection is the total time from the
# presynaptic spike to its effect; the neuron's `dendritic_delay`, in steps, is the part of this time that belongs to
# the dendrite. The presynaptic spike reaches the synapse after `delay - dendritic_delay`. The postsynaptic spike
# propagates back along the dendrite and reaches the synapse after `dendritic_delay`. As a function of the times at
# which the somas spike, the window is therefore shifted by `delay - 2 dendritic_delay`: the larger the axonal part of
# the delay, the earlier the presynaptic neuron has to spike (Morrison, Aertsen & Diesmann 2007, Neural Comput 19:1437,
# compare both cases in networks).

# %%
with dn.plot.style():
    _, ax = plt.subplots(figsize=(4.6, 2.3))
    ax.axhline(0, color="0.8")
    near = np.arange(-40.0, 40.1, 0.5)
    for steps, colour in ((10, blue), (50, green), (90, orange)):
        rule = dn.STDP(lambda_=0.01, alpha=1.0, mu_plus=0.0, mu_minus=0.0, w_max=2.0)
        experiments = [np.array([start])] * len(near), [np.array([start + d]) for d in near]
        change = (pair(rule, *experiments, delay=10.0, dendritic_delay=steps) - 1.0) / 2.0
        ax.plot(near, 100 * change, ".", ms=2, color=colour, label=f"{0.1 * steps:g} ms on the dendrite")
        shift = 10.0 - 2 * 0.1 * steps
        assert np.isclose(near[change > 0].min(), shift + 0.5)
        assert np.isclose(near[change < 0].max(), shift - 0.5)
    ax.set(xlabel=r"$t_{post} - t_{pre}$ at the somata (ms)", ylabel=r"$\Delta w / w_{max}$ (%)", title="delay 10 ms")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=2)

# %% [markdown]
# ## A network that learns
#
# Ten neurons with one dendrite each receive input from 100 sources, which spike at 15 Hz. The first 50 sources are
# correlated: there are about five common events per second, and each of these sources takes part in about half of
# the events, with a spike within a few milliseconds. The other 50 sources are independent Poisson processes. The
# neurons receive no information about this structure.

# %%
duration, dt, sources = 150_000.0, 0.2, 100
rng = np.random.default_rng(0)


def poisson(rate):
    """Return the times (ms) of events of a Poisson process with this rate (Hz)."""
    return np.sort(rng.uniform(0.0, duration, rng.poisson(rate * duration * 1e-3)))


events = poisson(5.0)
trains = []
for k in range(sources):
    if k < 50:
        joined = events[rng.random(len(events)) < 0.5]
        together = np.minimum(joined + rng.exponential(3.0, len(joined)), duration - dt)
        trains.append(np.concatenate([poisson(12.5), together]))
    else:
        trains.append(poisson(15.0))


# %%
class Learner(dn.MCNeuron):
    """A soma and a dendrite with AMPA synapses."""

    def __init__(self, size):
        super().__init__(size, V_th=-50.0, V_reset=-65.0, refractory=2.0)
        self.soma = dn.LeakyIF(size, V_rest=-70.0, C=200.0, gL=10.0)
        self.dend = dn.Compartment(size, V_rest=-70.0, C=100.0, gL=5.0)
        self.axial = dn.MCConn(self.soma, self.dend, g=20.0)
        self.ampa = dn.AMPA(size, g=1.8, t_decay=5.0)
        self.on_dend = dn.MCConnSynapse(self.ampa, self.dend)


cells = Learner(10)
# Spike times that are not multiples of dt would be rounded, with a warning.
times = np.rint(np.concatenate(trains) / dt) * dt
inputs = dn.SpikeGenerator(sources, np.repeat(np.arange(sources), [len(t) for t in trains]), times)
learnt = dn.MCSynapse(
    inputs,
    cells.ampa,
    rng.uniform(0.4, 0.6, (sources, 10)),
    delay=0.4,
    plasticity=dn.STDP(lambda_=0.005, alpha=1.2, mu_plus=0.02, mu_minus=0.02, w_max=1.0),
    name="learnt",
)
net = dn.Network([cells, inputs, learnt], dt=dt, seed=1)
w = net.probe(learnt, "w", every=500.0)
spikes = net.probe(cells, "spikes")
net.run(duration)
print(f"{len(spikes) / 10 / duration * 1e3:.1f} Hz; {w.values.shape} (samples, connections)")

# %% [markdown]
# A probe of `"w"` records weights like any other variable, with one column per connection, ordered by source and then
# by target. The correlated inputs become strong and the independent inputs become weak (Song, Miller & Abbott 2000 and
# Gütig et al. 2003 explain why). With μ = 0.02 the rule is nearly additive, so synapses compete.

# %% figure="learning"
time = w.t / 1000.0  # s
by_source = w.values.reshape(len(w), sources, 10)
correlated, independent = by_source[:, :50].reshape(len(w), -1), by_source[:, 50:].reshape(len(w), -1)

with dn.plot.style():
    _, axes = plt.subplots(1, 3, figsize=(6.8, 2.1))
    for group, label, colour in ((correlated, "correlated", orange), (independent, "independent", blue)):
        low, middle, high = np.percentile(group, [10, 50, 90], axis=1)
        axes[0].fill_between(time, low, high, color=colour, alpha=0.2, lw=0)
        axes[0].plot(time, middle, color=colour, label=label)
        axes[1].hist(group[-1], bins=np.linspace(0, 1, 26), color=colour, alpha=0.7, label=label)
    axes[0].set(xlabel="time (s)", ylabel="w (median, 80 %)")
    axes[1].set(xlabel=f"w after {duration / 1000:g} s", ylabel="synapses")
    axes[1].legend()
    dn.plot.weights(learnt, ax=axes[2])

assert correlated[-1].min() > 0.9 > 0.7 > independent[-1].max()

# %% [markdown]
# `net.eval()` freezes the learned weights, `net.train()` allows them to change again, and `net.reset()` returns to
# t = 0 and keeps the current weights.

# %%
net.eval()
kept = learnt.w
net.run(1000.0)
np.testing.assert_array_equal(learnt.w, kept)

# %% [markdown]
# ## Triplets: the effect of frequency
#
# In layer 5 of visual cortex, repeating the same pair of spikes at a high frequency causes potentiation, but
# repeating it slowly does not (Sjöström, Turrigiano & Nelson 2001, Neuron 32:1149). Pairs of spikes alone do not
# explain this effect; *triplets* do (Pfister & Gerstner 2006, J Neurosci 26:9673): a postsynaptic spike causes more
# potentiation if other postsynaptic spikes preceded it. The defaults of `dn.TripletSTDP()` are the parameters of
# Pfister & Gerstner for visual cortex with all-to-all interactions; two of the time constants belong to the neuron.
# As in their study, we use 60 pairs.

# %%
frequencies = np.array([1.0, 5.0, 10.0, 20.0, 30.0, 40.0, 50.0])  # Hz
pre = [start + np.round(np.arange(60) * 1000.0 / f, 1) for f in frequencies] * 2
post = [train + 10.0 for train in pre[:7]] + [train - 10.0 for train in pre[7:]]
triplet = pair(dn.TripletSTDP(w_max=10.0), pre, post, stdp_tau=33.7, tau_triplet=125.0).reshape(2, 7) - 1.0
pairs = dn.STDP(lambda_=0.0006, alpha=0.8, mu_plus=0.0, mu_minus=0.0, tau_plus=16.8, w_max=10.0)
doublet = pair(pairs, pre, post, stdp_tau=33.7).reshape(2, 7) - 1.0

# %% [markdown]
# The points are means and standard errors from the experiment, as tabulated by Pfister & Gerstner. The lowest
# frequency in the experiment is 0.1 Hz. We use 1 Hz, which is also low enough for all traces to decay before the
# next pair.

# %%
experiment = np.array([0.1, 10.0, 20.0, 40.0, 50.0])
measured = {
    "pre 10 ms first": ([-0.04, 0.14, 0.29, 0.53, 0.56], [0.05, 0.10, 0.14, 0.11, 0.26]),
    "post 10 ms first": ([-0.29, -0.41, -0.34, 0.56, 0.75], [0.08, 0.11, 0.10, 0.32, 0.19]),
}
with dn.plot.style():
    _, axes = plt.subplots(1, 2, figsize=(6.8, 2.4), sharey=True)
    for ax, model, title in zip(axes, (triplet, doublet), ("triplet rule", "pair rule"), strict=True):
        ax.axhline(0, color="0.8")
        for line, (label, (mean, error)), colour in zip(model, measured.items(), (orange, blue), strict=True):
            ax.plot(frequencies, 100 * line, color=colour, label=label)
            ax.errorbar(experiment, 100 * np.array(mean), 100 * np.array(error), fmt="o", ms=3, color=colour)
        ax.set(xlabel="pairs per second (Hz)", title=title)
    axes[0].set_ylabel(r"$\Delta w / w$ (%)")
    axes[0].legend()

assert abs(triplet[0, 0]) < 0.01
assert triplet[1, 0] < -0.25  # at 1 Hz
assert (triplet[:, -1] > 0.5).all()  # at 50 Hz both orders cause potentiation
assert doublet[1].max() < 0  # with pairs alone, post before pre never causes potentiation

# %% [markdown]
# ## Short-term plasticity
#
# Here the weight is constant, but the amount of transmitter that a spike releases is not. Each spike uses a
# fraction u of the available resources x. Resources recover with the time constant `tau_rec`, which causes
# depression. Spikes increase u, which decays to `U` with the time constant `tau_fac`, which causes facilitation
# (Tsodyks & Markram 1997, PNAS 94:719; Markram, Wang & Tsodyks 1998, PNAS 95:5323). A spike adds w u x to the gate.

# %%
rules = {
    "depressing": dn.TsodyksMarkram(U=0.5, tau_rec=800.0, tau_fac=0.0),
    "facilitating": dn.TsodyksMarkram(U=0.05, tau_rec=100.0, tau_fac=1000.0),
}


class Target(dn.MCNeuron):
    """A soma that does not spike, and an AMPA synapse."""

    def __init__(self, size, name):
        super().__init__(size, V_th=0.0, V_reset=-70.0, name=name)
        self.soma = dn.LeakyIF(size, V_rest=-70.0, C=200.0, gL=10.0)
        self.ampa = dn.AMPA(size, g=5.0, t_decay=5.0)
        self.on_soma = dn.MCConnSynapse(self.ampa, self.soma)


def stimulate(trains, duration):
    """Return the network after a run, and V and the gate s for each rule; each train (ms) has its own neuron."""
    size = len(trains)
    source = dn.SpikeGenerator(size, np.repeat(np.arange(size), [len(t) for t in trains]), np.concatenate(trains))
    cells = {name: Target(size, name) for name in rules}
    synapses = [
        dn.MCSynapse(source, cells[name].ampa, dn.One2One(), delay=1.0, plasticity=rule, name=f"{name}_synapse")
        for name, rule in rules.items()
    ]
    net = dn.Network([source, *cells.values(), *synapses], dt=0.1)
    v = {name: net.probe(cell.soma, "V") for name, cell in cells.items()}
    s = {name: net.probe(cell.ampa, "s") for name, cell in cells.items()}
    net.run(duration)
    return net, v, s


# %% [markdown]
# We stimulate with ten spikes at 20 Hz, a pause, and one more spike:

# %%
train = np.append(20.0 + 50.0 * np.arange(10), 1000.0)
net, v, s = stimulate([train], 1100.0)
_ = dn.plot.traces(v)

# %% [markdown]
# Each spike increases the gate s by w u x, and in each step of forward Euler the gate decays by the factor 1 -
# dt/τ. We can therefore compute the product u x for each spike from the recording, and compare it with a direct
# implementation of the rule.


# %%
def released(rule, times):
    """Return u x for each spike."""
    u, x, values = rule.U, 1.0, []
    for k, t in enumerate(times):
        if k:
            gap = t - times[k - 1]
            x = 1 + (x - x * u - 1) * np.exp(-gap / rule.tau_rec)
            u = rule.U + u * (1 - rule.U) * (np.exp(-gap / rule.tau_fac) if rule.tau_fac else 0.0)
        values.append(u * x)
    return np.array(values)


for name, rule in rules.items():
    arrival = np.rint((train + 1.0) / 0.1).astype(int)  # steps
    gate = s[name].values[:, 0]
    jumps = gate[arrival + 1] - gate[arrival] * (1 - 0.1 / 5.0)
    np.testing.assert_allclose(jumps, released(rule, train), rtol=1e-9)
    print(f"{name:12s} first {jumps[0]:.3f}, tenth {jumps[9]:.3f}, after the pause {jumps[10]:.3f}")

# %% [markdown]
# What is the effect of a spike late in a long train with rate r? At the depressing synapse, the effect decreases
# with the rate; at the facilitating synapse, it is largest at an intermediate rate. The effect per second, u x r,
# approaches 1/τ_rec at both synapses: at high rates, a synapse transmits only as many resources as it recovers,
# independently of the rate (Tsodyks & Markram 1997).

# %%
rates = np.array([2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0])  # Hz
trains = [np.round(np.arange(20.0, 3000.0, 1000.0 / r), 1) for r in rates]
net, v, s = stimulate(trains, 3000.0)
with dn.plot.style():
    _, axes = plt.subplots(1, 2, figsize=(6.8, 2.4))
    for name, colour in (("depressing", blue), ("facilitating", orange)):
        last = np.rint((np.array([t[-2] for t in trains]) + 1.0) / 0.1).astype(int)
        gate, column = s[name].values, np.arange(len(rates))
        steady = gate[last + 1, column] - gate[last, column] * (1 - 0.1 / 5.0)
        limit = 1000.0 / rules[name].tau_rec  # Hz
        axes[0].plot(rates, steady, ".-", color=colour, label=name)
        axes[1].plot(rates, steady * rates / limit, ".-", color=colour)
        assert 0.9 < steady[-1] * rates[-1] / limit < 1.0
        assert steady.argmax() == {"depressing": 0, "facilitating": 2}[name]
    axes[1].axhline(1, color="0.7")
    axes[0].set(xlabel="rate (Hz)", ylabel="effect of a spike, u x")
    axes[1].set(xlabel="rate (Hz)", ylabel=r"effect per second, u x r $\tau_{rec}$", ylim=(0, 1.05))
    axes[0].legend()

# %% [markdown]
# ## Next steps
#
# - [Numerics](../numerics.md#plasticity) defines the order of events, traces and delays. The rules are the same as
#   NEST's `stdp_synapse`, `stdp_triplet_synapse` and `tsodyks2_synapse`, and are tested against NEST.
# - The API reference lists [all parameters of the rules](../api/plasticity.md) and [those of the
#   neuron](../neurai.md): `stdp_tau`, `tau_triplet`, `dendritic_delay`.
# - In [Train a network](training.py), the gradient of a loss changes the weights.
