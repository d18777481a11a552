//! Parser of expressions, by precedence climbing. From lowest to highest precedence: `||`, `&&`, comparisons, sums,
//! products, signs, `!`, powers.

use super::{Parsed, Parser, refused};
use crate::lex::Kind;
use crate::syntax::{Id, Node, Operator};

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Id> {
        self.deeper(|p| {
            let mut a = p.both()?;
            while p.accept("||") {
                let b = p.both()?;
                a = p.binary(Operator::Or, a, b);
            }
            Ok(a)
        })
    }

    fn binary(&mut self, operator: Operator, a: Id, b: Id) -> Id {
        let span = self.span(a).to(self.span(b));
        self.push(Node::Binary(operator, a, b), span)
    }

    fn both(&mut self) -> Parsed<Id> {
        let mut a = self.comparison()?;
        while self.accept("&&") {
            let b = self.comparison()?;
            a = self.binary(Operator::And, a, b);
        }
        Ok(a)
    }

    fn comparison(&mut self) -> Parsed<Id> {
        let a = self.sum()?;
        let Some(operator) = self.comparing() else { return Ok(a) };
        self.at += 1;
        let b = self.sum()?;
        if self.comparing().is_some() {
            let message = "comparisons cannot be chained; join two comparisons with '&&'";
            return Err(self.error(self.peek().span, message));
        }
        Ok(self.binary(operator, a, b))
    }

    fn comparing(&self) -> Option<Operator> {
        let Kind::Symbol(symbol) = self.peek().kind else { return None };
        match symbol {
            "==" => Some(Operator::Equal),
            "!=" => Some(Operator::Unequal),
            "<" => Some(Operator::Less),
            "<=" => Some(Operator::LessEqual),
            ">" => Some(Operator::Greater),
            ">=" => Some(Operator::GreaterEqual),
            _ => None,
        }
    }

    fn sum(&mut self) -> Parsed<Id> {
        let mut a = self.product()?;
        loop {
            let operator = if self.accept("+") {
                Operator::Add
            } else if self.accept("-") {
                Operator::Sub
            } else {
                return Ok(a);
            };
            let b = self.product()?;
            a = self.binary(operator, a, b);
        }
    }

    fn product(&mut self) -> Parsed<Id> {
        let mut a = self.sign()?;
        loop {
            let operator = if self.accept("*") {
                Operator::Mul
            } else if self.accept("/") {
                Operator::Div
            } else {
                return Ok(a);
            };
            let b = self.sign()?;
            a = self.binary(operator, a, b);
        }
    }

    fn sign(&mut self) -> Parsed<Id> {
        let start = self.peek().span;
        if self.accept("-") {
            let a = self.deeper(Self::sign)?;
            let span = start.to(self.span(a));
            return Ok(self.push(Node::Neg(a), span));
        }
        if self.accept("+") {
            return self.deeper(Self::sign);
        }
        if self.accept("!") {
            let a = self.deeper(Self::sign)?;
            let span = start.to(self.span(a));
            return Ok(self.push(Node::Not(a), span));
        }
        self.power()
    }

    fn power(&mut self) -> Parsed<Id> {
        let base = self.primary()?;
        if self.accept("^") {
            let exponent = self.deeper(Self::sign)?;
            return Ok(self.binary(Operator::Pow, base, exponent));
        }
        Ok(base)
    }

    fn primary(&mut self) -> Parsed<Id> {
        let token = self.peek();
        match token.kind {
            Kind::Number(value) => {
                self.at += 1;
                // Units of numbers are only used by NEURON's unit checker and do not convert the number.
                self.unit()?;
                Ok(self.push(Node::Number(value), token.span))
            }
            Kind::Name => {
                let name = self.name("a name")?;
                if self.is("(") {
                    if let Some(why) = refused::call(name.text) {
                        return Err(self.refused(name.span, why));
                    }
                    return self.call(name);
                }
                if self.is("[") {
                    return Err(self.refused(self.peek().span, refused::ARRAY));
                }
                Ok(self.push(Node::Name(name.text), name.span))
            }
            Kind::Symbol("(") => {
                self.at += 1;
                let inner = self.expression()?;
                self.expect(")", "to close '('")?;
                Ok(inner)
            }
            _ => Err(self.unexpected("a number, a name or '('")),
        }
    }
}

impl<'t> Parser<'t> {
    fn call(&mut self, name: crate::syntax::Name<'t>) -> Parsed<Id> {
        self.at += 1;
        let mut arguments = Vec::new();
        while !self.is(")") {
            arguments.push(self.expression()?);
            if !self.accept(",") && !self.is(")") {
                return Err(self.unexpected(&format!("',' or ')' to close '{}('", name.text)));
            }
        }
        let end = self.next().span;
        Ok(self.push(Node::Call(name.text, arguments), name.span.to(end)))
    }
}
