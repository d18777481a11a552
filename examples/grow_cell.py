"""Grows a pyramidal cell and writes it to an SWC file: `python grow_cell.py cell.swc --seed 4`.

Branches are random walks with tapering diameters. The tutorial "A reconstructed cell from a file" has the same code.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np


class Tree:
    """The points of a tree, which grows branch by branch."""

    def __init__(self, seed):
        self.rng, self.lines = np.random.default_rng(seed), []

    def point(self, kind, position, diameter, parent):
        """Add a point, and return its number."""
        x, y, z = position
        self.lines.append(f"{len(self.lines) + 1} {kind} {x:.3f} {y:.3f} {z:.3f} {diameter / 2:.4f} {parent}")
        return len(self.lines)

    def branch(self, kind, start, direction, length, diameters, pull):
        """Grow a branch from `start` (point, position) towards `pull`; return its end and the direction there."""
        (parent, position), steps = start, max(int(length / 8.0), 2)
        for diameter in np.linspace(*diameters, steps):
            direction = direction + self.rng.normal(0.0, 0.12, 3) + 0.05 * np.array(pull)
            direction /= np.linalg.norm(direction)
            position = position + length / steps * direction
            parent = self.point(kind, position, diameter, parent)
        return (parent, position), direction

    def bush(self, kind, start, direction, length, diameter, levels, pull):
        """Grow a branch that bifurcates `levels` times; diameters are at least 0.5 um."""
        thin = max(0.85 * diameter, 0.5)
        span = length * self.rng.uniform(0.6, 1.3)
        end, direction = self.branch(kind, start, direction, span, (diameter, thin), pull)
        side = np.cross(direction, self.rng.normal(size=3))
        side *= 0.45 / np.linalg.norm(side)
        for sign in (-1, 1) if levels else ():
            self.bush(kind, end, direction + sign * side, 1.25 * length, max(0.8 * thin, 0.5), levels - 1, pull)


def pyramidal(seed):
    """Return the text of an SWC file: a soma, an axon, six basal dendrites, and an apical dendrite with a tuft."""
    tree, up = Tree(seed), np.array([0.0, 1.0, 0.0])
    soma = []
    for y, diameter in ((-8.0, 9.0), (-4.0, 14.0), (0.0, 16.0), (5.0, 12.0), (10.0, 7.0)):
        soma.append(tree.point(1, y * up, diameter, soma[-1] if soma else -1))
    tree.branch(2, (soma[0], -8.0 * up), np.array([0.1, -1.0, 0.0]), 250.0, (1.4, 0.6), (0.0, -0.5, 0.0))
    for angle in np.linspace(0.0, 2 * np.pi, 6, endpoint=False):
        direction = np.array([np.cos(angle), tree.rng.uniform(-0.9, 0.1), 0.4 * np.sin(angle)])
        direction /= np.linalg.norm(direction)
        tree.bush(3, (soma[1], -4.0 * up + 6.0 * direction), direction, 40.0, 1.6, 2, direction)
    end, direction, diameters = (soma[-1], 10.0 * up), up, np.linspace(4.5, 2.4, 10)
    for k in range(9):  # the trunk, with an oblique branch at the end of each of its first six parts
        end, direction = tree.branch(4, end, direction, 52.0, diameters[k : k + 2], 3.0 * up)
        side = np.array([(-1.0) ** k, tree.rng.uniform(0.1, 0.6), 0.4 * tree.rng.normal()])
        if k < 6:
            tree.bush(4, end, side, tree.rng.uniform(50.0, 80.0), 1.0, 1, (0.5 * side[0], 0.3, 0.0))
    for side in (-1.0, 1.0):
        tree.bush(4, end, np.array([0.5 * side, 1.0, 0.0]), 55.0, 1.6, 3, (0.5 * side, 0.7, 0.0))
    return "\n".join(tree.lines) + "\n"


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", help="file to write")
    parser.add_argument("--seed", type=int, default=4, help="seed of the random walks")
    options = parser.parse_args()
    Path(options.path).write_text(pyramidal(options.seed))


if __name__ == "__main__":
    main()
