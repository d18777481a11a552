"""Random morphologies."""

import numpy as np


def random_swc(seed, depth=4, soma_points=1):
    """Return an SWC text: a soma, and binary trees of tapering dendrites with random angles."""
    rng = np.random.default_rng(seed)
    radius = 5.0 + 5.0 * rng.random()
    lines = [f"1 1 0 0 0 {radius:.6g} -1"]
    for k in range(1, soma_points):
        lines.append(f"{k + 1} 1 {k * radius:.6g} 0 0 {radius:.6g} {k}")

    def branch(parent, at, direction, width, kind, level):
        steps = int(rng.integers(2, 6))
        for _ in range(steps):
            direction = direction + 0.3 * rng.standard_normal(3)
            direction /= np.linalg.norm(direction)
            at, width = at + 15.0 * rng.random() * direction + direction, 0.93 * width
            x, y, z = at
            lines.append(f"{len(lines) + 1} {kind} {x:.6f} {y:.6f} {z:.6f} {width:.6f} {parent}")
            parent = len(lines)
        for _ in range(2 if level < depth else 0):
            branch(parent, at, direction + 0.8 * rng.standard_normal(3), 0.7 * width, kind, level + 1)

    for kind, n in ((3, 3), (4, 1), (2, 1)):
        for _ in range(n):
            direction = rng.standard_normal(3)
            direction /= np.linalg.norm(direction)
            branch(1, radius * direction, direction, 1.0, kind, 0)
    return "\n".join(lines) + "\n"
