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
# # Fit a cell to recordings
#
# From recorded voltages to the parameters of a cell, by gradients: a loss, its exact derivative by every parameter
# through the whole run, an optimizer. And the question that comes before: do the recordings say what the parameters
# are?

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

blue, orange = "#0072b2", "#d55e00"

# %% [markdown]
# ## The cell and the experiment
#
# A soma, a dendrite, and NMDA receptors on the dendrite. An electrode injects current into the soma, an axon excites
# the dendrite, sodium spikes are blocked (the threshold is out of reach). What electrode and axon do is given to
# each run as `inputs`, so these generators send nothing of their own.


# %%
class Cell(dn.MCNeuron):
    """A soma and a dendrite with NMDA receptors."""

    def __init__(self):
        super().__init__(1, V_th=100.0, V_reset=-70.0, name="cell")
        self.soma = dn.LeakyIF(1, V_rest=-70.0, gL=8.0, C=150.0)
        self.dend = dn.Compartment(1, V_rest=-70.0, gL=4.0, C=100.0)
        self.axial = dn.MCConn(self.soma, self.dend, g=12.0)
        self.nmda = dn.NMDA(1, g=6.0, t_rise=2.0, t_decay=50.0, scale_g=True)
        self.on_dend = dn.MCConnSynapse(self.nmda, self.dend)


cell = Cell()
electrode = dn.DCGenerator(1, name="electrode")
axon = dn.SpikeGenerator(1, name="axon")
synapse = dn.MCSynapse(axon, cell.nmda, dn.One2One(), name="synapse")
net = dn.Network([cell, electrode, dn.ConnGen(electrode, cell.soma), axon, synapse], dt=0.1)
at_soma, at_dend = net.probe(cell.soma, "V"), net.probe(cell.dend, "V")

# %% [markdown]
# Three sweeps of 150 ms, run side by side as a `batch`: a depolarising step, a hyperpolarising step, and a volley at
# the synapse with a step in its tail. `inputs` hold pA for a current and spikes (1 is one) for an axon, in each step
# of each sweep.

# %%
duration, steps = 150.0, 1500
current, volley = np.zeros((3, steps, 1)), np.zeros((3, steps, 1))
current[0, 100:700] = 100.0  # pA, from 10 to 70 ms
current[1, 100:700] = -150.0
current[2, 900:1000] = 200.0
volley[2, 100] = 1.0
volley[2, 300] = 2.0
stimuli = {electrode: current, axon: volley}

# %% [markdown]
# The "recordings" come from the cell with its true values and have white noise of 0.2 mV. From here on we know the
# noise, the stimuli and the kind of cell, and look for six numbers.

# %%
keys = ["cell/soma.gL", "cell/soma.C", "cell/dend.gL", "cell/dend.C", "cell/axial.g", "cell/nmda.g"]
true = np.array([float(net.parameters()[key]) for key in keys])
noise, rng = 0.2, np.random.default_rng(0)
net.run(duration, batch=3, inputs=stimuli)
recorded = {probe: probe.values + rng.normal(0.0, noise, probe.values.shape) for probe in (at_soma, at_dend)}

# %% [markdown]
# ## A loss and its gradient
#
# With white noise, the most likely parameters are those with the least half sum of squares, in units of the noise.
# About 0.5 per sample is left in the end. `net.run(grad=True)` remembers the run; `run.backward` takes the
# derivative of the loss by what the probes recorded, here the residual over the variance, and returns the derivative
# by every parameter we ask for.


# %%
def loss_and_gradient(values, data=recorded, inputs=stimuli, wrt=keys):
    """Return the loss of parameters with these values, and its derivative by each."""
    net.set_parameters(dict(zip(wrt, values, strict=True)))
    net.reset()
    run = net.run(duration, grad=True, batch=next(iter(data.values())).shape[0], inputs=inputs)
    residuals = {probe: probe.values - trace for probe, trace in data.items()}
    loss = sum(0.5 * np.sum((r / noise) ** 2) for r in residuals.values())
    gradients = run.backward({probe: r / noise**2 for probe, r in residuals.items()}, wrt=wrt)
    return float(loss), np.array([float(gradients[key]) for key in wrt])


# %% [markdown]
# The gradient is exact for the steps that were computed, so difference quotients find the same numbers, with two
# more runs for each:

# %%
begin = true * [1.6, 0.6, 0.5, 1.7, 0.5, 0.5]
loss, gradient = loss_and_gradient(begin)
quotient = [
    (loss_and_gradient(begin + h)[0] - loss_and_gradient(begin - h)[0]) / (2 * h.sum()) for h in np.diag(1e-4 * begin)
]
np.testing.assert_allclose(gradient, quotient, rtol=1e-5)
for key, exact, difference in zip(keys, gradient, quotient, strict=True):
    print(f"{key:14s} {exact:14.4f} {difference:14.4f}")

