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
# # Fit channel densities by gradient
#
# How many channels does each part of a cell have? In this tutorial, only the potential of the soma is known. From
# it, we recover the densities of a detailed cell by gradient descent: one reverse pass gives the derivative of the
# loss with respect to all densities, and its cost does not depend on the number of densities.

# %%
import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np

blue, orange = "#0072b2", "#d55e00"

# %% [markdown]
# ## The cell
#
# We use a small tree to keep the run short; a tree from `dn.Morphology.read("cell.swc")` works in the same way. Each
# channel has its own density per region. The density of sodium channels in the apical dendrite is given by a formula,
# whose parameter `g_soma` is also fitted.

# %%
tree = dn.Morphology.from_sections(
    length=[20.0, 300.0, 200.0, 200.0, 150.0, 150.0],  # um
    diameter=[20.0, 4.0, 2.0, 2.0, 1.5, 1.5],
    parent=[-1, 0, 1, 1, 0, 0],
    kind=["soma", "apical", "apical", "apical", "basal", "basal"],
)


class Cell(dn.CableNeuron):
    """A cell with different channels on its soma, apical and basal dendrites."""

    def __init__(self):
        membrane = {"C": 1.0, "gL": 50.0, "V_rest": -70.0, "r_axial": 120.0}  # uF/cm2, uS/cm2, mV, ohm cm
        super().__init__(1, tree, cv=dn.DLambda(0.1), V_th=0.0, name="cell", **membrane)
        self.na = dn.channels.NaT(self, on="soma", g=80.0)  # mS/cm2
        self.k = dn.channels.Kdr(self, on="soma", g=10.0)
        self.na_apical = dn.channels.NaT(self, on="apical", g="g_soma * exp(-distance/lam)", g_soma=30.0, lam=250.0)
        self.k_apical = dn.channels.Kdr(self, on="apical", g=4.0)
        self.ih_apical = dn.channels.Ih(self, on="apical", g=0.1)
        self.m_basal = dn.channels.KM(self, on="basal", g=0.3)


cell = Cell()
electrode = dn.DCGenerator(1, name="electrode")
net = dn.Network([cell, electrode, dn.ConnGen(electrode, cell.at("soma"))], dt=0.025)
soma = net.probe(cell.at("soma"), "V")
tip = net.probe(cell.at(tree.at(section=2, x=1.0)), "V")
print(f"{len(cell.cvs)} CVs")

# %% [markdown]
# ## The experiment
#
# Three sweeps run in parallel as a `batch`: a brief strong pulse that causes one action potential, and long steps of
# negative and positive current. The `inputs` of a run replace the output of the electrode.

# %%
duration, dt = 40.0, 0.025
t = np.arange(round(duration / dt)) * dt
current = np.zeros((3, len(t), 1))  # pA
current[0, (t >= 5.0) & (t < 6.0)] = 4000.0
current[1, (t >= 5.0) & (t < 30.0)] = -150.0
current[2, (t >= 5.0) & (t < 30.0)] = 30.0
inputs = {electrode: current}

net.run(duration, batch=3, inputs=inputs)
target, at_tip = soma.values.copy(), tip.values.copy()

# %% [markdown]
# From now on we pretend to know only `target`, and start from densities that are up to 60 % off.

# %%
keys = [
    "cell.gL",
    "cell/na.g",
    "cell/k.g",
    "cell/na_apical.g_soma",
    "cell/k_apical.g",
    "cell/ih_apical.g",
    "cell/m_basal.g",
]
true = np.array([float(net.parameters()[key]) for key in keys])
begin = true * [1.4, 0.7, 1.4, 0.6, 1.5, 1.6, 0.5]


def loss_and_gradient(wrt=keys):
    """Return the mean squared error of V at the soma (mV2), and its gradient."""
    net.reset()
    run = net.run(duration, grad=True, batch=3, inputs=inputs)
    error = soma.values - target
    return float(np.mean(error**2)), run.backward({soma: 2.0 * error / error.size}, wrt=wrt)


# %% [markdown]
# The gradient is the exact derivative of the discrete steps, including the solution of the tree. It agrees with a
# central difference:

# %%
net.set_parameters(dict(zip(keys, begin, strict=True)))
_, gradient = loss_and_gradient()
key, step = "cell/na_apical.g_soma", 1e-4
sides = []
for value in (begin[3] + step, begin[3] - step):
    net.set_parameters({key: value})
    sides.append(loss_and_gradient()[0])
