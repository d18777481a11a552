TITLE Sodium and potassium of the squid axon, and a leak

COMMENT
Written for the tests of Dendrion after Hodgkin & Huxley (1952), rest at -65 mV.
ENDCOMMENT

? interface
NEURON {
    SUFFIX squid
    REPRESENTS NCIT:C17145   : sodium channel
    REPRESENTS NCIT:C17008   : potassium channel
    USEION na READ ena WRITE ina REPRESENTS CHEBI:29101
    USEION k READ ek WRITE ik REPRESENTS CHEBI:29103 VALENCE 1
    NONSPECIFIC_CURRENT il
    RANGE gnabar, gkbar, gl, el, gna, gk
    GLOBAL minf, hinf, ninf, mtau, htau, ntau
    THREADSAFE
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (S)  = (siemens)
}

PARAMETER {
    gnabar = .12 (S/cm2)    <0,1e9>  : maximal sodium conductance
    gkbar = .036 (S/cm2)    <0,1e9>
    gl = 3e-4 (S/cm2)       <0,1e9>
    el = -54.3 (mV)
}

STATE { m h n }

ASSIGNED {
    v (mV)
    celsius (degC)
    ena (mV)
    ek (mV)
    gna (S/cm2)  gk (S/cm2)
    ina (mA/cm2)
    ik (mA/cm2)
    il (mA/cm2)
    minf hinf ninf
    mtau (ms) htau (ms) ntau (ms)
}

? the currents
BREAKPOINT {
    SOLVE states METHOD cnexp
    gna = gnabar*m^3*h
    ina = gna*(v - ena)
    gk = gkbar*n*n*n*n
    ik = gk*(v - ek)
    il = gl*(v - el)
}

INITIAL {
    rates(v)
    m = minf
    h = hinf
    n = ninf
}

DERIVATIVE states {
    rates(v)
    m' = (minf - m)/mtau
    h' = (hinf - h)/htau
    n' = (ninf - n)/ntau
}

UNITSOFF
PROCEDURE rates(v (mV)) {
    LOCAL a, b, q10
    TABLE minf, mtau, hinf, htau, ninf, ntau DEPEND celsius FROM -100 TO 100 WITH 200
    q10 = 3^((celsius - 6.3)/10)
    a = .1*vtrap(-(v + 40), 10)
    b = 4*exp(-(v + 65)/18)
    mtau = 1/(q10*(a + b))  minf = a/(a + b)
    a = .07*exp(-(v + 65)/20)
    b = 1/(exp(-(v + 35)/10) + 1)
    htau = 1/(q10*(a + b))  hinf = a/(a + b)
    a = .01*vtrap(-(v + 55), 10)
    b = .125*exp(-(v + 65)/80)
    ntau = 1/(q10*(a + b))  ninf = a/(a + b)
}

FUNCTION vtrap(x, y) {
    if (fabs(x/y) < 1e-6) {
        vtrap = y*(1 - x/y/2)
    } else {
        vtrap = x/(exp(x/y) - 1)
    }
}
UNITSON
