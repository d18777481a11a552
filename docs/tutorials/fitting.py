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
# This tutorial uses gradients to estimate the parameters of a cell from recorded potentials: it defines a loss,
# computes its exact derivative with respect to every parameter through the whole run, and uses an optimizer. It also
# addresses a question that you should ask first: do the recordings determine the parameters?

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

blue, orange = "#0072b2", "#d55e00"

# %% [markdown]
# ## The cell and the experiment
#
# The cell has a soma and a dendrite with NMDA receptors. An electrode injects current into the soma, and an axon
# excites the dendrite. Sodium spikes are blocked, which we model with a threshold that is never reached. The stimuli
# are passed to each run as `inputs`, so the two generators have no output of their own.


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
# There are three sweeps of 150 ms, simulated in parallel as a `batch`: a depolarizing step, a hyperpolarizing step,
# and synaptic input followed by a current step. The `inputs` are the current (pA) and the number of spikes of the
# axon in each step of each sweep.

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
# The "recordings" come from the cell with its true parameters, plus white noise with a standard deviation of 0.2 mV.
# From now on we pretend to know only the noise, the stimuli and the structure of the cell, and estimate six
# parameters.

# %%
keys = ["cell/soma.gL", "cell/soma.C", "cell/dend.gL", "cell/dend.C", "cell/axial.g", "cell/nmda.g"]
true = np.array([float(net.parameters()[key]) for key in keys])
noise, rng = 0.2, np.random.default_rng(0)
net.run(duration, batch=3, inputs=stimuli)
recorded = {probe: probe.values + rng.normal(0.0, noise, probe.values.shape) for probe in (at_soma, at_dend)}

# %% [markdown]
# ## A loss and its gradient
#
# With white noise, the most likely parameters minimize half the sum of squared residuals, in units of the noise. At
# the optimum, the loss is about 0.5 per sample. `net.run(grad=True)` stores the data that the reverse pass needs.
# `run.backward` takes the derivative of the loss with respect to the recordings, here the residual divided by the
# variance, and returns the derivative with respect to each requested parameter.


# %%
def loss_and_gradient(values, data=recorded, inputs=stimuli, wrt=keys):
    """Return the loss for these values of the parameters, and its gradient."""
    net.set_parameters(dict(zip(wrt, values, strict=True)))
    net.reset()
    run = net.run(duration, grad=True, batch=next(iter(data.values())).shape[0], inputs=inputs)
    residuals = {probe: probe.values - trace for probe, trace in data.items()}
    loss = sum(0.5 * np.sum((r / noise) ** 2) for r in residuals.values())
    gradients = run.backward({probe: r / noise**2 for probe, r in residuals.items()}, wrt=wrt)
    return float(loss), np.array([float(gradients[key]) for key in wrt])


# %% [markdown]
# The gradient is exact for the discrete time steps, so finite differences give the same numbers, but they need two
# additional runs for each parameter:

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
# ## Optimize with Adam
#
# `dn.optim.Adam` (Kingma & Ba 2015, ICLR) changes the parameters of the network in place. `relative=True` scales
# each update by the magnitude of the parameter, because a change of 1 is small for a capacitance of 150 pF and large
# for a leak of 4 nS. The optimizer keeps parameters within their bounds, so conductances do not become negative.

# %%
net.set_parameters(dict(zip(keys, begin, strict=True)))
adam = dn.optim.Adam(net, lr=0.03, train=keys, relative=True)
losses = []
for _ in range(100):
    values = np.array([float(net.parameters()[key]) for key in keys])
    loss, gradient = loss_and_gradient(values)
    losses.append(loss)
    adam.step(dict(zip(keys, gradient, strict=True)))

print(f"loss per sample: {losses[0] / 9000:.2f} initially, {losses[-1] / 9000:.4f} finally")
assert losses[-1] < 0.03 * losses[0]

# %% [markdown]
# ## Logarithms and a quasi-Newton method
#
# Conductances and capacitances are positive and differ by orders of magnitude. Their logarithms are unconstrained
# and of similar size: with $p = e^\theta$, $\partial L/\partial\theta = p\,\partial L/\partial p$, and no bounds are
# needed. You can use any optimizer that takes a loss and a gradient. L-BFGS estimates the curvature of the loss as
# it proceeds. This is useful here, because changes in the leaks of soma and dendrite nearly compensate each other.


# %%
def in_logarithms(theta, *given):
    """Return the loss and its gradient with respect to the logarithms of the parameters."""
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
assert abs(found.fun / 9000 - 0.5) < 0.02  # the expected value with noise alone

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
# The next figure shows the three sweeps at both electrodes, before and after the fit:


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
# ## How certain is the result?
#
# Near the optimum the loss is approximately quadratic. We compute its curvature, the matrix H of second derivatives
# with respect to θ, from differences of exact gradients. The inverse of H is the covariance of the estimate: the
# square roots of its diagonal elements are the expected relative errors of the parameters.