difference = (sides[0] - sides[1]) / (2 * step)
print(f"d loss/d g_soma: {float(gradient[key]):.8f} exact, {difference:.8f} from a difference")
np.testing.assert_allclose(gradient[key], difference, rtol=1e-5)

# %% [markdown]
# ## Gradient descent
#
# `dn.optim.Adam` changes the parameters of the network in place; nothing is recompiled. With `relative=True`, its steps
# are in units of the magnitude of each parameter. Conductances cannot become negative, but the parameters of a formula
# have no bounds of their own, so we specify a bound. The learning rate decreases towards the end.

# %%
net.set_parameters(dict(zip(keys, begin, strict=True)))
net.reset()
net.run(duration, batch=3, inputs=inputs)
before, before_tip = soma.values.copy(), tip.values.copy()
adam = dn.optim.Adam(
    net, lr=0.05, betas=(0.9, 0.95), train=keys, relative=True, bounds={"cell/na_apical.g_soma": (0.0, None)}
)
iterations = 140
losses, course = [], []
for iteration in range(iterations):
    loss, gradient = loss_and_gradient()
    losses.append(loss)
    course.append([float(net.parameters()[key]) for key in keys])
    adam.lr = 0.05 * (1.0 - 0.98 * iteration / iterations)
    adam.step(gradient)

net.reset()
net.run(duration, batch=3, inputs=inputs)
after, after_tip = soma.values.copy(), tip.values.copy()
course = np.array(course)
print(f"root mean square error: {losses[0] ** 0.5:.2f} mV at first, {losses[-1] ** 0.5:.3f} mV at last")
for key, first, last, value in zip(keys, course[0], course[-1], true, strict=True):
    print(f"{key:22s} true {value:7.3f}   first {first:7.3f}   fitted {last:7.3f}   error {abs(last / value - 1):6.1%}")
assert losses[-1] < 1e-3 * losses[0]
assert np.all(np.abs(course[-1] / true - 1.0) < 0.15)

# %%
with dn.plot.style():
    _, (left, right) = plt.subplots(1, 2, figsize=(6.8, 2.3))
    left.semilogy(losses, color=orange)
    left.set(xlabel="iteration", ylabel="mean squared error (mV$^2$)")
    right.plot(course / true, label=[key[5:] for key in keys])
    right.axhline(1.0, color="0.6", linewidth=0.6)
    right.set(xlabel="iteration", ylabel="density / true density")
    right.figure.legend(loc="outside right upper")

# %% [markdown]
# ## Traces
#
# The upper row shows the soma, whose potential was fitted. The lower row shows a tip of the apical dendrite, which
# was not recorded. The fitted cell also predicts this potential.

# %% figure="traces"
with dn.plot.style():
    _, axes = plt.subplots(2, 3, figsize=(6.8, 3.6), sharex=True, sharey="col")
    for row, name, values in zip(
        axes, ("soma", "apical tip"), ((target, before, after), (at_tip, before_tip, after_tip)), strict=True
    ):
        for sweep, ax in enumerate(row):
            for trace, color, width, label in zip(
                values, ("0.75", blue, orange), (2.5, 0.8, 0.8), ("target", "before", "fitted"), strict=True
            ):
                ax.plot(t, trace[sweep, :, 0], color=color, linewidth=width, label=label)
        row[0].set_ylabel(f"V, {name} (mV)")
    for ax, title in zip(axes[0], ("4 nA for 1 ms", "-150 pA", "+30 pA"), strict=True):
        ax.set_title(title)
    for ax in axes[1]:
        ax.set_xlabel("time (ms)")
    axes[0, 0].legend()

error = [np.sqrt(np.mean((values - at_tip) ** 2)) for values in (before_tip, after_tip)]
print(f"root mean square error at the tip: {error[0]:.2f} mV before, {error[1]:.3f} mV after the fit")
assert error[1] < 0.15 * error[0]

# %% [markdown]
# ## Limits
#
# - The loss has other minima, in which an action potential is missing or comes too late. Stimuli that cause one
#   early action potential, as above, make the fit much easier than long trains of action potentials.
# - Some combinations of parameters are hardly determined by the potential of the soma: above, fewer sodium channels
#   in the apical dendrite are compensated by more potassium channels, and the traces agree within 0.1 mV. If you
#   also train `lam`, it compensates `g_soma`. [Fit a cell](fitting.py) computes such uncertainties from the
#   curvature of the loss.
# - A density can also be an array with one value per CV of its region. The gradient then has one value per CV, at
#   the same cost, but needs more data or a regularizer.
# - The shape itself can be trained too: `cell.length` and `cell.diameter` are parameters with one value per CV, and
#   their gradients are part of the same reverse pass.
