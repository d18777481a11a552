//! Expressions of the equation language, created while a file is executed. Equal expressions are the same
//! term.

use std::collections::HashMap;
use std::rc::Rc;

use dendrion_language::{Binary, Function, Level, Notation, Unary};

use crate::error::Span;
use crate::logic::{self, Known};
use crate::syntax::Operator;
use crate::units::Product;

/// Index of a term. Operands come before their users.
pub(crate) type TermId = usize;

/// A node of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Term {
    /// A number, stored as its bits.
    Number(u64),
    /// A number with a unit.
    Quantity(u64, Product),
    /// A name of the equations.
    Name(Rc<str>),
    /// The value of the definition with this index, whose name is chosen later.
    Definition(usize),
    /// A function applied to other terms.
    Apply(Function, Vec<TermId>),
}

/// The symbolic value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) term: TermId,
    /// The value of a constant expression; 1 or 0 for conditions.
    pub(crate) constant: Option<f64>,
    /// Whether the expression depends on V, states or imports and thus varies in time.
    pub(crate) moves: bool,
    /// Whether the expression is a condition.
    pub(crate) truth: bool,
    /// Nesting depth of parentheses and signs.
    pub(crate) depth: usize,
    /// The logical form of a condition, if it is simple enough.
    pub(crate) logic: Known,
}

impl Value {
    /// Returns the value of a term that refers to other quantities.
    pub(crate) const fn of(term: TermId, moves: bool) -> Self {
        Self { term, constant: None, moves, truth: false, depth: 0, logic: None }
    }

    fn is(&self, value: f64) -> bool {
        self.constant == Some(value)
    }
}

/// All terms, and the operations on values.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    /// The terms. Equal expressions share a term, which has the position of the first occurrence.
    all: Vec<(Term, Span)>,
    /// Number of nodes of each term when it is written out in full.
    sizes: Vec<usize>,
    known: HashMap<Term, TermId>,
    /// The position of new terms.
    pub(crate) at: Span,
}

impl Terms {
    pub(crate) fn get(&self, id: TermId) -> Option<&Term> {
        self.all.get(id).map(|(term, _)| term)
    }

    pub(crate) fn span(&self, id: TermId) -> Span {
        self.all.get(id).map_or_else(Span::default, |(_, span)| *span)
    }

    /// Returns the number of nodes of a term that is written out in full.
    pub(crate) fn size(&self, id: TermId) -> usize {
        self.sizes.get(id).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, term: Term) -> TermId {
        if let Some(id) = self.known.get(&term) {
            return *id;
        }
        let size = match &term {
            Term::Apply(_, operands) => operands.iter().map(|a| self.size(*a)).fold(1, usize::saturating_add),
            _ => 1,
        };
        self.known.insert(term.clone(), self.all.len());
        self.all.push((term, self.at));
        self.sizes.push(size);
        self.all.len() - 1
    }

    pub(crate) fn name(&mut self, name: &str) -> TermId {
        self.add(Term::Name(name.into()))
    }

    pub(crate) fn quantity_term(&mut self, value: f64, unit: &Product) -> TermId {
        self.add(Term::Quantity(value.to_bits(), unit.clone()))
    }

    pub(crate) fn apply(&mut self, f: impl Into<Function>, operands: Vec<TermId>) -> TermId {
        self.add(Term::Apply(f.into(), operands))
    }

    /// Returns `term / (1 unit)`.
    pub(crate) fn in_units(&mut self, term: TermId, unit: &Product) -> TermId {
        let one = self.quantity_term(1.0, unit);
        self.apply(Binary::Div, vec![term, one])
    }

    /// Multiplies a value by a unit. The literal 0 becomes a 0 with the unit, since 0 alone would be compatible with
    /// every unit.
    pub(crate) fn with_unit(&mut self, value: &Value, unit: &Product) -> TermId {
        if value.is(0.0) {
            return self.quantity_term(0.0, unit);
        }
        let one = self.quantity_term(1.0, unit);
        self.apply(Binary::Mul, vec![value.term, one])
    }

