"""Ions, and mechanisms on different control volumes that exchange currents, concentrations and potentials."""

import itertools

import dendrion as dn
import numpy as np
import pytest

from .cells import conductances, random_tree
from .dense import exprel

EULER, MIDPOINT = dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON
FARADAY, GAS = 96485.33212, 8.314462618
#: All combinations of methods.
HOW = [
    {"odemethod": method, "gates": gates, "staggered": staggered}
    for method, gates, staggered in itertools.product((EULER, MIDPOINT), ("rational", "cnexp"), (False, True))
]


def cell(size=1, seed=2, **settings):
    """Return cells with calcium channels in two regions, which feed one pool, and channels that it activates."""
    cells = dn.CableNeuron(size, random_tree(seed, 5), cv=dn.PerSection(2), V_rest=-65.0, name="cells", **settings)
    dn.channels.HHNa(cells, on="soma", name="na")
    dn.channels.CaL(cells, on="soma", g=1.0, name="cal")
    dn.channels.CaT(cells, on="apical", g=0.6, name="cat")
    dn.Ion(cells, "Ca", inside=1e-4, outside=2.0, reversal="nernst", depth=0.1, tau=20.0, gamma=0.05, name="ca")
    dn.channels.KCa(cells, on="basal", g=1.0, name="kca")
    return cells


def driven(cells, dt=0.025, amplitude=1500.0, **settings):
    step = dn.DCGenerator(1, amplitude, name="dc")
    return dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=dt, **settings)


def part(cells, name):
    return next(m for m in cells.modules() if m.path.endswith(f"/{name}"))


def high_rates(V):
    """Return the rates of q and r of CaL (1/ms)."""
    return (
        (0.209 / exprel(-(V + 27) / 3.8), 0.94 * np.exp(-(V + 75) / 17)),
        (0.000457 * np.exp(-(V + 13) / 50), 0.0065 / (1 + np.exp(-(V + 15) / 28))),
    )


def z_rest(calcium):
    return 1 / (1 + (0.00043 / np.maximum(calcium, 1e-7)) ** 4.8)


def linear(x, rate, target, dt, gates):
    """Return x after a step of dx/dt = rate (target - x)."""
    if gates == "rational":
        return x + dt * rate * (target - x) / (1 + dt / 2 * rate)
    return x + dt * exprel(-dt * rate) * rate * (target - x)


def dense(cells, steps, dt, amplitude, odemethod, gates, staggered):
    """Return V and the calcium concentration of each CV at the beginning of each step.

    The cells have CaL on the soma, an ion Ca on all CVs, and KCa on basal CVs.
    """
    axial, cv = conductances(cells.cvs, float(cells.r_axial))
    nodes, count = len(cv), len(cells.cvs)
    inside = np.flatnonzero(cv >= 0)
    node = np.empty(count, dtype=int)
    node[cv[inside]] = inside
    area = cells.cvs.area
    on_soma, on_basal = (np.isin(np.arange(count), cells.cvs.select(region)) for region in ("soma", "basal"))
    half, factor = (dt / 2, 2) if odemethod is MIDPOINT else (dt, 1)
    V, calcium = np.full(count, -65.0), np.full(count, 1e-4)
    all_v = np.full(nodes, -65.0)
    gate = [a / (a + b) for a, b in high_rates(V)]
    z = z_rest(calcium)
    injected = np.zeros(count)
    injected[cells.at("soma").cv] = amplitude
    recorded = []

    def current(V, calcium):
        nernst = 1e3 * GAS * (6.3 + 273.15) / (2 * FARADAY) * np.log(2.0 / np.maximum(calcium, 1e-12))
        g = 1e-2 * area * on_soma * gate[0] ** 2 * gate[1]
        return g * (nernst - V), g

    def gates_after(V, calcium):
        moved = [linear(x, a + b, a / (a + b), dt, gates) for x, (a, b) in zip(gate, high_rates(V), strict=True)]
        return moved, linear(z, 1.0, z_rest(calcium), dt, gates)

    def pool_after(current):
        target = 1e-4 + 20.0 * 0.05 * 1e3 * current / (2 * FARADAY * area * 0.1)
        return linear(calcium, 1 / 20.0, target, dt, gates)

    for _ in range(steps):
        recorded.append((V, calcium))
        I_ca, g_ca = current(V, calcium)
        g_k = 1e-2 * area * on_basal * z
        total, matrix = np.zeros(nodes), axial.copy()
        total[node] = 3e-4 * area * (-65.0 - V) + I_ca + g_k * (-85.0 - V) + injected
        matrix[node, node] += 1e-2 * area / half + 3e-4 * area + g_ca + g_k
        old, before = V, calcium
        if not staggered:
            (gate, z), calcium = gates_after(V, calcium), pool_after(I_ca)
        all_v = all_v + factor * np.linalg.solve(matrix, total - axial @ all_v)
        V = all_v[node]
        if staggered:
            calcium = pool_after(current((old + V) / 2 if odemethod is MIDPOINT else old, before)[0])
            gate, z = gates_after(V, calcium)
    return (np.array(x) for x in zip(*recorded, strict=True))


