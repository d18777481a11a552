"""A graph belongs to its run, no matter what is called, set or stepped before it is differentiated."""

import dendrion as dn
import pytest

torch = pytest.importorskip("torch")


def gradients(layer, x):
    layer.zero_grad()
    layer(x).square().sum().backward()
    return [p.grad.clone() for p in layer.parameters()]


def same(found, expected):
    return all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def grads(layer):
    return [p.grad for p in layer.parameters()]


@pytest.mark.parametrize("twice", [False, True])
def test_a_step_in_between(made, x, twice):
    layer = made().layer(constrain=None)
    expected = gradients(layer, x)
    layer.zero_grad()
    loss = layer(x).square().sum()
    if twice:
        loss.backward(retain_graph=True)
        layer.zero_grad()
    with torch.no_grad():
        for p in layer.parameters():
            p.mul_(1.1)
    layer(0.5 * x)
    loss.backward()
    assert same(grads(layer), expected)


@pytest.mark.parametrize("constrain", ["softplus", "clamp", None])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_other_parameters_in_between(made, x, constrain, times):
    layer = made().layer(constrain=constrain)
    sets = [
        {name: (p.detach() * scale).requires_grad_() for name, p in layer.named_parameters()} for scale in (1.0, 1.1)
    ]

    def loss(given):
        return torch.func.functional_call(layer, given, (x,)).square().sum()

    expected = [torch.autograd.grad(loss(given), list(given.values())) for given in sets]
    losses = [loss(given) for given in sets]
    for _ in range(times):
        for k in (0, 1):
            found = torch.autograd.grad(losses[k], list(sets[k].values()), retain_graph=True)
            assert same(found, expected[k])


def test_a_graph_differentiated_again_leaves_the_network_as_it_was(made, x):
    one = made()
    layer = one.layer(constrain=None)
    loss = layer(x).square().sum()
    loss.backward(retain_graph=True)
    with torch.no_grad():
        layer.get_parameter("cell/dend:gL").fill_(0.75)
    loss.backward()
    assert one.cell.dend.gL == 0.75
    loss2 = layer(x).square().sum()
    loss2.backward(retain_graph=True)
    loss2.backward()
    assert one.cell.dend.gL == 0.75


def test_inputs_changed_in_place_are_an_error_when_they_are_needed_again(made, x):
    layer = made().layer()
    loss = layer(x).square().sum()
    loss.backward(retain_graph=True)
    x.mul_(2.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_gradients_accumulate(made, x):
    layer = made().layer()
    a, b = gradients(layer, x), gradients(layer, 0.5 * x)
    layer.zero_grad()
    first, second = layer(x).square().sum(), layer(0.5 * x).square().sum()
    second.backward()
    first.backward()
    assert same(grads(layer), [q + p for p, q in zip(a, b, strict=True)])


@pytest.mark.parametrize("reentrant", [True, False])
def test_activation_checkpoints(made, x, reentrant):
    layer = made(noisy=True).layer()
    torch.manual_seed(3)
    expected = gradients(layer, x)
    layer.zero_grad()
    torch.manual_seed(3)
    x.requires_grad_()
    torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=reentrant).square().sum().backward()
    assert same(grads(layer), expected)


def test_parameters_that_are_not_trained_are_those_the_layer_was_made_with(made, x):
    one = made()
    layer = one.layer(train=["synapse.w"])
    before, expected = layer(x), gradients(layer, x)
    loss = layer(x).square().sum()
    one.cell.dend.gL = 5.0
    one.net.set_parameters({"cell/axial.g": 0.1})
    one.layer(train=["cell/soma.gL"]).set_values({"cell/soma.gL": 9.0})
    other = one.layer(train=["cell/soma.gL"])
    other(x)
    assert torch.equal(layer(x), before)
    layer.zero_grad()
    loss.backward()
    assert same(grads(layer), expected)


def test_without_gradients_nothing_is_kept(made, x):
    layer = made().layer()
    calls = []
    forward = layer.function.forward
    layer.function.forward = lambda call, grad: calls.append(grad) or forward(call, grad)
    with torch.no_grad():
        layer(x)
    layer(x)
    assert calls == [False, True]


def test_second_derivatives_are_refused(made, x):
    layer = made().layer()
    x.requires_grad_()
    for wrt in ([x], list(layer.parameters())):
        first = torch.autograd.grad(layer(x).sum(), wrt, create_graph=True)
        penalty = sum(g.square().sum() for g in first) + sum(p.sum() for p in layer.parameters()) + x.sum()
        with pytest.raises(dn.RunError, match=r"second derivatives \(create_graph=True\) are not available"):
            penalty.backward()
    # ``create_graph`` is allowed if the gradients are not differentiated again.
    first = torch.autograd.grad(layer(x).sum(), [x], create_graph=True)[0]
    assert torch.equal(first.detach(), torch.autograd.grad(layer(x).sum(), [x])[0])


def test_second_derivatives_through_the_loss_are_refused_too(made, x):
    layer, scale = made().layer(), torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    first = torch.autograd.grad((scale * layer(x)).sum(), list(layer.parameters()), create_graph=True)
    with pytest.raises(dn.RunError, match="second derivatives"):
        sum(g.sum() for g in first).backward()


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_forward_mode_is_refused(made, x):
    layer = made().layer()
    with torch.autograd.forward_ad.dual_level(), pytest.raises(dn.RunError, match="forward-mode"):
        layer(torch.autograd.forward_ad.make_dual(x, torch.ones_like(x)))


def test_wrong_arguments(made, x):
    layer = made().layer()
    with pytest.raises(dn.ParameterTypeError, match=r"source = ndarray: expected a torch\.Tensor"):
        layer(x.numpy())
    with pytest.raises(dn.ParameterTypeError, match=r"source = tensor of torch\.complex128: expected real numbers"):
        layer(x.to(torch.complex128))


def test_autocast_does_not_round_voltages(made, x):
    layer = made().layer()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x.bfloat16())
        mixed = torch.nn.Linear(2, 1)(out)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out.double(), layer(x.bfloat16().double()), rtol=1e-6, atol=0)
    mixed.float().sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


def test_a_compiled_layer(made, x):
    layer = made().layer()
    assert torch.equal(torch.compile(layer, backend="eager")(x), layer(x))


def test_hessians_are_refused(made, x):
    layer = made().layer()
    with pytest.raises(dn.RunError, match="second derivatives"):
        torch.autograd.functional.hessian(lambda x: layer(x).sum(), x)
