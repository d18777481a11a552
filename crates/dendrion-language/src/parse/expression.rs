//! Parser of expressions, by precedence climbing. From lowest to highest precedence: `a if c else b`, `or`, `and`,
//! `not`, comparisons, sums, products, signs, powers, and a unit directly after a number.

use super::{KEYWORDS, Parsed, Parser};
use crate::error::{Span, suggestion};
use crate::lex::Kind;
use crate::syntax::{Function, Id, Node};
use crate::unit::{COMMON, Unit};

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Id> {
        self.deeper(|p| {
            let yes = p.either()?;
            if !p.accept_word("if") {
                return Ok(yes);
            }
            let condition = p.either()?;
            if !p.accept_word("else") {
                return Err(p.unexpected("'else', as in 'a if condition else b'"));
            }
            let no = p.expression()?;
            Ok(p.apply(Function::Where, vec![condition, yes, no], p.span(yes).to(p.span(no))))
        })
    }

    fn apply(&mut self, f: Function, operands: Vec<Id>, span: Span) -> Id {
        self.push(Node::Apply(f, operands), span)
    }

    fn binary(&mut self, f: Function, a: Id, b: Id) -> Id {
        let span = self.span(a).to(self.span(b));
        self.apply(f, vec![a, b], span)
    }

    fn either(&mut self) -> Parsed<Id> {
        let mut a = self.both()?;
        while self.accept_word("or") {
            let b = self.both()?;
            a = self.binary(Function::Or, a, b);
        }
        Ok(a)
    }

    fn both(&mut self) -> Parsed<Id> {
        let mut a = self.contrary()?;
        while self.accept_word("and") {
            let b = self.contrary()?;
            a = self.binary(Function::And, a, b);
        }
        Ok(a)
    }

    fn contrary(&mut self) -> Parsed<Id> {
        let start = self.peek().span;
        if self.accept_word("not") {
            let a = self.deeper(Self::contrary)?;
            let span = start.to(self.span(a));
            return Ok(self.apply(Function::Not, vec![a], span));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Id> {
        let a = self.sum()?;
        let Some(f) = self.comparing()? else { return Ok(a) };
        self.at += 1;
        let b = self.sum()?;
        if self.comparing()?.is_some() {
            let message = "comparisons cannot be chained; join two comparisons with 'and'";
            return Err(self.error(self.peek().span, message));
        }
        Ok(self.binary(f, a, b))
    }

    fn comparing(&self) -> Parsed<Option<Function>> {
        let Kind::Symbol(symbol) = self.peek().kind else { return Ok(None) };
        Ok(match symbol {
            ">" => Some(Function::Greater),
            ">=" => Some(Function::GreaterEqual),
            "<" => Some(Function::Less),
            "<=" => Some(Function::LessEqual),
            "==" | "!=" => {
                let message =
                    format!("'{symbol}' cannot compare real numbers; expected '<', '<=', '>' or '>='");
                return Err(self.error(self.peek().span, message));
            }
            _ => None,
        })
    }

    fn sum(&mut self) -> Parsed<Id> {
        let mut a = self.product()?;
        loop {
            let f = if self.accept("+") {
                Function::Add
            } else if self.accept("-") {
                Function::Sub
            } else {
                return Ok(a);
            };
            let b = self.product()?;
            a = self.binary(f, a, b);
        }
    }

    fn product(&mut self) -> Parsed<Id> {
        let mut a = self.sign()?;
        loop {
            let f = if self.accept("*") {
                Function::Mul
            } else if self.accept("/") {
                Function::Div
            } else {
                return Ok(a);
            };
            let b = self.sign()?;
            a = self.binary(f, a, b);
        }
    }

    fn sign(&mut self) -> Parsed<Id> {
        let start = self.peek().span;
        if self.accept("-") {
            let a = self.deeper(Self::sign)?;
            let span = start.to(self.span(a));
            return Ok(self.apply(Function::Neg, vec![a], span));
        }
        if self.accept("+") {
            return self.deeper(Self::sign);
        }
        self.power()
    }

    fn power(&mut self) -> Parsed<Id> {
        let base = self.primary()?;
        if self.accept("^") || self.accept("**") {
            let exponent = self.deeper(Self::sign)?;
            return Ok(self.binary(Function::Pow, base, exponent));
        }
        Ok(base)
    }

    fn primary(&mut self) -> Parsed<Id> {
        let token = self.peek();
        match token.kind {
            Kind::Number(value) => {
                self.at += 1;
                self.number(value, token.span)
            }
            Kind::Name if self.is_called() => self.call(),
            Kind::Name => {
                let span = self.name("a number, a name or '('")?;
                Ok(self.push(Node::Name, span))
            }
            Kind::Symbol("(") => {
                self.at += 1;
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

    /// Returns whether the name here is the name of a called function. It is not if a bound follows, as in `g = 5
    /// mS/cm2 (>= 0)`.
    fn is_called(&self) -> bool {
        let inner = self.ahead(2);
        let is_bound = matches!(inner.kind, Kind::Symbol(">" | ">=")) || inner.span.of(self.text) == "in";
        matches!(self.ahead(1).kind, Kind::Symbol("(")) && !is_bound
    }

    /// Parses the unit that may follow a number that has just been read.
    fn number(&mut self, value: f64, span: Span) -> Parsed<Id> {
        let token = self.peek();
        let word = token.span.of(self.text);
        if token.kind != Kind::Name || KEYWORDS.contains(&word) {
            return Ok(self.push(Node::Number { value, unit: Unit::ONE }, span));
        }
        let (unit, end) = self.unit_name()?;
        if !unit.coherent(value).is_finite() {
            return Err(self.error(span.to(end), "this number is too large; expected a finite number in coherent units (mV, ms, pA, um, mM, K)"));
        }
        Ok(self.push(Node::Number { value, unit }, span.to(end)))
    }

    /// Parses the name of a unit with an optional exponent: `cm2`, `ms^2`, `ms^-1`.
    pub(super) fn unit_name(&mut self) -> Parsed<(Unit, Span)> {
        let token = self.next();
        let word = token.span.of(self.text);
        let Some(unit) = Unit::named(word).filter(|_| token.kind == Kind::Name) else {
            let message = format!("'{word}' is not a unit{}", suggestion(word, COMMON));
            return Err(self.error(token.span, message));
        };
        if !(self.is("^") || self.is("**")) {
            return Ok((unit, token.span));
        }
        self.at += 1;
        let negative = self.accept("-");
        match self.peek().kind {
            Kind::Number(v) if v.fract() == 0.0 && (1.0..=9.0).contains(&v) => {
                let end = self.next().span;
                let exponent = if negative { -(v as i32) } else { v as i32 };
                Ok((unit.power(exponent), token.span.to(end)))
            }
            _ => Err(self.unexpected("an integer exponent from 1 to 9 after the unit")),
        }
    }

    fn call(&mut self) -> Parsed<Id> {
        let name = self.next().span;
        let word = name.of(self.text);
        let Some((f, arity)) = Function::called(word) else {
            let known = Function::CALLED.iter().map(|(n, ..)| *n).chain(["where"]);
            let hint = suggestion(word, known);
            let message = format!("no function is named '{word}'{hint}; write a product as '{word} * (...)'");
            return Err(self.error(name, message));
        };
        self.at += 1;
        let mut arguments = Vec::new();
        if !self.is(")") {
            arguments.push(self.expression()?);
            while self.accept(",") {
                arguments.push(self.expression()?);
            }
        }
        let end = self.expect(")", &format!("to close '{word}('"))?.span;
        if arguments.len() != arity {
            let (n, s) = (arguments.len(), if arity == 1 { "" } else { "s" });
            return Err(self.error(name.to(end), format!("'{word}' takes {arity} argument{s}, not {n}")));
        }
        Ok(self.apply(f, arguments, name.to(end)))
    }
}
