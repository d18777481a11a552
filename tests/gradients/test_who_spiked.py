"""A backward pass uses the spikes of the run, because deciding them again could differ if V is at the threshold."""

import dendrion as dn
import numpy as np
import pytest

DT, STEPS, SIZE = 0.1, 40, 2000


class Cell(dn.MCNeuron):
    def __init__(self, V_th, method):
        super().__init__(SIZE, V_th=V_th, V_reset=-80.0, detach_reset=True, odemethod=method)
        self.soma = dn.LeakyIF(SIZE, V_rest=-65, C=100, gL=5)
        self.dend = dn.Compartment(SIZE, V_rest=-65, C=50, gL=np.linspace(2, 4, SIZE))
        self.axial = dn.MCConn(self.soma, self.dend, 12.0)


def made(V_th, method, dtype):
    cell = Cell(V_th, method)
    current = dn.DCGenerator(SIZE, amplitude=np.linspace(50, 90, SIZE))
    net = dn.Network([cell, current, dn.ConnGen(current, cell.dend)], dt=DT, dtype=dtype)
    return net, net.probe(cell.soma, "V"), net.probe(cell, "spikes")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("method", [dn.SolverMethodODE.IMPLICIT_EULER, dn.SolverMethodODE.CRANK_NICOLSON])
def test_who_grazes_the_threshold(method, dtype):
    net, v, _ = made(1e3, method, dtype)
    net.run((STEPS + 1) * DT)
    last = v.values[-1]
    # V rises until the last step. A value that equals the threshold is not above it.
    for V_th, spiked in ((last, False), (np.nextafter(last, -np.inf), True)):
        net, v, spikes = made(V_th.astype(np.float64), method, dtype)
        run = net.run((STEPS + 1) * DT, grad=True)
        assert (spikes.dense()[STEPS - 1] == spiked).all()
        cotangents = np.zeros((STEPS + 1, SIZE))
        cotangents[-1] = 1.0
        gradient = run.backward({v: cotangents}, wrt=["cell/dend.gL"])["cell/dend.gL"]
        # The new V after a reset does not depend on the old one, and the reset is not differentiated.
        assert ((gradient == 0.0) == spiked).all()
