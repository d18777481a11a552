//! Long files, and files with large expansions, are translated or rejected in time and memory proportional to their
//! length.

use dendrion_language::define;
use dendrion_nmodl::read;

/// A mechanism into which statements are inserted.
const FRAME: &str = include_str!("mod/frame.mod");

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

#[test]
fn long_files() {
    let many = |one: &str, n: usize| one.repeat(n);
    let inside = |step: &str| FRAME.replace(": STEP", step);
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
