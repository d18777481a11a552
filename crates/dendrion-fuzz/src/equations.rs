//! Texts in the language of equations: changed ones of the library and of the docs, and texts made by a grammar.

use std::fmt::Write;

use dendrion_equations::library;
use dendrion_language::define;

use crate::mutate::mutated;
use crate::random::Random;
use crate::trial::built;
use crate::{Outcome, Target};

/// Words for texts.
const WORDS: [&str; 92] = [
    "I",
    "V",
    "n",
    "dn/dt",
    "dt",
    "dV/dt",
    "s",
    "w",
    "g",
    "E",
    "tau",
    "area",
    "C",
    "gL",
    "V_rest",
    "pi",
    "weight",
    "event",
    "spike",
    "on",
    "after",
    "for",
    "and",
    "or",
    "not",
    "if",
    "else",
    "where(",
    "import",
    "export",
    "exp(",
    "log(",
    "min(",
    "max(",
    "clip(",
    "exprel(",
    "sqrt(",
    "tanh(",
    "abs(",
    "pow(",
    "expm1(",
    "log10(",
    "mV",
    "ms",
    "nS",
    "pA",
    "cm2",
    "um2",
    "mol",
    "mS/cm2",
    "1/ms",
    "uM",
    "degC",
    "1",
    "0",
    "2.5",
    "1e3",
    ".5",
    "3e",
    "=",
    "+=",
    "-=",
    ":",
    ";",
    "\n",
    "\n    ",
    "(",
    ")",
    "[",
    "]",
    ",",
    "+",
    "-",
    "*",
    "/",
    "^",
    "**",
    ">",
    "<=",
    "(>= 0)",
    "(in [0, 1])",
    "(> 0)",
    "# c",
    "n(0) = ",
    "on event: s += weight\n",
    "on spike: n += 1\n",
    "on V > 0 mV: refractory for 5 ms\n",
    "import Ca : mM = 1 mM\n",
    "export n\n",
    "dx/dt = -x/tau : 1\n",
    "_a",
    "I_Ca",
];

/// Names of texts of the library.
const LIBRARY: [&str; 17] = [
    "adaptive_if",
    "adex",
    "ca_pool",
    "cadif",
    "cal",
    "cat",
    "decaying_dendritic_spike",
    "dendritic_spike",
    "hh_k",
    "hh_na",
    "ih",
    "izhikevich",
    "ka",
    "kca",
    "kdr",
    "km",
    "nat",
];

/// Texts with features that the library does not use.
const OWN: [&str; 4] = [
    "I = s * g * (E - V) : pA\nds/dt = -s/(2 ms) : 1\non event: s += weight\ng = 1 nS (>= 0); E = 0 mV\n",
    "I = g * on_now * (E - V) : pA\non V >= V_th and not refractory:\n    on_now after 0.5 ms for duration\n    refractory for t_ref\n    fatigue += 0.1\n    fatigue = 0 after t_ref\ndfatigue/dt = 0 /ms : 1\ng = 10 nS; E = 0 mV; V_th = -40 mV; duration = 5 ms; t_ref = 20 ms\n",
    "dV/dt = (k*(V - V_rest)*(V + 40 mV) - u * 1 pA + I)/C\nk = 1 nS/mV\ndu/dt = -u/(3 ms) : 1\non spike: u += 2\nexport u\nimport Ca : mM = 2*Ca_rest\nCa_rest = 1 uM\n",
    "I = g*(a if V > -60 mV or a < 1 else b)*(E - V) : pA\nda/dt = where(a > 0.5, -a, 1 - a)/tau : 1\nb = clip(abs(V)/(10 mV), 0, 1)\na(0) = b\ng = 5 nS (>= 0); E = -90 mV; tau : ms (> 0)\n",
];

/// The language of equations.
pub(crate) struct Equations;

impl Target for Equations {
    fn make(&mut self, random: &mut Random) -> Vec<u8> {
        let corpus: Vec<&str> = LIBRARY.iter().filter_map(|name| library(name)).chain(OWN).collect();
        let text = match random.below(10) {
            0..6 => {
                let text = random.pick(&corpus);
                mutated(random, text, &corpus, &WORDS)
            }
            6 => (0..random.below(40)).map(|_| format!("{} ", random.pick(&WORDS))).collect(),
            7 | 8 => grammatical(random),
            _ => {
                let text = grammatical(random);
                mutated(random, &text, &corpus, &WORDS)
            }
        };
        text.into_bytes()
    }

    fn check(&mut self, input: &[u8], random: &mut Random) -> Result<Outcome, String> {
        let text = &*String::from_utf8_lossy(input);
        match define(text) {
            Ok(definition) => built(text, &definition, random),
            Err(error) => {
                let line = text.split('\n').nth(error.line.wrapping_sub(1));
                match line.is_some_and(|l| (1..=l.chars().count() + 1).contains(&error.column)) {
                    true => Ok("EquationError"),
                    false => Err(format!("the error points outside of the text: {error}")),
                }
            }
        }
    }
}

