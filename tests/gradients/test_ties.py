"""Tied parameters are set together, have the sum of their gradients, and are trained as one."""

import dendrion as dn
import numpy as np
import pytest

from .cells import DT, Made

STEPS = 100
PAIR = ["w.w", "w_ampa.w"]


@pytest.fixture
def made():
    return Made()


def gradients(made, **settings):
    made.net.reset()
    run = made.net.run(STEPS * DT, grad=True, inputs={made.source: made.input(STEPS)})
    return run.backward({made.v: np.ones((STEPS, made.n))}, **settings)


def test_tied_parameters_are_set_together(made):
    net = made.net
    first = net.parameters()["w.w"]
    net.tie(PAIR)
    assert net.ties == (("w.w", "w_ampa.w"),)
    assert "w_ampa.w" not in net.parameters()
    for key in PAIR:
        np.testing.assert_array_equal(net.state_dict()[key], first)
    net.set_parameters({"w_ampa.w": 0.5})
    np.testing.assert_array_equal(made.synapses["w"].w, 0.5)
    made.synapses["w"].w = 0.25
    np.testing.assert_array_equal(made.synapses["w_ampa"].w, 0.25)
    net.set_parameters({"w.w": 0.5 * first, "w_ampa.w": 0.5 * first})
    with pytest.raises(dn.ParameterError, match=r"w_ampa\.w: is tied to w\.w, but the new values differ"):
        net.set_parameters({"w.w": 0.3, "w_ampa.w": 0.4})
    np.testing.assert_array_equal(net.parameters()["w.w"], 0.5 * first)
    net.load_state_dict(net.state_dict())
    net.untie("w_ampa.w")
    net.set_parameters({"w.w": 0.3, "w_ampa.w": 0.4})
    assert net.ties == ()


def test_patterns_and_values_of_compartments(made):
    made.net.tie("cell/*.gL")
    assert made.net.ties == (("cell/soma.gL", "cell/dend.gL"),)
    assert made.cell.dend.gL == 40.0
    made.cell.dend.gL = 30.0
    assert made.cell.soma.gL == 30.0
    made.cell.soma.gL = np.linspace(20.0, 30.0, 5)
    np.testing.assert_array_equal(made.cell.dend.gL, np.linspace(20.0, 30.0, 5))


def test_gradients_add(made):
    values = {key: made.net.parameters()["w.w"] for key in PAIR}
    made.net.set_parameters(values)
    separate = gradients(made)
    made.net.tie(PAIR)
    together = gradients(made)
    assert set(together) - {"source"} == set(made.net.parameters())
    np.testing.assert_array_equal(together["w.w"], separate["w.w"] + separate["w_ampa.w"])
    np.testing.assert_array_equal(together["rec.w"], separate["rec.w"])
    for key in PAIR:
        np.testing.assert_array_equal(gradients(made, wrt=[key])[key], together["w.w"])
    np.testing.assert_array_equal(together.states["cell/soma.V"], separate.states["cell/soma.V"])


def test_an_optimizer_steps_once(made):
    net = made.net
    net.tie(PAIR)
    assert dn.optim.Adam(net, train=["w_ampa.w", "w.w"]).keys == ["w.w"]
    assert dn.optim.Adam(net, train="w_a*.w").keys == ["w.w"]
    assert "w_ampa.w" not in dn.optim.Adam(net).keys
    sgd = dn.optim.SGD(net, {"w_ampa.w": 1e-3, "*": 0.1}, train="weights", bounds={"w_ampa.*": (0.01, None)})
    assert sgd.rates() == {"w.w": 1e-3, "rec.w": 0.1}
    before = net.parameters()["w.w"]
    sgd.step({"w.w": np.full_like(before, 2.0)})
    for key in PAIR:
        np.testing.assert_allclose(net.state_dict()[key], np.maximum(before - 2e-3, 0.01))
    late = Made().net
    adam = dn.optim.Adam(late, train="weights")
    late.tie(PAIR)
    with pytest.raises(dn.ParameterError, match=r"w_ampa\.w: was tied to w\.w after the optimizer was created"):
        adam.step({key: np.zeros((4, 5)) for key in PAIR})


