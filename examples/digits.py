"""Trains two networks of spiking neurons to classify handwritten digits: one with dendrites and one with point neurons.

The data are the 1,797 images of 8 x 8 pixels in scikit-learn. Each pixel is a source of spikes, and brighter pixels
send more spikes. The hidden layer consists of neurons with a few dendrites, which receive excitation (NMDA) and
inhibition (GABA). It sends spikes to ten output neurons that do not spike; the neuron with the highest mean potential
determines the predicted digit. All connections are trained with exact gradients of the discrete steps, in which spikes
have a surrogate derivative. In the network of point neurons the same synapses are on the soma, so the only difference
is that dendrites have their own potentials.
"""

from __future__ import annotations

import argparse
import time
from typing import Any, NamedTuple

import dendrion as dn
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

DT, DURATION = 0.5, 40.0
STEPS = round(DURATION / DT)


class Data(NamedTuple):
    """Images as spikes, of shape ``(samples, steps, 64)``, and their digits."""

    spikes: NDArray[np.float32]
    digits: NDArray[np.int64]


def load(seed: int) -> tuple[Data, Data]:
    """Return the training data and the test data, which are a fifth of all images."""
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(images))
    images, digits = images[order] / 16.0, digits[order]
    # A pixel spikes regularly in the first 30 ms, up to six times; the first spike is earlier if the pixel is brighter.
    spikes = np.zeros((len(images), STEPS, 64), dtype=np.float32)
    sample, pixel = np.nonzero(images > 0.1)
    for k in range(6):
        when = np.rint((1.0 + k) * 5.0 / images[sample, pixel] / DT).astype(int) - 1
        early = when < round(30.0 / DT)
        spikes[sample[early], when[early], pixel[early]] = 1.0
    split = len(images) * 4 // 5
    return Data(spikes[:split], digits[:split]), Data(spikes[split:], digits[split:])


class Hidden(dn.MCNeuron):
    """Neurons with NMDA and GABA receptors on each dendrite or, in point neurons, on the soma."""

    def __init__(self, size: int, dendrites: int, point: bool) -> None:
        super().__init__(size, V_th=-50.0, V_reset=-65.0, surrogate_grad_fn=dn.FastSigmoid(1.0), name="hidden")
        # A point neuron has the membrane of all compartments together.
        more = dendrites if point else 0
        self.soma = dn.LeakyIF(size, C=60.0 + 20.0 * more, gL=4.0 + 1.5 * more, V_rest=-65.0)
        self.nmda, self.gaba, self.parts = [], [], []
        for _ in range(dendrites):
            if point:
                on: dn.Compartment = self.soma
            else:
                on = dn.Compartment(size, C=20.0, gL=1.5, V_rest=-65.0)
                self.parts += [on, dn.MCConn(self.soma, on, 5.0)]
            nmda = dn.NMDA(size, g=1.0, t_decay=15.0)
            gaba = dn.GABA(size, g=1.0, t_decay=8.0, E=-75.0)
            self.parts += [dn.MCConnSynapse(nmda, on), dn.MCConnSynapse(gaba, on)]
            self.nmda.append(nmda)
            self.gaba.append(gaba)


class Readout(dn.MCNeuron):
    """Neurons that integrate their input and never spike."""

    def __init__(self, size: int) -> None:
        super().__init__(size, V_th=1e3, V_reset=0.0, name="readout")
        self.soma = dn.LeakyIF(size, C=100.0, gL=5.0, V_rest=-65.0)
        self.ampa, self.gaba = dn.AMPA(size, g=1.0, t_decay=5.0), dn.GABA(size, g=1.0, t_decay=5.0, E=-130.0)
        self.on = [dn.MCConnSynapse(self.ampa, self.soma), dn.MCConnSynapse(self.gaba, self.soma)]