@pytest.mark.parametrize("how", HOW)
def test_against_dense(how):
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), V_rest=-65.0, **how)
    dn.channels.CaL(cells, on="soma", g=1.0)
    ion = dn.Ion(cells, "Ca", inside=1e-4, outside=2.0, reversal="nernst", depth=0.1, tau=20.0, gamma=0.05)
    dn.channels.KCa(cells, on="basal", g=1.0)
    net = driven(cells, amplitude=200.0)
    v, calcium = net.probe(cells, "V"), net.probe(ion, "Ca")
    net.run(10.0)
    expected_v, expected = dense(cells, 400, 0.025, 200.0, **how)
    assert np.ptp(calcium.values) > 1e-4
    np.testing.assert_allclose(v.values, expected_v, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(calcium.values, expected, rtol=1e-9)


@pytest.mark.parametrize("how", [*HOW, {"gates": "coupled"}, {"gates": "coupled", "odemethod": MIDPOINT}])
def test_exchange_equals_one_set_for_small_steps(how):
    """The same mechanisms on one set of CVs, and in another order of CVs, which makes another set."""
    ends = []
    for is_split in (False, True):
        cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), V_rest=-65.0, **how)
        other = cells.at(cv=np.arange(len(cells.cvs))[::-1]) if is_split else "all"
        dn.channels.CaL(cells, on="all", g=1.0)
        pool = dn.channels.CaPool(cells, on=other, tau=20.0)
        dn.channels.KCa(cells, on="all", g=1.0)
        net = driven(cells, dt=0.005, amplitude=500.0)
        net.run(10.0)
        calcium = np.asarray(pool.Ca)[0]
        ends.append((np.asarray(cells.V)[0], calcium[::-1] if is_split else calcium))
    # Otherwise, mechanisms on one set of CVs read the states of each other in the middle of the step.
    tolerance = 1e-9 if how["gates"] == "cnexp" else 2e-2
    assert np.ptp(ends[0][1]) > 1e-5
    for one, split in zip(*ends, strict=True):
        np.testing.assert_allclose(split, one, rtol=tolerance, atol=2e-2 * (tolerance > 1e-3))


def test_currents_are_summed_and_charge_is_conserved():
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), V_rest=-65.0, gates="cnexp")
    high = dn.channels.CaL(cells, on="soma", g=1.0)
    low = dn.channels.CaT(cells, on="all", g=1.0)
    point = _Synapse(cells, at=[cells.tree.at(2, 0.5), cells.tree.at(2, 0.5)])
    ion = dn.Ion(cells, "Ca", inside=1e-4)
    net = driven(cells)
    currents = [net.probe(module, "I") for module in (high, low, point)]
    net.run(5.0)
    volume = np.pi / 4 * cells.cvs.diameter**2 * (cells.cvs.area / (np.pi * cells.cvs.diameter))
    amount = (np.asarray(ion.Ca)[0] - 1e-4) * volume
    area = cells.cvs.area
    sums = [p.values.sum(axis=0) * 0.025 for p in currents]
    total = np.zeros(len(area))
    total[cells.cvs.select("soma")] += sums[0] * area[cells.cvs.select("soma")]
    total += sums[1] * area
    np.add.at(total, cells.at([cells.tree.at(2, 0.5), cells.tree.at(2, 0.5)]).cv, sums[2])
    np.testing.assert_allclose(amount, 1e3 * total / (2 * FARADAY), rtol=1e-9, atol=1e-12)


