TITLE Potassium gated by calcium

NEURON {
    SUFFIX sk
    USEION k READ ek WRITE ik
    USEION ca READ cai
    RANGE gbar, ik
}
UNITS { (mM) = (milli/liter) }
PARAMETER { gbar = 1e-6 (mho/cm2)  zTau = 1 (ms) <1e-3, 1e3> }
ASSIGNED { v (mV) ek (mV) cai (mM) zInf }
STATE { z }
BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar*z*(v - ek)
}
DERIVATIVE states { zInf = gate(cai)  z' = (zInf - z)/zTau }
INITIAL { z = gate(cai) }
FUNCTION gate(ca (mM)) {
    if (ca < 1e-7) { ca = ca + 1e-7 }
    gate = 1/(1 + (0.00043/ca)^4.8)
}
