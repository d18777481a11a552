"""Print potentials of cells with channels, computed by Brian2 2.9 with forward Euler.

The output is JSON: for each case, the potential (mV) at the beginning of each of 100 ms, with dt 0.01 ms. The equations
are repeated here in the form in which the papers present them.
"""

import json
import sys

import brian2 as b

b.prefs.codegen.target = "numpy"
b.defaultclock.dt = 0.01 * b.ms

# Soma 20 x 20 um: area in cm2; leak 0.1 mS/cm2 and -65 mV, 1 uF/cm2, all per area; current in uA/cm2.
AREA = 3.141592653589793 * 20 * 20 * 1e-8

COMMON = {
    "hh": (
        """
        I = 120*m**3*h*(50 - v) + 36*n**4*(-77 - v) + 0.3*(-54.3 - v) : 1
        dm/dt = (0.1*(v + 40)/(1 - exp(-(v + 40)/10))*(1 - m) - 4*exp(-(v + 65)/18)*m)/ms : 1
        dh/dt = (0.07*exp(-(v + 65)/20)*(1 - h) - 1/(1 + exp(-(v + 35)/10))*h)/ms : 1
        dn/dt = (0.01*(v + 55)/(1 - exp(-(v + 55)/10))*(1 - n) - 0.125*exp(-(v + 65)/80)*n)/ms : 1
        """,
        {"m": 0.05, "h": 0.6, "n": 0.32},
        10.0,
    ),
    "ka": (
        """
        I = 3*m**4*h*(-95 - v) + 0.1*(-65 - v) : 1
        dm/dt = (1/(1 + exp((-v - 60)/8.5)) - m)/(0.185 + 0.5/(exp((v + 35.8)/19.7) + exp((-v - 79.7)/12.7)))/ms : 1
        dh/dt = (1/(1 + exp((v + 78)/6)) - h)/tau_h/ms : 1
        tau_h = 0.5/(exp((v + 46)/5) + exp((-v - 238)/37.5))*int(v <= -63) + 9.5*int(v > -63) : 1
        """,
        {"m": 0.3, "h": 0.1},
        2.0,
    ),
    "ih": (
        """
        I = 0.2*m*(-45 - v) + 0.1*(-65 - v) : 1
        dm/dt = (0.001*6.43*(v + 154.9)/(exp((v + 154.9)/11.9) - 1)*(1 - m) - 0.001*193*exp(v/33.1)*m)/ms : 1
        """,
        {"m": 0.2},
        -3.0,
    ),
    "cat_kca": (
        """
        I = ICa + 0.5*z*(-85 - v) + 0.1*(-65 - v) : 1
        ICa = 0.4*s**2*u*(120 - v) : 1
        s = 1/(1 + exp(-(v + 2 + 57)/6.2)) : 1
        du/dt = (1/(1 + exp((v + 2 + 81)/4)) - u)/tau_u/ms : 1
        tau_u = (30.8 + (211.4 + exp((v + 2 + 113.2)/5))/(1 + exp((v + 2 + 84)/3.2)))/3.7 : 1
        dz/dt = (1/(1 + (0.00043/ca)**4.8) - z)/ms : 1
        dca/dt = (10*ICa*0.05/(2*96485.33212*0.1) - (ca - 1e-4)/80)/ms : 1
        """,
        {"u": 0.4, "z": 0.01, "ca": 1e-4},
        0.5,
    ),
}


def cell(equations, initial, current):
    """Return the potential of a cell with these currents, in uA/cm2, and a current from 10 to 60 ms."""
    text = f"dv/dt = (I + {current}*int(t >= 9.995*ms)*int(t < 59.995*ms))/ms : 1" + equations
    group = b.NeuronGroup(1, text, method="euler")
    group.v = -65
    for name, value in initial.items():
        setattr(group, name, value)
    monitor = b.StateMonitor(group, "v", record=True, dt=1 * b.ms, when="start")
    b.run(100 * b.ms)
    return monitor.v[0].tolist()


def adex():
    """Return the potential of an adaptive exponential neuron, 800 pA from 10 to 60 ms."""
    text = """
    dv/dt = (30*(-70.6 - v) + 30*2*exp((v + 50.4)/2) - w + 800*int(t >= 9.995*ms)*int(t < 59.995*ms))/281/ms : 1
    dw/dt = (4*(v + 70.6) - w)/144/ms : 1
    """
    group = b.NeuronGroup(1, text, threshold="v > -40.4", reset="v = -70.6; w += 80.5", method="euler")
    group.v = -70.6
    monitor = b.StateMonitor(group, "v", record=True, dt=1 * b.ms, when="start")
    b.run(100 * b.ms)
    return monitor.v[0].tolist()


json.dump({name: cell(*case) for name, case in COMMON.items()} | {"adex": adex()}, sys.stdout)
print()
