//! Expressions in the equation language, as text that is being assembled.

use crate::logic::{self, Known};
use crate::syntax::Operator;

/// Precedence levels of expressions, from the lowest.
pub(crate) mod level {
    pub(crate) const OR: u8 = 0;
    pub(crate) const AND: u8 = 1;
    pub(crate) const NOT: u8 = 2;
    pub(crate) const COMPARISON: u8 = 3;
    pub(crate) const SUM: u8 = 4;
    pub(crate) const PRODUCT: u8 = 5;
    pub(crate) const SIGN: u8 = 6;
    pub(crate) const POWER: u8 = 7;
    pub(crate) const PRIMARY: u8 = 8;
}

/// An expression as text. `@7@` refers to definition 7, whose name is chosen later.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) level: u8,
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

impl Piece {
    pub(crate) fn number(value: f64) -> Self {
        // -0 is written as 0, because the language accepts the literal 0 in every unit.
        let value = if value == 0.0 { 0.0 } else { value };
        let is_plain = value == 0.0 || (1e-4..1e16).contains(&value.abs());
        let text = if is_plain { format!("{value}") } else { format!("{value:e}") };
        let level = if value < 0.0 { level::SIGN } else { level::PRIMARY };
        Self {
            text,
            level,
            constant: Some(value),
            moves: false,
            truth: false,
            depth: usize::from(value < 0.0),
            logic: None,
        }
    }

    pub(crate) fn truth(value: bool) -> Self {
        let mut piece = Self::number(f64::from(u8::from(value)));
        piece.truth = true;
        piece
    }

    /// Creates a reference to a definition.
    pub(crate) fn reference(id: usize, moves: bool, truth: bool) -> Self {
        Self {
            text: format!("@{id}@"),
            level: level::PRIMARY,
            constant: None,
            moves,
            truth,
            depth: 0,
            logic: None,
        }
    }

    /// Returns whether the expression is a number or only a reference to a definition.
    pub(crate) fn is_simple(&self) -> bool {
        self.constant.is_some() || self.definition().is_some()
    }

    /// Returns the definition if the expression is only a reference.
    pub(crate) fn definition(&self) -> Option<usize> {
        self.text.strip_prefix('@')?.strip_suffix('@')?.parse().ok()
    }

    fn is(&self, value: f64) -> bool {
        self.constant == Some(value)
    }

    /// Adds parentheses if the precedence is lower than `level`.
    fn at(mut self, level: u8) -> Self {
        if self.level < level {
            self.text.insert(0, '(');
            self.text.push(')');
            self.level = level::PRIMARY;
            self.depth += 1;
        }
        self
    }

    /// Converts a condition to the number 1 or 0, and leaves quantities unchanged.
    pub(crate) fn quantity(self) -> Self {
        match (self.truth, self.constant) {
            (false, _) => self,
            (true, Some(value)) => Self::number(value),
            (true, None) => self.choose(Self::number(1.0), Self::number(0.0)),
        }
    }

    /// Converts a quantity to the condition that it is not 0, and leaves conditions unchanged.
    pub(crate) fn condition(self) -> Self {
        match (self.truth, self.constant) {
            (true, _) => self,
            (false, Some(value)) => Self::truth(value != 0.0),
            (false, None) => {
                let logic = logic::compare(Operator::Unequal, (&self.text, None), ("0", Some(0.0)));
                let piece = Self::comparison(self.called("abs"), ">", Self::number(0.0));
                Self { logic, ..piece }
            }
        }
    }

    fn comparison(a: Self, sign: &str, b: Self) -> Self {
        let mut piece = a.at(level::SUM).joined(sign, &b.at(level::SUM));
        (piece.level, piece.truth) = (level::COMPARISON, true);
        piece
    }

    /// Joins two texts with an operator and spaces. The caller sets the precedence.
    fn joined(mut self, sign: &str, b: &Self) -> Self {
        self.text.push(' ');
        let sign = [sign, " "].concat();
        self.appended(&sign, b)
    }

    fn appended(mut self, sign: &str, b: &Self) -> Self {
        self.text.push_str(sign);
        self.text.push_str(&b.text);
        self.depth = self.depth.max(b.depth);
        self.moves |= b.moves;
        self.constant = None;
        self
    }

    /// Applies a function of one argument.
    pub(crate) fn called(mut self, name: &str) -> Self {
        self.text = format!("{name}({})", self.text);
        (self.level, self.constant, self.truth, self.logic) = (level::PRIMARY, None, false, None);
        self.depth += 1;
        self
    }

    /// Applies a function of two arguments.
    pub(crate) fn called_with(self, name: &str, b: &Self) -> Self {
        let mut piece = self;
        piece.text = format!("{name}({}, {})", piece.text, b.text);
        (piece.level, piece.constant, piece.truth, piece.logic) = (level::PRIMARY, None, false, None);
        piece.moves |= b.moves;
        piece.depth = piece.depth.max(b.depth) + 1;
        piece
    }

    /// Returns `yes` if the condition is true, else `no`.
    pub(crate) fn choose(self, yes: Self, no: Self) -> Self {
        if let Some(value) = self.constant {
            return if value == 0.0 { no } else { yes };
        }
        Self {
            text: format!("where({}, {}, {})", self.text, yes.text, no.text),
            level: level::PRIMARY,
            constant: None,
            moves: self.moves || yes.moves || no.moves,
            truth: false,
            depth: self.depth.max(yes.depth).max(no.depth) + 1,
            logic: None,
        }
    }

