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
# # Train a network
#
# Six spiking neurons with two dendrites each learn to distinguish two classes of points. All weights (excitation and
# inhibition of the dendrites, and the output weights) are trained with exact gradients of the simulation, in which a
# spike has a *surrogate* derivative. The tutorial uses only NumPy; the last section shows how to use the network
# with PyTorch and JAX.

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np

blue, orange = "#0072b2", "#d55e00"

# %% [markdown]
# ## The task
#
# The classes are two interleaved half circles with noise, which no straight line can separate.

# %%
rng = np.random.default_rng(0)


def moons(count):
    """Return points of shape (count, 2), and their classes, 0 or 1."""
    angle, which = rng.uniform(0.0, np.pi, count), rng.integers(0, 2, count)
    x = np.where(which == 0, np.cos(angle), 1.0 - np.cos(angle))
    y = np.where(which == 0, np.sin(angle), 0.5 - np.sin(angle))
    return np.stack([x, y], axis=1) + rng.normal(0.0, 0.1, (count, 2)), which


points, classes = moons(300)
test_points, test_classes = moons(200)  # not used for training

# %% [markdown]
# ## Encode numbers as spike times
#
# Each coordinate is encoded by eight units with Gaussian receptive fields. A unit spikes at most once. The closer
# the number is to the centre of the unit, the earlier the unit spikes; if the number is far away, it does not spike
# (Bohte, Kok & La Poutré 2002, Neurocomputing 48:17). A point is encoded by at most 16 spikes within 22 ms.

# %%
dt, duration = 0.5, 40.0  # ms
steps = round(duration / dt)
low, high = np.array([-1.4, -1.0]), np.array([2.4, 1.5])
units = 16


def encode(points):
    """Return spikes of shape (points, steps, units): 1 where a unit spikes."""
    centres, width = np.linspace(low, high, units // 2), (high - low) / (units // 2 - 1)
    active = np.exp(-0.5 * ((points[:, :, None] - centres.T) / width[:, None]) ** 2).reshape(-1, units)
    when = np.rint((2.0 + 20.0 * (1.0 - active)) / dt).astype(int)
    spikes = np.zeros((len(points), steps, units))
    sample, unit = np.nonzero(active > 0.1)
    spikes[sample, when[sample, unit], unit] = 1.0
    return spikes


train_spikes, test_spikes = encode(points), encode(test_points)

# %% [markdown]
# ## The network
#
# Excitatory (NMDA) and inhibitory (GABA) synapses are on the dendrites, each of which has its own potential. Because g
# = 1 nS, a weight equals a conductance in nS. The output neurons never spike but integrate their input; the predicted
# class is that of the neuron with the higher mean potential from 20 ms on. The parameter `surrogate_grad_fn` is
# explained below.


# %%
class Hidden(dn.MCNeuron):
    """A soma with dendrites, which have NMDA and GABA receptors."""

    def __init__(self, size, surrogate, dendrites=2):
        super().__init__(size, V_th=-50.0, V_reset=-65.0, surrogate_grad_fn=surrogate, name="hidden")
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=60.0, gL=4.0)
        self.dends = [dn.Compartment(size, V_rest=-65.0, C=20.0, gL=1.5) for _ in range(dendrites)]
        self.axial = [dn.MCConn(self.soma, dend, g=5.0) for dend in self.dends]
        self.nmda = [dn.NMDA(size, g=1.0, t_decay=15.0) for _ in self.dends]
        self.gaba = [dn.GABA(size, g=1.0, t_decay=8.0, E=-75.0) for _ in self.dends]
        self.on = [
            dn.MCConnSynapse(receptor, dend)
            for receptors in (self.nmda, self.gaba)
            for receptor, dend in zip(receptors, self.dends, strict=True)
        ]


class Output(dn.MCNeuron):
    """Somas that integrate their input."""

    def __init__(self, size):
        super().__init__(size, V_th=1e3, V_reset=0.0, name="output")
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=100.0, gL=5.0)
        self.ampa = dn.AMPA(size, g=1.0, t_decay=5.0)
        self.gaba = dn.GABA(size, g=1.0, t_decay=5.0, E=-130.0)
        self.on = [dn.MCConnSynapse(receptor, self.soma) for receptor in (self.ampa, self.gaba)]


# %% [markdown]
# A class combines the network, its probes and the names of its weights. `inputs` replaces the output of the
# generator; with `batch`, all points are simulated in parallel.


