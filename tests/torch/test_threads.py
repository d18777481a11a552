"""Several threads can call layers of one network."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest

torch = pytest.importorskip("torch")


def test_threads_wait_for_each_other(made, x):
    layer = made().layer(steps=40)
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        twin.get_parameter("cell/dend:gL").add_(1.0)
    inputs = [(k % 2, x * (1 + k / 10)) for k in range(12)]
    layers = [layer, twin]

    def train(job):
        which, given = job
        given = given.clone().requires_grad_()
        out = layers[which](given)
        return out.detach(), torch.autograd.grad(out.square().sum(), given)[0]

    expected = [train(job) for job in inputs]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(train, inputs))
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])
