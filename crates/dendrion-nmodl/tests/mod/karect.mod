TITLE A potassium current with a temperature of its own and branches

NEURON {
    SUFFIX karect
    USEION k READ ek WRITE ik
    RANGE gbar, shift, tau, inf
}
UNITS { (mV) = (millivolt) (mA) = (milliamp) (pS) = (picosiemens) (um) = (micron) }
PARAMETER {
    gbar = 12 (pS/um2) <0, 1e6>
    shift = 0 (mV)
    q10 = 2.3 (1) <1e-9, 1e9>
    celsius = 24 (degC)
    ek = -90 (mV)
    v (mV)
}
ASSIGNED { ik (mA/cm2) inf tau (ms) g (pS/um2) }
STATE { n }
LOCAL tadj
INITIAL { tadj = q10^((celsius - 23)/10(degC))  settle(v - shift)  n = inf }
BREAKPOINT {
    SOLVE kinetics METHOD derivimplicit
    g = gbar*pow(n, 2)
    ik = (1e-4)*g*(v - ek)
}
DERIVATIVE kinetics {
    settle(v - shift)
    n' = (inf - n)/tau
}
PROCEDURE settle(u (mV)) {
    inf = 1/(1 + exp(-(u + 30)/9))
    tau = bell(u)/tadj
    if (tau < 1.5) { tau = 1.5 }
}
FUNCTION bell(u (mV)) (ms) {
    if (u < -60 || u == -50) {
        bell = 4 + 0.05*(u + 60)
    } else if (u >= 0 && !(u > 40)) {
        bell = 2
    } else if (u > 40) {
        bell = 1
    } else {
        bell = 30/(1 + exp((u + 20)/8)) + 1.2
    }
}
