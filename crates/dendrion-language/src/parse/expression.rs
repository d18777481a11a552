//! Parser of expressions. From lowest to highest precedence: `a if c else b`, `or`, `and`, `not`, comparisons, sums,
//! products, signs, powers, and a unit directly after a number.

use super::unit::{Power, Units as _};
use super::{KEYWORDS, Parser};
use crate::cursor::{Expressions, Parsed, Parser as _};
use crate::definition::Written;
use crate::error::{Span, suggestion};
use crate::function::{Function, Level, Unary};
use crate::lex::Kind;
use crate::syntax::{Id, Node};

impl<'t> Expressions<'t> for Parser<'t> {
    type Function = Function;
    type Id = Id;

    const CHAINED: &'static str = "comparisons cannot be chained; join two comparisons with 'and'";

    fn prefix(&self) -> Option<(Option<Function>, Level)> {
        match self.text(self.peek().span) {
            "not" => Some((Some(Function::Not), Level::Not)),
            "-" => Some((Some(Function::Unary(Unary::Neg)), Level::Sign)),
            "+" => Some((None, Level::Sign)),
            _ => None,
        }
    }

    fn infix(&self) -> Parsed<Option<(Function, Level)>> {
        match self.peek().kind {
            Kind::Symbol(symbol @ ("==" | "!=")) => {
                let message =
                    format!("'{symbol}' cannot compare real numbers; expected '<', '<=', '>' or '>='");
                Err(self.error(self.peek().span, message))
            }
            Kind::Symbol(symbol) => Ok(Function::infix(symbol)),
            Kind::Name => Ok(Function::infix(self.word())),
            _ => Ok(None),
        }
    }

    fn primary(&mut self) -> Parsed<Id> {
        let token = self.peek();
        match token.kind {
            Kind::Number(value) => {
                self.advance(1);
                self.number(value, token.span)
            }
            Kind::Name if self.is_called() => self.call(),
            Kind::Name => {
                let name = self.name("a number, a name or '('")?;
                Ok(self.syntax.name(name.text, name.span))
            }
            Kind::Symbol("(") => {
                self.advance(1);
                let inner = self.expression()?;
                let end = self.expect(")", "to close '('")?.span;
                if let (Node::Apply(..), span) = &mut self.syntax.nodes[inner] {
                    *span = token.span.to(end);
                }
                Ok(inner)
            }
            _ => Err(self.unexpected("a number, a name or '('")),
        }
    }

    fn apply(&mut self, function: Function, operands: Vec<Id>, span: Span) -> Id {
        self.syntax.apply(function, operands, span)
    }

    fn span(&self, id: Id) -> Span {
        self.syntax.span(id)
    }
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Id> {
        self.deeper(|p| {
            let yes = p.climb(Level::Or)?;
            if !p.accept_word("if") {
                return Ok(yes);
            }
            let condition = p.climb(Level::Or)?;
            if !p.accept_word("else") {
                return Err(p.unexpected("'else', as in 'a if condition else b'"));
            }
            let no = p.expression()?;
            let span = p.span(yes).to(p.span(no));
            Ok(p.apply(Function::Where, vec![condition, yes, no], span))
        })
    }

    /// Returns whether the current name is that of a called function. This is not the case if a bound
    /// follows, as in `g = 5 mS/cm2 (>= 0)`.
    fn is_called(&self) -> bool {
        let inner = self.ahead(2);
        let is_bound = matches!(inner.kind, Kind::Symbol(">" | ">=")) || self.text(inner.span) == "in";
        matches!(self.ahead(1).kind, Kind::Symbol("(")) && !is_bound
    }

    /// Parses the unit that may follow a number that has just been read.
    fn number(&mut self, value: f64, span: Span) -> Parsed<Id> {
        let token = self.peek();
        let word = self.text(token.span);
        if token.kind != Kind::Name || KEYWORDS.contains(&word) {
            return Ok(self.syntax.number(value, Written::default(), span));
        }
        if self.is_formula {
            let message = format!(
                "numbers in a function of x cannot have units; write a product as '{} * {word}'",
                self.text(span)
            );
            return Err(self.error(token.span, message));
        }
        let Power { factor, text, span: end } = self.unit_power(false)?;
        let unit = factor.unit();
        if !(unit.is_in_range() && unit.coherent(value).is_finite()) {
            return Err(self.error(span.to(end), "this number is too large; expected a finite number in coherent units (mV, ms, pA, um, mM, K)"));
        }
        Ok(self.syntax.number(value, Written { text, unit }, span.to(end)))
    }

    fn call(&mut self) -> Parsed<Id> {
        let name = self.next().span;
        let word = self.text(name);
        let Some(f) = Function::called(word) else {
            let hint = suggestion(word, Function::ALL.into_iter().filter_map(Function::name));
            let end = if hint.ends_with('?') { " To" } else { "; to" };
            let message =
                format!("no function is named '{word}'{hint}{end} multiply, write '{word} * (...)'");
            return Err(self.error(name, message));
        };
        self.advance(1);
        let mut arguments = Vec::new();
        if !self.is(")") {
            arguments.push(self.expression()?);
            while self.accept(",") {
                arguments.push(self.expression()?);
            }
        }
        let end = self.expect(")", &format!("to close '{word}('"))?.span;
        let arity = f.arity();
        if arguments.len() != arity {
            let (n, s) = (arguments.len(), if arity == 1 { "" } else { "s" });
            return Err(self.error(name.to(end), format!("'{word}' takes {arity} argument{s}, not {n}")));
        }
        Ok(self.apply(f, arguments, name.to(end)))
    }
}