    /// Calls `f` with each definition that a term refers to, once per reference.
    pub(crate) fn references(&self, id: TermId, f: &mut impl FnMut(usize)) {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            match self.get(id) {
                Some(Term::Definition(definition)) => f(*definition),
                Some(Term::Apply(_, operands)) => stack.extend(operands),
                _ => {}
            }
        }
    }

    fn level(&self, id: TermId) -> Level {
        match self.get(id) {
            Some(Term::Number(bits)) if f64::from_bits(*bits) < 0.0 => Level::Sign,
            Some(Term::Apply(f, _)) => match f.notation() {
                Notation::Prefix(_, level) | Notation::Infix(_, level) => level,
                Notation::Call(_) | Notation::Internal(_) => Level::Primary,
            },
            _ => Level::Primary,
        }
    }

    /// Returns the depth of an operand, which is enclosed in parentheses if its precedence is lower than
    /// `level`.
    fn depth(&self, value: &Value, level: Level) -> usize {
        value.depth + usize::from(self.level(value.term) < level)
    }
}

impl Terms {
    pub(crate) fn number(&mut self, value: f64) -> Value {
        // -0 is written as 0, because the language accepts the literal 0 in every unit.
        let value = if value == 0.0 { 0.0 } else { value };
        Value {
            term: self.add(Term::Number(value.to_bits())),
            constant: Some(value),
            moves: false,
            truth: false,
            depth: usize::from(value < 0.0),
            logic: None,
        }
    }

    pub(crate) fn truth(&mut self, value: bool) -> Value {
        Value { truth: true, ..self.number(f64::from(u8::from(value))) }
    }

    /// Returns a reference to a definition.
    pub(crate) fn reference(&mut self, definition: usize, moves: bool, truth: bool) -> Value {
        let term = self.add(Term::Definition(definition));
        Value { truth, ..Value::of(term, moves) }
    }

    /// Returns the definition if the value is only a reference.
    pub(crate) fn definition(&self, value: &Value) -> Option<usize> {
        match self.get(value.term) {
            Some(Term::Definition(definition)) => Some(*definition),
            _ => None,
        }
    }

    /// Returns whether the value is a number or only a reference to a definition.
    pub(crate) fn is_simple(&self, value: &Value) -> bool {
        value.constant.is_some() || self.definition(value).is_some()
    }

    /// Converts a condition to the number 1 or 0, and leaves quantities unchanged.
    pub(crate) fn quantity(&mut self, value: Value) -> Value {
        match (value.truth, value.constant) {
            (false, _) => value,
            (true, Some(constant)) => self.number(constant),
            (true, None) => {
                let (one, zero) = (self.number(1.0), self.number(0.0));
                self.choose(value, one, zero)
            }
        }
    }

    /// Converts a quantity to the condition that it is not 0, and leaves conditions unchanged.
    pub(crate) fn condition(&mut self, value: Value) -> Value {
        match (value.truth, value.constant) {
            (true, _) => value,
            (false, Some(constant)) => self.truth(constant != 0.0),
            (false, None) => {
                let zero = self.number(0.0);
                let logic = logic::compare(Operator::Unequal, (value.term, None), (zero.term, Some(0.0)));
                let size = self.applied(Unary::Abs, &[value]);
                Value { logic, ..self.applied(Binary::Greater, &[size, zero]) }
            }
        }
    }

    /// Applies a function to values that are not all constant.
    pub(crate) fn applied(&mut self, f: impl Into<Function>, operands: &[Value]) -> Value {
        let f = f.into();
        let deepest = |levels: [Level; 2]| {
            operands.iter().zip(levels).map(|(value, level)| self.depth(value, level)).max().unwrap_or(0)
        };
        let depth = match f.notation() {
            Notation::Prefix(_, level) => deepest([level; 2]) + 1,
            Notation::Infix(_, Level::Power) => deepest([Level::Primary, Level::Sign]) + 1,
            Notation::Infix(_, Level::Comparison) => deepest([Level::Sum; 2]),
            Notation::Infix(_, level) => deepest([level, level.above()]),
            Notation::Call(_) | Notation::Internal(_) => {
                operands.iter().map(|value| value.depth).max().unwrap_or(0) + 1
            }
        };
        let moves = operands.iter().any(|value| value.moves);
        let term = self.apply(f, operands.iter().map(|value| value.term).collect());
        Value { truth: f.is_condition(), depth, ..Value::of(term, moves) }
    }

