TITLE Calcium in a state of another name, with the surface of the compartment

NEURON {
    SUFFIX capoolother
    USEION ca READ ica, cai WRITE cai VALENCE 2
}
CONSTANT { F = 96485.3 (coul) }
PARAMETER { tau = 20 (ms)  diam (um) }
ASSIGNED { ica (mA/cm2) cai (mM) }
STATE { c (mM) }
INITIAL { c = 2*cai  cai = c }
BREAKPOINT { SOLVE pool METHOD sparse }
DERIVATIVE pool {
    c' = -4e4*ica/(2*F*diam) - c/tau
    cai = c
}
