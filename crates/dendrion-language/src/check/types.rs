//! Types of expressions: quantities with a dimension, and conditions.

use super::{Checked, Checker, GIVEN, Meaning};
use crate::definition::{Id, Term, Written};
use crate::error::{Span, suggestion};
use crate::function::{Binary, Function, Unary};
use crate::syntax::Node;
use crate::unit::{COMMON, Dimension, LARGEST, Unit};

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Type {
    /// A quantity.
    Number(Dimension),
    /// The literal 0, which is compatible with every unit.
    Zero,
    /// A condition.
    Truth,
    /// A flag that an event switches on. It can be used as a condition and as the number 1 or 0.
    Flag,
}

impl Checker<'_> {
    /// Checks a value and all of its subexpressions.
    pub(super) fn check_value(&mut self, root: Id) -> Checked<()> {
        for id in self.subtree(root) {
            self.check_node(id)?;
        }
        Ok(())
    }

    fn check_node(&mut self, id: Id) -> Checked<()> {
        let syntax = self.syntax;
        let (node, span) = &syntax.nodes[id];
        let (found, term) = match node {
            Node::Number(value, Written { unit, .. }) => {
                let coherent = unit.coherent(*value);
                self.constants[id] = Some(coherent);
                let is_zero = *value == 0.0 && *unit == Unit::ONE;
                (if is_zero { Type::Zero } else { Type::Number(unit.dimension) }, Term::Number(coherent))
            }
            Node::Name(name) => self.name(id, name, *span)?,
            Node::Apply(f, operands) => {
                let found = self.apply(*f, operands, *span)?;
                self.constants[id] = self.fold(*f, operands);
                (found, Term::Apply(*f, operands.clone()))
            }
        };
        self.types[id] = Some(found);
        self.made.terms[id] = term;
        Ok(())
    }

    fn name(&mut self, id: Id, word: &str, span: Span) -> Checked<(Type, Term)> {
        let is_unit = !self.is_formula && !self.is_declared(word);
        if let (true, Some(unit)) = (is_unit, Unit::named(word)) {
            let coherent = unit.coherent(1.0);
            self.constants[id] = Some(coherent);
            return Ok((Type::Number(unit.dimension), Term::Number(coherent)));
        }
        let meaning = self.meaning(word, span)?;
        if meaning == Meaning::Pi {
            self.constants[id] = Some(std::f64::consts::PI);
        }
        let found = match meaning {
            Meaning::Flag(_) => Type::Flag,
            Meaning::Expression(i) if self.is_condition(i) => Type::Truth,
            _ => Type::Number(self.dimension_of(meaning)),
        };
        Ok((found, Self::term_of(meaning)))
    }

    pub(super) fn is_condition(&self, expression: usize) -> bool {
        self.types.get(self.made.expressions[expression].value) == Some(&Some(Type::Truth))
    }

    /// Returns the meaning of a name.
    pub(super) fn meaning(&self, word: &str, span: Span) -> Checked<Meaning> {
        if let Some(meaning) = self.names.get(word) {
            return Ok(*meaning);
        }
        let own = self.names.keys().copied().filter(|name| !name.is_empty());
        let message = match word {
            _ if self.is_formula => {
                format!("unknown name '{word}'{}", suggestion(word, sorted(own.collect())))
            }
            "weight" => "'weight' is only available in 'on event: ...', as in 's += weight'".into(),
            "t" => "equations cannot depend on the time t; drive the neuron with a current or spike generator instead".into(),
            "I" => "'I' is only available in a definition with an equation 'dV/dt = ...'".into(),
            _ => {
                let known: Vec<&str> = own.chain(GIVEN.iter().map(|(n, _)| *n)).chain(COMMON).collect();
                format!("unknown name '{word}'{}", suggestion(word, sorted(known)))
            }
        };
        Err(self.error(span, message))
    }

    pub(super) fn dimension_of(&self, meaning: Meaning) -> Dimension {
        match meaning {
            Meaning::Parameter(i) => self.made.parameters[i].unit.unit.dimension,
            Meaning::State(i) => self.made.states[i].unit.unit.dimension,
            Meaning::Expression(i) => self.made.expressions[i].unit.unit.dimension,
            Meaning::Import(i) => self.made.imports[i].unit.unit.dimension,
            Meaning::Given(given) => given.dimension(),
            Meaning::Flag(_) | Meaning::Pi => Dimension::ONE,
        }
    }

    pub(super) const fn term_of(meaning: Meaning) -> Term {
        match meaning {
            Meaning::Parameter(i) => Term::Parameter(i),
            Meaning::State(i) => Term::State(i),
            Meaning::Expression(i) => Term::Expression(i),
            Meaning::Import(i) => Term::Import(i),
            Meaning::Given(given) => Term::Given(given),
            Meaning::Flag(i) => Term::Flag(i),
            Meaning::Pi => Term::Number(std::f64::consts::PI),
        }
    }

    /// Returns the type of a function's value.
    fn apply(&self, f: Function, operands: &[Id], span: Span) -> Checked<Type> {
        let at = |i: usize| operands[i];
        match f {
            Function::And | Function::Or | Function::Not => {
                operands.iter().try_for_each(|id| self.condition(*id))?;
                Ok(Type::Truth)
            }
            Function::Where => {
                self.condition(at(0))?;
                self.alike(at(1), at(2), "'where'", span)
            }
            Function::Less | Function::LessEqual => self.compared(operands, span),
            Function::Clip => {
                self.alike(at(0), at(1), "'clip'", span)?;
                self.alike(at(0), at(2), "'clip'", span)
            }
            Function::Log10 => self.of_pure(at(0)),
            Function::Unary(f) => self.unary(f, at(0)),
            Function::Binary(f) => self.binary(f, operands, span),
        }
    }

    fn compared(&self, operands: &[Id], span: Span) -> Checked<Type> {
        self.alike(operands[0], operands[1], "a comparison", span)?;
        Ok(Type::Truth)
    }

    /// Returns the type of a function that accepts and returns a pure number.
    fn of_pure(&self, a: Id) -> Checked<Type> {
        self.pure(a, "the argument of a function")?;
        Ok(Type::Number(Dimension::ONE))
    }

    fn unary(&self, f: Unary, a: Id) -> Checked<Type> {
        match f {
            Unary::Neg | Unary::Abs | Unary::Round => {
                self.number(a).map(|d| d.map_or(Type::Zero, Type::Number))
            }
            Unary::Sqrt => {
                let Some(d) = self.number(a)? else { return Ok(Type::Zero) };
                Ok(Type::Number(d.power(0.5).unwrap_or_default()))
            }
            Unary::Exp
            | Unary::Exp2
            | Unary::Expm1
            | Unary::Log
            | Unary::Log1p
            | Unary::Exprel
            | Unary::Tanh
            | Unary::LogisticSlope => self.of_pure(a),
        }
    }

    fn binary(&self, f: Binary, operands: &[Id], span: Span) -> Checked<Type> {
        let (a, b) = (operands[0], operands[1]);
        match f {
            Binary::Greater | Binary::GreaterEqual => self.compared(operands, span),
            Binary::Add => self.alike(a, b, "a sum", span),
            Binary::Sub => self.alike(a, b, "a difference", span),
            Binary::Min => self.alike(a, b, "'min'", span),
            Binary::Max => self.alike(a, b, "'max'", span),
            Binary::Mul | Binary::Div => {
                let (x, y) = (self.number(a)?, self.number(b)?);
                if f == Binary::Div && y.is_none() {
                    return Err(self.error(self.syntax.nodes[b].1, "division by 0"));
                }
                let (Some(x), Some(y)) = (x, y) else { return Ok(Type::Zero) };
                self.in_range(if f == Binary::Mul { x * y } else { x / y }, span)
            }
            Binary::Pow => self.power(a, b),
        }
    }

    fn power(&self, base: Id, exponent: Id) -> Checked<Type> {
        self.pure(exponent, "an exponent")?;
        let Some(d) = self.number(base)? else { return Ok(Type::Number(Dimension::ONE)) };
        if d == Dimension::ONE {
            return Ok(Type::Number(d));
        }
        let span = self.syntax.nodes[exponent].1;
        let Some(constant) = self.constants[exponent] else {
            return Err(
                self.error(span, format!("the base is in {d}; expected a constant number as its exponent"))
            );
        };
        let found = d.power(constant).ok_or_else(|| {
            self.error(span, format!("{d} to the power of {constant} is not a unit; expected an integer or a simple fraction as the exponent"))
        })?;
        self.in_range(found, self.syntax.nodes[base].1.to(span))
    }

    /// Returns the type of a quantity, or an error if the exponents of its dimension are too large.
    fn in_range(&self, d: Dimension, span: Span) -> Checked<Type> {
        if d.is_in_range() {
            return Ok(Type::Number(d));
        }
        let message =
            format!("this expression is in {d}; expected a unit with exponents of at most {LARGEST}");
        Err(self.error(span, message))
    }

    /// Returns the dimension of a quantity, or `None` for the literal 0, which has every dimension.
    fn number(&self, id: Id) -> Checked<Option<Dimension>> {
        match self.types[id] {
            Some(Type::Number(d)) => Ok(Some(d)),
            Some(Type::Flag) => Ok(Some(Dimension::ONE)),
            Some(Type::Truth) => {
                let message =
                    "this expression is a condition; expected a quantity, such as 'where(condition, 1, 0)'";
                Err(self.error(self.syntax.nodes[id].1, message))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn condition(&self, id: Id) -> Checked<()> {
        if matches!(self.types[id], Some(Type::Truth | Type::Flag)) {
            return Ok(());
        }
        let example = if self.is_formula { "x > 0" } else { "V > V_th" };
        let message = format!("this expression is a quantity; expected a condition, such as '{example}'");
        Err(self.error(self.syntax.nodes[id].1, message))
    }

    fn pure(&self, id: Id, what: &str) -> Checked<()> {
        match self.number(id)? {
            Some(d) if d != Dimension::ONE => {
                let message =
                    format!("{what} is in {d}; expected a pure number (divide it by a quantity in {d})");
                Err(self.error(self.syntax.nodes[id].1, message))
            }
            _ => Ok(()),
        }
    }

    fn alike(&self, a: Id, b: Id, what: &str, span: Span) -> Checked<Type> {
        match (self.number(a)?, self.number(b)?) {
            (Some(a), Some(b)) if a != b => {
                Err(self
                    .error(span, format!("{what} combines {a} and {b}; expected operands in the same unit")))
            }
            (Some(d), _) | (None, Some(d)) => Ok(Type::Number(d)),
            (None, None) => Ok(Type::Zero),
        }
    }

    /// Returns the value of a function whose operands are constants.
    fn fold(&self, f: Function, operands: &[Id]) -> Option<f64> {
        let operands: Option<Vec<f64>> = operands.iter().map(|id| self.constants[*id]).collect();
        Some(f.evaluate(&operands?))
    }
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names.dedup();
    names
}
