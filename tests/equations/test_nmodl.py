"""Mechanisms from NMODL files give the same results as hand-written equations."""

from pathlib import Path

import dendrion as dn
import numpy as np
import pytest
from dendrion import channels

FILES = Path(__file__).parents[2] / "crates" / "dendrion-nmodl" / "tests" / "mod"


class Cell(dn.MCNeuron):
    def __init__(self, *parts, leak=300.0):
        super().__init__(1, V_th=1e3, V_reset=-65, odemethod=dn.SolverMethodODE.RK4, name="cell")
        self.soma = dn.LeakyIF(1, V_rest=-54.3, gL=leak, C=1, length=20, diameter=20, I_ext=126)
        self.parts = [part(1, self.soma) for part in parts]


def potential(cell, modules=(), dt=0.01, span=40):
    net = dn.Network([cell, *modules], dt=dt)
    v = net.probe(cell.soma, "V")
    net.run(span)
    return v.values[:, 0], net


def test_the_squid_axon_is_that_of_the_library():
    squid = dn.nmodl.load(FILES / "squid.mod")
    assert (squid.__name__, issubclass(squid, dn.Channel)) == ("squid", True)
    assert any("TABLE is omitted" in note for note in squid.notes)
    cell = Cell(squid, leak=1e-9)
    got, net = potential(cell)
    expected, _ = potential(Cell(channels.HHNa, channels.HHK))
    assert np.abs(got - expected).max() < 1e-6
    assert got.max() > 20
    assert {"m", "h", "n", "gna", "minf", "ina", "I"} <= set(net.variables(cell.parts[0]))
    assert net.parameters()["cell/parts/0.gnabar"] == 0.12


def test_synapses():
    expo = dn.nmodl.load(FILES / "expo.mod")
    assert issubclass(expo, dn.Receptor)

    class Point(dn.MCNeuron):
        def __init__(self, receptor):
            super().__init__(1, V_th=1e3, V_reset=-65, name="cell")
            self.soma = dn.LeakyIF(1, V_rest=-65, gL=10, C=100)
            self.receptor = receptor
            self.on = dn.MCConnSynapse(receptor, self.soma)

    def ran(receptor, weight):
        cell = Point(receptor)
        source = dn.SpikeGenerator(1, [0, 0], [5.0, 12.0])
        onto = dn.MCSynapse(source, cell.receptor, np.full((1, 1), weight))
        return potential(cell, [source, onto], dt=0.1)[0]

    given = {name: getattr(expo(1), name) for name in ("tau", "e")}
    built_in = dn.AMPA(1, g=1.0, t_decay=given["tau"], E=given["e"])
    # Weights in NMODL are in uS; here they are in nS, and therefore larger by a factor of 1000.
    assert ran(expo(1), 0.004) == pytest.approx(ran(built_in, 4.0), abs=1e-9)


def test_calcium_goes_round():
    kinds = [dn.nmodl.load(FILES / f"{name}.mod") for name in ("cahva", "capool", "sk")]
    cell = Cell(*kinds, channels.HHNa, channels.HHK)
    net = dn.Network([cell], dt=0.01)
    pool = cell.parts[1]
    calcium = net.probe(pool, net.variables(pool)[0])
    net.run(50)
    assert np.ptp(calcium.values) > 0


def test_what_initial_makes_of_other_mechanisms_stays():
    kept = dn.nmodl.loads("""
    NEURON { SUFFIX kept USEION ca READ cai NONSPECIFIC_CURRENT i }
    ASSIGNED { v start first i }
    INITIAL { start = v  first = 1e3*cai }
    BREAKPOINT { i = 1e-2*(v - start) + 0.001*first }
    """)
    cell = Cell(channels.CaPool, channels.CaL, kept)
    net = dn.Network([cell], dt=0.01)
    v, start, first = (
        net.probe(part, name) for part, name in ((cell.soma, "V"), (cell.parts[2], "start"), (cell.parts[2], "first"))
    )
    net.run(20)
    assert np.ptp(v.values) > 0.5
    assert set(start.values[:, 0]) == {v.values[0, 0]}
    np.testing.assert_allclose(first.values, 0.1)


def pool(ion):
    return dn.nmodl.loads(f"""
    NEURON {{ SUFFIX pool USEION {ion} READ i{ion} WRITE {ion}i RANGE tau }}
    PARAMETER {{ tau = 20 (ms)  {ion}0 = 0.001 (mM) }}
    STATE {{ {ion}i (mM) }}
    INITIAL {{ {ion}i = 2*{ion}0 }}
    BREAKPOINT {{ SOLVE states METHOD cnexp }}
    DERIVATIVE states {{ {ion}i' = -i{ion} + ({ion}0 - {ion}i)/tau }}
    """)