# %%
class Classifier:
    """The network and its predictions."""

    def __init__(self, surrogate, seed=3):
        rng = np.random.default_rng(seed)
        self.inputs = dn.SpikeGenerator(units, name="inputs")
        self.hidden, self.output = Hidden(6, surrogate), Output(2)
        modules = [self.inputs, self.hidden, self.output]
        for k in range(2):
            for kind, mean in (("nmda", 3.75), ("gaba", 0.1)):
                weights = rng.exponential(mean, (units, self.hidden.size))
                receptor = getattr(self.hidden, kind)[k]
                modules.append(dn.MCSynapse(self.inputs, receptor, weights, name=f"{kind}_{k}"))
        for kind in ("ampa", "gaba"):
            weights = rng.exponential(0.4, (self.hidden.size, 2))
            modules.append(dn.MCSynapse(self.hidden, getattr(self.output, kind), weights, name=f"out_{kind}"))
        self.net = dn.Network(modules, dt=dt, dtype="float32", seed=seed)
        self.v = self.net.probe(self.output.soma, "V", every=2.0)
        self.spikes = self.net.probe(self.hidden, "spikes")
        self.keys = [key for key in self.net.parameters() if key.endswith(".w") and "/" not in key]

    def run(self, spikes, grad=False):
        """Simulate points from rest."""
        self.net.reset()
        return self.net.run(duration, grad=grad, batch=len(spikes), inputs={self.inputs: spikes})

    def outputs(self):
        """Return the mean potential of each output above rest, from 20 ms on (mV), of shape (points, 2)."""
        return self.v.values[:, 10:].mean(axis=1) + 65.0

    def accuracy(self, spikes, classes):
        """Return the fraction of points that are classified correctly."""
        self.run(spikes)
        return (self.outputs().argmax(axis=1) == classes).mean()


# %% [markdown]
# ## The derivative of a spike
#
# A spike is a step function of V at the threshold. Its derivative is 0 almost everywhere, so no gradient would pass
# through a spike. In the reverse pass, and only there, this derivative is replaced by a smooth bump (Neftci,
# Mostafa & Zenke 2019, IEEE Signal Process Mag 36:51). The forward run still uses true spikes. The figure shows
# three such surrogates, each with area 1. Two of them are several millivolts wide; the third, which is the default,
# is narrow.

# %%
surrogates = [dn.Sigmoid(0.5), dn.Triangle(0.2), dn.Sigmoid(4.0)]
dn.plot.surrogate(surrogates)
x = np.linspace(-50.0, 50.0, 10_001)  # V - V_th (mV)
for surrogate in surrogates:
    assert abs(np.sum(surrogate(x)) * 0.01 - 1) < 1e-3
    print(f"{surrogate!r:15s} 2 mV below the threshold: {surrogate(-2.0):.4f} /mV")

# %% [markdown]
# ## A loss and a training step
#
# The loss is the cross entropy of the softmax of the outputs. Its derivative with respect to an output is the
# predicted probability minus 1 for the correct class, and the predicted probability for the other class. The
# argument of `backward` is this derivative divided by the number of points and by the number of samples that were
# averaged.


# %%
def learn(classifier, optimizer, spikes, classes):
    """Make one optimizer step; return the loss before it."""
    run = classifier.run(spikes, grad=True)
    outputs = classifier.outputs()
    probability = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    rows = np.arange(len(classes))
    loss = -np.log(probability[rows, classes]).mean()
    probability[rows, classes] -= 1.0
    by_v = np.zeros(classifier.v.values.shape)
    by_v[:, 10:] = (probability / (len(classes) * by_v[:, 10:].shape[1]))[:, None, :]
    optimizer.step(run.backward({classifier.v: by_v}, wrt=classifier.keys))
    return loss


def train(classifier, iterations=80, batch=40):
    """Train; return the loss of each step, and the accuracy on the test points every 20 steps."""
    optimizer = dn.optim.Adam(classifier.net, lr=0.03, betas=(0.9, 0.99), train=classifier.keys)
    order, losses, accuracies = np.random.default_rng(1), [], []
    for i in range(iterations):
        if i % 20 == 0:
            accuracies.append(classifier.accuracy(test_spikes, test_classes))
        chosen = order.choice(len(classes), batch, replace=False)
        losses.append(learn(classifier, optimizer, train_spikes[chosen], classes[chosen]))
    return np.array(losses), np.array([*accuracies, classifier.accuracy(test_spikes, test_classes)])


# %% [markdown]
# We record the output of the untrained network and then train for 80 steps with 40 points each. The weights remain
# nonnegative, because the optimizer respects the bounds of every parameter.

# %%
grid = np.stack(np.meshgrid(np.linspace(-1.6, 2.6, 48), np.linspace(-1.2, 1.7, 36)), axis=-1).reshape(-1, 2)


def difference_map(classifier):
    """Return the difference between output 1 and output 0 (mV) over the plane."""
    classifier.run(encode(grid))
    return np.diff(classifier.outputs())[:, 0].reshape(36, 48)


network = Classifier(dn.Sigmoid(0.5))

before = difference_map(network)
losses, accuracies = train(network)
after = difference_map(network)
print(f"accuracy on test points: {accuracies[0]:.1%} before, {accuracies[-1]:.1%} after")
assert accuracies[-1] > 0.95

