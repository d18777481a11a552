"""Calls start from the states of each sample, and can continue where the last call ended."""

import dendrion as dn
import pytest

torch = pytest.importorskip("torch")


def test_states_of_each_sample_have_gradients(made, x):
    layer = made(V_th=100.0).layer()
    start = torch.tensor([[-70.0, -65.0], [-60.0, -55.0]], dtype=torch.float64, requires_grad=True)
    out = layer(x, state={"cell/soma.V": start})
    assert torch.equal(out[:, 0], start)
    weights = torch.rand(out.shape, dtype=torch.float64)
    (weights * out).sum().backward()
    assert (start.grad > 0).all()
    for sample in range(2):
        alone = start.detach()[sample].clone().requires_grad_()
        (weights[sample] * layer(x[sample], state={"cell/soma.V": alone})).sum().backward()
        torch.testing.assert_close(start.grad[sample], alone.grad, rtol=1e-12, atol=0)
    assert torch.autograd.gradcheck(lambda v: layer(x, state={"cell/soma.V": v}), (start,), eps=1e-4, atol=1e-6)


def test_one_state_for_all_samples(made, x):
    layer = made(V_th=100.0).layer()
    one = torch.tensor([-70.0, -60.0], dtype=torch.float64, requires_grad=True)
    layer(x, state={"cell/soma.V": one}).sum().backward()
    each = one.detach().expand(2, 2).clone().requires_grad_()
    layer(x, state={"cell/soma.V": each}).sum().backward()
    torch.testing.assert_close(one.grad, each.grad.sum(0))


def test_states_carry_over(made, x):
    one = made(V_th=100.0)
    layer = one.layer()
    layer(x)
    state = layer.state()
    assert state["cell/soma.V"].shape == (2, 2)
    assert not state["cell/soma.V"].requires_grad
    out = layer(x, state=state)
    assert torch.equal(out[:, 0], state["cell/soma.V"])


@pytest.mark.parametrize("noisy", [False, True])
def test_pieces_of_a_sequence_are_the_sequence(made, x, noisy):
    one, other = made(noisy=noisy), made(noisy=noisy)
    long = torch.cat([x, 3 * x, x], dim=1)
    whole = one.layer(steps=120, spikes=True)(long, seed=1)
    layer = other.layer(spikes=True)
    pieces = [layer(long[:, :40], seed=1)]
    pieces += [layer(long[:, k : k + 40], reset=False) for k in (40, 80)]
    for k, expected in enumerate(whole):
        assert torch.equal(torch.cat([piece[k] for piece in pieces], dim=1), expected)
    assert whole[1].sum() > 5


def test_gradients_of_a_piece(made, x):
    one, other = made(), made()
    long = torch.cat([x, 3 * x], dim=1).requires_grad_()
    net = one.layer(steps=80)
    net(long)[:, 40:].sum().backward()
    layer = other.layer()
    piece = long.detach()[:, 40:].clone().requires_grad_()
    layer(long.detach()[:, :40])
    layer(piece, reset=False).sum().backward()
    torch.testing.assert_close(piece.grad, long.grad[:, 40:], rtol=1e-10, atol=1e-12)


def test_what_continuing_does_not_do(made, x):
    layer = made().layer()
    layer(x)
    loss = layer(x, reset=False).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(dn.RunError, match="backward was called twice for a call with reset=False"):
        loss.backward()
    with pytest.raises(dn.ParameterError, match="seed = 1: expected None with reset=False"):
        layer(x, reset=False, seed=1)
    with pytest.raises(dn.ParameterError, match="the network has a batch"):
        layer(x[0], reset=False)
    with pytest.raises(dn.UnknownNameError, match=r"no state named 'cell/soma\.W'"):
        layer(x, state={"cell/soma.W": torch.zeros(2)})
    with pytest.raises(dn.ParameterError, match=r"array of shape \(3, 2\): expected a batch size of 2"):
        layer(x, state={"cell/soma.V": torch.zeros(3, 2)})


def test_a_state_gives_the_batch_of_a_layer_without_inputs(made):
    layer = made().layer(inputs=False)
    start = torch.tensor([[-70.0, -65.0], [-60.0, -55.0], [-62.0, -62.0]], dtype=torch.float64)
    assert layer(state={"cell/soma.V": start}).shape == (3, 40, 2)
