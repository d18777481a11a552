//! Reads surrogate derivatives of spikes.

use dendrion_language::{Function, Span, Value as Written, write_formula};
use dendrion_model::{EVENT_PROP, Error, Surrogate, SurrogateKind};

use super::context::Read;
use super::table::Table;
use crate::node::{Node, Value};

/// Maximum number of operations and numbers of an expression in postfix order.
const MOST_TOKENS: usize = 4096;

impl Table<'_, '_> {
    /// Reads the surrogate derivative of a spike.
    pub(super) fn surrogate(&self, name: &str) -> Read<Surrogate> {
        let Some(node) = self.get(name) else { return Ok(Surrogate::default()) };
        let table = Table::new(self.cx, format!("{}: {name}", self.path), node)?;
        let found = if let Some(text) = table.get("expression") {
            table.own(text, table.text_of(text, "expression")?)?
        } else if let Some(tokens) = table.get("postfix") {
            table.own(tokens, &table.postfix(tokens)?)?
        } else {
            table.built_in()?
        };
        let is_relative = table.flag("relative")?.unwrap_or(false);
        table.finish()?;
        Ok(if is_relative { found.relative() } else { found })
    }

    /// Returns the surrogate with this text, which is the value of `node`.
    fn own(&self, node: &Node, text: &str) -> Read<Surrogate> {
        let own = Surrogate::own(text);
        let invalid = |error: Error| {
            let start = Span::new(node.span.start, node.span.start + 3);
            self.cx.at(start, error.to_string())
        };
        own.formula(&self.path).map_err(invalid)?;
        Ok(own)
    }

    fn built_in(&self) -> Read<Surrogate> {
        let mut names: Vec<&str> = SurrogateKind::ALL.iter().map(|kind| kind.name()).collect();
        names.push(EVENT_PROP);
        let name = self.choice("kind", &names)?;
        if name == Some(EVENT_PROP) {
            return Ok(Surrogate::event_prop());
        }
        let kind = name.and_then(SurrogateKind::from_name).unwrap_or(SurrogateKind::Sigmoid);
        let mut numbers = Vec::new();
        for parameter in kind.parameters() {
            numbers.push(self.number(&parameter.name)?.or(parameter.default).unwrap_or(f64::NAN));
        }
        Ok(Surrogate::new(kind, numbers))
    }

    /// Reads an expression in postfix order, as in files of older versions, and returns its text.
    fn postfix(&self, node: &Node) -> Read<String> {
        let Value::List(items) = &node.value else {
            return Err(self.wrong(node, "postfix", "a list of numbers and names"));
        };
        let invalid = |what: String| self.cx.at(node.span, format!("{}: postfix: {what}", self.path));
        if items.len() > MOST_TOKENS {
            let count = items.len();
            return Err(invalid(format!("{count} operations and numbers: expected at most {MOST_TOKENS}")));
        }
        let mut values = Vec::with_capacity(items.len());
        let mut stack = Vec::new();
        for (k, item) in items.iter().enumerate() {
            let (found, mut value) = (stack.len(), self.token(item)?);
            if let Written::Apply(_, operands) = &mut value {
                let expected = operands.len();
                let rest = found.checked_sub(expected);
                let missing = || {
                    invalid(format!(
                        "entry {k} has {found} operand{}; expected {expected}",
                        if found == 1 { "" } else { "s" }
                    ))
                };
                *operands = stack.split_off(rest.ok_or_else(missing)?);
            }
            values.push(value);
            stack.push(k);
        }
        if stack.len() != 1 {
            return Err(invalid(format!("the expression leaves {} values; expected 1", stack.len())));
        }
        Ok(write_formula(&values))
    }

    /// Reads a number, `x`, or a function with as many operands as it takes.
    fn token(&self, item: &Node) -> Read<Written> {
        let Value::Text(word) = &item.value else {
            let v = self.number_of(item, "postfix")?;
            let infinite =
                || self.cx.at(item.span, format!("{}: postfix: expected a finite number", self.path));
            return if v.is_finite() { Ok(Written::Number(v)) } else { Err(infinite()) };
        };
        let name = match word.as_str() {
            "x" => return Ok(Written::X),
            "add" => "+",
            "sub" => "-",
            "mul" => "*",
            "div" => "/",
            "pow" => "^",
            "greater" => ">",
            "greater_equal" => ">=",
            "select" => "where",
            name @ ("neg" | "abs" | "sqrt" | "exp" | "log" | "tanh" | "min" | "max") => name,
            _ => "",
        };
        let expected = "numbers and names such as \"x\", \"neg\" or \"add\"";
        let function = Function::named(name).ok_or_else(|| self.wrong(item, "postfix", expected))?;
        Ok(Written::Apply(function, vec![0; function.arity()]))
    }
}
