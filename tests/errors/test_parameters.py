"""Messages for invalid parameters name the module, the parameter, the value and the accepted values."""

import dendrion as dn
import numpy as np
import pytest

POSITIVE = r"expected a finite number > 0"
NOT_NEGATIVE = r"expected a finite number >= 0"


def test_unknown_keyword():
    with pytest.raises(dn.ParameterTypeError, match=r"Compartment: unexpected parameter gl = 3; did you mean 'gL'\?"):
        dn.Compartment(gl=3)
    with pytest.raises(TypeError, match=r"unexpected parameter Vth"):
        dn.MCNeuron(Vth=3)


@pytest.mark.parametrize("value", ["forty", 1j, [1, "a"], object()])
def test_wrong_type(value):
    with pytest.raises(dn.ParameterTypeError, match=r"Compartment: gL = .*: expected a number or an array of length 1"):
        dn.Compartment(gL=value)


def test_wrong_length_and_shape():
    with pytest.raises(
        dn.ParameterError,
        match=r"LeakyIF: I_ext = array of length 2: expected a number or an array of length 3",
    ):
        dn.LeakyIF(3, I_ext=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"C = array of shape \(1, 2\): expected a number or an array of shape \(2,\)"):
        dn.Compartment(2, C=[[1.0, 2.0]])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite(value):
    with pytest.raises(dn.ParameterError, match=r"Compartment: V_rest = (nan|-?inf): expected a finite number \(mV\)"):
        dn.Compartment(V_rest=value)
    with pytest.raises(dn.ParameterError, match=r"Compartment: V_rest\[1\] = (nan|-?inf)"):
        dn.Compartment(2, V_rest=[0.0, value])


@pytest.mark.parametrize("name", ["C", "gL", "r_axial", "area_factor"])
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_what_must_be_positive(name, value):
    with pytest.raises(dn.ParameterError, match=rf"Compartment: {name} = {value:g}: {POSITIVE}"):
        dn.Compartment(**{name: value})


@pytest.mark.parametrize("name", ["length", "diameter"])
def test_geometry_must_be_positive(name):
    geometry = {"length": 10.0, "diameter": 1.0, "gL": 40.0, "C": 1.0, name: 0.0}
    with pytest.raises(dn.ParameterError, match=rf"Compartment: {name} = 0: {POSITIVE} \(um\)"):
        dn.Compartment(**geometry)


@pytest.mark.parametrize("kind", [dn.AMPA, dn.NMDA, dn.GABA])
def test_receptors(kind):
    name = kind.__name__
    with pytest.raises(dn.ParameterError, match=rf"{name}: t_decay = None: expected a time constant > 0 \(ms\)"):
        kind()
    for parameter in ("t_decay", "t_rise"):
        given = {"t_decay": 5.0, parameter: 0.0}
        with pytest.raises(dn.ParameterError, match=rf"{name}: {parameter} = 0: {POSITIVE} \(ms\)"):
            kind(**given)
    for parameter in ("g", "w"):
        with pytest.raises(dn.ParameterError, match=rf"{name}: {parameter} = -0\.5: {NOT_NEGATIVE}"):
            kind(t_decay=5.0, **{parameter: -0.5})


def test_geometry_without_specific_values():
    with pytest.raises(dn.ParameterError, match=r"Compartment: gL = 2\.9 .*such as gL=50 \(uS/cm2\)"):
        dn.Compartment(length=10, diameter=1, C=1)
    with pytest.raises(dn.ParameterError, match=r"Compartment: C = 58\.9 .*such as C=1 \(uF/cm2\)"):
        dn.Compartment(length=10, diameter=1, gL=50)
    with pytest.raises(dn.ParameterError, match=r"diameter = None: expected either both length and diameter"):
        dn.Compartment(length=10, gL=50, C=1)
    with pytest.raises(
        dn.ParameterError, match=r"area_factor = .*: expected length and diameter \(um\) with this factor"
    ):
        dn.Compartment(area_factor=2.0)


def test_coupling_without_conductance():
    a = dn.Compartment(length=10, diameter=1, gL=50, C=1, r_axial=100, name="a")
    b = dn.Compartment(length=10, diameter=1, gL=50, C=1, name="b")
    with pytest.raises(dn.ParameterError, match=r"MCConn: g = None: expected a conductance >= 0.*\(b lacks r_axial\)"):
        dn.MCConn(a, b)
    with pytest.raises(dn.ParameterError, match=rf"MCConn: g = -1: {NOT_NEGATIVE} \(nS\)"):
        dn.MCConn(a, b, -1.0)


def test_soft_reset_needs_a_threshold_above_zero():
    with pytest.raises(dn.ParameterError, match=r"MCNeuron: V_th = -40\.0: must be > 0 if V_reset is None"):
        dn.MCNeuron(V_th=-40.0, V_reset=None)
    neuron = dn.MCNeuron(V_th=10.0, V_reset=None, name="n")
    neuron.soma = dn.LeakyIF(V_rest=0.0)
    net = dn.Network([neuron])
    with pytest.raises(dn.ParameterError, match=r"n: V_th = -1"):
        net.set_parameters({"n.V_th": -1.0})
    with pytest.raises(dn.StructureError, match=r"cannot be changed between None and a potential"):
        neuron.V_reset = 0.0


