"""Noise and random generators draw new numbers in each call, and do so reproducibly."""

import dendrion as dn
import pytest

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("kind", ["noise", "spikes"])
def test_calls_differ_and_manual_seed_repeats_them(made, x, kind):
    one = made(noisy=kind == "noise")
    layer = one.layer(inputs=kind == "noise")
    given = (x,) if kind == "noise" else ()
    torch.manual_seed(0)
    first, second = layer(*given), layer(*given)
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(layer(*given), first)
    assert torch.equal(layer(*given), second)
    # This also holds in evaluation mode, because noise is part of the network.
    assert not torch.equal(layer.eval()(*given), second)


def test_a_seed_of_a_call_or_of_the_layer(made, x):
    one = made(noisy=True)
    layer, fixed = one.layer(), one.layer(seed=5)
    torch.manual_seed(0)
    assert torch.equal(layer(x, seed=5), fixed(x))
    assert torch.equal(fixed(x), fixed(x))
    assert not torch.equal(fixed(x, seed=6), fixed(x))
    # The result is the same as with net.reset(seed=...).
    expected = fixed(x)
    one.net.reset(seed=5)
    one.net.run(4.0, batch=2, inputs={one.source: x.numpy()})
    assert torch.equal(torch.as_tensor(one.v.values.copy()), expected)
    for bad, error in ((-1, dn.ParameterError), (1.5, dn.ParameterTypeError)):
        with pytest.raises(error, match=f"seed = {bad}"):
            layer(x, seed=bad)


def test_a_network_without_randomness_takes_no_random_numbers_from_pytorch(made, x):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    made().layer()(x)
    assert torch.equal(torch.rand(1), expected)


def test_the_reverse_has_the_noise_of_its_call(made, x):
    layer = made(noisy=True).layer()

    def gradients(retain):
        layer.zero_grad()
        loss = layer(x, seed=1).square().sum()
        layer(x)
        if retain:
            loss.backward(retain_graph=True)
            layer.zero_grad()
        loss.backward()
        return [p.grad.clone() for p in layer.parameters()]

    assert all(torch.equal(a, b) for a, b in zip(gradients(False), gradients(True), strict=True))
