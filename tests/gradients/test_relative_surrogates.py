"""Surrogates of (V - V_th) / (V_th - V_reset) obey the chain rule, can be saved, and require V_reset."""

import dendrion as dn
import numpy as np
import pytest

KINDS = [dn.Sigmoid, dn.FastSigmoid, dn.ATan, dn.Triangle, dn.Gaussian, dn.MultiGaussian]


class Cell(dn.MCNeuron):
    def __init__(self, soma=dn.LeakyIF, size=2, **settings):
        super().__init__(size, V_th=-50.0, name="cell", **({"V_reset": -60.0} | settings))
        self.soma = soma(size, V_rest=-65.0, C=200.0, gL=10.0, I_ext=180.0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_derivative_is_the_surrogate_over_the_distance(kind):
    surrogate = kind(3.0, relative=True)
    assert surrogate.relative
    assert surrogate != kind(3.0)
    assert surrogate == kind(3.0, relative=True)
    assert hash(surrogate) != hash(kind(3.0))
    assert eval(repr(surrogate), vars(dn)) == surrogate
    assert repr(kind(relative=True)) == f"{kind.__name__}(relative=True)"
    cell = Cell(surrogate_grad_fn=surrogate)
    V = np.array([-65.0, -51.0, -50.0, -49.5])
    np.testing.assert_allclose(cell.spike_derivative(V[:, None])[:, 0], kind(3.0)((V + 50.0) / 10.0) / 10.0)


@pytest.mark.parametrize("function", [*(k(2.0, relative=True) for k in KINDS), lambda x: 1 / (1 + abs(x)) ** 2])
def test_one_step_gives_the_chain_rule(function):
    """dS/dV, dS/dV_th and dS/dV_reset of one step follow from the derivatives with respect to the spikes."""
    relative = function if isinstance(function, dn.Surrogate) else dn.surrogate.Expression(function, relative=True)
    cell = Cell(surrogate_grad_fn=relative)
    net = dn.Network([cell], dt=0.1)
    spikes = net.probe(cell, "spikes")
    start = np.array([-53.0, -49.0])
    net.set_state({"cell/soma.V": start})
    run = net.run(0.1, grad=True)
    found = run.backward({spikes: np.array([[1.0, 0.0]])})
    decay, distance = 1 - 0.1 * 10.0 / 200.0, 10.0
    end = -65.0 + (start[0] + 65.0) * decay + 0.1 * 180.0 / 200.0
    x = (end + 50.0) / distance
    sigma = float(relative(x))
    assert found.states["cell/soma.V"] == pytest.approx([sigma / distance * decay, 0.0], rel=1e-9)
    assert found["cell.V_th"] == pytest.approx(-sigma * (1 + x) / distance, rel=1e-9)
    assert found["cell.V_reset"] == pytest.approx(sigma * x / distance, rel=1e-9)


def test_files_keep_them(tmp_path):
    for surrogate in (dn.FastSigmoid(10.0, relative=True), dn.surrogate.Expression("abs(x)", relative=True)):
        net = dn.Network([Cell(surrogate_grad_fn=surrogate)])
        path = tmp_path / f"{type(surrogate).__name__}.json"
        net.save(path)
        assert '"relative": true' in path.read_text()
        loaded = dn.Network.load(path)
        assert loaded.populations[0].surrogate_grad_fn == surrogate
        assert loaded.populations[0].surrogate_grad_fn.relative


def test_files_write_detach_reset_and_read_false_without_it(tmp_path):
    for detach in (True, False):
        path = tmp_path / f"{detach}.json"
        dn.Network([Cell(detach_reset=detach)]).save(path)
        text = path.read_text()
        assert f'"detach_reset": {str(detach).lower()}' in text
        assert dn.Network.load(path).populations[0].detach_reset is detach
    older = tmp_path / "older.toml"
    older.write_text(
        "dendrion = 1\n[populations.cell]\nV_th = -50\nV_reset = -60\n"
        '[populations.cell.compartments.soma]\nkind = "LeakyIF"\n'
    )
    assert dn.Network.load(older).populations[0].detach_reset is False


class Resetting(dn.Soma):
    """A soma whose equations reset V themselves."""

    equations = "on spike: V = -58 mV\nI = 0 pA : pA"


def test_they_need_a_reset():
    surrogate = dn.FastSigmoid(5.0, relative=True)
    for settings, why in (
        ({"V_reset": None, "V_th": 10.0}, "a spike subtracts V_th"),
        ({"soma": Resetting}, r"the equations of cell/soma set V on a spike"),
    ):
        settings = {"V_th": -50.0} | settings
        soma = settings.pop("soma", dn.LeakyIF)
        cell = dn.MCNeuron(1, surrogate_grad_fn=surrogate, name="cell", **settings)
        cell.soma = soma(1, V_rest=-65.0, C=200.0, gL=10.0)
        with pytest.raises(dn.ParameterError, match=f"cell: surrogate relative = true: expected false, .*{why}"):
            dn.Network([cell])
    cell = Cell(surrogate_grad_fn=surrogate)
    cell.V_reset = [-60.0, -55.0]
    net = dn.Network([cell])
    net.set_parameters({"cell.V_reset": np.array([-60.0, -49.0])})
    net.run(1.0)
    with pytest.raises(dn.ParameterError, match=r"cell: V_reset\[1\] = -49: expected a potential below V_th = -50 mV"):
        net.run(1.0, grad=True)


def test_what_is_refused():
    for kind in (*KINDS, lambda relative: dn.surrogate.Expression("x", relative=relative)):
        with pytest.raises(dn.ParameterTypeError, match="relative = 1: expected True or False"):
            kind(relative=1)
    with pytest.raises(dn.ParameterError, match=r"Expression: function = .*tracing it failed"):
        dn.surrogate.Expression(lambda x: 1.0 if x > 0 else 0.0)


def test_pictures():
    pytest.importorskip("matplotlib")
    relative = dn.FastSigmoid(10.0, relative=True)
    axes = dn.plot.surrogate(relative, limits=(-1.0, 1.0))
    assert "reset" in axes.get_xlabel()
    cell = Cell(surrogate_grad_fn=relative)
    axes = dn.plot.surrogate([cell, dn.Sigmoid()])
    x, y = axes.lines[0].get_data()
    np.testing.assert_allclose(y, relative(x / 10.0) / 10.0)
    assert "(mV)" in axes.get_xlabel()
    with pytest.raises(dn.ParameterError, match="draw them separately, or pass neurons"):
        dn.plot.surrogate([relative, dn.Sigmoid()])
