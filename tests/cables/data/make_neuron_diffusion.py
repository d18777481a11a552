"""Print concentrations that diffuse along a cable and along a tree, computed by NEURON 9, as JSON.

Run ``python make_neuron_diffusion.py > neuron_diffusion.json``. On a cable with one diameter, NEURON solves the same
equations as Dendrion. Between segments with different diameters, NEURON uses the mean of their cross sections, and it
has no junctions at branch points, so only the limit of short segments is the same.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

MECHANISM = """
NEURON { SUFFIX spread RANGE start, D }
UNITS { (mM) = (milli/liter) (um) = (micron) PI = (pi) (1) }
PARAMETER { start = 0 (mM) D = 0.5 (um2/ms) }
ASSIGNED { diam (um) }
STATE { c (mM) }
INITIAL { c = start }
BREAKPOINT { SOLVE move METHOD sparse }
KINETIC move {
    COMPARTMENT PI*diam*diam/4 { c }
    LONGITUDINAL_DIFFUSION D*PI*diam*diam/4 { c }
    ~ c << (0)
}
"""
#: The points of a tree that tapers: x, y, diameter, and parent. All except for the first end a section.
POINTS = [(0, 0, 3, -1), (100, 0, 2, 0), (160, 60, 1.25, 1), (150, -40, 1, 1), (200, 100, 1.25, 2), (220, 60, 0.625, 2)]
#: Numbers of segments of each section.
SEGMENTS = (5, 15, 45)


def compiled():
    """Compile the mechanism, and return NEURON's interpreter."""
    folder = tempfile.mkdtemp()
    Path(folder, "spread.mod").write_text(MECHANISM)
    nrnivmodl = Path(sys.executable).parent / "nrnivmodl"
    environment = os.environ | {"PATH": f"{nrnivmodl.parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([nrnivmodl], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr, env=environment)
    os.chdir(folder)
    from neuron import h

    h.load_file("stdrun.hoc")
    return h


def run(h, dt, time):
    """Advance all concentrations."""
    h.dt = dt
    h.finitialize(-65)
    for _ in range(round(time / dt)):
        h.fadvance()


def cable(h):
    """Return the concentrations on a cable."""
    section = h.Section(name="cable")
    section.L, section.diam, section.nseg = 100, 2, 21
    section.insert("spread")
    list(section)[3].start_spread = 1
    run(h, 0.25, 20.0)
    return [segment.c_spread for segment in section]


def tree(h, segments):
    """Return the mean concentration of each section of the tree, of which one had 1 mM."""
    made = []
    for i, (x, y, diameter, parent) in enumerate(POINTS[1:]):
        section = h.Section(name=f"s{i}")
        start = POINTS[parent]
        section.pt3dadd(start[0], start[1], 0.0, start[2])
        section.pt3dadd(x, y, 0.0, diameter)
        if parent > 0:
            section.connect(made[parent - 1](1), 0)
        section.nseg = segments
        section.insert("spread")
        for segment in section:
            segment.start_spread, segment.D_spread = float(i == 1), 2.0
        made.append(section)
    run(h, 0.25, 300.0)
    means = []
    for section in made:
        volumes = [s.diam**2 for s in section]
        means.append(sum(v * s.c_spread for v, s in zip(volumes, section, strict=True)) / sum(volumes))
    return means


def main():
    """Print all results."""
    h = compiled()
    found = {"cable": cable(h), "tree": [tree(h, segments) for segments in SEGMENTS]}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
