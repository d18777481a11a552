//! The reader never panics or hangs, its errors point into the file, and its results are valid texts.
//! `DENDRION_FUZZ=1000000` runs that many cases.

use dendrion_language::define;
use dendrion_nmodl::read;
use proptest::prelude::*;

/// Pieces from which files are generated.
const WORDS: [&str; 103] = [
    "NEURON {",
    "SUFFIX x",
    "POINT_PROCESS x",
    "USEION ca READ cai, ica WRITE cai",
    "USEION k READ ek WRITE ik",
    "USEION ca READ eca, cao WRITE ica",
    "NONSPECIFIC_CURRENT i",
    "ELECTRODE_CURRENT i",
    "RANGE g, C",
    "PARAMETER {",
    "ASSIGNED {",
    "STATE {",
    "INITIAL {",
    "BREAKPOINT {",
    "SOLVE s METHOD cnexp",
    "DERIVATIVE s {",
    "PROCEDURE p(v) {",
    "FUNCTION f(x, y) {",
    "NET_RECEIVE(w) {",
    "UNITS {",
    "CONSTANT {",
    "LOCAL",
    "if (",
    "} else {",
    "} else if (",
    "if",
    "else",
    "TABLE m FROM 0 TO 1 WITH 2",
    "KINETIC",
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
    ".5",
    "(mV)",
    "(S/cm2)",
    "(/V)",
    "<0,1>",
    ": c",
    "\n",
    "g = g + w*f(1, 2)",
    "USEION Ca READ Cai, iCa, eCa WRITE Cai",
    "REPRESENTS CHEBI:29101",
    "REPRESENTS",
    "VERBATIM /* c */ return 0; ENDVERBATIM",
    "VERBATIM printf(\"%g\", v); ENDVERBATIM",
    "VERBATIM cai = _ion_cai; ENDVERBATIM",
    "VERBATIM {\" ENDVERBATIM",
    "\r",
    "} else if (v >= 2.5) {",
    "if (v < 2.5) {",
    "eca = 3",
];

/// Valid files from which pieces are taken.
const SEEDS: [&str; 10] = [
    include_str!("mod/squid.mod"),
    include_str!("mod/karect.mod"),
    include_str!("mod/cahva.mod"),
    include_str!("mod/capool.mod"),
    include_str!("mod/capoolother.mod"),
    include_str!("mod/sk.mod"),
    include_str!("mod/expo.mod"),
    include_str!("mod/twoexpo.mod"),
    include_str!("mod/leaky.mod"),
    include_str!("mod/shunt.mod"),
];