class _Synapse(dn.Channel):
    equations = """
    I = g*(120 mV - V) : pA
    export I_Ca = I
    g = 0.05 nS
    """


@pytest.mark.parametrize("how", [{}, {"gates": "cnexp", "staggered": True}])
def test_initial_values_read_initial_concentrations(how):
    cells = cell(2, **how)
    net = driven(cells)
    kca = part(cells, "kca")
    np.testing.assert_allclose(kca.z, z_rest(1e-4), rtol=1e-12)
    net.set_parameters({"cells/ca.inside": 4e-4})
    net.reset()
    np.testing.assert_allclose(kca.z, z_rest(4e-4), rtol=1e-12)
    each = np.linspace(1e-4, 1e-3, 2 * len(cells.cvs)).reshape(2, -1)
    part(cells, "ca").inside = each
    net.reset()
    np.testing.assert_allclose(np.asarray(kca.z).reshape(2, -1), z_rest(each[:, cells.cvs.select("basal")]), rtol=1e-12)


def test_defaults_hold_where_no_mechanism_exports():
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), V_rest=-65.0)
    dn.Ion(cells, "Ca", inside=1e-4, outside=2.0, reversal="nernst", on="soma")

    class Reader(dn.Channel):
        equations = """
        dx/dt = (E_Ca - x)/(1 ms) : mV
        import E_Ca : mV = E
        E = 33 mV
        x(0) = E_Ca
        export x
        """

    reader = Reader(cells, on="all")
    net = dn.Network([cells], dt=0.025)
    net.run(1.0)
    nernst = 1e3 * GAS * 279.45 / (2 * FARADAY) * np.log(2e4)
    expected = np.where(np.isin(np.arange(len(cells.cvs)), cells.cvs.select("soma")), nernst, 33.0)
    np.testing.assert_allclose(reader.x[0], expected, rtol=1e-12)


class ConstantField(dn.Channel):
    equations = """
    I = P * z*F*(Ca_out/exprel(z*V/RT_F) - Ca/exprel(-z*V/RT_F))  : pA/um2
    export I_Ca = I * area
    import Ca : mM
    import Ca_out : mM
    P = 1e-4 um/ms (>= 0)
    z = 2
    F = 96485.33212 C/mol
    RT_F = 25.26 mV
    """


def test_constant_field_currents():
    cells = dn.CableNeuron(2, random_tree(2, 5), cv=dn.PerSection(2), V_rest=[[-65.0], [0.0]] * np.ones((2, 10)))
    current = ConstantField(cells, on="basal")
    dn.Ion(cells, "Ca", inside=0.5, outside=2.0)
    net = dn.Network([cells], dt=0.025)
    probe = net.probe(current, "I")
    net.run(0.025)
    u = 2 * -65.0 / 25.26
    # Hille (2001), equation 14.5; mM um/ms C/mol = 1e-3 pA/um2.
    field = -1e-4 * 2 * FARADAY * u * (0.5 - 2.0 * np.exp(-u)) / (1 - np.exp(-u)) * 1e-3
    count = len(cells.cvs.select("basal"))
    expected = np.repeat([field, 1e-4 * 2 * FARADAY * 1.5 * 1e-3], count)
    np.testing.assert_allclose(probe.values[0], expected, rtol=1e-12)


def test_charge_of_anions():
    cells = dn.CableNeuron(1, dn.Morphology.cable(100.0, 2.0), cv=dn.MaxLength(50.0))

    class Inhibition(dn.Channel):
        equations = """
        I = g*(E_Cl - V) : pA/um2
        export I_Cl = I*area
        import E_Cl : mV
        g = 0.1 mS/cm2
        """

    Inhibition(cells, on="all")
    chloride = dn.Ion(cells, "Cl", inside=20.0, outside=120.0, reversal="nernst", celsius=37.0)
    net = dn.Network([cells], dt=0.025)
    net.run(20.0)
    assert chloride.valence == -1.0
    # E = -48 mV is above V_rest = -70 mV: chloride leaves the cell, and the current depolarizes it.
    assert np.all(np.asarray(chloride.Cl) < 20.0)
    assert np.all(np.asarray(cells.V) > -70.0)


