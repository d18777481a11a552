"""Small networks that many tests share."""

from __future__ import annotations

import dendrion as dn
import pytest


class Pair(dn.MCNeuron):
    """A soma and a dendrite with AMPA and NMDA, in absolute units."""

    def __init__(self, size=1, V_th=-40.0, V_reset=-55.0, rise=None, **kwargs):
        super().__init__(size, V_th=V_th, V_reset=V_reset, **kwargs)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=50.0, gL=2.5)
        self.axial = dn.MCConn(self.soma, self.dend, 15.0)
        self.ampa = dn.AMPA(size, g=3.0, t_decay=2.0, t_rise=rise)
        self.nmda = dn.NMDA(size, g=3.0, t_decay=50.0, t_rise=rise)
        self.ampa_on = dn.MCConnSynapse(self.ampa, self.dend)
        self.nmda_on = dn.MCConnSynapse(self.nmda, self.dend)


@pytest.fixture
def pair():
    """Return the class, to be made in any size."""
    return Pair
