"""Results of detailed cells are bit-identical, however cells are distributed and runs are divided."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Cell

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def network(size=21, threads=1, dtype="float64", **settings):
    """Return cells that excite each other, driven by a current and by spikes that differ between cells."""
    cells = Cell(size, name="cells", odemethod=dn.SolverMethodODE.CRANK_NICOLSON, **settings)
    step = dn.DCGenerator(size, np.linspace(300.0, 600.0, size), 1.0, name="step")
    noise = dn.PoissonGenerator(20, rate=100.0, name="noise")
    modules = [
        *(cells, step, noise, dn.ConnGen(step, cells.at("soma"))),
        dn.MCSynapse(noise, cells.ampa, dn.FixedIndegree(3), name="inputs", weight=dn.Uniform(0.5, 2.0)),
        dn.MCSynapse(cells, cells.ampa, dn.FixedProb(0.3), name="recurrent", weight=0.5, delay=dn.Uniform(0.5, 2.0)),
    ]
    net = dn.Network(modules, dt=0.025, seed=3, dtype=dtype, threads=threads)
    watched = [(cells, "V"), (cells.na, "m"), (cells.k, "I"), (cells.ampa, "s"), (cells, "spikes")]
    return net, [net.probe(*each) for each in watched]


def results(net, probes):
    """Return all recordings and the final state."""
    spikes = probes[-1]
    state = net.get_state()
    return [*(p.values for p in probes[:-1]), spikes.t, spikes.i, *(state[key] for key in sorted(state))]


def equal(one, other):
    return len(one) == len(other) and all(map(np.array_equal, one, other))


@pytest.fixture(scope="module", params=["float64", "float32"])
def single(request):
    """Return the type and the results of one thread and one run."""
    net, probes = network(dtype=request.param)
    net.run(20.0)
    assert len(probes[-1]) > 20
    return request.param, results(net, probes)


@pytest.mark.parametrize("threads", range(2, 9))
def test_threads(single, threads):
    dtype, expected = single
    net, probes = network(dtype=dtype, threads=threads)
    net.run(20.0)
    assert equal(results(net, probes), expected)


@pytest.mark.parametrize("pieces", [[7.3, 12.7], [0.025] * 40 + [19.0]], ids=["two", "steps"])
def test_cuts_of_runs(single, pieces):
    dtype, expected = single
    net, probes = network(dtype=dtype, threads=2)
    for piece in pieces:
        net.run(piece)
    assert equal(results(net, probes), expected)


def test_reset(single):
    dtype, expected = single
    net, probes = network(dtype=dtype)
    net.run(3.0)
    net.reset()
    net.run(20.0)
    assert equal(results(net, probes), expected)


@DTYPES
def test_saved_states(dtype, tmp_path):
    whole, watched = network(dtype=dtype)
    whole.run(20.0)
    begun, _ = network(dtype=dtype, threads=3)
    begun.run(8.0)
    begun.save_state(tmp_path / "middle")
    net, probes = network(dtype=dtype, threads=2)
    net.load_state(tmp_path / "middle")
    net.run(12.0)
    for probe, all_of_it in zip(probes[:-1], watched[:-1], strict=True):
        assert np.array_equal(probe.values, all_of_it.values[320:])
    for each, name in ((whole, "whole"), (net, "continued")):
        each.save_state(tmp_path / name)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "continued").read_bytes()


@DTYPES
def test_samples_of_a_batch(dtype):
    inputs = (np.random.default_rng(0).random((3, 400, 20)) < 0.05).astype(float)
    batched, probes = network(5, threads=2, dtype=dtype)
    batched.run(10.0, batch=3, inputs={batched["noise"]: inputs})
    together = [p.values for p in probes[:-1]]
    for sample in range(3):
        net, alone = network(5, dtype=dtype)
        net.run(10.0, inputs={net["noise"]: inputs[sample]})
        assert all(np.array_equal(a.values, t[sample]) for a, t in zip(alone, together, strict=False))


@DTYPES
@pytest.mark.parametrize("size", [3, 8, 21, 70])
def test_numbers_of_cells(dtype, size):
    recorded = []
    for cells in (Cell(1), Cell(size)):
        step = dn.DCGenerator(1, 600.0)
        spikes = dn.SpikeGenerator(1, [0] * 9, np.arange(1.0, 10.0))
        synapses = dn.MCSynapse(spikes, cells.ampa, dn.All2All(), weight=2.0)
        net = dn.Network([cells, step, spikes, synapses, dn.ConnGen(step, cells.at("soma"))], dt=0.025, dtype=dtype)
        probes = net.probe(cells, "V"), net.probe(cells.ampa, "I")
        net.run(15.0)
        recorded.append([p.values.reshape(600, cells.size, -1) for p in probes])
    for alone, together in zip(*recorded, strict=True):
        assert np.ptp(alone) > 0.0
        assert np.array_equal(np.broadcast_to(alone, together.shape), together)
