"""Registries, offset units, percent, uncertainties and containers of quantities are handled for each package."""

import subprocess
import sys
from decimal import Decimal

import dendrion as dn
import numpy as np
import pytest
from dendrion.units import has_units, in_unit

from . import brian2_like

K = "K"


def refused(value, unit):
    with pytest.raises(dn.ParameterError) as error:
        in_unit("cell: x", value, unit)
    return str(error.value)


class TestPint:
    @pytest.fixture
    def pint(self):
        return pytest.importorskip("pint")

    @pytest.fixture
    def ureg(self, pint):
        return pint.UnitRegistry()

    def test_two_registries_at_once(self, pint):
        one, two = pint.UnitRegistry(), pint.UnitRegistry()
        soma = dn.LeakyIF(2, V_rest=[one.Quantity(-65, "mV"), two.Quantity(-0.07, "V")])
        assert soma.V_rest.tolist() == [-65.0, -70.0]

    def test_the_applications_registry(self, pint):
        assert in_unit("x", pint.get_application_registry().Quantity(2, "us"), "ms") == 0.002
        assert in_unit("x", pint.Quantity(2, "us"), "ms") == 0.002

    @pytest.mark.parametrize(
        "options", [{"system": "cgs"}, {"force_ndarray": True}, {"force_ndarray_like": True}, {"cache_folder": None}]
    )
    def test_options_of_registries(self, pint, options):
        ureg = pint.UnitRegistry(**options)
        assert in_unit("x", ureg.Quantity(-65, "mV"), "mV") == -65.0
        assert in_unit("x", ureg.Quantity(0.3, "uF/cm**2"), "uF/cm2") == 0.3
        assert in_unit("x", ureg.Quantity(0.0003, "s"), "ms") == 0.3
        assert "got mV, expected nS" in refused(ureg.Quantity(-65, "mV"), "nS")

    def test_decimals(self, pint):
        ureg = pint.UnitRegistry(non_int_type=Decimal)
        with pytest.raises(dn.ParameterTypeError, match=r"V_rest = Decimal\('1'\): expected a number"):
            dn.LeakyIF(V_rest=ureg.Quantity(Decimal(1), "mV"))
        assert in_unit("x", ureg.Quantity(5, "V"), "mV") == 5000.0

    def test_units_of_ones_own(self, pint):
        ureg = pint.UnitRegistry()
        ureg.define("step = 0.25 * millisecond")
        ureg.define("spine = [spines]")
        assert in_unit("x", 4 * ureg.step, "ms") == 1.0
        assert refused(3 * ureg.spine, "ms") == "cell: x = 3 spine: got spine, expected ms"

    def test_a_registry_without_the_si(self, pint):
        ureg = pint.UnitRegistry(None)
        ureg.define("tick = [time]")
        assert "x = 3 tick: its unit registry cannot convert it to SI units" in refused(3 * ureg.tick, "ms")

    def test_degrees(self, ureg):
        assert in_unit("x", ureg.Quantity(36.0, "degC"), K) == pytest.approx(309.15, abs=1e-12)
        assert in_unit("x", ureg.Quantity(np.array([32.0, 212.0]), "degF"), K) == pytest.approx([273.15, 373.15])
        assert in_unit("x", ureg.Quantity(10.0, "delta_degC"), K) == 10.0
        assert in_unit("x", ureg.Quantity(310.0, "kelvin"), K) == 310.0
        assert "got °C, expected mV" in refused(ureg.Quantity(36.0, "degC"), "mV")

    def test_pure_numbers(self, ureg):
        assert dn.FixedProb(5 * ureg.percent).prob == 0.05
        assert dn.BernoulliGenerator(prob=ureg.Quantity(3, "percent")).prob == 0.03
        assert in_unit("x", ureg.Quantity(1.5, "ms") / ureg.Quantity(1, "s"), "") == 0.0015
        assert refused(5 * ureg.percent, "mV") == "cell: x = 5 %: got %, expected mV"
        with pytest.raises(dn.ParameterError, match=r"prob = 1\.5: expected a number in \[0, 1\]"):
            dn.BernoulliGenerator(prob=150 * ureg.percent)

    def test_a_unit_stands_for_one_of_it(self, ureg):
        assert in_unit("x", ureg.ms, "ms") == 1.0
        assert in_unit("x", ureg.s, "ms") == 1000.0
        assert refused(ureg.mV, "ms") == "cell: x = 1 mV: got mV, expected ms"

    def test_measurements(self, ureg):
        pytest.importorskip("uncertainties")
        with pytest.raises(dn.ParameterTypeError, match="expected a number or an array"):
            dn.LeakyIF(V_rest=ureg.Quantity(-65.0, "mV").plus_minus(0.1))

    def test_complex_numbers_and_text(self, ureg):
        with pytest.raises(dn.ParameterTypeError, match="V_rest = 1j: expected a number"):
            dn.LeakyIF(V_rest=ureg.Quantity(1j, "mV"))
        with pytest.raises(dn.ParameterTypeError, match=r"network: dt = .*: expected a number > 0"):
            dn.Network([dn.PoissonGenerator(1)], dt=ureg.Quantity(np.array([0.1]), "ms"))

    def test_in_xarray(self, ureg):
        xr = pytest.importorskip("xarray")
        held = xr.DataArray(ureg.Quantity(np.array([-0.065, -0.07]), "V"), dims="neuron")
        assert dn.LeakyIF(2, V_rest=held).V_rest.tolist() == [-65.0, -70.0]
        with pytest.raises(dn.ParameterError, match=r"array of shape \(2,\) in V: got V, expected pA"):
            dn.LeakyIF(2, I_ext=held)
        bare = xr.DataArray(np.array([-65.0, -70.0]), dims="neuron")
        assert dn.LeakyIF(2, V_rest=bare).V_rest.tolist() == [-65.0, -70.0]


