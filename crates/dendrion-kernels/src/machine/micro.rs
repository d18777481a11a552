//! The operations of a tape, each of which applies to one vector of lanes.

use crate::space::Space;

/// Identifies a value by its position on the tape.
pub(crate) type Id = u32;

/// The memory location of a vector: a memory area, and the offset in bytes from the current lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) space: Space,
    pub(crate) offset: u64,
}

impl Place {
    /// Returns the place at which a value can be read after it was written to this place. The new state may
    /// be stored separately from the old one.
    pub(crate) const fn written(self) -> Self {
        match self.space {
            Space::State => Self { space: Space::Written, ..self },
            _ => self,
        }
    }
}

/// Arithmetic on two vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Two {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
    And,
    Or,
    /// The bits of the second operand that are not set in the first operand.
    AndNot,
    Xor,
    Greater,
    GreaterEqual,
    NotEqual,
}

/// A comparison of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Compare {
    pub(crate) op: Two,
    /// Whether the comparison has to hold; if not, it has to fail, as it does for NaN.
    pub(crate) holds: bool,
    pub(crate) a: Id,
    pub(crate) b: Id,
}

impl Compare {
    pub(crate) const fn negated(self) -> Self {
        Self { holds: !self.holds, ..self }
    }

    fn renamed(self, to: impl Fn(Id) -> Id) -> Self {
        Self { a: to(self.a), b: to(self.b), ..self }
    }
}

/// The condition under which a value vanishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum When {
    /// The magnitude exceeds the number with these bits.
    Above(u64),
    /// The value is 0.
    Zero,
}

/// A micro operation on a vector. Its value is identified by its position on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Micro {
    Load(Place),
    /// A constant with these bits in all lanes.
    Number(u64),
    Two(Two, Id, Id),
    /// `a b + c`, or `c - a b`.
    Fma {
        negated: bool,
        a: Id,
        b: Id,
        c: Id,
    },
    Sqrt(Id),
    Select {
        mask: Id,
        yes: Id,
        no: Id,
    },
    /// [`Vector::exp2_rounded`]
    Exponent(Id),
    /// `a + port`, or `a` if the port is absent.
    AddPort {
        port: u32,
        a: Id,
    },
    /// `a port + c`, or `c` if the port is absent.
    FmaPort {
        port: u32,
        a: Id,
        c: Id,
    },
    /// `port`, or `zero` if the port is absent.
    LoadPort {
        port: u32,
        zero: Id,
    },
    /// `value`, which equals `instead` if `of` meets the condition `when`. Removed by [`super::guard`].
    Vanishing {
        value: Id,
        instead: Id,
        of: Id,
        when: When,
    },
    Store(Place, Id),
    /// `value` where the condition holds, and 0 elsewhere. This and the next two exist only for 512-bit vectors; see
    /// [`super::masks`].
    Keep {
        when: Compare,
        value: Id,
    },
    /// `yes` where the condition holds, and `no` elsewhere.
    Choose {
        when: Compare,
        yes: Id,
        no: Id,
    },
    /// Makes those lanes fire in which the condition holds.
    FireIf(Compare),
    /// Makes those lanes fire in which the mask is set.
    Fire(Id),
    /// Leaves the body of the loop for a shorter one if the mask is set in all lanes.
    Leave(Id),
    /// Leaves the loop if the mask is set in any lane.
    LeaveAny(Id),
}

impl Micro {
    /// Returns the values that the operation reads.
    pub(crate) fn reads(&self) -> impl Iterator<Item = Id> + use<> {
        let all = match *self {
            Self::Load(_) | Self::Number(_) => [None; 4],
            Self::Two(_, a, b) | Self::FmaPort { a, c: b, .. } | Self::FireIf(Compare { a, b, .. }) => {
                [Some(a), Some(b), None, None]
            }
            Self::Choose { when: Compare { a, b, .. }, yes, no } => [Some(a), Some(b), Some(yes), Some(no)],
            Self::Fma { a, b, c, .. }
            | Self::Select { mask: a, yes: b, no: c }
            | Self::Vanishing { value: a, instead: b, of: c, .. }
            | Self::Keep { when: Compare { a, b, .. }, value: c } => [Some(a), Some(b), Some(c), None],
            Self::Sqrt(a)
            | Self::Exponent(a)
            | Self::AddPort { a, .. }
            | Self::LoadPort { zero: a, .. }
            | Self::Store(_, a)
            | Self::Fire(a)
            | Self::Leave(a)
            | Self::LeaveAny(a) => [Some(a), None, None, None],
        };
        all.into_iter().flatten()
    }

    /// Returns the same operation with its operands renumbered.
    pub(crate) fn renamed(self, to: impl Fn(Id) -> Id) -> Self {
        match self {
            Self::Load(_) | Self::Number(_) => self,
            Self::Two(op, a, b) => Self::Two(op, to(a), to(b)),
            Self::Fma { negated, a, b, c } => Self::Fma { negated, a: to(a), b: to(b), c: to(c) },
            Self::Sqrt(a) => Self::Sqrt(to(a)),
            Self::Select { mask, yes, no } => Self::Select { mask: to(mask), yes: to(yes), no: to(no) },
            Self::Exponent(a) => Self::Exponent(to(a)),
            Self::AddPort { port, a } => Self::AddPort { port, a: to(a) },
            Self::FmaPort { port, a, c } => Self::FmaPort { port, a: to(a), c: to(c) },
            Self::LoadPort { port, zero } => Self::LoadPort { port, zero: to(zero) },
            Self::Store(place, a) => Self::Store(place, to(a)),
            Self::Vanishing { value, instead, of, when } => {
                Self::Vanishing { value: to(value), instead: to(instead), of: to(of), when }
            }
            Self::Keep { when, value } => Self::Keep { when: when.renamed(&to), value: to(value) },
            Self::Choose { when, yes, no } => {
                Self::Choose { when: when.renamed(&to), yes: to(yes), no: to(no) }
            }
            Self::FireIf(when) => Self::FireIf(when.renamed(to)),
            Self::Fire(a) => Self::Fire(to(a)),
            Self::Leave(a) => Self::Leave(to(a)),
            Self::LeaveAny(a) => Self::LeaveAny(to(a)),
        }
    }

    /// Returns whether the value already exists in memory.
    pub(crate) const fn is_source(&self) -> bool {
        matches!(self, Self::Load(_) | Self::Number(_))
    }

    /// Returns whether the operation has a side effect.
    pub(crate) const fn acts(&self) -> bool {
        matches!(self, Self::Store(..) | Self::Fire(_) | Self::FireIf(_) | Self::Leave(_) | Self::LeaveAny(_))
    }
}

/// Returns the mask of all bits except the sign, for scalars of `size` bytes.
pub(crate) const fn magnitude(size: usize) -> u64 {
    if size == 4 { (u32::MAX >> 1) as u64 } else { u64::MAX >> 1 }
}