def test_states_of_other_networks(made, tmp_path):
    path = tmp_path / "state"
    made.net.save_state(path)
    tied = Made()
    tied.net.tie(PAIR)
    with pytest.warns(dn.ModelWarning, match=r"w\.w, w_ampa\.w are tied, but their values in the file differ"):
        tied.net.load_state(path)
    for key in PAIR:
        np.testing.assert_array_equal(tied.net.state_dict()[key], made.net.parameters()["w.w"])


def test_model_files_contain_the_values_but_not_the_ties(made, tmp_path):
    made.net.tie(PAIR)
    made.net.save(tmp_path / "net.json")
    loaded = dn.Network.load(tmp_path / "net.json")
    assert loaded.ties == ()
    for key in PAIR:
        np.testing.assert_array_equal(loaded.parameters()[key], made.net.state_dict()[key])


def test_jax_functions(made):
    import jax
    from dendrion.jax import function

    from . import reference  # switches JAX to double precision

    assert reference
    made.net.tie(PAIR)
    f = function(made.net, STEPS * DT, [made.source], [made.v])
    x, value = made.input(STEPS), made.net.parameters()["w.w"]
    found = jax.grad(lambda p: f(p, x).sum())({"w.w": 0.9 * value})["w.w"]
    # A call with another key must not restore the value that the first key had at the start.
    f({"w_ampa.w": 0.8 * value}, x)
    np.testing.assert_array_equal(made.net.state_dict()["w.w"], 0.8 * value)
    made.net.set_parameters({"w.w": 0.9 * value})
    np.testing.assert_array_equal(found, gradients(made)["w.w"])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["w.w"], "expected at least two parameters"),
        ("w.w", "expected at least two parameters"),
        (["w.w", "w_amp.w"], r"network: tie: no parameter named 'w_amp\.w'; did you mean 'w_ampa\.w'"),
        (["w.w", "rec.w"], r"rec\.w: has shape \(5, 5\), but w\.w has shape \(4, 5\)"),
        (
            ["cell/soma.gL", "cell/soma.V_rest"],
            r"cell/soma\.V_rest \(mV\) and cell/soma\.gL \(.*\): expected equal units",
        ),
        (["cell/soma.I_ext", "source.rate"], r"source\.rate: parameters of generators cannot be tied"),
        (["cell.V_th", "cell.V_reset"], r"cell\.V_th: is frozen"),
        (3, "expected a list of parameter keys"),
    ],
)
def test_ties_that_are_refused(keys, message):
    net = Made(frozen_params={"V_th": -52.0}).net
    before = net.state_dict()
    with pytest.raises(dn.DendrionError, match=message):
        net.tie(keys)
    assert net.ties == ()
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


def test_more_ties_that_are_refused(made):
    made.net.tie(PAIR)
    with pytest.raises(dn.StructureError, match=r"w_ampa\.w: is already tied to w\.w; call net\.untie first"):
        made.net.tie(["w_ampa.w", "w.w"])
    with pytest.raises(dn.UnknownNameError, match=r"no tied parameter named 'w\.ww'"):
        made.net.untie("w.ww")
    with pytest.raises(dn.UnknownNameError, match=r"no tied parameter named \[1\]"):
        made.net.untie([1])
    cell, source = dn.MCNeuron(2, V_th=-50.0, V_reset=-60.0, name="cell"), dn.PoissonGenerator(2, rate=1.0)
    cell.soma = dn.LeakyIF(2)
    cell.ampa = dn.AMPA(2, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    synapses = [
        dn.MCSynapse(source, cell.ampa, np.ones((2, 2)), plasticity=dn.STDP(w_max=2.0), delay=1.0) for _ in "ab"
    ]
    net = dn.Network([cell, source, *synapses])
    with pytest.raises(dn.StructureError, match="plastic weights cannot be tied"):
        net.tie([f"{s.path}.w" for s in synapses])
    with pytest.raises(dn.StructureError, match="parameters of generators cannot be tied"):
        net.tie(["poissongenerator.rate", "poissongenerator.rate", "cell/soma.I_ext"])
