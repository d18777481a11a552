"""The network has the current parameters of the optimizer, not those of the last call."""

import dendrion as dn
import numpy as np
import pytest

torch = pytest.importorskip("torch")


def stepped(one, x, **settings):
    """Return a layer after a step of an optimizer, and the new value of gL."""
    layer = one.layer(**settings)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1e-3)
    layer(x).square().mean().backward()
    before = layer.values()["cell/dend.gL"].item()
    optimizer.step()
    after = layer.values()["cell/dend.gL"].item()
    assert after != before
    return layer, after


READ = {
    "parameters": lambda one, _: one.net.parameters()["cell/dend.gL"],
    "attribute": lambda one, _: one.cell.dend.gL,
    "save": lambda one, folder: saved(one, folder).cell.dend.gL,
    "save_state": lambda one, folder: state_of(one, folder),
}


class Loaded:
    def __init__(self, net):
        self.cell = net["cell"]


def saved(one, folder):
    one.net.save(folder / "model.json")
    loaded = dn.Network.load(folder / "model.json")
    found = Loaded(loaded)
    found.net = loaded
    return found


def state_of(one, folder):
    one.net.save_state(folder / "state")
    other = type(one)()
    other.net.load_state(folder / "state")
    return other.cell.dend.gL


@pytest.mark.parametrize("how", READ)
@pytest.mark.parametrize("constrain", ["softplus", None])
def test_reading_and_saving_come_after_the_step(made, x, tmp_path, how, constrain):
    one = made()
    layer, reached = stepped(one, x, constrain=constrain)
    assert float(READ[how](one, tmp_path)) == reached
    np.testing.assert_array_equal(one.net.parameters()["synapse.w"], layer.values()["synapse.w"].detach().numpy())


def test_running_comes_after_the_step(made, x):
    one = made()
    layer, _ = stepped(one, x)
    one.net.reset()
    one.net.run(4.0, batch=2, inputs={one.source: x.numpy()})
    ran = one.v.values.copy()
    np.testing.assert_array_equal(layer(x).detach().numpy(), ran)


def test_parameters_that_were_loaded_or_set_into_the_layer_count(made, x):
    one, other = made(), made(weight=3.0)
    layer = one.layer()
    layer.load_state_dict(other.layer().state_dict())
    np.testing.assert_array_equal(one.net.parameters()["synapse.w"], other.net.parameters()["synapse.w"])
    layer.get_parameter("cell/dend:V_rest").data += 1.0
    assert one.cell.dend.V_rest == -64.0


def test_what_a_user_sets_in_the_network_stays_until_the_layer_moves(made, x):
    one = made()
    layer, reached = stepped(one, x)
    one.cell.dend.gL = 3.0
    assert one.cell.dend.gL == 3.0
    assert one.cell.axial.g == layer.values()["cell/axial.g"].item()
    assert one.net.parameters()["cell/dend.gL"] == 3.0
    layer(x)
    assert one.cell.dend.gL == reached


def test_a_loaded_state_is_not_overwritten(made, x, tmp_path):
    one = made()
    one.net.save_state(tmp_path / "state")
    stepped(one, x)
    one.net.load_state(tmp_path / "state")
    assert one.cell.dend.gL == 0.5


def test_of_several_layers_the_network_follows_the_last_one(made, x):
    one = made()
    first, reached = stepped(one, x)
    second = one.layer()
    assert second.values()["cell/dend.gL"].item() == reached
    second.set_values({"cell/dend.gL": 2.0})
    assert one.cell.dend.gL == 2.0
    first.sync()
    assert one.cell.dend.gL == reached
    first.set_values({"cell/dend.gL": 1.5})
    second(x)
    assert one.cell.dend.gL == 2.0
    del second
    assert one.cell.dend.gL == 2.0


def test_a_value_that_is_not_accepted_is_not_saved_away(made, x, tmp_path):
    one = made()
    layer = one.layer(constrain=None)
    layer(x)
    layer.get_parameter("cell/dend:gL").data.fill_(-1.0)
    with pytest.raises(dn.ParameterError, match="gL = -1"):
        one.net.save(tmp_path / "model.json")
    with pytest.raises(dn.ParameterError, match="gL = -1"):
        layer.sync()
    assert not (tmp_path / "model.json").exists()
    assert len(one.v.values)
    layer.set_values({"cell/dend.gL": 1.0})
    one.net.save(tmp_path / "model.json")
    assert dn.Network.load(tmp_path / "model.json")["cell"].dend.gL == 1.0
