//! NMODL files: modified files of the tests of `dendrion-nmodl`, and random statements in a frame.

use dendrion_language::define;
use dendrion_nmodl::read;

use crate::mutate::{characters, mutated, words};
use crate::random::Random;
use crate::reader::{Outcome, Target};
use crate::trial::built;

/// Words that are inserted into files.
const WORDS: [&str; 112] = [
    "NEURON {",
    "SUFFIX x",
    "POINT_PROCESS x",
    "USEION ca READ cai, ica WRITE cai",
    "USEION k READ ek WRITE ik",
    "USEION Ca READ Cai, iCa WRITE Cai VALENCE 2",
    "NONSPECIFIC_CURRENT i",
    "ELECTRODE_CURRENT i",
    "RANGE g, C",
    "GLOBAL g",
    "POINTER p",
    "THREADSAFE",
    "PARAMETER {",
    "ASSIGNED {",
    "STATE {",
    "INITIAL {",
    "BREAKPOINT {",
    "SOLVE s METHOD cnexp",
    "SOLVE s METHOD sparse",
    "DERIVATIVE s {",
    "PROCEDURE p(v) {",
    "FUNCTION f(x, y) {",
    "NET_RECEIVE(w) {",
    "UNITS {",
    "CONSTANT {",
    "LOCAL a, b",
    "if (",
    "} else {",
    "} else if (",
    "if",
    "else",
    "while (v > 0) {",
    "TABLE m FROM 0 TO 1 WITH 2",
    "KINETIC s {",
    "~ a <-> b (1, 2)",
    "VERBATIM",
    "ENDVERBATIM",
    "COMMENT",
    "ENDCOMMENT",
    "TITLE",
    "f(v, 2)",
    "p(v)",
    "exp(",
    "log(",
    "pow(",
    "fabs(",
    "fmin(",
    "exprelr(",
    "m'",
    "m",
    "g",
    "C",
    "i",
    "ik",
    "ica",
    "cai",
    "eca",
    "v",
    "t",
    "dt",
    "celsius",
    "area",
    "diam",
    "w",
    "f",
    "x",
    "a",
    "=",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "!",
    "+",
    "-",
    "*",
    "/",
    "^",
    "(",
    ")",
    "{",
    "}",
    ",",
    "0",
    "1",
    "2.5",
    "1e-3",
    "1e308",
    "(mV)",
    "(S/cm2)",
    "<0,1>",
    "\n",
    "REPRESENTS CHEBI:29101",
    "VERBATIM printf(\"%g\", v); ENDVERBATIM",
    "VERBATIM /* c */ return 0; ENDVERBATIM",
    "VERBATIM cai = _ion_cai; ENDVERBATIM",
    "VERBATIM {\" ENDVERBATIM",
    "USEION ca READ eca, cao WRITE ica",
    "USEION Ca READ Cai, iCa, eCa WRITE Cai",
    "REPRESENTS",
    "LOCAL",
    "(/V)",
    ".5",
    ": c",
    "\r",
    "g = g + w*f(1, 2)",
    "eca = 3",
    "if (v < 2.5) {",
    "if (v >= 2.5) {",
    "} else if (v >= 2.5) {",
];

/// Valid files.
const CORPUS: [&str; 10] = [
    include_str!("../../dendrion-nmodl/tests/mod/squid.mod"),
    include_str!("../../dendrion-nmodl/tests/mod/karect.mod"),
    include_str!("../../dendrion-nmodl/tests/mod/cahva.mod"),
    include_str!("../../dendrion-nmodl/tests/mod/capool.mod"),
    include_str!("../../dendrion-nmodl/tests/mod/capoolother.mod"),
    include_str!("../../dendrion-nmodl/tests/mod/sk.mod"),
    include_str!("../../dendrion-nmodl/tests/mod/expo.mod"),
    include_str!("../../dendrion-nmodl/tests/mod/twoexpo.mod"),
    include_str!("../../dendrion-nmodl/tests/mod/leaky.mod"),
    include_str!("../../dendrion-nmodl/tests/mod/shunt.mod"),
];

