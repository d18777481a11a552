"""A state_dict contains physical values, which mean the same in any layer."""

import copy
import io
import pickle

import dendrion as dn
import numpy as np
import pytest

torch = pytest.importorskip("torch")
CONSTRAINTS = ["softplus", "clamp", None]


def train(layer, x, steps=3):
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        layer(x).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("constrain", CONSTRAINTS)
def test_it_holds_what_the_network_has(made, constrain):
    one = made()
    layer, known = one.layer(constrain=constrain), one.net.parameters()
    state = layer.state_dict()
    assert sorted(state) == sorted(key.replace(".", ":") for key in layer.keys)
    for key in layer.keys:
        np.testing.assert_array_equal(state[key.replace(".", ":")].numpy(), known[key])


@pytest.mark.parametrize("saved", CONSTRAINTS)
@pytest.mark.parametrize("loaded", CONSTRAINTS)
def test_a_layer_with_other_initial_values_loads_it_exactly(made, x, saved, loaded):
    one, other = made(), made(weight=4.3)
    other.cell.dend.gL = 0.01
    trained, layer = one.layer(constrain=saved), other.layer(constrain=loaded)
    train(trained, x)
    found = layer.load_state_dict(trained.state_dict())
    assert (found.missing_keys, found.unexpected_keys) == ([], [])
    for key, value in trained.values().items():
        assert torch.equal(layer.values()[key], value), key
    assert torch.equal(layer(x), trained(x))


def test_it_goes_through_a_file_and_a_sequence(made, x):
    model = torch.nn.Sequential(made().layer(), torch.nn.Linear(2, 1, dtype=torch.float64))
    other = torch.nn.Sequential(made(weight=2.0).layer(), torch.nn.Linear(2, 1, dtype=torch.float64))
    train(model, x)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(x), model(x))


def test_loading_and_saving_again_changes_nothing(made, x):
    layer, other = made().layer(), made(weight=0.1).layer()
    train(layer, x)
    other.load_state_dict(layer.state_dict())
    for name, value in other.state_dict().items():
        assert torch.equal(value, layer.state_dict()[name])


def test_weights_of_0_stay_0_until_they_move_and_can_move(made):
    one = made()
    weights = np.ones((3, 2))
    weights[0] = 0.0
    one.net.set_parameters({"synapse.w": weights})
    layer = one.layer()
    assert (layer.values()["synapse.w"][0] == 0).all()
    assert (layer.state_dict()["synapse:w"][0] == 0).all()
    with torch.no_grad():
        layer.get_parameter("synapse:w")[0] += 10.0
    assert (layer.values()["synapse.w"][0] > 0.1).all()


def test_errors_are_those_of_pytorch(made):
    layer = made().layer()
    good = layer.state_dict()
    missing = {key: value for key, value in good.items() if key != "synapse:w"}
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "synapse:w"'):
        layer.load_state_dict(missing)
    assert layer.load_state_dict(missing, strict=False).missing_keys == ["synapse:w"]
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\) in state_dict: "other"'):
        layer.load_state_dict({**good, "other": torch.zeros(1)})
    with pytest.raises(RuntimeError, match="size mismatch for synapse:w"):
        layer.load_state_dict({**good, "synapse:w": torch.zeros(3)})


@pytest.mark.parametrize("constrain", CONSTRAINTS)
def test_values_outside_the_domain_are_refused(made, constrain):
    layer = made().layer(constrain=constrain)
    good = layer.state_dict()
    for bad, match in ((-1.0, r"gL = -1: expected a finite number >"), (float("nan"), "gL = nan: expected")):
        value = torch.full_like(good["cell/dend:gL"], bad)
        with pytest.raises(RuntimeError, match=match):
            layer.load_state_dict({**good, "cell/dend:gL": value})
        with pytest.raises(dn.ParameterError, match=match):
            layer.set_values({"cell/dend.gL": value})
    for key, value in layer.state_dict().items():
        assert torch.equal(value, good[key])


def test_scaled_values_of_old_are_recognised(made):
    layer = made().layer()
    old = layer.state_dict()
    old._metadata[""]["version"] = 1
    with pytest.raises(RuntimeError, match=r"version 1 of dendrion\.torch\.Layer, with scaled values"):
        layer.load_state_dict(old)


def test_set_values(made, x):
    one = made()
    layer = one.layer()
    layer.set_values({"cell/dend.gL": 0.123, "synapse.w": np.full((3, 2), 0.7)})
    assert (layer.values()["cell/dend.gL"] == 0.123).all()
    assert (layer.values()["synapse.w"] == 0.7).all()
    layer(x)
    assert one.cell.dend.gL == pytest.approx(0.123, abs=0)
    with pytest.raises(dn.UnknownNameError, match=r"no parameter named 'cell/dend\.g'"):
        layer.set_values({"cell/dend.g": 1.0})
    with pytest.raises(dn.ParameterError, match=r"shape \(4,\): expected shape \(3, 2\)"):
        layer.set_values({"synapse.w": np.ones(4)})


def test_a_copy_has_parameters_of_its_own_on_the_same_network(made, x):
    one = made()
    layer = one.layer()
    before = layer(x)
    twin = copy.deepcopy(layer)
    assert twin.function is layer.function
    train(twin, x)
    assert torch.equal(layer(x), before)
    assert not torch.equal(twin(x), before)


def test_pickling_says_what_to_save_instead(made):
    layer = made().layer()
    for save in (pickle.dumps, lambda thing: torch.save(thing, io.BytesIO())):
        with pytest.raises(dn.ParameterTypeError, match=r"layer\.state_dict\(\) for the parameters, and net\.save"):
            save(layer)


def test_types_and_devices(made, x):
    layer = made().layer()
    double = layer.state_dict()
    layer.float()
    assert layer(x.float()).dtype == torch.float32
    assert all(value.dtype == torch.float32 for value in layer.state_dict().values())
    layer.double().load_state_dict(double)
    assert all(torch.equal(value, double[name]) for name, value in layer.state_dict().items())
    layer.to("meta")
    with pytest.raises(dn.RunError, match=r"synapse\.w is on the device 'meta', which stores no values"):
        layer(x)
    layer.load_state_dict(double, assign=True)
    assert all(torch.equal(value, double[name]) for name, value in layer.state_dict().items())
    layer(x)
