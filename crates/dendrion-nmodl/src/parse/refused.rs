//! What NMODL has and the language of equations has not, and what to do about it.

pub(super) const VERBATIM: &str = "this C code is not interpreted; expected NMODL";
pub(super) const RETURN: &str = "C code that returns is accepted at the end of a PROCEDURE or block only; expected 'if' and 'else' in NMODL";
pub(super) const ARRAY: &str = "arrays have no counterpart; expected a variable for each element";

const LOOP: &str = "loops have no counterpart; expected each step written out";
const SEND: &str =
    "a mechanism sends no events to itself or others; expected 's = s + weight' in NET_RECEIVE";
const HIDDEN: &str = "it reaches into other mechanisms; expected what USEION, v or parameters give";
const BLOCK: &str =
    "this kind of block has no counterpart; expected its equations in DERIVATIVE or PROCEDURE";

/// Words that are refused wherever a block, a declaration or a statement may begin.
const WORDS: [(&str, &str); 43] = [
    ("KINETIC", "reaction schemes have no counterpart; expected their equations in a DERIVATIVE block"),
    ("LINEAR", "simultaneous equations have no counterpart; expected their solution in a PROCEDURE"),
    ("NONLINEAR", "simultaneous equations have no counterpart; expected their solution in a PROCEDURE"),
    ("DISCRETE", BLOCK),
    ("PARTIAL", BLOCK),
    ("BEFORE", BLOCK),
    ("AFTER", BLOCK),
    ("CONSTRUCTOR", BLOCK),
    ("DESTRUCTOR", BLOCK),
    ("STEPPED", BLOCK),
    ("TERMINAL", BLOCK),
    ("MODEL", BLOCK),
    ("FUNCTION_TABLE", "a table is only known once the simulation runs; expected a FUNCTION"),
    ("INCLUDE", "other files are not read; expected their text here"),
    ("ARTIFICIAL_CELL", "it has no membrane; expected SUFFIX or POINT_PROCESS"),
    ("LONGITUDINAL_DIFFUSION", "concentrations do not diffuse between compartments"),
    ("COMPARTMENT", "it belongs to KINETIC, which has no counterpart"),
    ("CONSERVE", "it belongs to KINETIC or LINEAR, which have no counterpart"),
    ("POINTER", HIDDEN),
    ("BBCOREPOINTER", HIDDEN),
    ("EXTERNAL", HIDDEN),
    ("RANDOM", "mechanisms draw no random numbers; expected a generator outside"),
    ("FOR_NETCONS", "a mechanism does not see its connections"),
    ("WATCH", "NMODL's conditions have no counterpart; write 'on V > ...:' in the language of equations"),
    ("net_send", SEND),
    ("net_event", SEND),
    ("net_move", SEND),
    ("at_time", "equations do not see the time; use a current or spike generator"),
    ("WHILE", LOOP),
    ("while", LOOP),
    ("FROM", LOOP),
    ("from", LOOP),
    ("FORALL", LOOP),
    ("REINIT", "it belongs to WATCH, which has no counterpart"),
    ("RESET", BLOCK),
    ("LAG", "equations do not see the past; expected a state"),
    ("MATCH", BLOCK),
    ("SENS", BLOCK),
    ("PROTECT", "mechanisms share no memory"),
    ("MUTEXLOCK", "mechanisms share no memory"),
    ("MUTEXUNLOCK", "mechanisms share no memory"),
    ("PUTQ", BLOCK),
    ("GETQ", BLOCK),
];

/// Functions that are refused where they are called.
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

/// Why a word is refused, where it is.
pub(super) fn word(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(w, _)| *w == word).map(|(_, why)| *why)
}

/// Why a call is refused, where it is.
pub(super) fn call(name: &str) -> Option<&'static str> {
    if CALLS.contains(&name) {
        return Some("mechanisms draw no random numbers; expected a generator outside");
    }
    word(name)
}
