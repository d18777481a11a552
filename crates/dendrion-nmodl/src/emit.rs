//! Builds the syntax tree of the equations from statements and definitions. Unused definitions are dropped,
//! and the remaining definitions are named.

use std::collections::HashMap;

use dendrion_language::syntax::{Annotation, Id, Name, Statement, Syntax};
use dendrion_language::{ExpressionText, Written, recurse};

use crate::defs::{Def, Leaf};
use crate::lower::{Import, Output, Parameter};
use crate::terms::{Term, TermId, Terms};

/// Maximum nesting depth of definitions whose values replace their names.
const DEEPEST: usize = 40;
/// Maximum length in bytes of a definition whose value replaces its name.
const LONGEST: usize = 200;

/// Returns the equations and, for each parameter, whether the equations use it.
pub(crate) fn emit(output: Output, header: &str) -> (Syntax, Vec<bool>) {
    let uses = uses(&output);
    let Output { mut names, terms, defs, parameters, imports, first, last, kept } = output;
    let kept: HashMap<usize, String> = kept.into_iter().collect();
    let mut syntax = Syntax::default();
    syntax.header.extend(header.lines().map(one_line));
    let mut emitter = Emitter { terms: &terms, replacements: Vec::with_capacity(defs.len()), syntax };
    let mut named = Vec::new();
    for (id, def) in defs.iter().enumerate() {
        let used = uses.get(id).copied().unwrap_or(0);
        let replacement = if used == 0 {
            Replacement::Unused
        } else if let Some(depth) = emitter.inline(def, used) {
            Replacement::Term(def.value.term, depth)
        } else {
            named.push(id);
            Replacement::Name(def.public.clone().unwrap_or_else(|| names.private(&def.base)))
        };
        emitter.replacements.push(replacement);
    }
    first.into_iter().for_each(|statement| emitter.statement(statement));
    for id in named {
        let (Some(def), Some(Replacement::Name(name))) = (defs.get(id), emitter.replacements.get(id)) else {
            continue;
        };
        let name = Name::new(name.as_str(), terms.span(def.value.term));
        let doc = kept.get(&id).map_or_else(String::new, |unit| one_line(unit));
        let value = def.value.term;
        emitter.statement(Statement::Define { name, value, unit: None, bound: None, doc });
    }
    last.into_iter().for_each(|statement| emitter.statement(statement));
    let given = used_parameters(&defs, &uses, parameters.len(), &imports);
    for (i, import) in imports.iter().enumerate() {
        if is_used(&defs, &uses, Leaf::Import(i)) {
            emitter.import(import, &parameters);
        }
    }
    for (parameter, _) in parameters.iter().zip(&given).filter(|(_, given)| **given) {
        emitter.parameter(parameter);
    }
    (emitter.syntax, given)
}

/// The replacement of a reference to a definition.
#[derive(Debug)]
enum Replacement {
    Unused,
    Name(String),
    /// The value of the definition, with the nesting depth at which it is used.
    Term(TermId, usize),
}

struct Emitter<'o> {
    terms: &'o Terms,
    replacements: Vec<Replacement>,
    syntax: Syntax,
}

impl Emitter<'_> {
    /// Returns the nesting depth of uses of a definition if its value replaces its name.
    fn inline(&self, def: &Def, used: usize) -> Option<usize> {
        let mut inner = 0;
        self.terms.references(def.value.term, &mut |id| {
            if let Some(Replacement::Term(_, depth)) = self.replacements.get(id) {
                inner = inner.max(*depth);
            }
        });
        let depth = inner + def.value.depth;
        let may = def.inline && used == 1 && def.public.is_none() && depth < DEEPEST;
        let is_inline =
            def.leaf.is_some() || (may && self.expression_text(def.value.term).into_text().len() <= LONGEST);
        is_inline.then_some(depth + 1)
    }

    /// Returns a term as text.
    fn expression_text(&self, id: TermId) -> ExpressionText {
        match self.terms.get(id) {
            Some(Term::Number(bits)) => ExpressionText::number(f64::from_bits(*bits)),
            Some(Term::Quantity(bits, unit)) => {
                ExpressionText::quantity(f64::from_bits(*bits), &unit.written().text)
            }
            Some(Term::Name(name)) => ExpressionText::name(&**name),
            Some(Term::Definition(id)) => match self.replacements.get(*id) {
                Some(Replacement::Name(name)) => ExpressionText::name(name),
                Some(Replacement::Term(term, _)) => recurse(|| self.expression_text(*term)),
                Some(Replacement::Unused) | None => ExpressionText::name(""),
            },
            Some(Term::Apply(f, operands)) => recurse(|| {
                ExpressionText::apply(*f, operands.iter().map(|a| self.expression_text(*a)).collect())
            }),
            None => ExpressionText::name(""),
        }
    }

    /// Adds a term to the syntax tree.
    fn term(&mut self, id: TermId) -> Id {
        let (terms, span) = (self.terms, self.terms.span(id));
        match terms.get(id) {
            Some(Term::Number(bits)) => self.syntax.number(f64::from_bits(*bits), Written::default(), span),
            Some(Term::Quantity(bits, unit)) => unit.quantity(&mut self.syntax, f64::from_bits(*bits), span),
            Some(Term::Name(name)) => self.syntax.name(name.clone(), span),
            Some(Term::Definition(id)) => match self.replacements.get(*id) {
                Some(Replacement::Name(name)) => self.syntax.name(name.as_str(), span),
                Some(Replacement::Term(term, _)) => {
                    let term = *term;
                    recurse(|| self.term(term))
                }
                Some(Replacement::Unused) | None => self.syntax.name("", span),
            },
            Some(Term::Apply(f, operands)) => {
                let operands = recurse(|| operands.iter().map(|a| self.term(*a)).collect());
                self.syntax.apply(*f, operands, span)
            }
            None => self.syntax.name("", span),
        }
    }

    /// Adds a statement whose expressions are terms.
    fn statement(&mut self, mut statement: Statement) {
        statement.visit(|id| *id = self.term(*id));
        self.syntax.statements.push(statement);
    }

    fn import(&mut self, import: &Import, parameters: &[Parameter]) {
        let Import { name, unit, span, default } = import;
        let default = match default.and_then(|i| parameters.get(i)) {
            Some(parameter) => self.syntax.name(parameter.name.as_str(), *span),
            None => unit.quantity(&mut self.syntax, 0.0, *span),
        };
        let unit = Annotation { unit: unit.written(), span: *span };
        let name = Name::new(name.as_str(), *span);
        self.syntax.statements.push(Statement::Import { name, unit, default: Some(default) });
    }

    fn parameter(&mut self, parameter: &Parameter) {
        let span = parameter.span.unwrap_or_default();
        let value = parameter.unit.quantity(&mut self.syntax, parameter.default, span);
        let (name, doc) = (Name::new(parameter.name.as_str(), span), parameter.doc.clone());
        let bound = parameter.bound;
        self.syntax.statements.push(Statement::Define { name, value, unit: None, bound, doc });
    }
}

