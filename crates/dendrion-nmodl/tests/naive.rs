//! Compares the translation of random statements with their sequential execution.

mod common;

use std::collections::HashMap;

use common::Place;
use dendrion_nmodl::read;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Value {
    Number(f64),
    Name(&'static str),
    Neg(Box<Value>),
    Not(Box<Value>),
    Binary(&'static str, Box<Value>, Box<Value>),
    Call(&'static str, Vec<Value>),
}

#[derive(Clone, Debug)]
enum Statement {
    Set(&'static str, Value),
    Procedure(Value),
    If(Value, Vec<Statement>, Vec<Statement>),
}

type Variables = HashMap<&'static str, f64>;

impl Value {
    fn source(&self) -> String {
        match self {
            Self::Number(v) => format!("{v}"),
            Self::Name(name) => (*name).to_string(),
            Self::Neg(a) => format!("(-{})", a.source()),
            Self::Not(a) => format!("(!{})", a.source()),
            Self::Binary(operator, a, b) => format!("({} {operator} {})", a.source(), b.source()),
            Self::Call(name, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(Self::source).collect();
                format!("{name}({})", arguments.join(", "))
            }
        }
    }

    /// Returns the value, or `None` if an intermediate value is not finite, in which case the text may have a
    /// different value.
    fn run(&self, variables: &Variables) -> Option<f64> {
        let truth = |t: bool| f64::from(u8::from(t));
        let value = match self {
            Self::Number(v) => *v,
            Self::Name(name) => variables[name],
            Self::Neg(a) => -a.run(variables)?,
            Self::Not(a) => truth(a.run(variables)? == 0.0),
            Self::Binary(operator, a, b) => {
                let (a, b) = (a.run(variables)?, b.run(variables)?);
                match *operator {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    "/" => a / b,
                    "^" => a.powf(b),
                    "<" => truth(a < b),
                    "<=" => truth(a <= b),
                    ">" => truth(a > b),
                    ">=" => truth(a >= b),
                    "==" => truth(a == b),
                    "!=" => truth(a != b),
                    "&&" => truth(a != 0.0 && b != 0.0),
                    _ => truth(a != 0.0 || b != 0.0),
                }
            }
            Self::Call(name, arguments) => {
                let v: Vec<f64> = arguments.iter().map(|a| a.run(variables)).collect::<Option<_>>()?;
                match *name {
                    "exp" => v[0].exp(),
                    "tanh" => v[0].tanh(),
                    "fabs" => v[0].abs(),
                    // FUNCTION trap
                    _ if v[0] < v[1] => v[0] + 1.0,
                    _ => v[0] * v[1],
                }
            }
        };
        value.is_finite().then_some(value)
    }
}

impl Statement {
    fn source(&self) -> String {
        match self {
            Self::Set(name, value) => format!("{name} = {}\n", value.source()),
            Self::Procedure(value) => format!("shift({})\n", value.source()),
            Self::If(condition, yes, no) => {
                let of = |s: &[Self]| s.iter().map(Self::source).collect::<String>();
                format!("if ({}) {{\n{}}} else {{\n{}}}\n", condition.source(), of(yes), of(no))
            }
        }
    }

    fn run(&self, variables: &mut Variables) -> Option<()> {
        match self {
            Self::Set(name, value) => {
                let value = value.run(variables)?;
                variables.insert(name, value);
            }
            Self::Procedure(value) => {
                let shift = value.run(variables)?;
                let (a, b) = (variables["a"], variables["b"]);
                variables.insert("a", b + shift);
                variables.insert("b", a);
            }
            Self::If(condition, yes, no) => {
                let branch = if condition.run(variables)? == 0.0 { no } else { yes };
                branch.iter().try_for_each(|s| s.run(variables))?;
            }
        }
        Some(())
    }
}

fn value() -> impl Strategy<Value = Value> {
    let number = proptest::sample::select(vec![0.0, 1.0, 2.0, 0.5, 3.0]).prop_map(Value::Number);
    let name = proptest::sample::select(vec!["v", "m", "p", "a", "b", "c"]).prop_map(Value::Name);
    prop_oneof![1 => number, 3 => name].prop_recursive(4, 16, 2, |inner| {
        let operators =
            vec!["+", "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!=", "&&", "||", "+", "-", "*"];
        let boxed = |v: Value| Box::new(v);
        prop_oneof![
            5 => (proptest::sample::select(operators), inner.clone(), inner.clone())
                .prop_map(move |(o, a, b)| Value::Binary(o, boxed(a), boxed(b))),
            1 => inner.clone().prop_map(move |a| Value::Neg(boxed(a))),
            1 => inner.clone().prop_map(move |a| Value::Not(boxed(a))),
            1 => (proptest::sample::select(vec!["exp", "tanh", "fabs"]), inner.clone())
                .prop_map(|(f, a)| Value::Call(f, vec![a])),
            1 => (inner.clone(), inner).prop_map(|(a, b)| Value::Call("trap", vec![a, b])),
        ]
    })
}

fn statement() -> impl Strategy<Value = Statement> {
    let set =
        (proptest::sample::select(vec!["a", "b", "c"]), value()).prop_map(|(n, v)| Statement::Set(n, v));
    let call = value().prop_map(Statement::Procedure);
    prop_oneof![4 => set, 1 => call].prop_recursive(3, 12, 3, |inner| {
        let block = || proptest::collection::vec(inner.clone(), 0..3);
        (value(), block(), block()).prop_map(|(c, yes, no)| Statement::If(c, yes, no))
    })
}

fn cases() -> u32 {
    std::env::var("DENDRION_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn statements_do_what_they_say(statements in proptest::collection::vec(statement(), 1..6), v in -3..4_i32, m in -2..3_i32) {
        let body: String = statements.iter().map(Statement::source).collect();
        let file = format!(
            "NEURON {{ POINT_PROCESS x NONSPECIFIC_CURRENT i }} PARAMETER {{ p = 2 }} ASSIGNED {{ a b c i v }} STATE {{ m }}
             FUNCTION trap(x, y) {{ if (x < y) {{ x = x + 1 trap = x }} else {{ trap = x*y }} }}
             PROCEDURE shift(by) {{ LOCAL c c = a a = b + by b = c }}
             BREAKPOINT {{ a = v b = 1 c = m*p\n{body} i = a + 2*b + 3*c }}"
        );
        match read(&file) {
            Ok(mechanism) => {
                let d = &mechanism.definition;
                let (v, m) = (f64::from(v), f64::from(m));
                let mut variables = Variables::from([("v", v), ("m", m), ("p", 2.0), ("a", v), ("b", 1.0), ("c", 2.0 * m)]);
                if statements.iter().try_for_each(|s| s.run(&mut variables)).is_none() {
                    return Ok(());
                }
                let expected = -(variables["a"] + 2.0 * variables["b"] + 3.0 * variables["c"]) * 1e3;
                let found = Place::at(v).with("m", m).current(d);
                let same = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0) || !expected.is_finite();
                prop_assert!(same, "{found} is not {expected}\n{file}\n{}", mechanism.definition.text);
            }
            Err(error) => prop_assert!(error.message == "the value of this expression is not a finite number", "{error}"),
        }
    }
}
