"""Random trees with tapering and a soma, for comparisons with other simulators. Needs only NumPy."""

from typing import NamedTuple

import numpy as np

#: Coordinates and diameters are multiples of this length (um), because NEURON stores them in single precision.
GRID = 1 / 64
SOMA, BASAL, APICAL = 1, 3, 4


class Section(NamedTuple):
    """A section: its own points, the index of its parent, and its position on it."""

    points: list
    parent: int
    x: float


class Tree(NamedTuple):
    """The points of a tree as in an SWC file: the soma is a chain of points, followed by neurites."""

    points: np.ndarray
    diameters: np.ndarray
    parents: list
    kinds: list
    sections: list


def snapped(values):
    return np.maximum(np.round(np.asarray(values) / GRID), 1) * GRID


def neurite(rng, start, n, diameter):
    """Return the points and diameters of an unbranched neurite that tapers."""
    steps = rng.normal(size=(n, 3)) * rng.uniform(5, 30, (n, 1))
    steps[np.abs(steps) < GRID] = 1.0
    points = np.round((start + np.cumsum(steps, axis=0)) / GRID) * GRID
    return points, snapped(diameter * np.linspace(1.0, 0.6, n) * rng.uniform(0.9, 1.1, n))


def random_tree(seed, forks):
    """Return a tree with a soma of four points and binary neurites with this number of forks."""
    rng = np.random.default_rng(seed)
    soma = [[0.0, 0, 0], [0, 5, 0], [0, 10, 0], [0, 16, 0]]
    points, diameters, parents, kinds = [*map(np.array, soma)], [8.0, 14.0, 15.0, 7.0], [-1, 0, 1, 2], [SOMA] * 4
    sections = [Section([0, 1, 2, 3], -1, 0.0)]

    def grow(parent, x, at, kind, diameter):
        """Add a neurite that begins at a point, and return its index."""
        new, widths = neurite(rng, points[at], int(rng.integers(2, 7)), diameter)
        chain = list(range(len(points), len(points) + len(new)))
        points.extend(new)
        diameters.extend(widths)
        parents.extend([at, *chain[:-1]])
        kinds.extend([kind] * len(chain))
        sections.append(Section(chain, parent, x))
        return len(sections) - 1

    ends = [grow(0, 1.0, 3, APICAL, 4.0), grow(0, 0.0, 0, BASAL, 2.5), grow(0, 5 / 16, 1, BASAL, 2.0)]
    for _ in range(forks):
        end = ends.pop(int(rng.integers(len(ends))))
        at = sections[end].points[-1]
        ends += [grow(end, 1.0, at, kinds[at], 0.8 * diameters[at]) for _ in range(2)]
    return Tree(np.array(points), np.array(diameters), parents, kinds, sections)


def shapes(tree):
    """Return the points (x, y, z, diameter) of each section, including those where it begins."""
    table = np.column_stack([tree.points, tree.diameters])
    found = []
    for points, parent, _ in tree.sections:
        own = table[points]
        if parent > 0:
            own = np.vstack([table[tree.sections[parent].points[-1]], own])
        elif parent == 0:
            # The line from the soma to the first point has the diameter of the latter.
            own = np.vstack([[*table[tree.parents[points[0]]][:3], own[0, 3]], own])
        found.append(own)
    return found


def divisions(tree, length=40.0):
    """Return an odd number of CVs for each section."""
    lengths = [np.linalg.norm(np.diff(s[:, :3], axis=0), axis=1).sum() for s in shapes(tree)]
    return [1 + 2 * int(each / (2 * length)) for each in lengths]
