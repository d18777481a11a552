"""Draws the surrogate derivatives of a spike (`docs/surrogates.png`)."""

from __future__ import annotations

import sys

import dendrion as dn
import matplotlib as mpl

KINDS = (
    (dn.Sigmoid(), dn.Sigmoid(1.0)),
    (dn.FastSigmoid(), dn.FastSigmoid(4.0)),
    (dn.ATan(), dn.ATan(0.7)),
    (dn.Triangle(), dn.Triangle(0.4)),
    (dn.Gaussian(), dn.Gaussian(1.2)),
    (dn.MultiGaussian(), dn.MultiGaussian(1.0, 0.3, 3.0)),
)


def main(out: str = "surrogates.png") -> None:
    """Draw each surrogate with its defaults and with another width."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    with dn.plot.style():
        figure, axes = plt.subplots(2, 3, figsize=(8.5, 3.8), sharex=True, sharey=True)
        for ax, surrogates in zip(axes.flat, KINDS, strict=True):
            dn.plot.surrogate(surrogates, ax=ax)
            ax.label_outer()
        figure.savefig(out, dpi=150)
        plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:])