# %%
def curvature(theta, *given):
    """Return the second derivatives of the loss with respect to the logarithms."""
    columns = [
        (in_logarithms(theta + h, *given)[1] - in_logarithms(theta - h, *given)[1]) / 2e-4
        for h in 1e-4 * np.eye(len(theta))
    ]
    return (np.array(columns) + np.array(columns).T) / 2


deviation = np.sqrt(np.diag(np.linalg.inv(curvature(found.x))))
print(f"{'':14s}{'true':>10s}{'initial':>10s}{'fitted':>10s}{'error':>10s}{'expected':>10s}")
for key, *numbers, sd in zip(keys, true, begin, fitted, fitted / true - 1, deviation, strict=True):
    print(f"{key:14s}{numbers[0]:10.2f}{numbers[1]:10.2f}{numbers[2]:10.2f}{numbers[3]:10.2%}{sd:10.2%}")
assert (np.abs(fitted / true - 1) < 3 * deviation).all()
assert deviation.max() < 0.01

# %% [markdown]
# ## Limits of a single electrode
#
# Now we remove the dendritic electrode and the synapse. Five passive parameters remain, but the response of the soma
# to current is determined by only four numbers: two time constants, a resistance, and the fraction of the
# resistance that belongs to the faster time constant. There is therefore a family of cells that *no* current into
# the soma can distinguish. The parameters of the other cells in this family follow from a factor k:
#
# $$
# \begin{split}
# g_\text{axial} &\to k\,g \\
# C_\text{dend} &\to k^2\,C_d \\
# g_{L,\text{dend}} &\to k^2\,(g_d + g) - k\,g \\
# g_{L,\text{soma}} &\to g_s + g - k\,g
# \end{split}
# $$
#
# The deviation of the dendrite from rest is then divided by k, and the current that the dendrite draws from the soma
# does not change.

# %%
passive = keys[:5]
currents_alone = {electrode: current[:2], axon: np.zeros((2, steps, 1))}


def stepped(values):
    """Return the voltages of soma and dendrite for the two current steps."""
    net.set_parameters(dict(zip(passive, values, strict=True)))
    net.reset()
    net.run(duration, batch=2, inputs=currents_alone)
    return at_soma.values, at_dend.values


def relative_of(values, k):
    """Return the parameters of the equivalent cell with factor k."""
    g_s, c_s, g_d, c_d, g = values
    return np.array([g_s + g - k * g, c_s, k**2 * (g_d + g) - k * g, k**2 * c_d, k * g])


soma, dend = stepped(true[:5])
other = relative_of(true[:5], 1.2)
soma_of_other, dend_of_other = stepped(other)
print("parameters:", other.round(2), "instead of", true[:5])
print(f"largest difference: soma {abs(soma_of_other - soma).max():.1e} mV")
print(f"                    dend {abs(dend_of_other - dend).max():.1e} mV")
assert abs(soma_of_other - soma).max() < 1e-9
np.testing.assert_allclose((dend + 70.0) / 1.2, dend_of_other + 70.0, atol=1e-9)

# %% [markdown]
# The fit does not warn you about this. From two initial guesses, the fit arrives at two different cells of this family,
# which both explain the data up to the noise. With the second electrode, both initial guesses lead to the same cell.

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
    ax.plot(line[:, 4], line[:, 2], color="0.7", label="equivalent cells")
    for electrodes, colour in (("soma", blue), ("soma and dendrite", orange)):
        for start, end in zip(beginnings, ends[electrodes], strict=True):
            ax.annotate("", end[[4, 2]], start[[4, 2]], arrowprops={"arrowstyle": "->", "color": colour, "lw": 0.8})
        ax.plot(*np.array(ends[electrodes])[:, [4, 2]].T, "o", color=colour, label=f"fits, {electrodes}")
    ax.plot(*beginnings[:, [4, 2]].T, "o", mfc="w", color="0.4", label="initial guesses")
    ax.plot(true[4], true[2], "k+", ms=12, label="true")
    ax.set(xlabel="axial g (nS)", ylabel="dend gL (nS)")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %% [markdown]
# ## Next steps
#
# - [Gradients](../gradients.md) describes memory, batches, and which derivatives are computed.
# - `examples/fit_ca1.py` fits 22 parameters of a CA1 pyramidal cell with nine compartments in the same way.
# - [Train a network](training.py) uses gradients through spikes.
# - [Write your own channel](../own_channel.md) fits a parameter of a custom channel.
