"""Networks work as PyTorch layers. PyTorch is large, so these tests run in a separate environment."""

import dendrion as dn
import numpy as np
import pytest

torch = pytest.importorskip("torch")
dnt = pytest.importorskip("dendrion.torch")

STEPS = 40
KEYS = ["synapse.w", "cell/dend.gL", "cell/axial.g", "cell/nmda.t_decay", "cell/dend.V_rest"]


class Pair(dn.MCNeuron):
    def __init__(self, size, **settings):
        super().__init__(size, **({"V_th": -50.0, "V_reset": -60.0} | settings))
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=20.0, gL=1.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=10.0, gL=0.5)
        self.axial = dn.MCConn(self.soma, self.dend, 3.0)
        self.nmda = dn.NMDA(size, g=0.5, t_rise=1.0, t_decay=20.0)
        self.on = dn.MCConnSynapse(self.nmda, self.dend)


def made(dtype="float64", m=3, n=2, **settings):
    cell = Pair(n, name="cell", **settings)
    source = dn.PoissonGenerator(m, rate=10.0, name="source")
    weights = np.linspace(0.5, 1.5, m * n).reshape(m, n)
    synapse = dn.MCSynapse(source, cell.nmda, conn=weights, delay=0.3, name="synapse")
    net = dn.Network([cell, source, synapse], dt=0.1, dtype=dtype)
    return net, source, net.probe(cell.soma, "V"), net.probe(cell, "spikes")


def layer(dtype="float64", spikes=False, **settings):
    net, source, v, s = made(dtype)
    train = settings.pop(
        "train", ["synapse.w", "cell/dend.gL", "cell/axial.g", "cell/nmda.t_decay", "cell/dend.V_rest"]
    )
    return dnt.Layer(net, STEPS * 0.1, [source], [v, s] if spikes else [v], train=train, **settings)


def test_gradcheck_below_threshold():
    for constrain in ("softplus", "clamp", None):
        net, source, v, _ = made(V_th=100.0)
        one = dnt.Layer(net, 2.0, [source], [v], train=KEYS, constrain=constrain)
        x = torch.rand(2, 20, 3, dtype=torch.float64, requires_grad=True)
        free = [p.detach().clone().requires_grad_() for p in one.parameters()]

        def run(x, *free, one=one):
            names = [name for name, _ in one.named_parameters()]
            return torch.func.functional_call(one, dict(zip(names, free, strict=True)), (x,))

        assert torch.autograd.gradcheck(run, (x, *free), eps=1e-5, atol=1e-6, rtol=1e-5)


def test_it_trains_within_a_sequence_and_stays_valid():
    torch.manual_seed(0)
    net, source, _, spikes = made()
    hidden = dnt.Layer(net, STEPS * 0.1, [source], [spikes], constrain="softplus")
    model = torch.nn.Sequential(hidden, torch.nn.Linear(2, 1, dtype=torch.float64))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
    x, target = (torch.rand(4, STEPS, 3, dtype=torch.float64) < 0.2).double(), torch.ones(4, 1, dtype=torch.float64)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = ((model(x).mean(1) - target) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    assert any(name.endswith("synapse:w") for name, _ in model.named_parameters())
    for key, value in hidden.values().items():
        assert torch.isfinite(value).all(), key


@pytest.mark.parametrize("constrain", ["softplus", "clamp"])
def test_no_optimizer_leaves_the_domain(constrain):
    one = layer(constrain=constrain, train=["synapse.w", "cell/dend.gL", "cell/axial.g", "cell/nmda.g"])
    for p in one.parameters():
        p.data -= 1e4
    one(torch.zeros(STEPS, 3, dtype=torch.float64))
    assert all((v >= 0).all() for v in one.values().values())


def test_without_a_constraint_a_bad_value_is_an_error():
    one = layer(constrain=None)
    one.get_parameter("cell/dend:gL").data.fill_(-1.0)
    with pytest.raises(dn.ParameterError, match=r"gL = -1"):
        one(torch.zeros(STEPS, 3, dtype=torch.float64))


def test_clamped_parameters_come_back():
    one = layer(constrain="clamp", train=["cell/nmda.g"])
    (p,) = one.parameters()
    p.data.fill_(-0.1)
    out = one(torch.ones(STEPS, 3, dtype=torch.float64))
    (-out.sum()).backward()
    # More conductance raises V, and the loss is -V. The gradient points back to valid values, so it is not blocked.
    assert p.grad < 0
    (p.data).fill_(-0.1)
    assert one.values()["cell/nmda.g"].item() == 0.0


def test_values_begin_as_the_network_has_them():
    for constrain in ("softplus", "clamp", None):
        one = layer(constrain=constrain)
        for key, value in one.function.net.parameters().items():
            if key in one.keys:
                np.testing.assert_allclose(one.values()[key].detach().numpy(), value, rtol=1e-12)


def test_state_dict_and_dtypes():
    one, other = layer(), layer()
    for p in other.parameters():
        p.data += 0.3
    assert not one.load_state_dict(other.state_dict()).missing_keys
    x = torch.rand(2, STEPS, 3, dtype=torch.float64)
    assert torch.equal(one(x), other(x))
    single = layer("float32", spikes=True)
    assert all(p.dtype == torch.float32 for p in single.parameters())
    v, s = single(torch.rand(2, STEPS, 3))
    assert v.dtype == s.dtype == torch.float32
    assert v.shape == s.shape == (2, STEPS, 2)
    (v.sum() + s.sum()).backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in single.parameters())
    assert layer().double()(x).dtype == torch.float64


