"""Numbers that are not finite, or become infinite in float32, raise errors everywhere."""

import dendrion as dn
import numpy as np
import pytest

# Such numbers also cause warnings about units.
pytestmark = pytest.mark.filterwarnings("ignore::dendrion.ModelWarning")

TOO_LARGE = r"expected a magnitude of at most 3\.4028235e\+?38, the largest float32"


def cells(size=2, **given):
    population = dn.MCNeuron(size, V_th=-50.0, V_reset=-60.0, name="cells", **given)
    population.soma = dn.LeakyIF(size, V_rest=-65.0)
    population.ampa = dn.AMPA(size, t_decay=5.0)
    population.on = dn.MCConnSynapse(population.ampa, population.soma)
    return population


def network(*more, dtype="float32"):
    population = cells()
    return dn.Network([population, *(m(population) for m in more)], dtype=dtype)


def injected(generator):
    return lambda population: dn.ConnGen(generator, population.soma, name="drive")


def from_noise(**given):
    noise = dn.PoissonGenerator(3, name="noise")
    return noise, lambda population: dn.MCSynapse(noise, population.ampa, dn.All2All(), name="syn", **given)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: [dn.DCGenerator(amplitude=1e39, name="dc")], r"dc: amplitude = 1e39: "),
        (lambda: [dn.DCGenerator(2, amplitude=[1.0, -1e39], name="dc")], r"dc: amplitude\[1\] = -1e39: "),
        (
            lambda: [dn.DCGenerator(amplitude=_steps(1.0, 1e39), name="dc")],
            r"dc: amplitude\[1\] = 1e39: ",
        ),
        (lambda: [dn.CurrentGenerator(waveform=[0.0, 1e39], name="wave")], r"wave: waveform\[1\] = 1e39: "),
        (lambda: [_with_rest(1e39)], r"cells/soma: V_rest = 1e39: "),
        (lambda: [_with_noise(1e39)], r"cells/noise: sigma = 1e39: "),
        (lambda: [_with_channel(1e39)], r"cells/ka: g = 1e39: "),
        (lambda: _connected(weight=1e39), r"syn: w = 1e39: "),
        (lambda: _connected(weight=dn.Constant(1e39)), r"syn: w = 1e39: "),
        (lambda: _connected(weight=dn.Normal(1e39, 1.0)), r"syn: weight: Normal: mean = 1e39: "),
        (lambda: _connected(weight=lambda pre, post: 1e39 + pre), r"syn: w\[0\] = 1e39: "),
        (lambda: _connected(plasticity=dn.STDP(w_max=1e39)), r"syn: w_max = 1e39: "),
    ],
)
def test_numbers_of_a_model(make, message):
    with pytest.raises(dn.ParameterError, match=message + TOO_LARGE):
        dn.Network(make(), dtype="float32")
    dn.Network(make(), dtype="float64")


def _steps(*values):
    return dn.Piecewise(np.arange(len(values)), values)


def _with_rest(value):
    population = cells()
    population.soma.V_rest = value
    return population


def _with_noise(value):
    population = cells()
    population.noise = dn.WhiteNoise(population.soma, sigma=value)
    return population


def _with_channel(value):
    population = cells()
    population.ka = dn.channels.KA.absolute(2, on=population.soma, g=value)
    return population


def _connected(**given):
    population = cells()
    noise, connect = from_noise(**given)
    return [population, noise, connect(population)]


def test_drawn_weights():
    with pytest.raises(dn.ConnectivityError, match="a number within the range of dtype float32"):
        dn.Network(_connected(weight=dn.LogNormal(100.0, 0.0)), dtype="float32")
    dn.Network(_connected(weight=dn.LogNormal(100.0, 0.0)), dtype="float64")


def test_parameters_and_states_of_a_network():
    net = network()
    before = net.state_dict(), net.get_state()
    for change in (
        lambda: net.set_parameters({"cells/soma.V_rest": 1e39}),
        lambda: net.load_state_dict({"cells/soma.V_rest": [0.0, 1e39]}, strict=False),
        lambda: net.set_state({"cells/soma.V": 1e200}),
        lambda: net.set_state({"cells/soma.V": [[0.0, 1e200]]}),
        lambda: setattr(net["cells"].soma, "V", 1e200),
        lambda: setattr(net["cells"].soma, "gL", 1e39),
    ):
        with pytest.raises(dn.ParameterError, match=TOO_LARGE):
            change()
    for old, new in zip(before, (net.state_dict(), net.get_state()), strict=True):
        assert all(np.array_equal(old[key], new[key]) for key in old)
    net.run(1.0)


@pytest.mark.parametrize("shape", [(0,), (0, 2), (1, 0), (0, 0)])
def test_states_without_values(shape):
    net = network(dtype="float64")
    with pytest.raises(
        dn.ParameterError, match=r"cells/soma\.V = array of shape .*expected a number, an array of shape \(2,\)"
    ):
        net.set_state({"cells/soma.V": np.zeros(shape)})


def test_inputs_and_cotangents():
    step = dn.DCGenerator(name="dc")
    net = network(lambda _: step, injected(step))
    v = net.probe(net["cells"].soma, "V")
    steps = np.full((10, 1), 1e39)
    with pytest.raises(dn.ParameterError, match=rf"dc: input = 1e39: {TOO_LARGE}"):
        net.run(1.0, inputs={step: steps})
    run = net.run(1.0, grad=True)
    with pytest.raises(dn.ParameterError, match="a number within the range of dtype float32"):
        run.backward({v: np.full((10, 2), 1e39)})
    assert np.isfinite(run.backward({v: np.ones((10, 2))})["cells/soma.gL"]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 10**400, np.longdouble("1e4000")])
def test_numbers_that_are_not_finite(value):
    for make in (
        lambda: dn.Piecewise([0.0], [value]),
        lambda: dn.Piecewise([value], [0.0]),
        lambda: dn.DCGenerator(amplitude=value),
        lambda: dn.DCGenerator(start=value),
        lambda: dn.CurrentGenerator(waveform=[value]),
        lambda: dn.CurrentGenerator(waveform=[0.0, 1.0], interval=value),
        lambda: dn.SpikeGenerator(1, [0], [value]),
        lambda: dn.STDP(tau_plus=value),
        lambda: dn.Normal(value, 1.0),
        lambda: dn.Constant(value),
        lambda: dn.FixedProb(value),
        lambda: dn.Sigmoid(alpha=value),
        lambda: dn.LeakyIF(gL=value),
        lambda: dn.CustomConn([0], [0], [value])._matrix("syn", 1, 1),
        lambda: dn.Network([cells()], dt=value),
        lambda: dn.Network([cells()]).run(value),
    ):
        with pytest.raises((dn.ParameterError, dn.ConnectivityError, dn.ParameterTypeError)):
            make()


def test_units_that_overflow():
    pint = pytest.importorskip("pint")
    volts = pint.UnitRegistry().Quantity(1e308, "volt")
    with pytest.raises(dn.ParameterError, match="V_rest = inf: expected a finite number"):
        dn.LeakyIF(V_rest=volts)


def test_model_files(tmp_path):
    net = network(dtype="float64")
    net.set_parameters({"cells/soma.V_rest": 1e39})
    net.save(tmp_path / "net.json")
    dn.Network.load(tmp_path / "net.json")
    with pytest.raises(dn.DendrionError, match=TOO_LARGE):
        dn.Network.load(tmp_path / "net.json", dtype="float32")
