"""Batches, recordings and drawn delays that exceed the memory limit raise errors, and the network stays usable."""

from __future__ import annotations

import dendrion as dn
import numpy as np
import pytest

SIZE = 100


def cells() -> dn.MCNeuron:
    made = dn.MCNeuron(SIZE, V_th=-50.0, V_reset=-60.0, name="cells")
    made.soma = dn.LeakyIF(SIZE, V_rest=-65.0, C=200.0, gL=10.0, I_ext=200.0)
    made.ampa = dn.AMPA(SIZE, g=0.5, t_decay=2.0)
    made.on = dn.MCConnSynapse(made.ampa, made.soma)
    return made


def usable(net: dn.Network, v: dn.Recording) -> None:
    net.reset()
    net.run(1.0)
    assert len(v) == 10
    assert np.isfinite(v.values).all()


def test_a_batch_that_does_not_fit() -> None:
    net = dn.Network([cells()])
    v = net.probe(net["cells/soma"], "V")
    with pytest.raises(
        dn.MemoryLimitError, match=r"network: a batch of 2147483648 samples needs about .* TB of memory"
    ):
        net.run(1.0, batch=2**31)
    usable(net, v)


@pytest.mark.parametrize("options", [{}, {"batch": 3}, {"grad": True}])
def test_recordings_that_do_not_fit(options: dict[str, int]) -> None:
    net = dn.Network([cells()])
    v = net.probe(net["cells/soma"], "V")
    each = r" in each of 3 samples of a batch" if "batch" in options else ""
    message = rf"cells: a recording of 100 values at 10000000000 times{each} needs about \d+.0 TB of memory"
    with pytest.raises(dn.MemoryLimitError, match=message):
        net.run(1e9, **options)
    usable(net, v)


def test_recordings_of_several_runs_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    net = dn.Network([cells()])
    v = net.probe(net["cells/soma"], "V")
    monkeypatch.setenv("DENDRION_MEMORY_LIMIT", "1e8")
    # Each run records 80 MB.
    net.run(10_000.0)
    with pytest.raises(dn.MemoryLimitError, match=r"a recording of 100 values at 200000 times needs about 160.0 MB"):
        net.run(10_000.0)
    assert len(v) == 100_000
    net.clear_recordings()
    net.run(10_000.0)
    assert len(v) == 100_000


@pytest.mark.parametrize("delay", [dn.Uniform(6000.0, 6500.0), dn.Normal(6000.0, 1.0), dn.Constant(6000.0)])
def test_delays_that_do_not_fit(monkeypatch: pytest.MonkeyPatch, delay: dn.Initializer) -> None:
    monkeypatch.setenv("DENDRION_MEMORY_LIMIT", "2e7")
    made = cells()
    among = dn.MCSynapse(made, made.ampa, dn.One2One(), delay=delay, name="among")
    # 100 neurons x 60,000 steps x 8 bytes.
    with pytest.raises(
        dn.MemoryLimitError, match=r"cells: a population of size 100 needs about (48|50).* MB of memory"
    ):
        dn.Network([made, among])


def test_delays_that_are_too_long_are_refused_as_such() -> None:
    made = cells()
    among = dn.MCSynapse(made, made.ampa, dn.One2One(), delay=dn.Uniform(1e9, 2e9), name="among")
    with pytest.raises(dn.ConnectivityError, match=r"among: delay: Uniform drew .* expected a delay from 0.1 ms to"):
        dn.Network([made, among])
