"""Invalid equations, and modules whose equations do not match, raise errors that describe the problem."""

import dendrion as dn
import numpy as np
import pytest
from dendrion import channels


def channel(text, base=dn.Channel):
    return type("Own", (base,), {"equations": text})


FINE = "I = g * (E - V) : pA\ng = 5 nS (>= 0); E = -90 mV"


class Cell(dn.MCNeuron):
    def __init__(self, *kinds, size=2, soma=dn.LeakyIF, **given):
        super().__init__(size, V_th=0, V_reset=-60, name="cell")
        self.soma = soma(size)
        self.parts = [kind(size, self.soma, **given) for kind in kinds]


def test_wrong_texts_are_refused_when_the_class_is_made():
    with pytest.raises(dn.EquationError) as error:
        channel("I = g * (E - Vm) : pA\ng = 5 nS; E = -90 mV")
    expected = "Own: error in the equations: line 1, column 14: unknown name 'Vm'; did you mean 'V'?\n"
    assert str(error.value) == expected + "  1 | I = g * (E - Vm) : pA\n    |              ^^"
    assert isinstance(error.value, ValueError)
    with pytest.raises(dn.ParameterTypeError, match="Own: equations = 3: expected a string"):
        channel(3)


@pytest.mark.parametrize("name", ["size", "name", "parent", "path", "parameters", "training"])
def test_parameters_do_not_hide_attributes(name):
    with pytest.raises(dn.ParameterError, match=f"a parameter '{name}', which is already an attribute of every"):
        channel(f"I = {name} * V : pA\n{name} = 5 nS")


def test_events_belong_to_receptors():
    arrives = "I = s * 1 nS * V : pA\nds/dt = -s/(2 ms) : 1\non event: s += weight"
    for base, expected in [
        (dn.Channel, "; use Receptor as the base class"),
        (dn.Soma, ", which only a Receptor can have"),
    ]:
        with pytest.raises(dn.StructureError, match=f"Own: its equations contain 'on event'{expected}"):
            channel(arrives, base)
    with pytest.raises(dn.StructureError, match="Own: its equations do not define a receptor; expected 'on event"):
        channel(FINE, dn.Receptor)
    for base in (dn.Channel, dn.Receptor, dn.Soma):
        with pytest.raises(dn.StructureError, match="has no equations; expected a subclass with `equations`"):
            base()


def test_values_are_checked():
    own = channel(FINE)
    with pytest.raises(dn.ParameterError, match=r"Own: g = -1: expected a finite number >= 0 \(nS\)"):
        own(2, g=-1.0)
    with pytest.raises(dn.ParameterError, match="Own: g = array of length 3: expected a number or an array of"):
        own(2, g=[1.0, 2.0, 3.0])
    with pytest.raises(dn.UnknownNameError, match=r"Own: unexpected parameter gg = 3; did you mean 'g'?"):
        own(2, gg=3)
    with pytest.raises(dn.ParameterError, match="Own: E = nan: expected a finite number"):
        own(1, E=np.nan)
    required = channel("I = g * V : pA\ng : nS (> 0)")
    with pytest.raises(dn.ParameterError, match=r"Own: g = None: expected a finite number > 0 \(nS\)"):
        required(1)
    made = own(1)
    with pytest.raises(dn.ParameterError, match="Own: g = -2: expected"):
        made.g = -2.0
    with pytest.raises(AttributeError, match="did you mean 'E'"):
        made.e = 3.0


def test_channels_are_attached_once():
    own = channel(FINE)
    cell = Cell(own)
    cell.again = dn.MCConnSynapse(cell.parts[0], cell.soma)
    with pytest.raises(dn.StructureError, match="cell/parts/0: is attached twice"):
        dn.Network([cell])
    cell = Cell()
    cell.lost = own(2)
    with pytest.raises(dn.StructureError, match="cell/lost: is not attached to anything; pass `on=`"):
        dn.Network([cell])
    cell = Cell()
    cell.other = own(3, cell.soma)
    with pytest.raises(dn.StructureError, match="cell/other: size = 3: expected 2, the size of cell"):
        dn.Network([cell])
    cell, other = Cell(), Cell(size=2)
    cell.abroad = own(2, other.soma, parent=cell)
    with pytest.raises(
        dn.StructureError, match=r"cell/abroad: acts on .*; expected a compartment of cell that has its own membrane"
    ):
        dn.Network([cell])
    with pytest.raises(dn.ParameterTypeError, match="Own: on = 3: expected the Compartment on which it acts"):
        own(1, 3)


def test_what_mechanisms_share():
    with pytest.raises(dn.StructureError, match=r"imports Ca, which no mechanism of soma exports .exported"):
        dn.Network([Cell(channels.KCa.absolute, g=1.0)])
    with pytest.raises(
        dn.ParameterError, match=r"cell/soma: length = None: expected length and diameter .um., because"
    ):
        dn.Network([Cell(channels.KA)])
    loop = channel("I = a : pA\nimport b : pA\nexport a = b\na = b"), channel("export b = a * 1\nimport a : pA")
    with pytest.raises(
        dn.StructureError, match="b depends on itself through the imports and exports of its compartment"
    ):
        dn.Network([Cell(*loop)])
    units = channel("I = Ca * 1 pA/mM : pA\nimport Ca : mM"), channel("export Ca = 3 mV * 1")
    with pytest.raises(dn.StructureError, match="imports Ca in mM, but cell/parts/1 exports it in mV"):
        dn.Network([Cell(*units)])
    two = channel("dV/dt = I/C"), channel("dV/dt = -V/(1 ms)")
    with pytest.raises(dn.StructureError, match="has an equation for V, but another mechanism of its compartment"):
        dn.Network([Cell(*two)])
    circle = channel("I = x * 1 pA : pA\ndx/dt = -x/ms : 1\nx(0) = y\ndy/dt = -y/ms : 1\ny(0) = x")
    with pytest.raises(dn.StructureError, match=r"the initial value of parts/0.[xy] depends on itself"):
        dn.Network([Cell(circle)])


def test_two_stages_go_together():
    with pytest.raises(
        dn.ParameterError, match=r"spike_width = None: expected either both V_spike .mV. and spike_width"
    ):
        dn.Network([Stages(V_reset=-60, V_spike=20)])
    with pytest.raises(dn.ParameterError, match=r"V_reset = None: expected a V_reset .mV., because V_spike is set"):
        dn.Network([Stages(V_th=3, V_reset=None, V_spike=20, spike_width=1)])


class Stages(dn.MCNeuron):
    def __init__(self, **given):
        super().__init__(1, **given)
        self.soma = dn.LeakyIF(1)


def test_divergence_names_the_channel():
    wild = channel("I = x * 1 pA : pA\ndx/dt = x^2/ms : 1\nx(0) = 1e3")
    net = dn.Network([Cell(wild)])
    with pytest.raises(dn.DivergenceError, match=r"cell: parts/0.x of neuron 0 became infinite or NaN at t = "):
        net.run(10)