@pytest.mark.parametrize("how", [{}, {"gates": "cnexp", "staggered": True}, {"gates": "coupled"}])
def test_threads_batches_and_cuts_are_bit_identical(how):
    def recorded(threads, cuts, batch=None):
        cells = cell(20, **how)
        cells.V_init = -65.0 + np.arange(20.0)[:, None] * np.ones(len(cells.cvs)) / 10
        net = driven(cells, threads=threads)
        probes = [net.probe(cells, "V"), net.probe(part(cells, "ca"), "Ca"), net.probe(part(cells, "cat"), "I")]
        for time in cuts:
            net.run(time)
        return [p.values for p in probes]

    expected = recorded(1, [4.0])
    assert np.all(np.isfinite(expected[0]))
    for threads, cuts in ((1, [1.5, 2.5]), (2, [4.0]), (3, [0.025, 3.975])):
        for found, wanted in zip(recorded(threads, cuts), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("how", [{}, {"gates": "cnexp", "staggered": True}])
def test_states_and_files(how, tmp_path):
    net = driven(cell(2, **how))
    net.run(3.0)
    net.save_state(tmp_path / "state")
    net.save(tmp_path / "model.toml")
    copies = [driven(cell(2, **how)), dn.Network.load(tmp_path / "model.toml")]
    net.run(2.0)
    net.save_state(tmp_path / "end")
    for i, copy in enumerate(copies):
        copy.load_state(tmp_path / "state")
        copy.run(2.0)
        copy.save_state(tmp_path / f"end{i}")
        assert (tmp_path / f"end{i}").read_bytes() == (tmp_path / "end").read_bytes()
    ion = next(m for top in copies[1].modules for m in top.modules() if isinstance(m, dn.Ion))
    assert (ion.ion, ion.valence, ion.reversal) == ("Ca", 2.0, "nernst")


@pytest.mark.parametrize("how", [*HOW, {"gates": "coupled"}, {"gates": "coupled", "odemethod": MIDPOINT}])
def test_gradients_equal_central_differences(how):
    cells = cell(2, **how)
    net = driven(cells, dt=0.05, amplitude=400.0)
    probes = [
        net.probe(cells, "V"),
        net.probe(part(cells, "ca"), "Ca"),
        net.probe(part(cells, "ca"), "E_Ca"),
        net.probe(part(cells, "kca"), "z"),
        net.probe(part(cells, "cal"), "I"),
    ]
    rng, steps = np.random.default_rng(1), 120
    scales = (1e-2, 1e3, 1e-2, 1.0, 1e1)
    weights = [s * rng.normal(size=(steps, p._columns)) for p, s in zip(probes, scales, strict=True)]

    def loss(**parameters):
        net.set_parameters(parameters)
        net.reset()
        net.run(steps * 0.05)
        return sum(np.vdot(p.values, w) for p, w in zip(probes, weights, strict=True))

    loss()
    net.reset()
    found = net.run(steps * 0.05, grad=True).backward(dict(zip(probes, weights, strict=True)))
    names = ("cal.g", "cat.g", "cat.Vx", "ca.gamma", "ca.tau", "ca.inside", "ca.outside", "kca.g", "kca.K_half")
    for key in (*(f"cells/{name}" for name in names), "cells.C", "cells.V_rest"):
        value = net.parameters()[key]
        h = (1e-5 if key == "cells.V_rest" else 1e-4) * abs(value)
        sides = [loss(**{key: value + i * h}) for i in (1, -1, 2, -2)]
        expected = (8 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / (12 * h)
        loss(**{key: value})
        assert found[key] == pytest.approx(expected, rel=1e-6), key


def test_gradients_with_resets():
    cells = dn.CableNeuron(
        1,
        random_tree(2, 5),
        cv=dn.PerSection(2),
        odemethod=MIDPOINT,
        gates="cnexp",
        V_th=-30.0,
        V_reset=-60.0,
        reset=True,
    )
    dn.channels.CaL(cells, on="soma", g=0.2, name="cal")
    ion = dn.Ion(cells, "Ca", inside=1e-4, outside=2.0, reversal="nernst", depth=0.1, tau=20.0, gamma=0.05)
    net = driven(cells, dt=0.05, amplitude=400.0)
    probe, spikes = net.probe(ion, "Ca"), net.probe(cells, "spikes")
    rng = np.random.default_rng(1)
    weights = 1e3 * rng.normal(size=(400, len(cells.cvs)))
    key = f"{cells.path}/cal.g"

    def loss(g):
        net.set_parameters({key: g})
        net.reset()
        net.run(20.0)
        return np.vdot(probe.values, weights)

    loss(0.2)
    assert spikes.counts().sum() > 0
    net.reset()
    found = net.run(20.0, grad=True).backward({probe: weights})[key]
    # Between two spikes, the times of spikes do not depend on g, because they are multiples of dt.
    expected = (loss(0.2 + 1e-6) - loss(0.2 - 1e-6)) / 2e-6
    assert found == pytest.approx(expected, rel=1e-5)


MESSAGES = [
    ({"ion": "Xx"}, r"valence = None: the valence of Xx is unknown; expected valence= with a number"),
    ({"ion": 3}, r"ion = 3: expected the name of an ion, such as 'Ca'"),
    ({"ion": "area", "valence": 1}, r"ion = 'area': this name has another meaning in equations"),
    ({"valence": 0}, r"valence = 0: expected a number other than 0 from -100 to 100, such as 2"),
    ({"inside": -1.0}, r"inside = -1: expected a finite number >= 0 .mM."),
    ({"outside": 0.0}, r"outside = 0"),
    ({"reversal": "nernst"}, r"outside = None: reversal='nernst' requires the extracellular concentration"),
    ({"reversal": "nerst"}, r"reversal = 'nerst'.*nernst"),
    ({"reversal": "nernst", "outside": 2.0, "E": 120.0}, r"E = 120.0: expected E=None"),
    ({"tau": -1.0}, r"tau = -1"),
    ({"gamma": 2.0}, r"gamma = 2"),
]


@pytest.mark.parametrize(("given", "message"), MESSAGES)
def test_invalid_arguments(given, message):
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2))
    arguments = {"ion": "Ca", "inside": 1e-4, **given}
    with pytest.raises((dn.ParameterError, dn.ParameterTypeError), match=message):
        dn.Ion(cells, **arguments)


