COMMENT A conductance at a place, and a current from an electrode. ENDCOMMENT
NEURON {
    POINT_PROCESS Shunt
    NONSPECIFIC_CURRENT i
    ELECTRODE_CURRENT il
    RANGE r, e, amp
}
PARAMETER { r = 200 (megohm) <1e-9, 1e9>  e = -60 (mV)  amp = 0.25 (nA) }
ASSIGNED { i (nA) v (mV) il (nA) }
BREAKPOINT {
    il = amp
    i = (v - e)/r
}
