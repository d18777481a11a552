//! Parser of expressions. From lowest to highest precedence: `||`, `&&`, comparisons, sums, products, signs and `!`,
//! powers.

use dendrion_language::Level;
use dendrion_language::cursor::{Expressions, Parsed, Parser as _};

use super::{Parser, refused};
use crate::error::Span;
use crate::lex::Kind;
use crate::syntax::{Id, Node, Operator};

/// The infix operators.
const OPERATORS: [(&str, Operator); 13] = [
    ("||", Operator::Or),
    ("&&", Operator::And),
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<", Operator::Less),
    ("<=", Operator::LessEqual),
    (">", Operator::Greater),
    (">=", Operator::GreaterEqual),
    ("+", Operator::Add),
    ("-", Operator::Sub),
    ("*", Operator::Mul),
    ("/", Operator::Div),
    ("^", Operator::Pow),
];

/// Operators in the form that the expression parser uses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Applied {
    Neg,
    Not,
    Binary(Operator),
}

impl<'t> Expressions<'t> for Parser<'t> {
    type Function = Applied;
    type Id = Id;

    const CHAINED: &'static str = "comparisons cannot be chained; join two comparisons with '&&'";

    fn prefix(&self) -> Option<(Option<Applied>, Level)> {
        let Kind::Symbol(symbol) = self.peek().kind else { return None };
        let applied = match symbol {
            "-" => Some(Applied::Neg),
            "!" => Some(Applied::Not),
            "+" => None,
            _ => return None,
        };
        Some((applied, Level::Sign))
    }

    fn infix(&self) -> Parsed<Option<(Applied, Level)>> {
        let Kind::Symbol(symbol) = self.peek().kind else { return Ok(None) };
        let found = OPERATORS.iter().find(|(s, _)| *s == symbol);
        Ok(found.map(|(_, operator)| (Applied::Binary(*operator), operator.level())))
    }

    fn primary(&mut self) -> Parsed<Id> {
        let token = self.peek();
        match token.kind {
            Kind::Number(value) => {
                self.advance(1);
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
                self.advance(1);
                let inner = self.expression()?;
                self.expect(")", "to close '('")?;
                Ok(inner)
            }
            _ => Err(self.unexpected("a number, a name or '('")),
        }
    }

    fn apply(&mut self, applied: Applied, operands: Vec<Id>, span: Span) -> Id {
        let at = |i: usize| operands.get(i).copied().unwrap_or(0);
        let node = match applied {
            Applied::Neg => Node::Neg(at(0)),
            Applied::Not => Node::Not(at(0)),
            Applied::Binary(operator) => Node::Binary(operator, at(0), at(1)),
        };
        self.push(node, span)
    }

    fn span(&self, id: Id) -> Span {
        self.file.nodes.get(id).map_or_else(Span::default, |(_, span)| *span)
    }
}

impl<'t> Parser<'t> {
    pub(super) fn expression(&mut self) -> Parsed<Id> {
        self.deeper(|p| p.climb(Level::Or))
    }

    fn call(&mut self, name: crate::syntax::Name<'t>) -> Parsed<Id> {
        self.advance(1);
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
