"""Draws the surrogate derivatives of the spike: `docs/surrogates.png`."""

from __future__ import annotations

import sys

import dendrion as dn
import matplotlib as mpl
import numpy as np


def main(out: str = "surrogates.png") -> None:
    """Draw each with its defaults, and one with another width."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    kinds = {
        "Sigmoid": (dn.Sigmoid(), dn.Sigmoid(1.0)),
        "FastSigmoid": (dn.FastSigmoid(), dn.FastSigmoid(4.0)),
        "ATan": (dn.ATan(), dn.ATan(0.7)),
        "Triangle": (dn.Triangle(), dn.Triangle(0.4)),
        "Gaussian": (dn.Gaussian(), dn.Gaussian(1.2)),
        "MultiGaussian": (dn.MultiGaussian(), dn.MultiGaussian(1.0, 0.3, 3.0)),
    }
    x = np.linspace(-5, 5, 801)
    figure, axes = plt.subplots(1, 6, figsize=(14, 2.6), sharex=True, sharey=True, layout="constrained")
    for ax, (name, surrogates) in zip(axes, kinds.items(), strict=True):
        for surrogate, colour in zip(surrogates, ("k", "tab:red"), strict=True):
            ax.plot(x, surrogate(x), color=colour, label=repr(surrogate).removeprefix(name).replace("()", "default"))
        ax.set(title=name, xlabel="V - V_th (mV)")
        ax.legend(frameon=False, fontsize=8, handlelength=1)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("dS/dV (1/mV)")
    figure.savefig(out, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:])
