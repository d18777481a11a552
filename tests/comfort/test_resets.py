"""Only somas whose channels generate action potentials and whose V is reset cause a warning."""

import warnings

import dendrion as dn
import pytest


def told(*channels, on_dend=False, soma=dn.LeakyIF, **options):
    """Return the messages for a cell with these channels on its soma or its dendrite."""
    cell = dn.MCNeuron(2, name="cell", parent=None, **({"V_th": -30.0, "V_reset": -65.0} | options))
    cell.soma = soma(2, V_rest=-65.0, C=1.0, gL=50.0, length=30.0, diameter=30.0, r_axial=100.0, parent=None)
    cell.dend = dn.Compartment(2, V_rest=-65.0, C=1.0, gL=50.0, length=50.0, diameter=2.0, r_axial=100.0, parent=None)
    cell.axial = dn.MCConn(cell.soma, cell.dend, parent=None)
    for k, channel in enumerate(channels):
        setattr(cell, f"channel{k}", channel(2, cell.dend if on_dend else cell.soma, parent=None))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        dn.Network([cell], dt=0.01)
    return [str(w.message) for w in found if w.category is dn.ResetWarning]


class Own(dn.Channel):
    """A custom sodium channel, whose gate depends on V through a named expression."""

    equations = """
    I = g * m^3 * (E_Na - V)  : nA
    dm/dt = (m_inf - m)/tau    : 1
    m_inf = 1/(1 + exp(-(V + 40 mV)/(10 mV)))
    g = 1 uS
    E_Na = 50 mV
    tau = 1 ms
    """


class Literal(dn.Channel):
    """The same channel with a reversal potential that has no name."""

    equations = Own.equations.replace("E_Na - V", "50 mV - V").replace("E_Na = 50 mV", "")


class Outward(dn.Channel):
    """A channel whose current contains ``V - E`` instead of ``E - V``."""

    equations = Own.equations.replace("(E_Na - V)", "(-(V - 50 mV))").replace("E_Na = 50 mV", "")


class Potassium(dn.Channel):
    """A channel with an unnamed reversal potential below the threshold."""

    equations = Own.equations.replace("E_Na - V", "-90 mV - V").replace("E_Na = 50 mV", "")


class Excitable(dn.Soma):
    """A soma with the same equations."""

    equations = Own.equations


@pytest.mark.parametrize(
    "channels", [(dn.channels.HHNa, dn.channels.HHK), (dn.channels.NaT,), (Own,), (Literal,), (Outward,)]
)
def test_channels_that_make_action_potentials(channels):
    (text,) = told(*channels)
    assert text.startswith("cell: each spike resets V of a soma with voltage-gated channels (cell/channel0)")
    assert "use MCNeuron(..., reset=False)" in text
    assert told(*channels, reset=False, V_reset=None) == []
    assert told(*channels, on_dend=True) == []


def test_somas_with_equations():
    assert len(told(soma=Excitable)) == 1
    for soma in (dn.AdEx, dn.Izhikevich, dn.CadIF, dn.AdaptiveIF):
        assert told(soma=soma) == []


def test_channels_that_adapt_an_integrate_and_fire_soma():
    for channel in (dn.channels.KM, dn.channels.Ih, dn.channels.KA, dn.channels.CaT, Potassium):
        assert told(channel) == []


def test_a_threshold_out_of_reach_resets_nothing():
    assert told(dn.channels.HHNa, dn.channels.HHK, V_th=1e3) == []
