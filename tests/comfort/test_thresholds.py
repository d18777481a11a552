"""Thresholds below the resting or reset potential cause a warning, and such neurons spike without input."""

import warnings

import dendrion as dn
import numpy as np
import pytest


def cell(size=1, V_rest=-65.0, **kwargs):
    made = dn.MCNeuron(size, name="cell", **kwargs)
    made.soma = dn.LeakyIF(size, V_rest=V_rest, C=100.0, gL=5.0)
    return made


def spikes(made):
    """Return the number of spikes per neuron in 100 ms without input, and the warnings."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        net = dn.Network([made])
        recording = net.probe(made, "spikes")
        net.run(100.0)
    assert all(w.category is dn.ThresholdWarning for w in found)
    return np.bincount(recording.i, minlength=made.size), [str(w.message) for w in found]


def test_below_rest():
    counts, (text,) = spikes(cell(3, V_th=-66.0, V_reset=-70.0))
    assert text == (
        "cell: V_th = -66 mV is below V_rest = -65 mV of cell/soma, so neurons spike without input; "
        "expected V_th above V_rest"
    )
    assert (counts > 1).all()


def test_below_rest_in_some_neurons():
    V_rest = np.full(1_000, -65.0)
    V_rest[[17, 400]] = [-48.0, -49.0]
    counts, (text,) = spikes(cell(1_000, V_rest, V_th=-50.0, V_reset=-60.0))
    assert "V_th = -50 mV is below V_rest = -48 mV of cell/soma in 2 of its 1000 neurons" in text
    np.testing.assert_array_equal(np.flatnonzero(counts), [17, 400])


@pytest.mark.parametrize("V_rest", [-65.0, [-65.0, -50.0]])
def test_rest_below_or_at_the_threshold(V_rest):
    counts, found = spikes(cell(2, V_rest, V_th=-50.0, V_reset=-60.0))
    assert found == []
    assert (counts == 0).all()


def test_a_reset_above():
    made = cell(2, V_th=[-50.0, -40.0], V_reset=-45.0)
    with pytest.warns(dn.ThresholdWarning) as found:
        net = dn.Network([made])
    assert str(found[0].message) == (
        "cell: V_reset = -45 mV is above V_th = -50 mV in 1 of its 2 neurons: after its first spike, a "
        "neuron spikes at every step outside its refractory period; expected V_reset below V_th"
    )
    recording = net.probe(made, "spikes")
    net.set_state({"cell/soma.V": -30.0})
    net.run(1.0)
    np.testing.assert_array_equal(np.bincount(recording.i), [10, 1])


def test_a_soft_reset_and_a_reset_at_the_threshold():
    assert spikes(cell(V_rest=-1.0, V_th=1.0, V_reset=None))[1] == []
    assert spikes(cell(V_th=-50.0, V_reset=-50.0))[1] == []


def test_a_threshold_that_was_not_given():
    counts, (text,) = spikes(cell(2))
    assert text == (
        "cell: V_th was not given and defaults to 1 mV; expected the threshold of the neuron, such as V_th=-50.0 (mV)"
    )
    assert not counts.any()
    assert spikes(cell(V_th=1.0))[1] == []
    later = cell()
    later.V_th = -50.0
    later.V_reset = -60.0
    assert spikes(later)[1] == []
    assert spikes(cell(V_th=-50.0, reset=False))[1] == []


def test_a_crossing_has_to_come_from_below():
    """Without a reset, a threshold below rest causes no warning, because V crosses it at most once."""
    counts, told = spikes(cell(V_th=-70.0, reset=False))
    assert told == []
    assert not counts.any()