class Classifier:
    """The network, its probes and its predictions."""

    def __init__(self, neurons: int, dendrites: int, point: bool, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.hidden, self.readout = Hidden(neurons, dendrites, point), Readout(10)
        self.pixels = dn.SpikeGenerator(64, [], [], name="pixels")
        modules: list[dn.Module] = [self.pixels, self.hidden, self.readout]
        for sign in ("nmda", "gaba"):
            for k, receptor in enumerate(getattr(self.hidden, sign)):
                # Initially each dendrite has its own random set of pixels.
                chosen = rng.random((64, neurons)) < 0.4
                weights = chosen * rng.exponential(0.1 if sign == "nmda" else 0.05, (64, neurons))
                modules.append(dn.MCSynapse(self.pixels, receptor, conn=weights + 1e-3, name=f"{sign}_{k}"))
        for sign in ("ampa", "gaba"):
            weights = rng.exponential(0.4, (neurons, 10))
            receptor = getattr(self.readout, sign)
            modules.append(dn.MCSynapse(self.hidden, receptor, conn=weights, name=f"out_{sign}"))
        self.net = dn.Network(modules, dt=DT, dtype="float32", seed=seed)
        self.v = self.net.probe(self.readout.soma, "V", every=2.0)
        self.spikes = self.net.probe(self.hidden, "spikes")
        self.keys = [key for key in self.net.parameters() if key.endswith(".w") and "/" not in key]

    def begin(self, data: Data) -> None:
        """Scale the excitatory weights so that hidden neurons spike about once per image."""
        keys = [key for key in self.keys if key.startswith("nmda_")]
        weights = {key: self.net.parameters()[key] for key in keys}
        for factor in np.geomspace(0.3, 10.0, 40):
            self.net.set_parameters({key: factor * w for key, w in weights.items()})
            self.accuracy(Data(data.spikes[:100], data.digits[:100]))
            if len(self.spikes) >= 100 * self.hidden.size:
                return

    def logits(self) -> NDArray[Any]:
        """Return the mean potentials of the readout over the second half of the run, for each sample."""
        v = self.v.values
        return np.asarray(v[:, v.shape[1] // 2 :].mean(1) + 65.0, dtype=np.float64)

    def gradients(self, data: Data) -> tuple[dn.Gradients, float]:
        """Return the gradients of the cross entropy of some samples, and the fraction classified correctly."""
        self.net.reset()
        count = len(data.digits)
        run = self.net.run(DURATION, grad=True, batch=count, inputs={self.pixels: data.spikes})
        logits = self.logits()
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        right = float((logits.argmax(1) == data.digits).mean())
        p[np.arange(count), data.digits] -= 1.0
        cotangent = np.zeros(self.v.values.shape)
        half = cotangent.shape[1] // 2
        cotangent[:, half:] = (p / (count * (cotangent.shape[1] - half)))[:, None, :]
        # A small cost for each spike keeps the rates low.
        cost = np.full((count, STEPS, self.hidden.size), 1e-5 / count)
        return run.backward({self.v: cotangent, self.spikes: cost}, wrt=self.keys), right

    def accuracy(self, data: Data) -> float:
        """Return the fraction of samples that are classified correctly."""
        self.net.reset()
        self.net.run(DURATION, batch=len(data.digits), inputs={self.pixels: data.spikes})
        return float((self.logits().argmax(1) == data.digits).mean())


def train(classifier: Classifier, data: Data, test: Data, epochs: int, seed: int, label: str) -> list[float]:
    """Train; return the accuracy on the test images after each epoch."""
    rng, batch = np.random.default_rng(seed), 48
    optimizer = dn.optim.Adam(classifier.net, lr=0.02, betas=(0.9, 0.99), train=classifier.keys)
    curve = []
    for epoch in range(epochs):
        order, right = rng.permutation(len(data.digits)), 0.0
        begun = time.perf_counter()
        for i in range(0, len(order), batch):
            part = order[i : i + batch]
            gradients, hits = classifier.gradients(Data(data.spikes[part], data.digits[part]))
            optimizer.lr = 0.02 * 0.5 * (1 + np.cos(np.pi * (epoch + i / len(order)) / epochs)) + 1e-4
            optimizer.step(gradients)
            right += hits * len(part)
        curve.append(classifier.accuracy(test))
        rate = len(classifier.spikes) / len(test.digits) / classifier.hidden.size
        print(
            f"{label:9s} epoch {epoch + 1:3d}: train {right / len(order):.3f}, test {curve[-1]:.4f}, "
            f"{rate:.1f} spikes per neuron and image, {time.perf_counter() - begun:.1f} s",
            flush=True,
        )
    return curve


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train both networks, print and draw the results; return the accuracies on the test images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=12, help="number of epochs")
    parser.add_argument("--neurons", type=int, default=16, help="number of hidden neurons")
    parser.add_argument("--dendrites", type=int, default=4, help="number of dendrites per hidden neuron")
    parser.add_argument("--images", type=int, default=None, help="number of training images; by default all")
    parser.add_argument("--seed", type=int, default=0, help="seed for images and weights")
    parser.add_argument(
        "--repeats", type=int, default=3, help="number of repetitions with different images and weights"
    )
    parser.add_argument("--out", default="digits.png", help="file for the figure; empty for none")
    options = parser.parse_args(arguments)
    curves: dict[str, list[list[float]]] = {}
    shown: dict[str, tuple[Classifier, Data]] = {}
    begun = time.perf_counter()
    for seed in range(options.seed, options.seed + options.repeats):
        data, test = load(seed)
        data = Data(data.spikes[: options.images], data.digits[: options.images])
        for label in ("dendrites", "point"):
            made = Classifier(options.neurons, options.dendrites, label == "point", seed)
            made.begin(data)
            curve = train(made, data, test, options.epochs, seed, f"{label}, {seed}")
            curves.setdefault(label, []).append(curve)
            shown[label] = made, test
    for label, each in curves.items():
        last = [f"{curve[-1]:.1%}" for curve in each]
        mean = np.mean([curve[-1] for curve in each])
        print(f"{label}: mean test accuracy {mean:.2%} ({', '.join(last)})")
    print(f"{time.perf_counter() - begun:.0f} s in total")
    if options.out:
        draw(options.out, curves, *shown["dendrites"])
        print(f"figure: {options.out}")
    return {label: float(np.mean([curve[-1] for curve in each])) for label, each in curves.items()}


def draw(out: str, curves: dict[str, list[list[float]]], shown: Classifier, test: Data) -> None:
    """Draw the accuracies, an image with its spikes, and the receptive fields of some dendrites."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(13, 5.6), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=[1.1, 1.1, 1.3])
    ax = left.subplots()
    for (label, each), colour in zip(curves.items(), ("tab:red", "tab:gray"), strict=True):
        wrong = 100 * (1 - np.asarray(each))
        epochs = np.arange(wrong.shape[1]) + 1
        ax.plot(epochs, wrong.T, color=colour, lw=0.8, alpha=0.5)
        ax.plot(
            epochs, wrong.mean(0), color=colour, lw=2.5, label=f"{label}: {1 - wrong[:, -1].mean() / 100:.1%} correct"
        )
    ax.set(xlabel="epoch", ylabel="test error (%)", yscale="log", title="Dendrites and point neurons")
    ax.set_yticks([2, 3, 5, 10, 20, 30], ["2", "3", "5", "10", "20", "30"])
    ax.yaxis.set_minor_formatter("")
    ax.legend(frameon=False)
    # An image that is classified correctly, if there is one.
    shown.accuracy(test)
    read = shown.logits().argmax(1)
    at = int((read == test.digits).argmax())
    shown.net.reset()
    shown.net.run(DURATION, batch=1, inputs={shown.pixels: test.spikes[at : at + 1]})
    top, bottom = middle.subplots(2, 1, sharex=True)
    t, pixel = np.nonzero(test.spikes[at])
    top.plot(t * DT, pixel, "|", color="0.5", ms=3)
    top.plot(shown.spikes.t, 66 + shown.spikes.i, "|", color="tab:red", ms=4)
    top.set(ylabel="pixels, hidden neurons", title=f"Spikes for a {test.digits[at]}, classified as {read[at]}")
    v = shown.v.values[0]
    for digit in range(10):
        bottom.plot(shown.v.t, v[:, digit], color="k" if digit == test.digits[at] else "0.75", label=str(digit))
        bottom.annotate(str(digit), (shown.v.t[-1], v[-1, digit]), fontsize=7)
    bottom.set(xlabel="t (ms)", ylabel="V of the readout (mV)")
    weights = shown.net.parameters()
    count = sum(key.startswith("nmda_") for key in weights if key.endswith(".w"))
    grid = right.subplots(4, count, squeeze=False)
    right.suptitle("Excitation minus inhibition on the dendrites of four neurons", fontsize=10)
    for neuron in range(4):
        for k in range(count):
            field = weights[f"nmda_{k}.w"][:, neuron] - weights[f"gaba_{k}.w"][:, neuron]
            most = np.abs(field).max()
            grid[neuron, k].imshow(field.reshape(8, 8), cmap="RdBu_r", vmin=-most, vmax=most)
            grid[neuron, k].set_axis_off()
    for each in (ax, top, bottom):
        each.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
