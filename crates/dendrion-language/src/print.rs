//! Writes a syntax tree as text. Parsing the text yields an equal tree, apart from the positions.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter, Write};

use crate::check::GIVEN;
use crate::definition::Written;
use crate::syntax::{Action, Annotation, Bound, Change, Id, Name, Node, Statement, Syntax, Trigger};
use crate::unit::Unit;

impl Display for Syntax {
    /// Writes the tree as text. Comments other than those before the first statement and those after
    /// definitions are not part of the tree.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let printer = Printer { syntax: self, declared: declared(&self.statements) };
        for line in &self.header {
            writeln!(f, "{}", comment(line))?;
        }
        self.statements.iter().try_for_each(|statement| printer.statement(f, statement))
    }
}

/// Returns the declared names, which take precedence over units.
fn declared(statements: &[Statement]) -> HashSet<&str> {
    let mut names: HashSet<&str> = GIVEN.iter().map(|(name, _)| *name).chain(["pi"]).collect();
    for statement in statements {
        match statement {
            Statement::Derivative { name, .. }
            | Statement::Define { name, .. }
            | Statement::Declare { name, .. }
            | Statement::Import { name, .. } => drop(names.insert(&name.text)),
            Statement::On { actions, .. } => {
                let flags = actions.iter().filter(|a| matches!(a.change, Change::Last(_)));
                names.extend(flags.map(|a| &*a.name.text));
            }
            Statement::Initial { .. } | Statement::Export { .. } | Statement::Diffuse { .. } => {}
        }
    }
    names
}

struct Printer<'s> {
    syntax: &'s Syntax,
    declared: HashSet<&'s str>,
}

impl Printer<'_> {
    fn value(&self, id: Id) -> String {
        let is_unit = |name: &str| !self.declared.contains(name) && Unit::named(name).is_some();
        self.syntax.expression_text(id, &is_unit).into_text()
    }

    fn statement(&self, f: &mut Formatter<'_>, statement: &Statement) -> fmt::Result {
        let (text, doc) = match statement {
            Statement::Derivative { name, value, unit } => {
                (format!("d{}/dt = {}{}", name.text, self.value(*value), annotation(unit.as_ref())), "")
            }
            Statement::Initial { name, value } => (format!("{}(0) = {}", name.text, self.value(*value)), ""),
            Statement::Define { name, value, unit, bound, doc } => {
                let unit = annotation(unit.as_ref());
                let value = self.value(*value);
                (format!("{} = {value}{unit}{}", name.text, bounds(*bound)), doc.as_str())
            }
            Statement::Declare { name, unit, bound, doc } => {
                (format!("{}{}{}", name.text, annotation(Some(unit)), bounds(*bound)), doc.as_str())
            }
            Statement::Import { name, unit, default } => {
                let unit = annotation(Some(unit));
                (format!("import {}{unit}{}", name.text, self.assigned(*default)), "")
            }
            Statement::Export { name, value } => {
                (format!("export {}{}", name.text, self.assigned(*value)), "")
            }
            Statement::Diffuse { name, value } => {
                (format!("diffuse {}{}", name.text, self.assigned(Some(*value))), "")
            }
            Statement::On { trigger, actions } => (self.event(trigger, actions), ""),
        };
        f.write_str(&text)?;
        if !doc.is_empty() {
            write!(f, "    {}", comment(doc))?;
        }
        f.write_char('\n')
    }

    fn assigned(&self, value: Option<Id>) -> String {
        value.map_or_else(String::new, |value| format!(" = {}", self.value(value)))
    }

    fn event(&self, trigger: &Trigger, actions: &[Action]) -> String {
        let condition = match trigger {
            Trigger::Arrival => "event".to_string(),
            Trigger::Spike => "spike".to_string(),
            // In parentheses, these words are names.
            Trigger::When(id) => match self.syntax.nodes.get(*id) {
                Some((Node::Name(name), _)) if matches!(&**name, "event" | "spike") => format!("({name})"),
                _ => self.value(*id),
            },
        };
        let actions: Vec<String> = actions.iter().map(|action| self.action(action)).collect();
        match actions.as_slice() {
            [action] => format!("on {condition}: {action}"),
            _ => format!("on {condition}:\n    {}", actions.join("\n    ")),
        }
    }

    fn action(&self, Action { name: Name { text, .. }, change, after, .. }: &Action) -> String {
        let after = after.map_or_else(String::new, |after| format!(" after {}", self.value(after)));
        match change {
            Change::Set(value) => format!("{text} = {}{after}", self.value(*value)),
            Change::Increase(value) => format!("{text} += {}{after}", self.value(*value)),
            Change::Decrease(value) => format!("{text} -= {}{after}", self.value(*value)),
            Change::Last(value) => format!("{text}{after} for {}", self.value(*value)),
        }
    }
}

fn annotation(unit: Option<&Annotation>) -> String {
    match unit {
        Some(Annotation { unit: Written { text, .. }, .. }) => {
            format!(" : {}", if text.is_empty() { "1" } else { text })
        }
        None => String::new(),
    }
}

fn bounds(bound: Option<Bound>) -> &'static str {
    match bound {
        Some(Bound::Positive) => " (> 0)",
        Some(Bound::NonNegative) => " (>= 0)",
        Some(Bound::Fraction) => " (in [0, 1])",
        Some(Bound::Finite) | None => "",
    }
}

/// Returns a comment on one line.
fn comment(text: &str) -> String {
    let text: String = text.chars().map(|c| if c == '\n' { ' ' } else { c }).collect();
    format!("# {text}").trim_end().to_string()
}

#[cfg(test)]
mod tests;
