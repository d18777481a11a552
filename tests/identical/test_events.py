"""Events and pulses are bit-identical for any number of threads, any split of a run and any sample of a batch."""

import dendrion as dn
import numpy as np
import pytest
from dendrion import channels

SIZE = 150


class Cell(dn.MCNeuron):
    """A neuron with both kinds of dendritic spikes, an adaptive soma with a two-stage reset, and channels."""

    def __init__(self):
        super().__init__(SIZE, V_th=-48.0, V_reset=-60.0, V_spike=20.0, spike_width=0.5, refractory=2.0, name="cell")
        rng = np.random.default_rng(1)
        self.soma = dn.AdaptiveIF(SIZE, V_rest=-68.0, gL=12.0, C=150.0, b=rng.uniform(10, 60, SIZE), I_ext=120.0)
        self.dends = [dn.Compartment(SIZE, V_rest=-68.0, gL=3.0, C=50.0) for _ in range(2)]
        self.axial = [dn.MCConn(self.soma, d, g=8.0) for d in self.dends]
        strength = rng.uniform(20, 40, SIZE)
        self.spike = dn.DendriticSpike(SIZE, self.dends[0], g_rise=strength, g_fall=12.0, V_th=-45.0)
        self.decaying = dn.DecayingDendriticSpike(SIZE, self.dends[1], g_rise=strength, g_fall=9.0, V_th=-45.0)
        self.ka = channels.KA.absolute(SIZE, self.dends[0], g=3.0)
        self.km = channels.KM.absolute(SIZE, self.soma, g=5.0)
        self.ampa = [dn.AMPA(SIZE, g=2.0, t_decay=3.0) for _ in self.dends]
        self.on = [dn.MCConnSynapse(a, d) for a, d in zip(self.ampa, self.dends, strict=True)]


def ran(threads=None, dtype="float64", pieces=(80.0,), batch=None):
    cell = Cell()
    source = dn.PoissonGenerator(40, rate=60.0, name="source")
    onto = [dn.MCSynapse(source, a, dn.FixedProb(0.3), weight=1.0, name=f"s{i}") for i, a in enumerate(cell.ampa)]
    back = dn.MCSynapse(cell, cell.ampa[0], dn.FixedIndegree(10), weight=0.5, delay=1.5, name="back")
    net = dn.Network([cell, source, *onto, back], dt=0.1, seed=2, threads=threads, dtype=dtype)
    probes = [net.probe(m, n) for m, n in ((cell.soma, "V"), (cell.soma, "w"), (cell.dends[0], "V"))]
    pulses = [net.probe(cell.spike, "rise"), net.probe(cell.decaying, "g_K"), net.probe(cell.km, "p")]
    spikes = net.probe(cell, "spikes")
    for piece in pieces:
        net.run(piece, batch=batch) if batch else net.run(piece)
    return [p.values for p in probes + pulses], spikes


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_threads_and_pieces(dtype):
    expected, spikes = ran(1, dtype)
    assert len(spikes.t) > 100
    assert (np.diff(expected[3], axis=0) > 0).sum() > 100
    assert expected[4].max() > 5
    for threads, pieces in [(2, (80.0,)), (3, (80.0,)), (2, (0.1, 0.5, 30.0, 49.4)), (8, (40.0, 40.0))]:
        got, other = ran(threads, dtype, pieces)
        assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
        assert np.array_equal(other.t, spikes.t)
        assert np.array_equal(other.i, spikes.i)


def test_the_first_sample_of_a_batch_is_the_network():
    expected, _ = ran()
    got, _ = ran(batch=3)
    assert all(np.array_equal(a[0], b) for a, b in zip(got, expected, strict=True))


def test_single_precision_is_near():
    double, single = ran()[0], ran(dtype="float32")[0]
    assert np.abs(double[0][:100] - single[0][:100]).max() < 1e-2