# %% [markdown]
# ## Follow it: Adam
#
# `dn.optim.Adam` (Kingma & Ba 2015, ICLR) moves the parameters of the network itself. `relative=True` moves each in
# units of its own magnitude, because a step of 1 is small for a capacitance of 150 pF and large for a leak of 4 nS.
# Where a conductance must not be negative the optimizer stops at its bound.

# %%
net.set_parameters(dict(zip(keys, begin, strict=True)))
adam = dn.optim.Adam(net, lr=0.03, train=keys, relative=True)
losses = []
for _ in range(100):
    values = np.array([float(net.parameters()[key]) for key in keys])
    loss, gradient = loss_and_gradient(values)
    losses.append(loss)
    adam.step(dict(zip(keys, gradient, strict=True)))

print(f"loss per sample {losses[0] / 9000:.2f} at first, {losses[-1] / 9000:.4f} in the end")
assert losses[-1] < 0.03 * losses[0]

# %% [markdown]
# ## Logarithms, and a method that knows curvature
#
# Conductances and capacitances are positive and differ by orders of magnitude. Their logarithms are free numbers of
# one size: with p = exp(θ), ∂L/∂θ = p ∂L/∂p, and no bound is needed. Any optimizer that takes a loss and a gradient
# will do. L-BFGS builds up an idea of the curvature on its way, which pays here, because leaks of soma and dendrite
# can nearly stand in for each other.


# %%
def in_logarithms(theta, *given):
    """Return the loss and its derivative by the logarithms of the parameters."""
    values = np.exp(theta)
    loss, gradient = loss_and_gradient(values, *given)
    return loss, gradient * values


curve = []
found = minimize(
    in_logarithms,
    np.log(begin),
    jac=True,
    method="L-BFGS-B",
    callback=lambda intermediate_result: curve.append(intermediate_result.fun),
)
fitted = np.exp(found.x)
print(f"{found.nfev} runs, loss per sample {found.fun / 9000:.4f}")
assert found.fun <= losses[-1]
assert abs(found.fun / 9000 - 0.5) < 0.02  # what noise alone leaves

# %%
with dn.plot.style():
    _, ax = plt.subplots(figsize=(3.4, 2.3))
    ax.semilogy(np.array(losses) / 9000, color=blue, label="Adam")
    ax.semilogy(np.array([in_logarithms(np.log(begin))[0], *curve]) / 9000, color=orange, label="L-BFGS, logarithms")
    ax.axhline(0.5, color="0.6")
    ax.annotate("noise", (100, 0.5), ha="right", va="bottom", color="0.4")
    ax.set(xlabel="iteration", ylabel="loss per sample")
    ax.legend()

# %% [markdown]
# Before and after, the three sweeps at both electrodes:


# %% figure="traces"
def traces(values):
    """Return the voltages of soma and dendrite with these parameters."""
    net.set_parameters(dict(zip(keys, values, strict=True)))
    net.reset()
    net.run(duration, batch=3, inputs=stimuli)
    return {at_soma: at_soma.values, at_dend: at_dend.values}


before, after = traces(begin), traces(fitted)
with dn.plot.style():
    _, axes = plt.subplots(2, 3, figsize=(6.8, 3.6), sharex=True, sharey="col")
    for row, (probe, name) in zip(axes, ((at_soma, "soma"), (at_dend, "dendrite")), strict=True):
        for sweep, ax in enumerate(row):
            ax.plot(probe.t, recorded[probe][sweep, :, 0], color="0.75", label="recorded")
            ax.plot(probe.t, before[probe][sweep, :, 0], color=blue, label="before")
            ax.plot(probe.t, after[probe][sweep, :, 0], color=orange, label="fitted")
        row[0].set_ylabel(f"V, {name} (mV)")
    for ax, title in zip(axes[0], ("+100 pA", "-150 pA", "volleys, +200 pA"), strict=True):
        ax.set_title(title)
    for ax in axes[1]:
        ax.set_xlabel("time (ms)")
    axes[0, 0].legend()

# %% [markdown]
# ## How sure are we?
#
# Around the best fit the loss is a bowl. Its curvature, the matrix of second derivatives H by θ, comes from
# differences of exact gradients. The inverse of H is the covariance of the estimate: the root of its diagonal says
# by which fraction each parameter may be off.


# %%
def curvature(theta, *given):
    """Return the second derivatives of the loss by the logarithms."""
    columns = [
        (in_logarithms(theta + h, *given)[1] - in_logarithms(theta - h, *given)[1]) / 2e-4
        for h in 1e-4 * np.eye(len(theta))
    ]
    return (np.array(columns) + np.array(columns).T) / 2


deviation = np.sqrt(np.diag(np.linalg.inv(curvature(found.x))))
print(f"{'':14s}{'true':>10s}{'begin':>10s}{'fitted':>10s}{'off by':>10s}{'expected':>10s}")
for key, *numbers, sd in zip(keys, true, begin, fitted, fitted / true - 1, deviation, strict=True):
    print(f"{key:14s}{numbers[0]:10.2f}{numbers[1]:10.2f}{numbers[2]:10.2f}{numbers[3]:10.2%}{sd:10.2%}")