/// A text that is well formed, and mostly has the right dimensions.
fn grammatical(random: &mut Random) -> String {
    let mut text = String::from("g = 5 nS (>= 0); E = -90 mV; k = 8 mV (> 0); tau = 3 ms (> 0)\n");
    let states = random.within(1..5);
    for i in 0..states {
        let _ =
            writeln!(text, "dx{i}/dt = ({})/({}) : 1", number(random, 4, states), time(random, 3, states));
        if random.once_in(2) {
            let _ = writeln!(text, "x{i}(0) = {}", number(random, 2, states));
        }
    }
    for i in 0..random.below(3) {
        let _ = writeln!(text, "y{i} = {}", number(random, 4, states));
    }
    match random.below(6) {
        0 => text.push_str("on event: x0 += weight\n"),
        1 => {
            let _ = writeln!(text, "on spike: x0 = {}", number(random, 3, states));
        }
        2 => {
            let _ = writeln!(
                text,
                "on {}:\n    p after 1 ms for tau\n    x0 = {} after 2 ms",
                condition(random, 3, states),
                number(random, 3, states)
            );
        }
        _ => {}
    }
    if random.once_in(12) {
        let _ =
            writeln!(text, "dV/dt = ({} * 1 mV)/({})", number(random, 4, states), time(random, 2, states));
    } else {
        let _ =
            writeln!(text, "I = g * ({}) * ({}) : pA", number(random, 5, states), voltage(random, 3, states));
    }
    text
}

fn number(random: &mut Random, depth: usize, states: usize) -> String {
    if depth == 0 || random.once_in(6) {
        return match random.below(4) {
            0 | 1 => format!("x{}", random.below(states)),
            2 => ["0", "1", "2", "-0.5", "1e-9", "1e300"][random.below(6)].to_string(),
            _ => format!("({})/k", voltage(random, 0, states)),
        };
    }
    let one = |random: &mut Random| number(random, depth - 1, states);
    match random.below(12) {
        0 | 1 => format!("({} + {})", one(random), one(random)),
        2 => format!("({} - {})", one(random), one(random)),
        3 => format!("{} * {}", one(random), one(random)),
        4 => format!("({})/({})", one(random), one(random)),
        5 => format!("({})^{}", one(random), ["2", "3", "4", "-1", "0.5", "0"][random.below(6)]),
        6 => {
            let function =
                random.pick(&["exp", "expm1", "log", "log1p", "sqrt", "tanh", "exprel", "abs", "log10"]);
            format!("{function}({})", one(random))
        }
        7 => format!("{}({}, {})", random.pick(&["min", "max", "pow"]), one(random), one(random)),
        8 => format!("where({}, {}, {})", condition(random, depth - 1, states), one(random), one(random)),
        9 => format!("({} if {} else {})", one(random), condition(random, depth - 1, states), one(random)),
        10 => format!("1/(1 + exp(-({})/k))", voltage(random, depth - 1, states)),
        _ => format!("({})/k", voltage(random, depth - 1, states)),
    }
}

fn voltage(random: &mut Random, depth: usize, states: usize) -> String {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 | 1 => "(E - V)".into(),
        2 => "(V + 40 mV)".into(),
        3 => "V".into(),
        4 => format!("{} * ({})", voltage(random, depth - 1, states), number(random, depth - 1, states)),
        // Sometimes of another dimension.
        _ => format!(
            "({} + 3 {})",
            voltage(random, depth - 1, states),
            random.pick(&["mV", "mV", "mV", "mV", "uV", "ms"])
        ),
    }
}

fn time(random: &mut Random, depth: usize, states: usize) -> String {
    match random.below(if depth == 0 { 2 } else { 4 }) {
        0 => "tau".into(),
        1 => "3 ms".into(),
        2 => format!("(tau + 0.1 ms * {})", number(random, depth - 1, states)),
        _ => format!("max({}, 0.1 ms)", time(random, depth - 1, states)),
    }
}

fn condition(random: &mut Random, depth: usize, states: usize) -> String {
    if depth == 0 || random.once_in(2) {
        let operator = random.pick(&["<", "<=", ">", ">="]);
        return match random.once_in(2) {
            true => format!("V {operator} -40 mV"),
            false => {
                format!("{} {operator} {}", number(random, depth.min(1), states), number(random, 0, states))
            }
        };
    }
    match random.below(3) {
        0 => {
            format!("({} and {})", condition(random, depth - 1, states), condition(random, depth - 1, states))
        }
        1 => {
            format!("({} or {})", condition(random, depth - 1, states), condition(random, depth - 1, states))
        }
        _ => format!("(not {})", condition(random, depth - 1, states)),
    }
}
