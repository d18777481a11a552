//! Unsupported NMODL constructs, each with the reason and an alternative.

pub(super) const VERBATIM: &str = "C code is not supported; rewrite it in NMODL";
pub(super) const RETURN: &str = "a return in C code is only supported at the end of a PROCEDURE or block; use 'if' and 'else' in NMODL instead";
pub(super) const ARRAY: &str = "arrays are not supported; use one variable per element";

const LOOP: &str = "loops are not supported; write out each iteration";
const SEND: &str = "a mechanism cannot send events; only 's = s + weight' in NET_RECEIVE is supported";
const HIDDEN: &str = "pointers to other mechanisms are not supported; use USEION, v or parameters instead";
const BLOCK: &str =
    "this kind of block is not supported; move its equations to a DERIVATIVE or PROCEDURE block";

/// Words that are rejected at the beginning of a block, a declaration or a statement.
const WORDS: [(&str, &str); 43] = [
    ("KINETIC", "reaction schemes are not supported; write their equations in a DERIVATIVE block"),
    ("LINEAR", "simultaneous equations are not supported; compute their solution in a PROCEDURE"),
    ("NONLINEAR", "simultaneous equations are not supported; compute their solution in a PROCEDURE"),
    ("DISCRETE", BLOCK),
    ("PARTIAL", BLOCK),
    ("BEFORE", BLOCK),
    ("AFTER", BLOCK),
    ("CONSTRUCTOR", BLOCK),
    ("DESTRUCTOR", BLOCK),
    ("STEPPED", BLOCK),
    ("TERMINAL", BLOCK),
    ("MODEL", BLOCK),
    ("FUNCTION_TABLE", "tables set at run time are not supported; use a FUNCTION instead"),
    ("INCLUDE", "included files are not read; insert their text here"),
    ("ARTIFICIAL_CELL", "artificial cells are not supported; expected SUFFIX or POINT_PROCESS"),
    (
        "LONGITUDINAL_DIFFUSION",
        "diffusion is not supported in NMODL files; write 'diffuse c = D' in the equation language instead",
    ),
    ("COMPARTMENT", "it is only used in KINETIC blocks, which are not supported"),
    ("CONSERVE", "it is only used in KINETIC and LINEAR blocks, which are not supported"),
    ("POINTER", HIDDEN),
    ("BBCOREPOINTER", HIDDEN),
    ("EXTERNAL", HIDDEN),
    ("RANDOM", "mechanisms cannot draw random numbers; use a generator or noise instead"),
    ("FOR_NETCONS", "a mechanism has no access to its connections"),
    ("WATCH", "conditional events are not supported; write 'on V > ...:' in the equation language instead"),
    ("net_send", SEND),
    ("net_event", SEND),
    ("net_move", SEND),
    (
        "at_time",
        "equations cannot depend on the time t; drive the neuron with a current or spike generator instead",
    ),
    ("WHILE", LOOP),
    ("while", LOOP),
    ("FROM", LOOP),
    ("from", LOOP),
    ("FORALL", LOOP),
    ("REINIT", "it is only used with WATCH, which is not supported"),
    ("RESET", BLOCK),
    ("LAG", "equations have no access to past values; use a state instead"),
    ("MATCH", BLOCK),
    ("SENS", BLOCK),
    ("PROTECT", "mechanisms cannot share memory"),
    ("MUTEXLOCK", "mechanisms cannot share memory"),
    ("MUTEXUNLOCK", "mechanisms cannot share memory"),
    ("PUTQ", BLOCK),
    ("GETQ", BLOCK),
];

/// Functions that are rejected where they are called.
const CALLS: [&str; 11] = [
    "exprand",
    "normrand",
    "poisrand",
    "poisson",
    "scop_random",
    "nrn_random_pick",
    "nrnran123_dblpick",
    "nrn_random_play",
    "random_uniform",
    "random_negexp",
    "random_normal",
];

/// Returns the reason why a word is not supported, or `None` if it is supported.
pub(super) fn word(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(w, _)| *w == word).map(|(_, why)| *why)
}

/// Returns the reason why a call is not supported, or `None` if it is supported.
pub(super) fn call(name: &str) -> Option<&'static str> {
    if CALLS.contains(&name) {
        return Some("mechanisms cannot draw random numbers; use a generator or noise instead");
    }
    word(name)
}
