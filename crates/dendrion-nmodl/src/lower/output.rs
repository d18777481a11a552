//! Produces the statements of the equations, whose expressions are terms.

use dendrion_language::ExpressionText;
use dendrion_language::syntax::{self, Action, Annotation, Change, Statement, Trigger};

use super::environment::{Held, Role};
use super::{Import, Lowered, Lowerer, Parameter, Pass, State};
use crate::defs::{Def, Defs};
use crate::error::Span;
use crate::names::Names;
use crate::syntax::{Name, Operator};
use crate::terms::{Terms, Value};
use crate::units::Product;

/// The contents of the equations. The expressions of its statements are terms.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) names: Names,
    pub(crate) terms: Terms,
    pub(crate) defs: Vec<Def>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) imports: Vec<Import>,
    /// Statements before the definitions: the current, derivatives and initial values.
    pub(crate) first: Vec<Statement>,
    /// Statements after the definitions: exports and arrivals.
    pub(crate) last: Vec<Statement>,
    /// Definitions that are kept even if nothing refers to them, each with its unit in the file.
    pub(crate) kept: Vec<(usize, String)>,
}

impl<'t> Lowerer<'_, 't> {
    pub(super) fn output(&mut self, arrivals: &[usize]) -> Lowered<Output> {
        let mut first = Vec::new();
        first.extend(self.current()?);
        let mut beginnings = Vec::new();
        for i in 0..self.states.len() {
            first.push(self.derivative(i)?);
            beginnings.extend(self.beginning(i)?);
        }
        first.append(&mut beginnings);
        let mut last = self.exports()?;
        if first.is_empty() && last.is_empty() || (!self.gives_current() && last.is_empty()) {
            let span = self.input.file.head.map_or_else(Span::default, |(_, name)| name.span);
            let message = "the mechanism has no effect; expected a current (NONSPECIFIC_CURRENT, ELECTRODE_CURRENT or USEION .. WRITE) or a written concentration";
            return Err(self.error(span, message));
        }
        last.extend(arrivals.iter().map(|i| self.arrival(*i)));
        let kept = self.kept();
        let take = std::mem::take::<Defs>;
        Ok(Output {
            names: std::mem::take(&mut self.names),
            terms: std::mem::take(&mut self.terms),
            defs: take(&mut self.defs).all,
            parameters: std::mem::take(&mut self.parameters),
            imports: std::mem::take(&mut self.imports),
            first,
            last,
            kept,
        })
    }

    fn gives_current(&self) -> bool {
        !self.outward().is_empty() || !self.input.file.electrode.is_empty()
    }

    /// Returns the currents that are positive if they leave the cell.
    fn outward(&self) -> Vec<Name<'t>> {
        let ions = self.input.file.ions.iter().flat_map(|ion| {
            let name = format!("i{}", ion.name.text);
            ion.writes.iter().filter(move |w| w.text == name)
        });
        self.input.file.nonspecific.iter().chain(ions).copied().collect()
    }

    fn arrival(&mut self, state: usize) -> Statement {
        let State { name, span, .. } = self.states[state].clone();
        self.terms.at = span;
        let change = Change::Increase(self.terms.name("weight"));
        let actions = vec![Action { name: syntax::Name::new(name, span), change, after: None, span }];
        Statement::On { trigger: Trigger::Arrival, actions }
    }

    /// Returns the current into the compartment: electrode currents minus all other currents.
    fn current(&mut self) -> Lowered<Option<Statement>> {
        let (outward, electrode) = (self.outward(), self.input.file.electrode.clone());
        let Some(one) = outward.first().or(electrode.first()).copied() else { return Ok(None) };
        let mut out: Option<Value> = None;
        self.terms.at = one.span;
        let sum = |l: &mut Self, sum: Option<Value>, value: Value| match sum {
            None => Ok(value),
            Some(sum) => (l.terms.binary(Operator::Add, sum, value))
                .ok_or_else(|| l.error(one.span, "the sum of the currents is not a finite number")),
        };
        for name in outward {
            let value = self.written_value(name)?;
            self.terms.at = self.terms.span(value.term);
            out = Some(sum(self, out, value)?);
        }
        let mut total = out.map(|out| self.terms.negated(out));
        for name in electrode {
            let value = self.written_value(name)?;
            self.terms.at = self.terms.span(value.term);
            total = Some(sum(self, total, value)?);
        }
        let total = total.unwrap_or_else(|| self.terms.number(0.0));
        let value = self.terms.with_unit(&total, &self.current_unit());
        let unit = annotation(if self.is_point() { "pA" } else { "pA/um2" }, one.span);
        let name = syntax::Name::new("I", one.span);
        Ok(Some(Statement::Define { name, value, unit: Some(unit), bound: None, doc: String::new() }))
    }

    fn derivative(&mut self, i: usize) -> Lowered<Statement> {
        let state = self.states[i].clone();
        let rate = self.variables.get(state.rate).map(|s| s.held.clone());
        let mut value = match rate {
            Some(Held::Known(value)) => value,
            Some(Held::Partial(partial)) => {
                return Err(self.partial(&format!("{}'", state.name), partial.span, None));
            }
            _ if state.is_constant => self.terms.number(0.0),
            _ => {
                self.note(
                    state.span,
                    format!(
                        "the state '{}' has no derivative in a solved block, so it is constant",
                        state.name
                    ),
                );
                self.terms.number(0.0)
            }
        };
        if let Some(factor) = state.factor {
            value = self.divided(value, factor, state.span)?;
        }
        self.terms.at = self.terms.span(value.term);
        let mut term = value.term;
        if value.constant != Some(0.0) {
            if state.is_concentration {
                term = self.terms.with_unit(&value, &Product::named("mM"));
            }
            term = self.terms.in_units(term, &Product::named("ms"));
        }
        let unit = annotation(if state.is_concentration { "mM" } else { "" }, state.span);
        let name = syntax::Name::new(state.name, state.span);
        Ok(Statement::Derivative { name, value: term, unit: Some(unit) })
    }

    fn divided(&mut self, value: Value, factor: Value, span: Span) -> Lowered<Value> {
        self.terms.binary(Operator::Div, value, factor).ok_or_else(|| {
            self.error(span, "after division by the factor of the state, the value of this expression is not a finite number")
        })
    }

    /// Returns the statement with a state's initial value, unless it is 0.
    fn beginning(&mut self, i: usize) -> Lowered<Option<Statement>> {
        let state = self.states[i].clone();
        let Some(mut value) = state.initial.filter(|p| p.constant != Some(0.0)) else { return Ok(None) };
        if let Some(factor) = state.factor {
            value = self.divided(value, factor, state.span)?;
        }
        self.terms.at = state.span;
        let term = if state.is_concentration {
            self.terms.with_unit(&value, &Product::named("mM"))
        } else {
            value.term
        };
        let name = syntax::Name::new(state.name, state.span);
        Ok(Some(Statement::Initial { name, value: term }))
    }

    /// Names the variables' values at the end of a step.
    fn kept(&mut self) -> Vec<(usize, String)> {
        debug_assert_eq!(self.progress.pass, Pass::Step);
        let mut kept = Vec::new();
        for i in 0..self.variables.len() {
            let Some(variable) = self.variables.get(i) else { break };
            let (name, unit) = (variable.name, variable.unit);
            let (Role::Assigned { public: true }, Held::Known(value) | Held::Before(value)) =
                (variable.role, variable.held.clone())
            else {
                continue;
            };
            // A variable that keeps its value from INITIAL is already a state with this name.
            if self.states.iter().any(|state| state.variable == i) {
                continue;
            }
            if value.constant == Some(0.0) && !self.input.file.set.contains(name.text) {
                continue;
            }
            if let Some(constant) = value.constant {
                let constant = ExpressionText::number(constant).into_text();
                self.note(
                    name.span,
                    format!("'{}' is always {constant}, so it cannot be recorded", name.text),
                );
                continue;
            }
            let plain = self.plain(name);
            let own = self.terms.definition(&value).filter(|id| {
                self.defs.all.get(*id).is_some_and(|def| def.public.is_none() && def.leaf.is_none())
            });
            let id = own.unwrap_or_else(|| self.defs.alias(value));
            if let Some(def) = self.defs.all.get_mut(id) {
                def.public = Some(plain);
            }
            kept.push((id, unit.to_string()));
        }
        kept
    }
}

/// Returns a unit with this name; an empty name denotes pure numbers.
fn annotation(unit: &str, span: Span) -> Annotation {
    Annotation { unit: Product::named(unit).written(), span }
}