def test_two_ions_of_one_name():
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), name="cells")
    dn.Ion(cells, "Ca", inside=1e-4, on="soma", name="one")
    dn.Ion(cells, "Ca", inside=1e-4, on="basal", name="two")
    with pytest.raises(dn.StructureError, match="cells/two: cells already contains the ion Ca, cells/one; expected"):
        dn.Network([cells], dt=0.025)


def test_channels_need_an_ion_everywhere_or_a_default():
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), name="cells")
    dn.Ion(cells, "Ca", inside=1e-4, on="soma")
    dn.channels.KCa(cells, on="all", name="kca")
    with pytest.raises(
        dn.StructureError, match=r"cells/kca: imports Ca, which no mechanism exports at CV \d+ \(\w+, section 1\)"
    ):
        dn.Network([cells], dt=0.025)
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), name="cells")
    dn.channels.KCa(cells, on="all", name="kca")
    with pytest.raises(dn.StructureError, match=r"cells/kca: imports Ca, which no mechanism on these CVs exports"):
        dn.Network([cells], dt=0.025)


def test_a_concentration_has_one_source():
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), name="cells")
    dn.Ion(cells, "Ca", inside=1e-4, name="ca")
    dn.channels.CaPool(cells, on="soma", name="pool")
    dn.channels.CaL(cells, on="soma")
    dn.channels.KCa(cells, on="apical")
    dn.channels.KCa(cells, on="soma", name="kca")
    with pytest.raises(dn.StructureError, match=r"imports Ca, which both cells/.* and cells/.* export at CV 0 "):
        dn.Network([cells], dt=0.025)


def test_cycles_are_named():
    cells = dn.CableNeuron(1, random_tree(2, 5), cv=dn.PerSection(2), name="cells")

    class A(dn.Channel):
        equations = "export a = b + 1; import b : 1"

    class B(dn.Channel):
        equations = "export b = 2*a; import a : 1"

    A(cells, on="all", name="first")
    B(cells, on="soma", name="second")
    cells.third = B(cells, on=cells.at(cv=np.arange(len(cells.cvs))[2:]))
    with pytest.raises(dn.StructureError, match="depends on itself: a of cells/first, which depends on b of cells/"):
        dn.Network([cells], dt=0.025)


def test_neurons_without_a_morphology_have_no_ions():
    with pytest.raises(dn.ParameterTypeError, match="neuron = 1: expected a CableNeuron"):
        dn.Ion(1, "Ca", inside=1e-4)
