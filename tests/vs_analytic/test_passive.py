"""Passive cells agree with linear algebra."""

import dendrion as dn
import numpy as np
import pytest

EXACT = {"rtol": 0, "atol": 1e-11}


class Chain(dn.MCNeuron):
    """A chain of compartments, the first of which is the soma."""

    def __init__(self, C, gL, g, method=dn.SolverMethodODE.EULER):
        super().__init__(1, V_th=1e6, odemethod=method, name="chain")
        self.parts = [
            (dn.LeakyIF if i == 0 else dn.Compartment)(1, C=c, gL=leak)
            for i, (c, leak) in enumerate(zip(C, gL, strict=True))
        ]
        for a, b, conductance in zip(self.parts, self.parts[1:], g, strict=False):
            dn.MCConn(a, b, conductance)


def matrix(C, gL, g):
    """Return the matrix A of dv/dt = A v + I/C, where v is V relative to rest."""
    A = -np.diag(np.asarray(gL, float))
    for i, conductance in enumerate(g):
        A[i, i] -= conductance
        A[i + 1, i + 1] -= conductance
        A[i, i + 1] += conductance
        A[i + 1, i] += conductance
    return A / np.asarray(C, float)[:, None]


def run(cell, current, at, duration, dt=0.1):
    source = dn.DCGenerator(1, amplitude=current)
    net = dn.Network([cell, source, dn.ConnGen(source, cell.parts[at])], dt=dt)
    probes = [net.probe(part, "V") for part in cell.parts]
    net.run(duration)
    return np.hstack([p.values for p in probes]) + 70.0


def test_charging_by_euler_is_its_own_recurrence():
    found = run(Chain([100.0], [5.0], []), 30.0, 0, 50.0)[:, 0]
    n = np.arange(500)
    np.testing.assert_allclose(found, 6.0 * (1 - (1 - 0.1 * 5.0 / 100.0) ** n), **EXACT)


def test_charging_by_exponential_euler_is_exact():
    cell = Chain([100.0], [5.0], [], dn.SolverMethodODE.EXP_EULER)
    found = run(cell, 30.0, 0, 500.0, dt=2.5)[:, 0]
    t = np.arange(200) * 2.5
    np.testing.assert_allclose(found, 6.0 * -np.expm1(-t * 5.0 / 100.0), **EXACT)


def test_charging_converges_with_order_one():
    errors = []
    for dt in (0.4, 0.2, 0.1):
        found = run(Chain([100.0], [5.0], []), 30.0, 0, 20.0 + dt, dt=dt)[-1, 0]
        errors.append(abs(found - 6.0 * -np.expm1(-1.0)))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(orders, 1.0, atol=0.03)


def test_two_compartments_follow_their_matrix():
    C, gL, g = [200.0, 50.0], [10.0, 2.5], [15.0]
    found = run(Chain(C, gL, g), 40.0, 1, 60.0)
    step, drive = np.eye(2) + 0.1 * matrix(C, gL, g), 0.1 * np.array([0.0, 40.0]) / C
    v = np.zeros(2)
    for sample in found:
        np.testing.assert_allclose(sample, v, **EXACT)
        v = step @ v + drive


def test_two_compartments_settle_where_currents_balance():
    C, gL, g = [200.0, 50.0], [10.0, 2.5], [15.0]
    for method in dn.SolverMethodODE:
        found = run(Chain(C, gL, g, method), 40.0, 1, 2000.0)[-1]
        expected = np.linalg.solve(-matrix(C, gL, g), np.array([0.0, 40.0]) / C)
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_attenuation_along_a_chain():
    C, gL, g = [100.0, 40.0, 30.0, 20.0, 10.0], [5.0, 2.0, 1.5, 1.0, 0.5], [20.0, 8.0, 6.0, 3.0]
    found = run(Chain(C, gL, g), 25.0, 0, 1500.0)[-1]
    expected = np.linalg.solve(-matrix(C, gL, g), np.array([25.0, 0, 0, 0, 0]) / C)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert (np.diff(found) < 0).all()


def test_transfer_is_reciprocal():
    C, gL, g = [100.0, 40.0, 30.0, 20.0], [5.0, 2.0, 1.5, 1.0], [20.0, 8.0, 6.0]
    there = run(Chain(C, gL, g), 10.0, 0, 1500.0)
    back = run(Chain(C, gL, g), 10.0, 3, 1500.0)
    np.testing.assert_allclose(there[-1, 3], back[-1, 0], rtol=1e-12)
    assert abs(there[-1, 0] - back[-1, 3]) > 0.1


@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
def test_exponential_euler_is_stable_where_euler_is_not():
    C, gL, g = [100.0, 1.0], [5.0, 0.1], [30.0]
    found = run(Chain(C, gL, g, dn.SolverMethodODE.EXP_EULER), 10.0, 0, 1000.0)[-1]
    expected = np.linalg.solve(-matrix(C, gL, g), np.array([10.0, 0.0]) / C)
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    with pytest.raises(dn.DivergenceError):
        run(Chain(C, gL, g), 10.0, 0, 1000.0)


def test_half_cylinders_couple_by_their_resistance():
    class Cable(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=1e6, name="cable")
            wide = {"gL": 50, "C": 1, "length": 60.0, "diameter": 4.0, "r_axial": 150.0}
            thin = {"gL": 40, "C": 2, "length": 90.0, "diameter": 1.5, "r_axial": 200.0, "area_factor": 1.5}
            self.parts = [dn.LeakyIF(1, **wide), dn.Compartment(1, **thin)]
            dn.MCConn(*self.parts)

    area = np.pi * np.array([60.0 * 4.0, 90.0 * 1.5 * 1.5])  # um2
    C, gL = area * [1, 2] * 1e-2, area * [50, 40] * 1e-5
    resistance = 4 * np.array([150.0, 200.0]) * [60.0, 90.0] / (np.pi * np.array([4.0, 1.5]) ** 2)  # 10 kOhm
    expected = np.linalg.solve(-matrix(C, gL, [2e5 / resistance.sum()]), np.array([5.0, 0.0]) / C)
    np.testing.assert_allclose(run(Cable(), 5.0, 0, 3000.0)[-1], expected, rtol=1e-9)
