TITLE A synapse that rises and decays, with a block by magnesium

NEURON {
    POINT_PROCESS TwoExpo
    NONSPECIFIC_CURRENT i
    RANGE tau1, tau2, e, i, g, mg
}
PARAMETER {
    tau1 = 1 (ms) <1e-9, 1e9>
    tau2 = 5 (ms) <1e-9, 1e9>
    e = 0 (mV)
    mg = 1 (mM)
    gmax = 2 (umho)
}
ASSIGNED { v (mV) i (nA) g (uS) factor }
STATE { A B }
INITIAL {
    LOCAL tp
    if (tau1/tau2 > .9999) { tau1 = .9999*tau2 }
    A = 0
    B = 0
    tp = (tau1*tau2)/(tau2 - tau1)*log(tau2/tau1)
    factor = -exp(-tp/tau1) + exp(-tp/tau2)
    factor = 1/factor
}
BREAKPOINT {
    SOLVE state METHOD cnexp
    g = gmax*(B - A)
    i = g*block(v)*(v - e)
}
DERIVATIVE state { A' = -A/tau1  B' = -B/tau2 }
FUNCTION block(v (mV)) { block = 1/(1 + exp(-0.062(/mV)*v)*(mg/3.57(mM))) }
NET_RECEIVE (w) {
    A = A + w*factor
    B = w*factor + B
}