# %% figure="regions"
with dn.plot.style():
    _, axes = plt.subplots(1, 3, figsize=(6.8, 2.0))
    axes[0].plot(losses, color=orange)
    axes[0].set(xlabel="step", ylabel="loss", ylim=(0, None))
    second = axes[0].twinx()
    second.plot(np.arange(len(accuracies)) * 20, 100 * accuracies, "o-", ms=3, color=blue)
    second.set(ylim=(0, 102))
    second.set_ylabel("test accuracy (%)", color=blue)
    axes[0].yaxis.label.set_color(orange)
    second.spines["right"].set_visible(True)
    for ax, values, title in zip(axes[1:], (before, after), ("before", "after"), strict=True):
        ax.contourf(
            *grid.reshape(36, 48, 2).transpose(2, 0, 1),
            np.sign(values),
            levels=[-2, 0, 2],
            colors=["#d6e4f2", "#f7dcc8"],
        )
        for which, colour in ((0, blue), (1, orange)):
            ax.plot(*test_points[test_classes == which].T, ".", ms=2, color=colour)
        ax.set(title=title, xlabel="x", ylabel="y")

# %% [markdown]
# ## Spikes before and after training
#
# We present 20 test points one after another to the network before and after training: first ten points of class
# 0, then ten of class 1. (A network created with the same seed has the same initial weights.)

# %%
some = np.concatenate([np.flatnonzero(test_classes == which)[:10] for which in (0, 1)])
stream, middle = test_spikes[some].reshape(-1, units), 10 * duration
with dn.plot.style():
    _, axes = plt.subplots(2, 2, figsize=(6.8, 3.6), sharex=True, sharey="row")
    difference = []
    for column, title, classifier in zip(
        axes.T, ("before", "after"), (Classifier(dn.Sigmoid(0.5)), network), strict=True
    ):
        classifier.net.reset()
        classifier.net.run(2 * middle, inputs={classifier.inputs: stream})
        dn.plot.raster(classifier.spikes, ax=column[0])
        dn.plot.traces(classifier.v, ax=column[1])
        column[0].set(title=title, xlabel="")
        for ax in column:
            ax.axvline(middle, color="0.7")
        counts = classifier.spikes.dense().reshape(2, -1, 6).sum(axis=1)  # by class and neuron
        difference.append(np.abs(counts[0] - counts[1]).sum() / counts.sum())

print(f"spike counts for the two classes differ by {difference[0]:.0%} before, {difference[1]:.0%} after")
assert difference[1] > difference[0]

# %% [markdown]
# ## Which surrogate?
#
# The shape of the surrogate has little effect on learning. Zenke & Vogels (2021, Neural Comput 33:899) report the same
# for larger networks. The narrow surrogate learns more slowly at first, because a neuron learns almost nothing if V
# stays 2 mV below the threshold. If your network learns slowly, check how far the somas are from the threshold,
# and use a surrogate of about that width.
#
# By default (`detach_reset=True`), gradients do not include the derivative of the reset of V. With
# `detach_reset=False`, the narrow surrogate is multiplied by the 15 mV of the reset in each step near the threshold
# and dominates everything else; the loss then stays above 0.15.

# %%
with dn.plot.style():
    _, ax = plt.subplots(figsize=(3.4, 2.3))
    results, final = [(losses, accuracies), *(train(Classifier(surrogate)) for surrogate in surrogates[1:])], []
    for surrogate, (losses, accuracies) in zip(surrogates, results, strict=True):
        smooth = np.convolve(losses, np.ones(10) / 10, mode="valid")
        ax.plot(np.arange(len(smooth)) + 9, smooth, label=f"{surrogate}: {accuracies[-1]:.1%}")
        final.append(smooth[-1])
    ax.set(xlabel="step", ylabel="loss, mean of 10 steps", ylim=(0, None))
    ax.legend()

assert max(final) < 0.1

# %% [markdown]
# ## With PyTorch or JAX
#
# The same network can be used as a PyTorch layer, whose parameters include those of the network, or as a
# differentiable JAX function:
#
# ```text
# import dendrion.torch
# layer = dendrion.torch.Layer(net, duration=40.0, inputs=[inputs], outputs=[v], train=keys, constrain="softplus")
# output = layer(x)[:, 10:].mean(dim=1) + 65.0           # x: (batch, steps, units)
# loss = torch.nn.functional.cross_entropy(output, classes)
# loss.backward()
#
# import dendrion.jax
# f = dendrion.jax.function(net, duration=40.0, inputs=[inputs], outputs=[v])
# step = jax.jit(jax.value_and_grad(lambda weights, x: loss(f(weights, x))))
# ```
#
# ## Next steps
#
# - [Gradients](../gradients.md) describes batches, memory, all surrogates, and which derivatives are computed.
# - `examples/digits.py` trains 16 neurons with four dendrites on handwritten digits.
# - [Fit a cell](fitting.py) uses the same gradients without spikes.
# - [Plasticity](plasticity.py) covers learning from spikes alone.
