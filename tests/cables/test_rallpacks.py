"""The Rallpack benchmarks of Bhalla, Bilitch & Bower (1992, Trends Neurosci 15:453).

1 is a passive cable and 2 a passive tree that is equivalent to one. Both have exact solutions. 3 is an axon whose
converged spike times are known. All have 4 ohm m2, 1 ohm m and 0.01 F/m2, and a current of 0.1 nA into one end.
"""

import dendrion as dn
import numpy as np
import pytest

EULER, MIDPOINT = dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON
REST, TAU = -65.0, 40.0
MEMBRANE = {"C": 1.0, "gL": 25.0, "V_rest": REST, "r_axial": 100.0}


def simulated(cells, cvs, dt, duration):
    """Return the times and V of two or more CVs, with a current into the first one."""
    step = dn.DCGenerator(1, 100.0)
    net = dn.Network([cells, step, dn.ConnGen(step, cells.at(cv=0))], dt=dt)
    probe = net.probe(cells.at(cv=cvs), "V")
    net.run(duration)
    return np.arange(len(probe.values)) * dt, probe.values


def sealed_cable(t, position, length, diameter):
    """Return V of a cable (um) with sealed ends, as its Fourier series (Rall 1969, Biophys J 9:1483)."""
    space = 1e6 * np.sqrt(4.0 * diameter * 1e-6 / 4.0)
    total, at = length / space, position / space
    # 0.1 nA times the input resistance of a semi-infinite cable, in mV.
    scale = 1e-7 * space * 1e-6 / (np.pi * (diameter * 1e-6 / 2) ** 2)
    found = -np.expm1(-t / TAU)
    for first in range(1, 4000, 100):
        n = np.arange(first, first + 100)[:, None]
        k = 1 + (n * np.pi / total) ** 2
        found = found - (2 * np.cos(n * np.pi * at / total) / k * np.expm1(-k * t / TAU)).sum(axis=0)
    return REST + scale / total * found


def error(found, expected):
    """Return the root mean square error relative to that of the depolarization."""
    return np.sqrt(np.mean((found - expected) ** 2) / np.mean((expected - REST) ** 2))


@pytest.mark.parametrize("method", [EULER, MIDPOINT])
def test_rallpack_1(method, report):
    cells = dn.CableNeuron(1, dn.Morphology.cable(1000.0, 1.0), cv=dn.PerSection(1000), odemethod=method, **MEMBRANE)
    t, v = simulated(cells, [0, 999], 0.025, 250.0)
    errors = [error(v[:, i], sealed_cable(t, x, 1000.0, 1.0)) for i, x in enumerate((0.5, 999.5))]
    report("Rallpacks", rallpack=1, method=method.name, near=errors[0], far=errors[1])
    assert max(errors) < 2e-4


@pytest.mark.parametrize("method", [EULER, MIDPOINT])
def test_rallpack_2(method, report):
    parents = [-1, *(i // 2 for i in range(1022))]
    level = np.floor(np.log2(np.arange(1, 1024)))
    lengths, diameters = 32.0 * 2.0 ** (-level / 3), 16.0 * 2.0 ** (-2 * level / 3)
    tree = dn.Morphology.from_sections(lengths, diameters, parents, ["basal"] * 1023)
    cells = dn.CableNeuron(1, tree, cv=dn.PerSection(1), odemethod=method, **MEMBRANE)
    tips = cells.cvs.distance > 0.99 * cells.cvs.distance.max()
    t, v = simulated(cells, [0, *np.flatnonzero(tips)[[0, -1]]], 0.025, 250.0)
    # Each level has the electrotonic length of 32 um of the root.
    near, far = sealed_cable(t, 16.0, 320.0, 16.0), sealed_cable(t, 304.0, 320.0, 16.0)
    errors = [error(v[:, 0], near), error(v[:, 1], far), error(v[:, 2], far)]
    report("Rallpacks", rallpack=2, method=method.name, near=errors[0], far=max(errors[1:]))
    assert tips.sum() == 512
    assert max(errors) < 3e-4


def axon(dt, duration):
    """Return the times of upward crossings of 0 mV at the near and the far end."""
    cells = dn.CableNeuron(1, dn.Morphology.cable(1000.0, 1.0), cv=dn.PerSection(1000), odemethod=MIDPOINT, **MEMBRANE)
    cells.na = dn.channels.HHNa(cells, on="all", g=120.0, E=50.0)
    cells.k = dn.channels.HHK(cells, on="all", g=36.0, E=-77.0)
    _, v = simulated(cells, [0, 999], dt, duration)
    found = []
    for x in v.T:
        i = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
        found.append((i - x[i] / (x[i + 1] - x[i])) * dt)
    return found


def test_rallpack_3(report):
    # With a step of 2 us, the times are the same within 0.0002 ms, and the run takes 20 times as long.
    (near, far), (fine_near, fine_far) = axon(0.02, 250.0), axon(0.01, 250.0)
    near, far = fine_near + (fine_near - near) / 3, fine_far + (fine_far - far) / 3
    interval = np.diff(near)[-10:].mean()
    times = {"first": near[0], "second": near[1], "last": near[-1], "interval": interval}
    times |= {"far": far[0], "far_second": far[1]}
    report("Rallpack 3 (ms)", **{name: f"{time:.4f}" for name, time in times.items()})
    np.testing.assert_allclose(near[[0, 1, -1]], [1.3063, 16.0041, 248.5195], rtol=0, atol=0.002)
    assert interval == pytest.approx(14.5315, abs=0.002)
    np.testing.assert_allclose(far[:2], [4.0708, 18.6870], rtol=0, atol=0.002)


def test_rallpack_3_has_order_2():
    coarse, middle, fine = (np.concatenate(axon(dt, 20.0)) for dt in (0.02, 0.01, 0.005))
    np.testing.assert_allclose((coarse - middle) / (middle - fine), 4.0, rtol=0.1)
