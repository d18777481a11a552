TITLE A synapse that decays

NEURON { POINT_PROCESS Expo  NONSPECIFIC_CURRENT i  RANGE tau, e, i }
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (uS) = (microsiemens) }
PARAMETER { tau = 2 (ms) <1e-9, 1e9>  e = -5 (mV) : reversal potential
}
ASSIGNED { v (mV) i (nA) }
STATE { g (uS) }
INITIAL { g = 0 }
BREAKPOINT { SOLVE decay METHOD cnexp  i = g*(v - e) }
DERIVATIVE decay { g' = -g/tau }
NET_RECEIVE (weight (uS)) { state_discontinuity(g, g + weight) }