/// A small mechanism into which statements are inserted.
const FRAME: [&str; 3] = [
    "NEURON { POINT_PROCESS x NONSPECIFIC_CURRENT i USEION ca READ cai, ica, eca}
     PARAMETER { g = 2 (uS) a = 3 (/V) <0,1> C = 0 } ASSIGNED { v i b } STATE { m }
     FUNCTION f(x, y) { if (x < y) { f = x } else { f = x*y } } DERIVATIVE s { m' = -m }
     PROCEDURE p(v) { b = f(v, 3) + g } NET_RECEIVE(w) { m = m + w*f(g, 2) } BREAKPOINT { SOLVE s b = v i = b*m ",
    "} INITIAL { m = f(g, 0) ",
    "}",
];

fn words() -> impl Strategy<Value = String> {
    let seed = proptest::sample::select(SEEDS.to_vec()).prop_map(str::to_string);
    let word = proptest::sample::select(WORDS.to_vec()).prop_map(str::to_string);
    let piece = (seed, any::<u16>(), any::<u16>()).prop_map(|(s, a, b)| {
        let (a, b) = (usize::from(a) % (s.len() + 1), usize::from(b) % (s.len() + 1));
        s.get(a.min(b)..a.max(b)).unwrap_or("").to_string()
    });
    proptest::collection::vec(prop_oneof![3 => word, 1 => piece], 0..40).prop_map(|w| w.join(" "))
}

fn statements() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(WORDS[34..].to_vec());
    proptest::collection::vec(word, 0..14).prop_map(|w| w.join(" "))
}

/// Expressions that are mostly well-formed.
fn expression() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "v", "m", "g", "a", "C", "b", "cai", "ica", "eca", "dt", "area", "celsius", "0", "1", "2", "-1",
        "1e-9", "1e300",
    ]);
    leaf.prop_map(str::to_string).prop_recursive(6, 40, 3, |inner| {
        let operators = vec!["+", "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!=", "&&", "||"];
        let calls = vec!["exp", "log", "log10", "sqrt", "fabs", "tanh", "exprelr"];
        prop_oneof![
            (inner.clone(), proptest::sample::select(operators), inner.clone())
                .prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            (proptest::sample::select(calls), inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (proptest::sample::select(vec!["f", "pow", "fmin", "fmax"]), inner.clone(), inner.clone())
                .prop_map(|(f, a, b)| format!("{f}({a}, {b})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("!{a}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(exp({a}) - 1)*{b}")),
        ]
    })
}

fn cases() -> u32 {
    std::env::var("DENDRION_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(5_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_of_words(file in words()) {
        check(&file);
    }

    #[test]
    fn any_characters(file in "\\PC{0,60}") {
        check(&file);
    }

    #[test]
    fn a_file_with_a_hole(seed in 0..SEEDS.len(), at in any::<u16>(), length in 0..12_usize, word in 0..WORDS.len()) {
        let seed = SEEDS[seed];
        let from = usize::from(at) % seed.len();
        check(&[&seed[..from], WORDS[word], &seed[(from + length).min(seed.len())..]].concat());
    }

    #[test]
    fn statements_in_a_frame(step in statements(), initial in statements()) {
        check(&[FRAME[0], &step, FRAME[1], &initial, FRAME[2]].concat());
    }

    #[test]
    fn expressions_in_a_frame(value in expression(), condition in expression(), yes in expression(), first in expression()) {
        let step = format!("if ({condition}) {{ b = {value} }} else {{ b = {yes} }} i = b - {value}");
        let initial = format!("m = {first}");
        check(&[FRAME[0], &step, FRAME[1], &initial, FRAME[2]].concat());
    }
}

fn check(file: &str) {
    let translated = read(file);
    if let Ok(mechanism) = &translated {
        let definition = &mechanism.definition;
        assert_eq!(define(&definition.text).as_ref(), Ok(definition), "{}", definition.text);
    }
    if let Err(error) = translated {
        let file = &*file.replace("\r\n", "\n").replace('\r', "\n");
        assert!(!error.message.contains("internal error"), "{error}\n{file}");
        let line = file.split('\n').nth(error.line - 1);
        assert!(line.is_some_and(|l| error.column <= l.chars().count() + 1), "{error}");
    }
}

/// Time and memory are bounded for long files and for files with large expansions.
#[test]
fn long_files() {
    let many = |one: &str, n: usize| one.repeat(n);
    let inside = |step: &str| format!("{}{step}{}{}", FRAME[0], FRAME[1], FRAME[2]);
    let lines = |of: &dyn Fn(usize) -> String, n: usize| (0..n).map(of).collect::<Vec<_>>().concat();
    check(&many("(", 190_000));
    check(&many("x", 300_000));
    check(&many("COMMENT ", 20_000));
    check(&many("VERBATIM ", 20_000));
    check(&many("PARAMETER { x = 3 }", 9_000));
    check(&inside(&format!("b = {}v{}", many("(", 90), many(")", 90))));
    check(&inside(&format!("b = v{}", many(" + v", 20_000))));
    check(&inside(&format!("b = v{}{}", many(" * (v", 95), many(")", 95))));
    check(&inside(&format!("b = {}v", many("-", 50_000))));
    check(&inside(&format!("b = {}v", many("-", 90))));
    check(&inside(&format!("b = {}v", many("!", 90))));
    check(&inside(&format!("b = v{}", many("^2", 90))));
    check(&inside(&format!("b = {}v{}", many("f(", 90), many(", v)", 90))));
    check(&inside(&format!("b = {}v{}", many("exp(", 95), many(")", 95))));
    check(&inside(&many("b = b*b ", 12_000)));
    check(&inside(&many("if (v > b) { b = b + 1 } ", 3_000)));
    check(&inside(&format!("{}b = v{}", many("if (v > b) { ", 90), many("}", 90))));
    check(&inside(&format!("if (v > 1) {{ b = 2 }} {}", many("else if (v > b) { b = 3 } ", 90))));
    check(&inside(&lines(&|i| format!("LOCAL x{i} x{i} = v*{i} "), 5_000)));
    check(&inside(&lines(&|i| format!("if (v < {i}) {{ b = {i} }} "), 3_000)));
    let chain = lines(&|i| format!("else if (v < {i} && {i} <= m) {{ b = {i} }} "), 90);
    check(&inside(&format!("if (v < 0) {{ b = 2 }} {chain}")));
    check(&inside(&format!("if (v < 1{}) {{ b = 2 }}", many(" || v < 1", 20_000))));
    check(&format!("VERBATIM {}", many("printf(\"a\"); ", 9_000)));
    check(&format!("VERBATIM {} ENDVERBATIM", many("printf(\"a\"); ", 9_000)));
    check(&format!("VERBATIM {} ENDVERBATIM", many("/* c */ {", 9_000)));
    let never = lines(&|i| format!("a{i} "), 8_000);
    check(&format!("ASSIGNED {{ {never} }} {}", inside(&lines(&|i| format!("b = b + a{i} "), 4_000))));
    check(&inside(&lines(&|i| format!("if (ica > {i}) {{ ica = {i} }} "), 2_000)));
    // Each function calls the previous one twice, so a full expansion of the last one would have 2^40 calls.
    let doubling = lines(&|i| format!("FUNCTION f{}(x) {{ f{0} = f{i}(x*2)*f{i}(x + v) }}\n", i + 1), 40);
    check(&format!("FUNCTION f0(x) {{ f0 = x*v }}\n{doubling}{}", inside("b = f40(v)")));
    let chain = lines(&|i| format!("PROCEDURE p{}() {{ p{i}() }}\n", i + 1), 3_000);
    check(&format!("PROCEDURE p0() {{ b = 3 }}\n{chain}{}", inside("p3000()")));
    let parameters = lines(&|i| format!("p{i} = {i} (mV) : c\n"), 8_000);
    check(&format!("PARAMETER {{ {parameters} }} {}", inside("")));
    let ions = lines(&|i| format!("USEION x{i} READ x{i}i WRITE ix{i} "), 4_000);
    check(&format!("NEURON {{ SUFFIX y {ions} }} BREAKPOINT {{ }}"));
    let states = lines(&|i| format!("s{i} "), 20_000);
    check(&format!("STATE {{ {states} }} {}", inside("")));
    let arrivals = lines(&|i| format!("s{i} = s{i} + w "), 6_000);
    let states = lines(&|i| format!("s{i} "), 6_000);
    check(&format!(
        "NEURON {{ POINT_PROCESS y NONSPECIFIC_CURRENT i }} STATE {{ {states} }} BREAKPOINT {{ i = s0 }} NET_RECEIVE(w) {{ {arrivals} }}"
    ));
}
