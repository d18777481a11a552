"""The gradient with respect to the waveform of a generator that drives nothing is 0."""

import dendrion as dn
import numpy as np
import pytest


def test_the_waveform_of_a_generator_that_drives_nothing_has_a_gradient_of_zero():
    cells = dn.MCNeuron(2, V_th=-50.0, V_reset=-60.0)
    cells.soma = dn.LeakyIF(2, V_rest=-65.0, I_ext=1.0)
    wave = dn.CurrentGenerator(2, waveform=np.ones((5, 2)), name="wave")
    net = dn.Network([cells, wave])
    v = net.probe(cells.soma, "V")
    with pytest.warns(dn.UnusedWarning):
        run = net.run(0.5, grad=True)
    assert run.backward({v: np.ones((5, 2))})["wave"].tolist() == np.zeros((5, 2)).tolist()
