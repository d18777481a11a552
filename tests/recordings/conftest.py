"""A network of spiking cells, with all kinds of probes."""

from __future__ import annotations

import dendrion as dn
import pytest


@pytest.fixture
def spiking(pair):
    """Return a function that builds a network and its probes."""

    def build(learning=True, dtype="float64", **where):
        cells = pair(7, V_th=-62.0, V_reset=-65.0)
        source = dn.PoissonGenerator(7, rate=200.0, name="source")
        other = pair(3, name="other")
        to_ampa = dn.MCSynapse(source, cells.ampa, dn.All2All())
        rule = dn.STDP() if learning else None
        learns = dn.MCSynapse(cells, other.ampa, dn.All2All(), plasticity=rule, delay=1.0)
        net = dn.Network([cells, other, source, to_ampa, learns], seed=3, dtype=dtype)
        probes = [
            net.probe(cells.soma, "V", **where),
            net.probe(cells.dend, "V", every=0.7, indices=[4, 2], **where),
            net.probe(cells, "spikes", **where),
            net.probe(source, "spikes", indices=[1, 6], **where),
        ]
        if learning:
            probes.append(net.probe(learns, "w", every=1.0, **where))
        return net, probes

    return build