@pytest.mark.parametrize("size", [0, -3, 2.5, "2", True])
def test_sizes(size):
    with pytest.raises(
        (dn.ParameterError, dn.ParameterTypeError), match=r"size = .*expected an integer (>= 1|from 1 to)"
    ):
        dn.Compartment(size)


@pytest.mark.parametrize("dt", [0.0, -0.1, np.nan, np.inf, "0.1"])
def test_time_step(dt, pair):
    with pytest.raises((dn.ParameterError, dn.ParameterTypeError), match=r"network: dt = .*expected a .*number > 0"):
        dn.Network([pair(1)], dt=dt)


def test_other_settings(pair):
    with pytest.raises(dn.ParameterError, match=r"dtype = 'float16': expected 'float64' or 'float32'"):
        dn.Network([pair(1)], dtype="float16")
    with pytest.raises(dn.ParameterError, match=r"threads = 0: expected an integer from 1"):
        dn.Network([pair(1)], threads=0)
    with pytest.raises(dn.ParameterError, match=r"seed = -1: expected an integer from 0"):
        dn.Network([pair(1)], seed=-1)
    with pytest.raises(dn.ParameterTypeError, match=r"odemethod = 4: expected one of 'euler', .* SolverMethodODE"):
        dn.MCNeuron(odemethod=4)


def test_generators():
    with pytest.raises(dn.ParameterError, match=rf"PoissonGenerator: rate = -1: {NOT_NEGATIVE} \(Hz\)"):
        dn.PoissonGenerator(1, rate=-1.0)
    with pytest.raises(dn.ParameterError, match=r"BernoulliGenerator: prob = 1\.5: expected a number in \[0, 1\]"):
        dn.BernoulliGenerator(1, prob=1.5)
    with pytest.raises(dn.ParameterError, match=r"indices\[1\] = 2: expected an integer from 0 to 1"):
        dn.SpikeGenerator(2, indices=[0, 2], times=[1.0, 2.0])
    with pytest.raises(dn.ParameterError, match=r"times\[0\] = -1\.0: expected a finite time >= 0"):
        dn.SpikeGenerator(2, indices=[0], times=[-1.0])
    with pytest.raises(dn.ParameterError, match=r"expected the same shape \(n,\)"):
        dn.SpikeGenerator(2, indices=[0], times=[1.0, 2.0])
    with pytest.raises(dn.ParameterError, match=r"waveform of shape \(4, 2\): expected \(samples,\) or \(samples, 3\)"):
        dn.CurrentGenerator(3, waveform=np.zeros((4, 2)))
    with pytest.raises(dn.ParameterError, match=r"waveform\[1\] = nan"):
        dn.CurrentGenerator(1, waveform=[0.0, np.nan])
    with pytest.raises(dn.ParameterError, match=r"start = -1"):
        dn.DCGenerator(1, start=-1.0)


def test_in_a_network_the_path_is_named(pair):
    cells = pair(2)
    net = dn.Network([cells])
    with pytest.raises(dn.ParameterError, match=r"pair/dend: gL = 0: expected a finite number > 0"):
        cells.dend.gL = 0.0
    with pytest.raises(dn.ParameterError, match=r"pair/dend: C = array of length 3"):
        net.set_parameters({"pair/dend.C": [1.0, 2.0, 3.0]})
    with pytest.raises(
        dn.UnknownNameError, match=r'no parameter named "pair/dend\.gl"; did you mean "pair/dend\.gL"\?'
    ):
        net.set_parameters({"pair/dend.gl": 1.0})
    with pytest.raises(AttributeError, match=r"pair/dend has no attribute 'gl'; did you mean 'gL'\?"):
        _ = cells.dend.gl
    with pytest.raises(dn.StructureError, match=r"pair: refractory was 0 when the network was built"):
        net.set_parameters({"pair.refractory": 2.0})
    with pytest.raises(dn.UnknownNameError, match=r"no parameter named 'gl'; did you mean 'gL'\?"):
        dn.Compartment(frozen_params={"gl": 1.0})


def test_no_parameter_of_a_network_can_be_none():
    cell = dn.MCNeuron(2, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(2)
    cell.ampa = dn.AMPA(2, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    step, noise = dn.DCGenerator(1, 5.0, name="step"), dn.PoissonGenerator(2, 5.0, name="noise")
    synapse = dn.MCSynapse(noise, cell.ampa, dn.All2All(), plasticity=dn.STDP(), name="synapse")
    net = dn.Network([cell, step, noise, synapse, dn.ConnGen(step, cell.soma)])
    for key in net.parameters():
        with pytest.raises(dn.ParameterTypeError, match=f"{key} = None: expected a number or an array"):
            net.set_parameters({key: None})
