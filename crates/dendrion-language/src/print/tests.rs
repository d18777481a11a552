//! Printing and parsing are inverse operations.

use proptest::prelude::*;

use crate::parse;
use crate::stack::recurse;
use crate::syntax::{Id, Node, Statement, Syntax};

/// Returns a fully parenthesized form of an expression.
fn shape(syntax: &Syntax, id: Id) -> String {
    match &syntax.nodes[id].0 {
        Node::Number(value, unit) => format!("[{value} {}]", unit.text),
        Node::Name(name) => name.to_string(),
        Node::Apply(f, operands) => {
            let operand = |id: &Id| recurse(|| shape(syntax, *id));
            let operands: Vec<String> = operands.iter().map(operand).collect();
            format!("({f:?} {})", operands.join(" "))
        }
    }
}

fn shapes(syntax: &Syntax) -> Vec<String> {
    let mut found = Vec::new();
    for statement in &syntax.statements {
        statement.clone().visit(|id| found.push(shape(syntax, *id)));
    }
    found
}

/// Parsing the printed text of a tree yields the same tree.
fn check(text: &str) {
    let syntax = parse(text).unwrap_or_else(|error| panic!("{error}"));
    let printed = syntax.to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("{error}\n{text}\n{printed}"));
    assert_eq!(shapes(&again), shapes(&syntax), "{text}\n{printed}");
    assert_eq!(again.to_string(), printed);
    let docs = |syntax: &Syntax| -> Vec<String> {
        let doc = |statement: &Statement| match statement {
            Statement::Define { doc, .. } | Statement::Declare { doc, .. } => Some(doc.clone()),
            _ => None,
        };
        syntax.header.iter().cloned().chain(syntax.statements.iter().filter_map(doc)).collect()
    };
    assert_eq!(docs(&again), docs(&syntax), "{printed}");
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = vec![
        "a", "b", "V", "pi", "mV", "cm2", "0", "2", "1e-9", "2.5e300", "3 mV", "1 mA/cm2", "4 ms^-2",
        "5 mV^0.5",
    ];
    let leaf = proptest::sample::select(leaf).prop_map(str::to_string);
    leaf.prop_recursive(6, 30, 3, |inner| {
        let operators =
            ["+", "-", "*", "/", "^", "**", "<", "<=", ">", ">=", "and", "or", "+", "-", "*", "/", "^"];
        let calls = ["exp", "log10", "sqrt", "exprel", "abs"];
        prop_oneof![
            (inner.clone(), proptest::sample::select(operators.to_vec()), inner.clone())
                .prop_map(|(a, o, b)| format!("({a}) {o} ({b})")),
            (proptest::sample::select(vec!["+", "-", "*", "/"]), inner.clone())
                .prop_map(|(o, a)| format!("a {o} b {o} ({a})")),
            (proptest::sample::select(calls.to_vec()), inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (proptest::sample::select(vec!["pow", "min", "max"]), inner.clone(), inner.clone())
                .prop_map(|(f, a, b)| format!("{f}({a}, {b})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) if ({b}) else {c}")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("where({a}, {b}, {c})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    let unit = proptest::sample::select(vec![
        "",
        " : 1",
        " : mV",
        " : nS / um2",
        " : pA ms",
        " : / ms^1/2",
        " : mM^-0.5",
    ]);
    let bound = proptest::sample::select(vec!["", " (> 0)", " (>= 0)", " (in [0, 1])"]);
    let doc = proptest::sample::select(vec!["", "  # of a", "#", "; e = 3 # shared"]);
    let define = (expression(), unit.clone(), bound, doc)
        .prop_map(|(value, unit, bound, doc)| format!("a = {value}{unit}{bound}{doc}"));
    let other = (expression(), expression(), unit).prop_map(|(value, time, unit)| {
        [
            format!("dx/dt = {value}{unit}"),
            format!("x(0) = {value}"),
            format!("import Ca : mM = {value}"),
            format!("export x = {value}"),
            format!(
                "on ({value}):\n    x += {time} after {value}\n    x = 0\n    f after {time} for {value}"
            ),
            format!("on spike: x -= {value}; y = {time}"),
        ]
    });
    prop_oneof![define, (other, 0..6_usize).prop_map(|(all, i)| all[i].clone())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printed_trees_are_read_as_the_same_trees(statements in proptest::collection::vec(statement(), 1..4)) {
        check(&format!("# first\n\n#\n{}\n", statements.join("\n# between\n")));
    }
}

#[test]
fn words_of_events_as_names() {
    for text in ["on (event): x = 1", "on event: x += weight", "on (spike) > 0: x = 1", "on spike: x = 1"] {
        check(text);
    }
}

/// A chain of sums has a single level of nesting in the text, but thousands of levels in the tree.
#[test]
fn long_chains() {
    check(&format!("a = b{}", " + b".repeat(5_000)));
}

#[test]
fn parentheses_only_where_they_are_needed() {
    let texts = [
        ("a = (-V)^2 - (b - (c - 3)) - ((d - e)) ", "a = (-V)^2 - (b - (c - 3)) - (d - e)\n"),
        ("a = 1/(1 + exp(-(V - b)/8 mV))", "a = 1 / (1 + exp(-(V - b) / (8 mV)))\n"),
        ("a = 0.3*mS/cm**2 : mS/cm2 (>= 0)", "a = 0.3*mS/cm^2 : mS/cm2 (>= 0)\n"),
        (
            "a = 1 if not (V > 2 mV and b) else (2 if c else 3)",
            "a = where(not (V > 2 mV and b), 1, where(c, 2, 3))\n",
        ),
        ("a = ((b)^-c)^d*(2 ms)^2", "a = (b^-c)^d * (2 ms)^2\n"),
    ];
    for (text, expected) in texts {
        assert_eq!(parse(text).map(|s| s.to_string()).as_deref(), Ok(expected));
    }
}