/// Counts the references to each definition, considering only definitions that the equations need.
fn uses(output: &Output) -> Vec<usize> {
    let mut uses = vec![0_usize; output.defs.len()];
    let count = |term: TermId, uses: &mut Vec<usize>| {
        output.terms.references(term, &mut |id| {
            if let Some(n) = uses.get_mut(id) {
                *n += 1;
            }
        });
    };
    for statement in output.first.iter().chain(&output.last) {
        statement.clone().visit(|id| count(*id, &mut uses));
    }
    for (id, _) in &output.kept {
        if let Some(n) = uses.get_mut(*id) {
            *n += 1;
        }
    }
    // A definition refers only to earlier definitions, so one pass from the last to the first is enough.
    for (id, def) in output.defs.iter().enumerate().rev() {
        if uses.get(id).is_some_and(|n| *n > 0) {
            count(def.value.term, &mut uses);
        }
    }
    uses
}
fn is_used(defs: &[Def], uses: &[usize], leaf: Leaf) -> bool {
    defs.iter().zip(uses).any(|(def, n)| *n > 0 && def.leaf == Some(leaf))
}

fn used_parameters(defs: &[Def], uses: &[usize], count: usize, imports: &[Import]) -> Vec<bool> {
    let mut used = vec![false; count];
    for (_, import) in imports.iter().enumerate().filter(|(i, _)| is_used(defs, uses, Leaf::Import(*i))) {
        if let Some(used) = import.default.and_then(|p| used.get_mut(p)) {
            *used = true;
        }
    }
    for (def, n) in defs.iter().zip(uses) {
        if let (Some(Leaf::Parameter(i)), true) = (def.leaf, *n > 0)
            && let Some(used) = used.get_mut(i)
        {
            *used = true;
        }
    }
    used
}

/// Replaces line breaks with spaces.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use dendrion_language::syntax::Statement;
    use dendrion_language::{TextError, check};

    use super::{Syntax, emit};
    use crate::{lex, lower, parse};

    const SOURCE: &str = "NEURON { SUFFIX x
  NONSPECIFIC_CURRENT i }
PARAMETER { g = 2 (S/cm2)
  e = -70 (mV) }
ASSIGNED { v i } STATE { m }
BREAKPOINT { SOLVE s i = g*m*(v - e) }
DERIVATIVE s { m' = -m*g*5 }";

    fn built() -> Result<Syntax, TextError> {
        let (file, comments) = parse::parse(SOURCE, lex::lex(SOURCE)?)?;
        let (output, _) = lower::lower(SOURCE, &file, (&comments, &[]))?;
        Ok(emit(output, "x").0)
    }

    #[test]
    fn names_have_their_positions_in_the_file() -> Result<(), TextError> {
        let mut found = Vec::new();
        for statement in &built()?.statements {
            if let Statement::Define { name, .. } | Statement::Derivative { name, .. } = statement {
                found.push((name.text.to_string(), name.span.of(SOURCE), name.span.line(SOURCE)));
            }
        }
        for (name, source, line) in [("I", "i", 2), ("m", "m", 5), ("g", "g", 3), ("e", "e", 4)] {
            assert!(found.contains(&(name.to_string(), source, line)), "{found:?}");
        }
        Ok(())
    }

    #[test]
    fn errors_in_the_equations_show_the_line_of_the_file() -> Result<(), TextError> {
        let mut syntax = built()?;
        for statement in &mut syntax.statements {
            if let Statement::Derivative { unit, .. } = statement {
                *unit = None;
            }
        }
        let error = check(SOURCE, &syntax).err().map(|error| (error.line, error.source_line));
        assert_eq!(error, Some((7, "DERIVATIVE s { m' = -m*g*5 }".to_string())));
        Ok(())
    }
}