    pub(crate) fn negated(self) -> Self {
        if let Some(value) = self.constant {
            return Self::number(-value);
        }
        let mut piece = self.at(level::SIGN);
        piece.text.insert(0, '-');
        piece.level = level::SIGN;
        piece.depth += 1;
        piece
    }

    pub(crate) fn contrary(self) -> Self {
        let piece = self.condition();
        if let Some(value) = piece.constant {
            return Self::truth(value == 0.0);
        }
        let mut piece = piece.at(level::NOT);
        piece.logic = logic::not(piece.logic);
        piece.text.insert_str(0, "not ");
        piece.level = level::NOT;
        piece.depth += 1;
        piece
    }

    /// Applies a binary operator. Returns `None` for a division by 0 and for constants whose result is not finite.
    pub(crate) fn binary(operator: Operator, a: Self, b: Self) -> Option<Self> {
        if matches!(operator, Operator::And | Operator::Or) {
            return Some(Self::logical(operator, a.condition(), b.condition()));
        }
        let (a, b) = (a.quantity(), b.quantity());
        if operator == Operator::Div && b.is(0.0) {
            return None;
        }
        if let (Some(x), Some(y)) = (a.constant, b.constant) {
            return fold(operator, x, y);
        }
        let side = |piece: &Self| (piece.text.clone(), piece.constant);
        let is_comparison = !matches!(
            operator,
            Operator::Add | Operator::Sub | Operator::Mul | Operator::Div | Operator::Pow
        );
        let sides = is_comparison.then(|| (side(&a), side(&b)));
        let mut piece = match operator {
            Operator::Add => a.arithmetic("+", b, level::SUM),
            Operator::Sub => a.arithmetic("-", b, level::SUM),
            // The literal 0 is compatible with every unit, and a product with it would lose the unit of the other
            // factor.
            Operator::Mul if a.is(0.0) || b.is(0.0) => Self::number(0.0),
            Operator::Div if a.is(0.0) => a,
            Operator::Mul => a.arithmetic("*", b, level::PRODUCT),
            Operator::Div => a.arithmetic("/", b, level::PRODUCT),
            Operator::Pow => {
                let mut piece = a.at(level::PRIMARY).appended("^", &b.at(level::SIGN));
                (piece.level, piece.depth) = (level::POWER, piece.depth + 1);
                piece
            }
            Operator::Less => Self::comparison(a, "<", b),
            Operator::LessEqual => Self::comparison(a, "<=", b),
            Operator::Greater => Self::comparison(a, ">", b),
            Operator::GreaterEqual => Self::comparison(a, ">=", b),
            // The language has no equality of real numbers. Two numbers are equal if the absolute value of their
            // difference is not greater than 0.
            Operator::Equal => {
                Self::comparison(a.arithmetic("-", b, level::SUM).called("abs"), "<=", Self::number(0.0))
            }
            _ => Self::comparison(a.arithmetic("-", b, level::SUM).called("abs"), ">", Self::number(0.0)),
        };
        piece.logic =
            sides.and_then(|((a, x), (b, y))| logic::compare(operator, (a.as_str(), x), (b.as_str(), y)));
        Some(piece)
    }

    fn arithmetic(self, sign: &str, b: Self, level: u8) -> Self {
        let mut piece = self.at(level).joined(sign, &b.at(level + 1));
        piece.level = level;
        piece
    }

    fn logical(operator: Operator, a: Self, b: Self) -> Self {
        // The value of one side that determines the result without the other side.
        let decisive = f64::from(u8::from(operator == Operator::Or));
        for (one, other) in [(&a, &b), (&b, &a)] {
            if let Some(value) = one.constant {
                return if value == decisive { one.clone() } else { other.clone() };
            }
        }
        let (sign, level) = if operator == Operator::Or { ("or", level::OR) } else { ("and", level::AND) };
        let combine = if operator == Operator::Or { logic::or } else { logic::and };
        let known = combine(a.logic.clone(), b.logic.clone());
        let mut piece = a.at(level).joined(sign, &b.at(level + 1));
        (piece.level, piece.truth, piece.logic) = (level, true, known);
        piece
    }
}

/// Applies a binary operator to two numbers. Returns `None` if the result is not finite.
fn fold(operator: Operator, x: f64, y: f64) -> Option<Piece> {
    let value = match operator {
        Operator::Add => x + y,
        Operator::Sub => x - y,
        Operator::Mul => x * y,
        Operator::Div => x / y,
        Operator::Pow => x.powf(y),
        Operator::Equal => return Some(Piece::truth(x == y)),
        Operator::Unequal => return Some(Piece::truth(x != y)),
        Operator::Less => return Some(Piece::truth(x < y)),
        Operator::LessEqual => return Some(Piece::truth(x <= y)),
        Operator::Greater => return Some(Piece::truth(x > y)),
        Operator::GreaterEqual => return Some(Piece::truth(x >= y)),
        Operator::Or | Operator::And => return None,
    };
    value.is_finite().then(|| Piece::number(value))
}