    /// Returns `yes` if the condition is true, else `no`.
    pub(crate) fn choose(&mut self, condition: Value, yes: Value, no: Value) -> Value {
        match condition.constant {
            Some(value) => {
                if value == 0.0 {
                    no
                } else {
                    yes
                }
            }
            None => self.applied(Function::Where, &[condition, yes, no]),
        }
    }

    pub(crate) fn negated(&mut self, value: Value) -> Value {
        match value.constant {
            Some(value) => self.number(-value),
            None => self.applied(Unary::Neg, &[value]),
        }
    }

    pub(crate) fn contrary(&mut self, value: Value) -> Value {
        let value = self.condition(value);
        if let Some(value) = value.constant {
            return self.truth(value == 0.0);
        }
        let logic = logic::not(value.logic.clone());
        Value { logic, ..self.applied(Function::Not, &[value]) }
    }

    /// Applies a binary operator. Returns `None` for a division by 0 and for constants whose result is not finite.
    pub(crate) fn binary(&mut self, operator: Operator, a: Value, b: Value) -> Option<Value> {
        if matches!(operator, Operator::And | Operator::Or) {
            let (a, b) = (self.condition(a), self.condition(b));
            return Some(self.logical(operator, a, b));
        }
        let (a, b) = (self.quantity(a), self.quantity(b));
        if operator == Operator::Div && b.is(0.0) {
            return None;
        }
        if let (Some(x), Some(y)) = (a.constant, b.constant) {
            return self.fold(operator, x, y);
        }
        // The literal 0 is compatible with every unit, and a product with it would lose the unit of the other
        // factor.
        if (operator == Operator::Mul && (a.is(0.0) || b.is(0.0))) || (operator == Operator::Div && a.is(0.0))
        {
            return Some(self.number(0.0));
        }
        let sides = ((a.term, a.constant), (b.term, b.constant));
        let value = if let Some(f) = operator.function() {
            self.applied(f, &[a, b])
        } else {
            // The language has no equality of real numbers. Two numbers are equal if the absolute value of their
            // difference is not greater than 0.
            let f = if operator == Operator::Equal { Function::LessEqual } else { Binary::Greater.into() };
            let difference = self.applied(Binary::Sub, &[a, b]);
            let (size, zero) = (self.applied(Unary::Abs, &[difference]), self.number(0.0));
            self.applied(f, &[size, zero])
        };
        let logic = if value.truth { logic::compare(operator, sides.0, sides.1) } else { None };
        Some(Value { logic, ..value })
    }

    fn logical(&mut self, operator: Operator, a: Value, b: Value) -> Value {
        // The value of one side that determines the result without the other side.
        let decisive = f64::from(u8::from(operator == Operator::Or));
        for (one, other) in [(&a, &b), (&b, &a)] {
            if let Some(value) = one.constant {
                return if value == decisive { one.clone() } else { other.clone() };
            }
        }
        let (f, combine) = match operator {
            Operator::Or => (Function::Or, logic::or as fn(Known, Known) -> Known),
            _ => (Function::And, logic::and as fn(Known, Known) -> Known),
        };
        let logic = combine(a.logic.clone(), b.logic.clone());
        Value { logic, ..self.applied(f, &[a, b]) }
    }

    /// Applies a binary operator to two numbers. Returns `None` if the result is not finite.
    fn fold(&mut self, operator: Operator, x: f64, y: f64) -> Option<Value> {
        let Some(f) = operator.function() else {
            return Some(self.truth((x == y) == (operator == Operator::Equal)));
        };
        let value = f.evaluate(&[x, y]);
        if operator.is_comparison() {
            return Some(self.truth(value != 0.0));
        }
        value.is_finite().then(|| self.number(value))
    }
}