class TestQuantities:
    @pytest.fixture
    def pq(self):
        return pytest.importorskip("quantities")

    def test_its_own_default_units(self, pq):
        pq.set_default_units("cgs")
        try:
            assert in_unit("x", 5 * pq.mV, "mV") == 5.0
            assert in_unit("x", 3 * pq.cm, "um") == 30000.0
            assert in_unit("x", 0.3 * pq.uF / pq.cm**2, "uF/cm2") == 0.3
        finally:
            pq.set_default_units("SI")

    def test_compound_units(self, pq):
        assert in_unit("x", 40 * pq.CompoundUnit("uS/cm**2"), "uS/cm2") == 40.0
        message = "cell: x = 40 uS/cm2: got uS/cm2, expected nS"
        assert refused(40 * pq.CompoundUnit("uS/cm**2"), "nS") == message

    def test_degrees(self, pq):
        # The package quantities converts them as differences, so 36 degC would become 36 K.
        message = "the quantities package treats degrees as temperature differences; expected a temperature in K"
        assert refused(pq.Quantity(36, "degC"), K).endswith(message)
        assert refused(pq.Quantity(96, "degF"), K).endswith(message)
        assert in_unit("x", 309.15 * pq.K, K) == 309.15

    def test_pure_numbers(self, pq):
        assert dn.FixedProb(5 * pq.percent).prob == 0.05
        assert in_unit("x", 3 * pq.dimensionless, "") == 3.0
        assert refused(3 * pq.dimensionless, "mV") == "cell: x = 3: got a pure number, expected mV"
        assert refused(3 * pq.bit, "mV") == "cell: x = 3 bit: got bit, expected mV"

    def test_uncertainties(self, pq):
        message = "it has an uncertainty; expected a number or a quantity without an uncertainty"
        assert refused(pq.UncertainQuantity(1.0, pq.ms, 0.1), "ms").endswith(message)

    def test_a_unit_stands_for_one_of_it(self, pq):
        assert in_unit("x", pq.s, "ms") == 1000.0

    def test_trains_and_signals_of_neo(self, pq):
        neo = pytest.importorskip("neo")
        train = neo.SpikeTrain([0.0031, 0.0047] * pq.s, t_stop=1 * pq.s)
        assert dn.SpikeGenerator(1, indices=[0, 0], times=train).times.tolist() == [3.1, 4.7]
        signal = neo.AnalogSignal([[0.1], [0.3]], units="nA", sampling_rate=10 * pq.kHz)
        assert dn.CurrentGenerator(1, waveform=signal).waveform.tolist() == [[100.0], [300.0]]
        with pytest.raises(dn.ParameterError, match="got nA, expected ms"):
            dn.SpikeGenerator(1, indices=[0, 0], times=signal)


class TestBrian2:
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_variables_of_groups(self):
        brian2 = pytest.importorskip("brian2")
        brian2.prefs.codegen.target = "numpy"
        group = brian2.NeuronGroup(2, "v : volt\nx : 1")
        group.v = [-65, -70] * brian2.mV
        group.x = [1.5, 2.5]
        assert dn.LeakyIF(2, V_rest=group.v).V_rest.tolist() == [-65.0, -70.0]
        assert dn.LeakyIF(2, V_rest=group.x).V_rest.tolist() == [1.5, 2.5]
        with pytest.raises(dn.ParameterError, match=r"I_ext = array of shape \(2,\) in mV: got mV, expected pA"):
            dn.LeakyIF(2, I_ext=group.v)

    def test_what_it_has_computed(self):
        units = brian2_like.UNITS
        ohm = units["mV"] * 12.3 / units["nA"]
        assert in_unit("x", ohm, "Mohm") == 12.3
        # Dendrion has no unit with this dimension.
        message = "cell: x = 2 A^2 s^2: got A^2 s^2, expected ms"
        assert refused((units["amp"] * units["second"]) ** 2 * 2.0, "ms") == message.replace("^2", "2")


def test_arrays_with_units_of_other_packages_are_refused():
    class Other(np.ndarray):
        unit = "mV"

    value = np.array(5.0).view(Other)
    message = "cell: x = 5.0: expected a plain number or array, or a quantity of pint, quantities or Brian2"
    assert refused(value, "mV") == message
    with pytest.raises(dn.ParameterError, match=r"LeakyIF: V_rest\[1\] = 5\.0: expected a plain number"):
        dn.LeakyIF(2, V_rest=[1.0, value])


def test_other_arrays_are_numbers():
    matrix = np.ma.masked_array([1.0, 2.0])
    assert not has_units(matrix)
    assert dn.LeakyIF(2, V_rest=matrix).V_rest.tolist() == [1.0, 2.0]


def test_nothing_is_imported(tmp_path):
    code = (
        "import sys, numpy as np, dendrion as dn\n"
        "soma = dn.LeakyIF(2, V_rest=[-65.0, -70.0], I_ext=np.array([1.0, 2.0]))\n"
        "net = dn.Network([dn.PoissonGenerator(3, rate=np.float32(5.0))]).run(1.0)\n"
        "print(sorted({'pint', 'quantities', 'brian2', 'xarray'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "[]\n"
