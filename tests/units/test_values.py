"""Conversion keeps decimal numbers exact, and leaves all other values unchanged."""

import dendrion as dn
import numpy as np
import pytest
from dendrion.units import in_unit

#: A number and a unit, and the same quantity in another unit.
CASES = [
    (0.3, "ms", "ms", 0.3),
    (0.0003, "second", "ms", 0.3),
    (-0.0653, "volt", "mV", -65.3),
    (300.7, "uS", "nS", 300700.0),
    (0.1, "nA", "pA", 100.0),
    (1.7, "kHz", "Hz", 1700.0),
    (0.013, "1/ms", "Hz", 13.0),
    (37.1, "Hz", "1/ms", 0.0371),
    (4.3, "siemens/meter**2", "uS/cm2", 430.0),
    (0.01, "farad/meter**2", "uF/cm2", 1.0),
    (1.23, "ohm*meter", "ohm cm", 123.0),
    (1.2, "mm", "um", 1200.0),
    (62.0, "1/volt", "1/mV", 0.062),
    (3.57, "mM", "mM", 3.57),
    (0.35, "mole/meter**3", "uM", 350.0),
    (0.7, "uS/volt", "nS/mV", 0.7),
    (2.5, "pA*second**0.5", "pA ms^1/2", 2.5 * np.sqrt(1000.0)),
    (309.15, "kelvin", "K", 309.15),
]


@pytest.mark.parametrize(("number", "unit", "wanted", "expected"), CASES)
def test_one(number, unit, wanted, expected, q):
    found = in_unit("x", q(number, unit), wanted)
    assert type(found) is float
    # Roots of ten are not decimal numbers.
    assert found == expected if "^1/2" not in wanted else found == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("number", "unit", "wanted", "expected"), CASES)
def test_arrays_and_lists(number, unit, wanted, expected, q):
    array = in_unit("x", q(np.array([[0.0, number], [-number, np.inf]]), unit), wanted)
    assert type(array) is np.ndarray
    assert array.ravel().tolist() == pytest.approx([0.0, expected, -expected, np.inf], rel=1e-15)
    assert array.shape == (2, 2)
    listed = in_unit("x", [q(number, unit), (q(number, unit), 0.5)], wanted)
    assert np.ravel([listed[0], *listed[1]]).tolist() == pytest.approx([expected, expected, 0.5], rel=1e-15)


def test_decimals_of_six_digits_stay(q):
    rng = np.random.default_rng(0)
    digits, exponents = rng.integers(1, 1000000, 20000), rng.integers(-9, 4, 20000)
    numbers = np.array([float(f"{d}e{e}") for d, e in zip(digits, exponents, strict=True)])
    for unit, wanted in (("mV", "mV"), ("uS/cm**2", "uS/cm2"), ("uF/cm**2", "uF/cm2"), ("1/mV", "1/mV")):
        assert np.array_equal(in_unit("x", q(numbers, unit), wanted), numbers)
    seconds = in_unit("x", q(numbers, "second"), "ms")
    assert seconds.tolist() == [float(f"{d}e{e + 3}") for d, e in zip(digits, exponents, strict=True)]


def test_numbers_of_all_digits_move_by_roundings_only(q):
    numbers = np.random.default_rng(1).random(100000) + 1.0
    found = in_unit("x", q(numbers, "volt"), "mV")
    assert np.abs(found / (1000 * numbers) - 1).max() < 1e-14
    assert np.array_equal(in_unit("x", q(numbers, "volt"), "V"), numbers)


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_types_of_numbers(dtype):
    pint = pytest.importorskip("pint")
    quantity = pint.UnitRegistry().Quantity(np.array([1, 2], dtype=dtype), "V")
    found = dn.LeakyIF(2, V_rest=quantity).V_rest
    assert found.dtype == np.float64
    assert found.tolist() == [1000.0, 2000.0]


def test_the_array_of_a_quantity_is_copied(q):
    quantity = q(np.array([1.0, 2.0]), "mV")
    soma = dn.LeakyIF(2, V_rest=quantity)
    quantity *= 2
    assert soma.V_rest.tolist() == [1.0, 2.0]


def test_what_is_no_quantity_passes():
    for value in (1.5, 3, True, None, "5 mV", [1, [2.0]], (1, 2), np.arange(3), np.float32(2), {"a": 1}):
        assert in_unit("x", value, "mV") is value


def test_text_is_no_quantity():
    with pytest.raises(dn.ParameterTypeError, match="V_rest = '5 mV': expected a number or an array of length 1"):
        dn.LeakyIF(V_rest="5 mV")


def test_arrays_of_jax_are_numbers():
    jnp = pytest.importorskip("jax.numpy")
    assert dn.LeakyIF(2, V_rest=jnp.array([1.0, 2.0])).V_rest.tolist() == [1.0, 2.0]
    assert dn.Network([dn.PoissonGenerator(1)], dt=0.1).run(float(jnp.float32(1.0))).t == 1.0


def test_weights_of_current_based_receptors_are_currents(q):
    class Cell(dn.MCNeuron):
        def __init__(self, receptor):
            super().__init__(2, V_th=-50.0, V_reset=-65.0, name="cell")
            self.soma = dn.LeakyIF(2)
            self.input = receptor
            self.on = dn.MCConnSynapse(self.input, self.soma)

    source, weights = dn.PoissonGenerator(2, 5.0, name="source"), np.array([[0.1, -0.2], [0.0, 0.3]])
    cell = Cell(dn.CurrentReceptor(2, t_decay=5.0))
    rule = dn.STDP(w_min=q(-1.0, "nA"), w_max=q(1000.0, "pA"))
    for conn, options in (
        (dn.All2All(), {"weight": q(weights, "nA"), "plasticity": rule}),
        (q(weights, "nA"), {}),
        (dn.CustomConn([0, 0, 1, 1], [0, 1, 0, 1], q(weights.ravel(), "nA")), {}),
    ):
        synapse = dn.MCSynapse(source, cell.input, conn, **options)
        assert np.ravel(synapse.w).tolist() == [100.0, -200.0, 0.0, 300.0]
    drawn = dn.MCSynapse(source, cell.input, dn.All2All(), weight=dn.Normal(q(0.0, "nA"), q(0.1, "nA")), name="drawn")
    net = dn.Network([cell, source, drawn])
    drawn.w = q(-0.5, "nA")
    assert net.parameters()["drawn.w"].tolist() == [-500.0] * 4
    net.set_parameters({"drawn.w": q(weights.ravel(), "nA")})
    assert drawn.w.tolist() == [100.0, -200.0, 0.0, 300.0]
    cell = Cell(dn.AMPA(2, t_decay=5.0))
    for conn, options in (
        (dn.All2All(), {"weight": q(0.5, "nA")}),
        (dn.All2All(), {"weight": dn.Normal(q(0.0, "nA"), q(0.1, "nA"))}),
        (dn.All2All(), {"plasticity": dn.STDP(w_max=q(1.0, "nA"))}),
        (dn.CustomConn([0], [0], q(np.array([1.0]), "nA")), {}),
    ):
        with pytest.raises(dn.ParameterError, match=r"got [pn]A, expected a pure number"):
            dn.MCSynapse(source, cell.input, conn, **options)
