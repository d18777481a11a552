//! Functions of `x`: texts, errors, and texts that are written from values.

use dendrion_language::{Function, Value, formula, write_formula};

#[test]
fn the_value_is_the_last_statement() {
    for text in
        ["0.5", "1/(1 + x^2)", "a = 2; b = a*x\n1/(1 + b*b)", "c = x > 0; 1 if c else 0; ", "x\n# end"]
    {
        let formula = formula(text).expect(text);
        assert_eq!(formula.definition.parameters[0].name, "x");
        assert!(formula.definition.expressions.iter().any(|e| e.name.is_empty() && e.value == formula.value));
    }
}

#[test]
fn constants_are_parameters() {
    let formula = formula("alpha = 2 (> 0)  # steepness\nalpha/(1 + x*x)").expect("valid");
    let alpha = &formula.definition.parameters[1];
    assert_eq!((alpha.name.as_str(), alpha.default, alpha.doc.as_str()), ("alpha", Some(2.0), "steepness"));
}

/// Functions of x have no currents, so `I` is a name like any other.
#[test]
fn names_of_mechanisms_have_no_special_meaning() {
    let formula = formula("I = 2 (> 0); V = x*I; V").expect("valid");
    assert_eq!(formula.definition.parameters[1].name, "I");
}

#[test]
fn constant_conditions_are_named_expressions() {
    for text in ["c = 1 > 2; where(c, x, 1)", "c = not (1 > 2) and pi < 4; d = c or x > 0; 1 if d else x"] {
        let formula = formula(text).expect(text);
        assert_eq!(formula.definition.parameters.len(), 1, "{text}");
    }
}

/// The message for a statement of another kind.
const DEFINITION: &str =
    "expected a definition 'name = ...', or the value of the function as the last statement";

#[test]
fn wrong_texts_are_explained() {
    for (text, message, column) in [
        (" ", "the text is empty; expected an expression in terms of x, such as '1 / (1 + x^2)'", 1),
        ("y = x*x", "the last statement is a definition; expected an expression in terms of x", 1),
        ("1/(1 + abs(V))", "unknown name 'V'; expected one of: pi, x", 12),
        ("y = 1; 1/(1 + y1)", "unknown name 'y1'; did you mean 'y'?", 15),
        ("y : mV; x", DEFINITION, 1),
        ("dy/dt = x; x", DEFINITION, 1),
        ("x^2; 1/x", DEFINITION, 1),
        ("y = 2; 2 = y; x", DEFINITION, 8),
        ("y(0) = 2; x", DEFINITION, 1),
        ("import y : mV; x", DEFINITION, 1),
        ("on x > 0: y = 2\nx", DEFINITION, 1),
        ("x > 0", "the value is a condition; expected a pure number, such as 'where(", 1),
        ("x * 2 mV", "numbers in a function of x cannot have units; write a product as '2 * mV'", 7),
        ("2 x", "numbers in a function of x cannot have units; write a product as '2 * x'", 3),
        ("x : mV", "numbers in a function of x cannot have units", 3),
        ("y = 2 : mV; x", "numbers in a function of x cannot have units", 7),
        ("x (> 0)", "the value is not a parameter, so it cannot have a bound", 1),
        ("1/(1 + x", "unexpected end of the line; expected ')' to close '('", 9),
        ("x = 2; x", "'x' is the argument of the function; choose another name", 1),
        ("x = x + 1; x", "'x' is the argument of the function; choose another name", 1),
        ("y = 2; y = 3; x", "'y' is defined twice", 8),
        ("pi = 3; x", "'pi' is predefined; choose another name", 1),
        ("y = y + x; y", "'y' depends on itself; expected an expression in terms of x and other names", 1),
        ("where(x, 1, 2)", "this expression is a quantity; expected a condition, such as 'x > 0'", 7),
        ("c = 1 > 2 (> 0); where(c, 1, x)", "'c' is not a parameter, so it cannot have a bound", 1),
        (
            "c = 1 > 2; c*x",
            "this expression is a condition; expected a quantity, such as 'where(condition, 1, 0)'",
            12,
        ),
        ("1/", "unexpected end of the line; expected a number, a name or '('", 3),
    ] {
        let error = formula(text).expect_err(text);
        assert!(error.message.contains(message), "{text}: {}", error.message);
        assert_eq!(error.column, column, "{text}");
    }
}