def concentration(*parts):
    cell = Cell(*parts)
    net = dn.Network([cell], dt=0.01)
    recorded = net.probe(cell.parts[-1], net.variables(cell.parts[-1])[0])
    net.run(20)
    return recorded.values[:, 0]


def test_ions_of_another_spelling_are_other_ions():
    channel = dn.nmodl.loads(
        "NEURON { SUFFIX c USEION Ca WRITE iCa } ASSIGNED { v } BREAKPOINT { iCa = 1e-4*(v + 90) }"
    )
    alone = {ion: concentration(pool(ion)) for ion in ("ca", "Ca", "CA", "cal")}
    for ion in ("ca", "CA", "cal"):
        np.testing.assert_array_equal(concentration(channel, pool(ion)), alone[ion])
    for ion in ("Ca", "CA", "cal"):
        np.testing.assert_array_equal(concentration(channels.CaL, pool(ion)), alone[ion])
    assert np.abs(concentration(channel, pool("Ca")) - alone["Ca"]).max() > 1e-4
    assert np.abs(concentration(channels.CaL, pool("ca")) - alone["ca"]).max() > 1e-6


def test_a_current_that_nobody_writes_is_0():
    time = 0.01 * np.arange(2000)
    expected = 0.001 * (1 + np.exp(-time / 20))
    for ion in ("ca", "Ca", "na", "k", "x"):
        np.testing.assert_allclose(concentration(pool(ion)), expected, rtol=1e-9)


def test_a_concentration_that_nobody_writes_has_the_default_of_neuron():
    def current(*parts, ion="ca", **given):
        reads = dn.nmodl.loads(f"""
        NEURON {{ SUFFIX reads USEION {ion} READ {ion}i NONSPECIFIC_CURRENT i }}
        BREAKPOINT {{ i = 1e-3*{ion}i }}
        """)
        cell = Cell(*parts, reads)
        for name, value in given.items():
            setattr(cell.parts[-1], name, value)
        net = dn.Network([cell], dt=0.1)
        recorded = net.probe(cell.parts[-1], "I")
        net.run(1)
        return -recorded.values[0, 0] / 1e-2  # 1 mA/cm2 is 10 pA/um2

    assert current() == pytest.approx(5e-5)
    assert current(cai0=0.02) == pytest.approx(0.02)
    assert current(ion="Ca") == pytest.approx(1.0)
    assert current(channels.CaPool, channels.CaT, ion="Ca") == pytest.approx(1.0)
    assert current(channels.CaPool, channels.CaT) == pytest.approx(1e-4, rel=1e-2)


def test_names_of_python_and_of_modules_get_an_underscore():
    clashing = ("lambda", "name", "size", "on", "parent", "path", "notes", "equations", "children", "V", "_label")
    declared = " ".join(f"{name} = {i + 1}" for i, name in enumerate(clashing))
    loaded = dn.nmodl.loads(f"""
    NEURON {{ SUFFIX x NONSPECIFIC_CURRENT i }}
    PARAMETER {{ {declared} name_ = 100 }}
    BREAKPOINT {{ i = {" + ".join(clashing)} + name_ }}
    """)
    made = loaded(1)
    assert [getattr(made, f"{name}_") for name in clashing if name != "name"] == [1, *range(3, len(clashing) + 1)]
    assert (made.name__, made.name_) == (2, 100)
    assert any("'lambda' is a reserved name; it is renamed to 'lambda_'" in note for note in loaded.notes)


def test_gradients_go_through():
    cell = Cell(dn.nmodl.load(FILES / "squid.mod"))
    cell.soma.I_ext = 20
    net = dn.Network([cell], dt=0.02)
    v = net.probe(cell.soma, "V")

    def loss(g):
        net.reset()
        net.set_parameters({"cell/parts/0.gkbar": g})
        net.reset()
        net.run(2)
        return float(((v.values + 60) ** 2).sum())

    h, g = 1e-5, 0.036
    slope = (8 * (loss(g + h) - loss(g - h)) - (loss(g + 2 * h) - loss(g - 2 * h))) / (12 * h)
    loss(g)
    net.reset()
    run = net.run(2, grad=True)
    grads = run.backward({v: 2 * (v.values + 60)})
    assert float(np.sum(grads["cell/parts/0.gkbar"])) == pytest.approx(slope, rel=1e-6)


def test_what_it_cannot_take_is_named(tmp_path):
    path = tmp_path / "scheme.mod"
    path.write_text("NEURON { SUFFIX scheme }\nKINETIC states { }\n")
    with pytest.raises(
        dn.EquationError, match=r"scheme.mod: NMODL: .*line 2, column 1: 'KINETIC' cannot be translated"
    ):
        dn.nmodl.load(path)
    with pytest.raises(FileNotFoundError):
        dn.nmodl.load(tmp_path / "none.mod")
