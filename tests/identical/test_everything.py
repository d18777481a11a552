"""A network with noise, all kinds of plasticity, delays and generators is bit-identical however it runs."""

import contextlib
import hashlib
import sys

import dendrion as dn
import numpy as np
import pytest
from dendrion.simulation import running

SIZE = 400
# Hashes of all results of 60 ms, on processors with fused multiply-add. If a change is meant to alter results, copy the
# hashes from the failing test and mention this in the commit; otherwise they must not change.
GOLDEN = {"float64": "3ee0b10e0aec7d9e", "float32": "e39e6571c0739a38"}


class Cells(dn.MCNeuron):
    """Noisy neurons with two receptors."""

    def __init__(self, **kwargs):
        delays = np.arange(SIZE) % 4 + 1
        super().__init__(
            SIZE, V_th=-52.0, V_reset=-60.0, refractory=1.0, dendritic_delay=delays, name="cells", **kwargs
        )
        self.soma = dn.LeakyIF(SIZE, V_rest=-65.0, C=100.0, gL=5.0)
        self.dend = dn.Compartment(SIZE, V_rest=-65.0, C=40.0, gL=2.0)
        self.axial = dn.MCConn(self.soma, self.dend, 8.0)
        self.ampa = dn.AMPA(SIZE, g=0.4, t_decay=4.0)
        self.nmda = dn.NMDA(SIZE, g=0.3, t_rise=2.0, t_decay=40.0, scale_g=True)
        self.gaba = dn.GABA(SIZE, g=0.3, t_decay=8.0)
        self.on = [
            dn.MCConnSynapse(r, c) for r, c in ((self.ampa, self.dend), (self.nmda, self.dend), (self.gaba, self.soma))
        ]
        self.noises = [
            dn.OUNoise(self.soma, 30.0, 5.0, 20.0),
            dn.ConductanceNoise(self.dend, 1.0),
            dn.WhiteNoise(self.dend, 20.0),
        ]


def build(dtype, threads, method):
    cells = Cells(odemethod=method)
    noise = dn.PoissonGenerator(60, rate=dn.Piecewise([0.0, 40.0, 90.0], [50.0, 120.0, 20.0]), name="noise")
    clock = dn.CustomGenerator(5, fn=lambda t: np.rint(t / 0.1).astype(int)[:, None] % 37 == np.arange(5), name="clock")
    delay = dn.Uniform(0.4, 3.0)
    stdp, triplet = dn.STDP(lambda_=0.01, w_max=2.0), dn.TripletSTDP(w_max=2.0)
    rule = dn.FixedProb(0.03, autapses=False)
    connections = [
        dn.MCSynapse(noise, (cells.ampa, cells.nmda), dn.FixedIndegree(8), weight=dn.Uniform(0.2, 1.0), name="in"),
        dn.MCSynapse(noise, cells.ampa, dn.FixedOutdegree(9), delay=delay, plasticity=triplet, name="in_learnt"),
        dn.MCSynapse(
            clock, cells.ampa, dn.All2All(), weight=0.5, plasticity=dn.TsodyksMarkram(tau_fac=80.0), name="beat"
        ),
        dn.MCSynapse(cells, cells.ampa, rule, weight=dn.Uniform(0.1, 0.6), delay=delay, plasticity=stdp, name="learnt"),
        dn.MCSynapse(cells, cells.gaba, dn.FixedTotal(3000, multi_conn=True), weight=0.3, delay=1.3, name="inhibition"),
    ]
    net = dn.Network([cells, noise, clock, *connections], seed=7, dtype=dtype, threads=threads)
    probes = [
        net.probe(cells.soma, "V", every=0.7),
        net.probe(cells.noises[0], "I", indices=[3, 77]),
        net.probe(connections[3], "w", every=5.0),
        net.probe(connections[1], "w", every=11.0, indices=np.arange(0, 500, 7)),
    ]
    spikes = [net.probe(cells, "spikes"), net.probe(noise, "spikes"), net.probe(clock, "spikes")]
    return net, probes, spikes, connections


def results(net, probes, spikes, connections):
    return [*(p.values for p in probes), *(x for s in spikes for x in (s.t, s.i)), *(c.w for c in connections)]


def run_in_pieces(net, duration, monkeypatch):
    """Run a network while a progress bar that raises an exception stops it repeatedly."""

    @contextlib.contextmanager
    def impatient(steps, dt, stream):
        def show(done):
            if 0 < done < steps:
                raise InterruptedError

        yield show

    monkeypatch.setattr(running, "bar", impatient)
    end, stops = round(duration / 0.1), 0
    while (left := end - round(net.t / 0.1)) > 0:
        with contextlib.suppress(InterruptedError):
            net.run(0.1 * left, progress=sys.stderr)
        stops += 1
    return stops


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", [dn.SolverMethodODE.HEUN2, dn.SolverMethodODE.CRANK_NICOLSON])
def test_everything_at_once(method, dtype, monkeypatch):
    expected = []
    for threads, cuts in ((1, [130.0]), (2, [0.1, 33.3, 0.5, 96.1]), (4, None)):
        parts = build(dtype, threads, method)
        if cuts is None:
            run_in_pieces(parts[0], 130.0, monkeypatch)
        for cut in cuts or ():
            parts[0].run(cut)
        found = results(*parts)
        expected = expected or found
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    net, _, spikes, connections = parts
    assert len(spikes[0]) > 500
    assert len(np.unique(connections[3].w)) > 1000
    net.reset()
    for syn, w in zip(connections, expected[-5:], strict=True):
        np.testing.assert_array_equal(syn.w, w)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_any_number_of_threads_gives_the_golden_bits(dtype):
    """The bits are the same for all versions, machines and numbers of threads."""
    found = set()
    for threads in range(1, 9):
        parts = build(dtype, threads, dn.SolverMethodODE.CRANK_NICOLSON)
        parts[0].run(60.0)
        state = parts[0].get_state()
        digest = hashlib.sha256()
        for values in (*results(*parts), *(state[key] for key in sorted(state))):
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        found.add(digest.hexdigest()[:16])
    assert len(found) == 1
    if parts[0].info["level"] != "baseline":
        assert found == {GOLDEN[dtype]}


def test_a_run_that_is_stopped_goes_on_with_what_was_sent(monkeypatch):
    """A long run is stopped between epochs, when generators are ahead of the neurons."""
    whole, pieces = (build("float64", 2, dn.SolverMethodODE.EULER) for _ in range(2))
    whole[0].run(3000.0)
    stops = run_in_pieces(pieces[0], 3000.0, monkeypatch)
    assert stops > 1
    for a, b in zip(results(*whole), results(*pieces), strict=True):
        np.testing.assert_array_equal(a, b)