assert (np.abs(fitted / true - 1) < 3 * deviation).all()
assert deviation.max() < 0.01

# %% [markdown]
# ## What one electrode does not say
#
# Take the dendritic electrode away, and the synapse. Five passive parameters remain, but the soma's response to
# current has only four numbers in it: two time constants, a resistance, and how much of it is fast. So there is a
# line of cells that *no* current into the soma tells apart. Along it, with any factor k:
#
# ```text
# axial g -> k g
# dend C  -> k² C_d
# dend gL -> k² (g_d + g) - k g
# soma gL -> g_s + g - k g
# ```
#
# The dendrite's deviation from rest is then 1/k of what it was, and the current that it draws from the soma the
# same.

# %%
passive = keys[:5]
currents_alone = {electrode: current[:2], axon: np.zeros((2, steps, 1))}


def stepped(values):
    """Return the voltages of soma and dendrite for the two steps of current."""
    net.set_parameters(dict(zip(passive, values, strict=True)))
    net.reset()
    net.run(duration, batch=2, inputs=currents_alone)
    return at_soma.values, at_dend.values


def relative_of(values, k):
    """Return the cell that looks the same from the soma as one with these parameters, k along the line."""
    g_s, c_s, g_d, c_d, g = values
    return np.array([g_s + g - k * g, c_s, k**2 * (g_d + g) - k * g, k**2 * c_d, k * g])


soma, dend = stepped(true[:5])
other = relative_of(true[:5], 1.2)
soma_of_other, dend_of_other = stepped(other)
print("parameters:", other.round(2), "in place of", true[:5])
print(f"largest difference: soma {abs(soma_of_other - soma).max():.1e} mV")
print(f"                    dend {abs(dend_of_other - dend).max():.1e} mV")
assert abs(soma_of_other - soma).max() < 1e-9
np.testing.assert_allclose((dend + 70.0) / 1.2, dend_of_other + 70.0, atol=1e-9)

# %% [markdown]
# A fit does not warn. From two beginnings it arrives at two cells, both as good as the noise allows, and related as
# above. With the second electrode both beginnings lead to one cell.

# %%
one = {at_soma: soma + rng.normal(0.0, noise, soma.shape)}
two = one | {at_dend: dend + rng.normal(0.0, noise, dend.shape)}
beginnings = true[:5] * [[1.6, 0.6, 0.5, 1.7, 0.5], [0.6, 1.5, 1.8, 0.6, 1.6]]
ends, report = {}, []
for electrodes, data in (("soma", one), ("soma and dendrite", two)):
    ends[electrodes] = []
    for values in beginnings:
        result = minimize(in_logarithms, np.log(values), (data, currents_alone, passive), jac=True, method="L-BFGS-B")
        ends[electrodes].append(np.exp(result.x))
        per_sample = result.fun / sum(trace.size for trace in data.values())
        report.append(f"{electrodes:18s} {np.exp(result.x).round(2)}  loss per sample {per_sample:.4f}")
        assert abs(per_sample - 0.5) < 0.02
print("\n".join(report))
first, second = ends["soma"]
assert abs(second / first - 1).max() > 0.2
np.testing.assert_allclose(second, relative_of(first, second[4] / first[4]), rtol=0.005)
np.testing.assert_allclose(*ends["soma and dendrite"], rtol=0.005)

# %%
with dn.plot.style():
    _, ax = plt.subplots(figsize=(4.6, 2.4))
    line = np.array([relative_of(first, k) for k in np.linspace(0.9, 1.4, 51)])
    ax.plot(line[:, 4], line[:, 2], color="0.7", label="the same from the soma")
    for electrodes, colour in (("soma", blue), ("soma and dendrite", orange)):
        for start, end in zip(beginnings, ends[electrodes], strict=True):
            ax.annotate("", end[[4, 2]], start[[4, 2]], arrowprops={"arrowstyle": "->", "color": colour, "lw": 0.8})
        ax.plot(*np.array(ends[electrodes])[:, [4, 2]].T, "o", color=colour, label=f"fits, {electrodes}")
    ax.plot(*beginnings[:, [4, 2]].T, "o", mfc="w", color="0.4", label="beginnings")
    ax.plot(true[4], true[2], "k+", ms=12, label="true")
    ax.set(xlabel="axial g (nS)", ylabel="dend gL (nS)")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %% [markdown]
# ## Where to go from here
#
# - [What is differentiated, memory, batches](../gradients.md).
# - `examples/fit_ca1.py` fits 22 parameters of a CA1 pyramidal cell with nine compartments in the same way.
# - [Train a network](training.py), where gradients go through spikes too.
# - [Fit a parameter of a channel you wrote](../own_channel.md).