fn apply(name: &str, operands: &[usize]) -> Value {
    let function = Function::named(name).unwrap_or_else(|| panic!("no function {name}"));
    Value::Apply(function, operands.to_vec())
}

/// Writes the last of values and checks that the text is valid.
fn written(values: &[Value]) -> String {
    let text = write_formula(values);
    formula(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    text
}

#[test]
fn parentheses_are_written_where_they_are_needed() {
    let (x, two) = (Value::X, Value::Number(2.0));
    let base = |last: Vec<Value>| written(&[vec![x.clone(), two.clone()], last].concat());
    assert_eq!(base(vec![apply("+", &[0, 1]), apply("*", &[2, 1])]), "(x + 2) * 2");
    assert_eq!(base(vec![apply("*", &[0, 1]), apply("+", &[1, 2])]), "2 + x * 2");
    assert_eq!(base(vec![apply("-", &[0, 1]), apply("-", &[1, 2])]), "2 - (x - 2)");
    assert_eq!(base(vec![apply("*", &[0, 1]), apply("/", &[1, 2])]), "2 / (x * 2)");
    assert_eq!(base(vec![apply("neg", &[0]), apply("^", &[2, 1])]), "(-x)^2");
    assert_eq!(base(vec![apply("^", &[0, 1]), apply("neg", &[2])]), "-x^2");
    assert_eq!(base(vec![apply("^", &[0, 1]), apply("^", &[2, 1])]), "(x^2)^2");
    assert_eq!(base(vec![apply("^", &[0, 1]), apply("^", &[1, 2])]), "2^x^2");
    assert_eq!(base(vec![apply("neg", &[0]), apply("neg", &[2])]), "--x");
    assert_eq!(base(vec![Value::Number(-0.5), apply("^", &[0, 2])]), "x^-0.5");
    assert_eq!(base(vec![Value::Number(-1e-9), apply("^", &[2, 0])]), "(-1e-9)^x");
    assert_eq!(base(vec![apply("abs", &[0]), apply("min", &[2, 1])]), "min(abs(x), 2)");
}

#[test]
fn conditions_and_numbers_are_converted() {
    let (x, one) = (Value::X, Value::Number(1.0));
    let base = |last: Vec<Value>| written(&[vec![x.clone(), one.clone()], last].concat());
    assert_eq!(base(vec![apply("<", &[0, 1]), apply("*", &[2, 0])]), "where(x < 1, 1, 0) * x");
    assert_eq!(base(vec![apply(">", &[0, 1])]), "where(x > 1, 1, 0)");
    assert_eq!(base(vec![apply("<", &[0, 1]), apply("where", &[2, 0, 1])]), "where(x < 1, x, 1)");
    assert_eq!(base(vec![apply("where", &[0, 0, 1])]), "where(not (x >= 0 and x <= 0), x, 1)");
    let both =
        vec![apply("<", &[0, 1]), apply(">", &[0, 1]), apply("or", &[2, 3]), apply("where", &[4, 0, 1])];
    assert_eq!(base(both), "where(x < 1 or x > 1, x, 1)");
}

#[test]
fn values_used_twice_are_written_once() {
    let mut values = vec![Value::X];
    values.extend((0..15).map(|k| apply("*", &[k, k])));
    let text = written(&values);
    assert_eq!(text.lines().count(), 15);
    assert!(text.starts_with("y1 = x * x\ny2 = y1 * y1\n"), "{text}");
}

#[test]
fn deep_values_are_divided_into_definitions() {
    for name in ["tanh", "neg", "not"] {
        let mut values = vec![Value::X];
        values.extend((0..4000).map(|k| apply(name, &[k])));
        assert!(written(&values).lines().count() > 40);
    }
}

#[test]
fn unused_values_are_left_out() {
    assert_eq!(written(&[Value::X, apply("exp", &[0]), apply("abs", &[0])]), "abs(x)");
    assert_eq!(write_formula(&[]), "0");
}
