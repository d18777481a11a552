TITLE A calcium current with its reversal potential

NEURON {
    SUFFIX cahva
    USEION ca READ eca WRITE ica
    RANGE gbar, C
    GLOBAL minf, hinf
}
PARAMETER { gbar = 1e-5 (mho/cm2) <0, 1> }
ASSIGNED { v (mV) eca (mV) ica (mA/cm2) C (mho/cm2) minf hinf }
STATE { m h }
BREAKPOINT {
    SOLVE states METHOD cnexp
    C = gbar*m*m*h
    ica = C*(v - eca)
}
INITIAL { m = steady(v, 0)  h = steady(v, 1) }
DERIVATIVE states {
    LOCAL mtau
    if (v == -27) { v = v + 0.0001 }
    minf = steady(v, 0)
    hinf = steady(v, 1)
    mtau = 1/(0.055*(-27 - v)/(exp((-27 - v)/3.8) - 1) + 0.94*exp((-75 - v)/17))
    m' = (minf - m)/mtau
    h' = (hinf - h)/150
}
: which = 0 is the activation, 1 the inactivation
FUNCTION steady(u (mV), which) {
    if (which == 0) {
        steady = 1/(1 + exp(-(u + 22)/6.5))
    } else if (which == 1) {
        steady = 1/(1 + exp((u + 40)/11))
    }
}
