"""Every gradient that the README and the page on gradients print agrees with a central difference of the loss."""

import contextlib
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^ *```python\n(.*?)^ *```$", re.M | re.S)
#: Matches a gradient whose value, not shape, is printed: ``print(gradients["cell/dend.gL"], ...)``.
PRINTED = re.compile(r'gradients\["([^"]+)"\](?!\.shape)')


def states_of(page):
    """Run a page block by block, and yield its variables after each block that computes gradients."""
    namespace = {"__name__": "example"}
    for block in BLOCK.findall((ROOT / page).read_text()):
        if re.search(r"^import (dendrion\.)?(torch|jax)", block, re.M):
            continue
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(block, page, "exec"), namespace)
        if re.search(r"^gradients = ", block, re.M):
            yield block, namespace


def central_difference(net, loss, key, h):
    value = net.parameters()[key]
    sides = []
    for moved in (value + h, value - h):
        net.set_parameters({key: moved})
        net.reset()
        net.run(100.0)
        sides.append(loss())
    net.set_parameters({key: value})
    return (sides[0] - sides[1]) / (2 * h)


@pytest.mark.parametrize("page", ["README.md", "docs/gradients.md"])
def test_printed_gradients(page):
    block, namespace = next(states_of(page))
    keys = PRINTED.findall(block)
    assert keys
    net, loss, gradients = (namespace[name] for name in ("net", "loss", "gradients"))
    net.reset()
    before = {key: np.array(value) for key, value in net.parameters().items()}
    # Check the printed gradients, and some of which the page prints only the shape or nothing.
    soma, path = net.populations[0].soma.path, net.populations[0].path
    for key in (*keys, f"{soma}.V_rest", f"{path}/nmda.g"):
        expected = central_difference(net, loss, key, 1e-5 * max(1.0, abs(float(before[key].reshape(-1)[0]))))
        assert abs(expected) > 1.0
        assert np.sum(gradients[key]) == pytest.approx(expected, rel=1e-4), key


def test_gradients_of_inputs_on_the_page():
    """In the block with a batch, check the gradients of three inputs of a sample; the loss is the sum of V."""
    namespace = next(namespace for block, namespace in states_of("docs/gradients.md") if "inputs={source: x}" in block)
    net, v, source, x = (namespace[name] for name in ("net", "v", "source", "x"))
    gradient = namespace["gradients"]["poissongenerator"]
    for at in ((0, 10, 3), (0, 400, 0), (5, 700, 19)):
        sides = []
        for h in (1e-6, -1e-6):
            moved = x.astype(float)
            moved[at] += h
            net.reset()
            net.run(100.0, batch=len(x), inputs={source: moved})
            sides.append(v.values[at[0]].sum())
        assert gradient[at] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-4)
