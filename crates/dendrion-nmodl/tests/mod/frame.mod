: Tests replace the comments STEP and FIRST with statements.
NEURON { POINT_PROCESS x NONSPECIFIC_CURRENT i USEION ca READ cai, ica, eca }
PARAMETER { g = 2 (uS) a = 3 (/V) <0,1> C = 0 }
ASSIGNED { v i b }
STATE { m n }
FUNCTION f(x, y) { if (x < y) { f = x } else { f = x*y } }
DERIVATIVE s { m' = -m n' = (f(v, m) - n)/a }
PROCEDURE p(v) { b = f(v, 3) + g }
NET_RECEIVE(w) { m = m + w*f(g, 2) }
BREAKPOINT {
    SOLVE s METHOD cnexp
    b = v
    : STEP
    i = b*m
}
INITIAL {
    m = f(g, 0)
    : FIRST
}
