TITLE Calcium under the membrane

NEURON {
    SUFFIX capool
    USEION ca READ ica WRITE cai
    RANGE depth, taur, cainf
}
UNITS {
    (molar) = (1/liter)
    (mM) = (millimolar)
    (um) = (micron)
    (mA) = (milliamp)
    FARADAY = (faraday) (coulomb)
}
PARAMETER {
    depth = .1 (um) <1e-9, 1e9>
    taur = 80 (ms) <1e-9, 1e9>
    cainf = 1e-4 (mM) <0, 1e9>
}
ASSIGNED { ica (mA/cm2) drive (mM/ms) }
STATE { cai (mM) <1e-8> }
INITIAL { cai = cainf }
BREAKPOINT { SOLVE pool METHOD euler }
DERIVATIVE pool {
    drive = -(10000)*ica/(2*FARADAY*depth)
    if (drive <= 0.) { drive = 0. }
    cai' = drive + (cainf - cai)/taur
}
