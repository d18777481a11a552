"""Calcium mechanisms in NMODL, with the equations of ``dn.channels.CaL``, ``CaPool`` and ``KCa``."""

CAL = """
NEURON { SUFFIX own_cal USEION ca WRITE ica RANGE g, e }
UNITS { (mV) = (millivolt) (mA) = (milliamp) (S) = (siemens) }
PARAMETER { g = 0.0001 (S/cm2) e = 120 (mV) }
ASSIGNED { v (mV) ica (mA/cm2) aq (/ms) bq (/ms) ar (/ms) br (/ms) }
STATE { q r }
BREAKPOINT { SOLVE states METHOD cnexp ica = g*q*q*r*(v - e) }
INITIAL { rates(v) q = aq/(aq + bq) r = ar/(ar + br) }
DERIVATIVE states { rates(v) q' = aq*(1 - q) - bq*q r' = ar*(1 - r) - br*r }
FUNCTION exprel(x) { if (fabs(x) < 1e-6) { exprel = 1 + x/2 } else { exprel = (exp(x) - 1)/x } }
PROCEDURE rates(v (mV)) {
    aq = 0.209/exprel(-(v + 27)/3.8)
    bq = 0.94*exp(-(v + 75)/17)
    ar = 0.000457*exp(-(v + 13)/50)
    br = 0.0065/(1 + exp(-(v + 15)/28))
}
"""
POOL = """
NEURON { SUFFIX own_pool USEION ca READ ica WRITE cai }
UNITS { (mA) = (milliamp) (mM) = (milli/liter) (um) = (micron) }
PARAMETER { gamma = 0.05 tau = 80 (ms) depth = 0.1 (um) rest = 1e-4 (mM) faraday = 96485.33212 }
ASSIGNED { ica (mA/cm2) }
STATE { cai (mM) }
BREAKPOINT { SOLVE states METHOD cnexp }
INITIAL { cai = rest }
DERIVATIVE states { cai' = -10000*gamma*ica/(2*faraday*depth) - (cai - rest)/tau }
"""
KCA = """
NEURON { SUFFIX own_kca USEION ca READ cai NONSPECIFIC_CURRENT i RANGE g, e }
UNITS { (mV) = (millivolt) (mA) = (milliamp) (S) = (siemens) (mM) = (milli/liter) }
PARAMETER { g = 0.0001 (S/cm2) e = -85 (mV) half = 0.00043 (mM) tau = 1 (ms) }
ASSIGNED { v (mV) i (mA/cm2) cai (mM) inf }
STATE { z }
BREAKPOINT { SOLVE states METHOD cnexp i = g*z*(v - e) }
INITIAL { rates(cai) z = inf }
DERIVATIVE states { rates(cai) z' = (inf - z)/tau }
PROCEDURE rates(ca (mM)) { if (ca < 1e-7) { ca = 1e-7 } inf = 1/(1 + (half/ca)^4.8) }
"""