def test_gradients_are_those_of_the_network():
    one = layer(constrain=None, spikes=True)
    net = one.function.net
    x = (np.random.default_rng(0).random((3, STEPS, 3)) < 0.3).astype(float)
    given = torch.tensor(x, requires_grad=True)
    v, s = one(given)
    (v.sum() + 2 * s.sum()).backward()
    net.reset()
    source, (pv, ps) = one.function.inputs[0], one.function.outputs
    run = net.run(STEPS * 0.1, grad=True, batch=3, inputs={source: x})
    found = run.backward({pv: np.ones((3, STEPS, 2)), ps: np.full((3, STEPS, 2), 2.0)})
    for key in one.keys:
        np.testing.assert_array_equal(one.get_parameter(key.replace(".", ":")).grad.numpy(), found[key])
    np.testing.assert_array_equal(given.grad.numpy(), found["source"])


def test_no_grad_keeps_nothing_and_errors_are_clear():
    one = layer()
    x = torch.rand(STEPS, 3, dtype=torch.float64)
    with torch.no_grad():
        assert not one(x).requires_grad
    out = one(x).sum()
    out.backward(retain_graph=True)
    first = [p.grad.clone() for p in one.parameters()]
    out.backward()
    assert all(torch.equal(p.grad, 2 * g) for p, g in zip(one.parameters(), first, strict=True))
    with pytest.raises(dn.ParameterError, match=r"source: input of shape \(3, 3\): expected shape \(40, 3\)"):
        one(torch.rand(3, 3, dtype=torch.float64))
    with pytest.raises(dn.ParameterError, match="expected 1, one for each generator"):
        one()
    net, source, v, _ = made()
    with pytest.raises(dn.ParameterError, match="constrain = 'exp'"):
        dnt.Layer(net, 1.0, [source], [v], constrain="exp")
    with pytest.raises(dn.UnknownNameError, match=r"no parameter named 'cell/dend\.g'"):
        dnt.Layer(net, 1.0, [source], [v], train=["cell/dend.g"])
    with pytest.raises(dn.StructureError, match="at least one probe"):
        dnt.Layer(net, 1.0, [source], [])


@pytest.mark.parametrize(("name", "value"), [("constrain", None), ("keys", []), ("function", None)])
def test_settings_of_a_layer_are_read_only(name, value):
    made_layer = layer()
    with pytest.raises(dn.AssignmentError, match=rf"Layer\.{name} = .*: {name} is fixed; create a new Layer"):
        setattr(made_layer, name, value)


@pytest.mark.parametrize("duration", [0.25, 4.04])
def test_the_duration_of_a_layer_is_a_multiple_of_dt(duration):
    net, source, v, _ = made()
    below = int(duration / 0.1 + 1e-6) * 0.1
    message = rf"duration = {duration}: expected a multiple of dt = 0\.1 ms, such as {below:g} or {below + 0.1:g} ms"
    with pytest.raises(dn.ParameterError, match=message):
        dnt.Layer(net, duration, [source], [v])
    with pytest.raises(dn.ParameterError, match=r"duration = -1\.0: expected a finite time >= 0"):
        dnt.Layer(net, -1.0, [source], [v])
    assert dnt.Layer(net, 0.1 + 0.2, [source], [v]).function.steps == 3


def test_parameters_are_selected_by_pattern(made):
    layer = made().layer(train=["weights", "cell/*.gL"])
    assert layer.keys == ["synapse.w", "cell/soma.gL", "cell/dend.gL"]


def test_tied_parameters_are_one_parameter_of_a_layer(made, x):
    one = made()
    one.net.set_parameters({"cell/soma.gL": 0.5})
    separate = one.layer(train=["cell/soma.gL", "cell/dend.gL"], constrain=None)
    separate(x).sum().backward()
    expected = sum(p.grad for p in separate.parameters())
    two = made()
    two.net.tie(["cell/dend.gL", "cell/soma.gL"])
    layer = two.layer(train=["cell/soma.gL", "cell/dend.gL"], constrain=None)
    assert layer.keys == ["cell/dend.gL"]
    layer(x).sum().backward()
    (parameter,) = layer.parameters()
    np.testing.assert_allclose(parameter.grad, expected, rtol=1e-12)
    with torch.no_grad():
        parameter.copy_(torch.tensor(0.75))
    assert two.cell.soma.gL == two.cell.dend.gL == 0.75
    layer(x)
    assert two.cell.soma.gL == 0.75