/// A mechanism into which statements are inserted.
const FRAME: &str = include_str!("../../dendrion-nmodl/tests/mod/frame.mod");

/// The target for NMODL files.
pub(crate) struct Nmodl;

impl Target for Nmodl {
    fn make(&mut self, random: &mut Random) -> Vec<u8> {
        let text = match random.below(20) {
            0..11 => {
                let text = random.pick(&CORPUS);
                mutated(random, text, &CORPUS, &WORDS)
            }
            11 | 12 => words(random, &WORDS, 40),
            13..17 => framed(random),
            17 => FRAME
                .replace(": STEP", &words(random, &WORDS, 14))
                .replace(": FIRST", &words(random, &WORDS, 14)),
            18 => {
                let text = framed(random);
                mutated(random, &text, &CORPUS, &WORDS)
            }
            _ => characters(random),
        };
        text.into_bytes()
    }

    fn check(&mut self, input: &[u8], random: &mut Random) -> Result<Outcome, String> {
        let file = &*String::from_utf8_lossy(input);
        let mechanism = match read(file) {
            Ok(mechanism) => mechanism,
            Err(error) => {
                let file = file.replace("\r\n", "\n").replace('\r', "\n");
                let line = file.split('\n').nth(error.line.wrapping_sub(1));
                let inside = line.is_some_and(|l| (1..=l.chars().count() + 1).contains(&error.column));
                return if inside && !error.message.contains("internal error") {
                    Ok("EquationError")
                } else {
                    Err(format!("the error is internal, or its position is outside the file: {error}"))
                };
            }
        };
        let definition = &mechanism.definition;
        if define(&definition.text).as_ref() != Ok(definition) {
            return Err(format!("the text is not parsed as the same equations:\n{}", definition.text));
        }
        built(&definition.text, definition, random)
    }
}

/// Returns statements in a frame that are mostly well-formed.
fn framed(random: &mut Random) -> String {
    let block =
        |random: &mut Random| (0..random.below(5)).map(|_| statement(random, 3) + "\n").collect::<String>();
    let (step, first) = (block(random), block(random));
    FRAME.replace(": STEP", &step).replace(": FIRST", &first)
}

fn statement(random: &mut Random, depth: usize) -> String {
    let name = random.pick(&["b", "b", "b", "m", "n", "i", "a"]);
    match random.below(if depth == 0 { 2 } else { 5 }) {
        0 | 1 => format!("{name} = {}", value(random, 4)),
        2 => "p(v)".into(),
        3 => format!("if ({}) {{ {} }}", value(random, 3), statement(random, depth - 1)),
        _ => {
            let (yes, no) = (statement(random, depth - 1), statement(random, depth - 1));
            format!("if ({}) {{ {yes} }} else {{ {no} }}", value(random, 3))
        }
    }
}

fn value(random: &mut Random, depth: usize) -> String {
    const LEAVES: [&str; 16] =
        ["v", "v", "m", "n", "g", "a", "b", "cai", "ica", "dt", "celsius", "0", "1", "-2.5", "1e-9", "1e300"];
    if depth == 0 || random.once_in(5) {
        return random.pick(&LEAVES).to_string();
    }
    let one = |random: &mut Random| value(random, depth - 1);
    match random.below(8) {
        0..3 => {
            const OPERATORS: [&str; 13] =
                ["+", "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!=", "&&", "||"];
            let operator = random.pick(&OPERATORS);
            format!("({} {operator} {})", one(random), one(random))
        }
        3 => format!(
            "{}({})",
            random.pick(&["exp", "log", "log10", "sqrt", "fabs", "tanh", "exprelr"]),
            one(random)
        ),
        4 => format!("{}({}, {})", random.pick(&["f", "pow", "fmin", "fmax"]), one(random), one(random)),
        5 => format!("(-{})", one(random)),
        6 => format!("(exp({}) - 1)", one(random)),
        _ => format!("({}/(1 - exp(-{}/10)))", one(random), one(random)),
    }
}
