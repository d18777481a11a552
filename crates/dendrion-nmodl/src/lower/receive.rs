//! `NET_RECEIVE`: the change of states when a spike arrives.
//!
//! The equation language only adds the weight itself to a state. If a file adds `weight*factor`, the state of the
//! text is the state of the file divided by the factor, and every use of the state is multiplied by the factor.

use super::{Lowered, Lowerer};
use crate::error::{NmodlError, Span};
use crate::syntax::{Expr, Id, Name, Node, Operator, Statement};
use crate::terms::Value;

impl<'t> Lowerer<'_, 't> {
    /// Determines the states to which spikes are added, and the factors of their weights. Returns the indices of
    /// the states.
    pub(super) fn receive(&mut self) -> Lowered<Vec<usize>> {
        let file = self.input.file;
        let Some((arguments, block, span)) = &file.receive else { return Ok(Vec::new()) };
        let Some(weight) = arguments.first() else {
            return Err(
                self.error(*span, "NET_RECEIVE has no argument for the weight; expected NET_RECEIVE(weight)")
            );
        };
        let mut arrivals = Vec::new();
        self.scopes.frames.push(vec![super::Scope::new()]);
        for statement in block {
            let (name, value) = self.addition(statement, weight.text)?;
            let state = self.receiving_state(name)?;
            if arrivals.contains(&state) {
                let message = format!(
                    "the weight is added to '{}' more than once; expected one statement per state",
                    name.text
                );
                return Err(self.error(name.span, message));
            }
            let factor = self.factor(name.text, value, weight.text)?;
            if let Some(factor) = &factor {
                let message = format!(
                    "the state '{0}' is stored after division by the factor of its weight",
                    name.text
                );
                self.note(name.span, message);
                self.states[state].factor = Some(factor.clone());
            }
            arrivals.push(state);
        }
        self.scopes.frames.pop();
        Ok(arrivals)
    }

    /// Returns the state and the assigned value of `s = s + ..` or `state_discontinuity(s, s + ..)`.
    fn addition(&self, statement: &Statement<'t>, weight: &str) -> Lowered<(Name<'t>, Expr)> {
        match statement {
            Statement::Assign { name, value } => Ok((*name, *value)),
            Statement::Call { name, arguments } if name.text == "state_discontinuity" => {
                let [state, value] = arguments.as_slice() else {
                    return Err(self.no_addition(name.span, weight));
                };
                match self.input.file.nodes.get(state.root) {
                    Some((Node::Name(text), span)) => Ok((Name { text, span: *span }, *value)),
                    _ => Err(self.no_addition(name.span, weight)),
                }
            }
            Statement::Local(names) => {
                let span = names.first().map_or_else(Span::default, |n| n.span);
                Err(self.no_addition(span, weight))
            }
            Statement::If { condition, .. } => Err(self.no_addition(self.span(*condition), weight)),
            Statement::Rate { name, .. } | Statement::Call { name, .. } | Statement::Solve { name, .. } => {
                Err(self.no_addition(name.span, weight))
            }
        }
    }

    fn no_addition(&self, span: Span, weight: &str) -> NmodlError {
        let message = format!(
            "an arriving spike can only add its weight to states; expected 's = s + {weight}' or 's = s + {weight}*factor'"
        );
        self.error(span, message)
    }

    fn receiving_state(&self, name: Name<'t>) -> Lowered<usize> {
        let variable = self.resolve(name.text);
        let Some(index) = self.states.iter().position(|s| Some(s.variable) == variable) else {
            let message = format!("'{}' is not a state, so a spike cannot change it", name.text);
            return Err(self.error(name.span, message));
        };
        if self.states[index].is_concentration {
            let message = format!("'{}' is a concentration, which a spike cannot change", name.text);
            return Err(self.error(name.span, message));
        }
        Ok(index)
    }

    /// Returns the factor of the weight in `state + weight*factor`, or `None` if it is 1.
    fn factor(&mut self, state: &str, value: Expr, weight: &str) -> Lowered<Option<Value>> {
        let file = self.input.file;
        let whole = self.span(value);
        let is = |id: Id, wanted: &str| matches!(file.nodes.get(id), Some((Node::Name(name), _)) if *name == wanted);
        let mut weights = (value.first..=value.root).filter(|id| is(*id, weight));
        let (Some(at), None) = (weights.next(), weights.next()) else {
            return Err(self.no_addition(whole, weight));
        };
        let mut term = match file.nodes.get(value.root) {
            Some((Node::Binary(Operator::Add, a, b), _)) if is(*a, state) => *b,
            Some((Node::Binary(Operator::Add, a, b), _)) if is(*b, state) => *a,
            _ => return Err(self.no_addition(whole, weight)),
        };
        let mut factor = self.terms.number(1.0);
        while term != at {
            let (operator, other) = match file.nodes.get(term) {
                Some((Node::Binary(Operator::Mul, a, b), _)) if at <= *a => {
                    term = *a;
                    (Operator::Mul, *b)
                }
                Some((Node::Binary(Operator::Mul, a, b), _)) => {
                    term = *b;
                    (Operator::Mul, *a)
                }
                Some((Node::Binary(Operator::Div, a, b), _)) if at <= *a => {
                    term = *a;
                    (Operator::Div, *b)
                }
                _ => return Err(self.no_addition(whole, weight)),
            };
            let other = self.quantity(file.expression(other))?;
            factor = self.multiplied(operator, factor, other, whole)?;
        }
        self.checked(factor, whole)
    }

    fn multiplied(&mut self, operator: Operator, factor: Value, other: Value, span: Span) -> Lowered<Value> {
        if factor.constant == Some(1.0) && operator == Operator::Mul {
            return Ok(other);
        }
        self.terms
            .binary(operator, factor, other)
            .ok_or_else(|| self.error(span, "the value of this expression is not a finite number"))
    }

    fn checked(&mut self, factor: Value, span: Span) -> Lowered<Option<Value>> {
        if factor.moves {
            let message = "the factor of the weight depends on V or states; expected an expression in terms of parameters and numbers";
            return Err(self.error(span, message));
        }
        match factor.constant {
            Some(1.0) => Ok(None),
            Some(0.0) => {
                Err(self.error(span, "the weight is multiplied by 0; expected a factor that is not 0"))
            }
            _ => self.named("factor", factor, false, span).map(Some),
        }
    }
}
