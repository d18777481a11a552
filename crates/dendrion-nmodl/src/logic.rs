//! Determines whether conditions cover all cases.
//!
//! For example, `if (v < -40) { a = 1 } else if (v >= -40) { a = 2 }` always assigns `a`. Each comparison is
//! written as the comparison of one variable with a number; the comparison of two variables becomes the comparison
//! of their difference with 0. The numbers divide the axis of each variable into points and open intervals, on
//! which no comparison changes its value. A condition therefore holds everywhere if it holds for one sample of each
//! combination of points and intervals. The variables are assumed to be independent and not NaN.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::syntax::Operator;
use crate::terms::TermId;

/// Maximum number of comparisons in an examined condition.
const LARGEST: usize = 200;
/// Maximum product of the numbers of combinations and comparisons in an examined condition.
const MOST: usize = 4_000;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Logic {
    node: Node,
    /// Number of comparisons.
    size: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Compare(Variable, Operator, f64),
    Not(Rc<Logic>),
    And(Rc<Logic>, Rc<Logic>),
    Or(Rc<Logic>, Rc<Logic>),
}

/// The logical form of a condition; `None` if it is not known.
pub(crate) type Known = Option<Rc<Logic>>;

/// A term that is compared with a number, or two terms whose difference is compared with a number.
type Variable = (TermId, Option<TermId>);

/// One side of a comparison, and its value if it is a number.
type Side = (TermId, Option<f64>);

/// Creates a comparison of two terms.
pub(crate) fn compare(operator: Operator, a: Side, b: Side) -> Known {
    let (variable, operator, number) = match (a, b) {
        ((a, None), (_, Some(number))) => ((a, None), operator, number),
        ((_, Some(number)), (b, None)) => ((b, None), mirrored(operator), number),
        ((a, None), (b, None)) if a <= b => ((a, Some(b)), operator, 0.0),
        ((a, None), (b, None)) => ((b, Some(a)), mirrored(operator), 0.0),
        _ => return None,
    };
    Some(Rc::new(Logic { node: Node::Compare(variable, operator, number), size: 1 }))
}

pub(crate) fn not(a: Known) -> Known {
    let a = a?;
    let size = a.size;
    Some(Rc::new(Logic { node: Node::Not(a), size }))
}

pub(crate) fn and(a: Known, b: Known) -> Known {
    both(Node::And, a, b)
}

pub(crate) fn or(a: Known, b: Known) -> Known {
    both(Node::Or, a, b)
}

fn both(node: fn(Rc<Logic>, Rc<Logic>) -> Node, a: Known, b: Known) -> Known {
    let (a, b) = (a?, b?);
    let size = a.size + b.size;
    (size <= LARGEST).then(|| Rc::new(Logic { node: node(a, b), size }))
}

/// Returns the operator that holds when the two sides are swapped.
fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessEqual => Operator::GreaterEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterEqual => Operator::LessEqual,
        other => other,
    }
}

/// For each variable, the numbers with which it is compared and the current point or interval: 2i + 1 is the number
/// i, and 2i is the interval before it.
type Axes = BTreeMap<Variable, (Vec<f64>, usize)>;

impl Logic {
    /// Returns whether the condition holds for all values of its variables. Also returns false if the condition is
    /// too large to be examined.
    pub(crate) fn always(&self) -> bool {
        let mut axes = Axes::new();
        self.collect(&mut axes);
        let mut combinations = 1_usize;
        for (numbers, _) in axes.values_mut() {
            numbers.sort_by(f64::total_cmp);
            numbers.dedup();
            combinations = combinations.saturating_mul(2 * numbers.len() + 1);
        }
        if combinations.saturating_mul(self.size) > MOST {
            return false;
        }
        loop {
            if !self.holds(&axes) {
                return false;
            }
            // Advances to the next combination, like an odometer.
            let advanced = axes.values_mut().any(|(numbers, at)| {
                *at = if *at == 2 * numbers.len() { 0 } else { *at + 1 };
                *at > 0
            });
            if !advanced {
                return true;
            }
        }
    }

    fn collect(&self, axes: &mut Axes) {
        match &self.node {
            Node::Compare(variable, _, number) => {
                // Adding 0 turns -0 into 0, which is the same point.
                axes.entry(*variable).or_default().0.push(number + 0.0);
            }
            Node::Not(a) => a.collect(axes),
            Node::And(a, b) | Node::Or(a, b) => {
                a.collect(axes);
                b.collect(axes);
            }
        }
    }

    fn holds(&self, axes: &Axes) -> bool {
        match &self.node {
            Node::Compare(variable, operator, number) => {
                let Some((numbers, at)) = axes.get(variable) else { return false };
                let point = 2 * numbers.partition_point(|n| n < number) + 1;
                match operator {
                    Operator::Less => *at < point,
                    Operator::LessEqual => *at <= point,
                    Operator::Greater => *at > point,
                    Operator::GreaterEqual => *at >= point,
                    Operator::Equal => *at == point,
                    Operator::Unequal => *at != point,
                    _ => false,
                }
            }
            Node::Not(a) => !a.holds(axes),
            Node::And(a, b) => a.holds(axes) && b.holds(axes),
            Node::Or(a, b) => a.holds(axes) || b.holds(axes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Operator, and, compare, not, or};

    fn v(operator: Operator, number: f64) -> Known {
        compare(operator, (0, None), (9, Some(number)))
    }

    fn always(condition: Known) -> bool {
        condition.is_some_and(|c| c.always())
    }

    #[test]
    fn conditions_that_cover_all_cases() {
        use Operator::{Equal, Greater, GreaterEqual, Less, LessEqual, Unequal};
        assert!(always(or(v(Less, 1.0), v(GreaterEqual, 1.0))));
        assert!(always(or(v(Less, 2.0), v(Greater, 1.0))));
        assert!(always(or(v(Equal, 1.0), v(Unequal, 1.0))));
        assert!(always(or(or(v(Less, 0.0), v(Greater, 0.0)), v(Equal, -0.0))));
        assert!(always(or(or(v(Less, 0.0), and(v(GreaterEqual, 0.0), v(LessEqual, 5.0))), v(Greater, 5.0))));
        assert!(always(not(and(v(Less, 0.0), v(Greater, 0.0)))));
        let pair = |operator, a, b| compare(operator, (a, None), (b, None));
        assert!(always(or(pair(Less, 1, 2), pair(LessEqual, 2, 1))));
        let first = |other| and(v(Less, 0.0), pair(other, 1, 2));
        assert!(always(or(or(first(Less), first(GreaterEqual)), v(GreaterEqual, 0.0))));
    }

    #[test]
    fn conditions_that_do_not() {
        use Operator::{Equal, Greater, GreaterEqual, Less, LessEqual, Unequal};
        assert!(!always(v(Less, 1.0)));
        assert!(!always(or(v(Less, 1.0), v(Greater, 1.0))));
        assert!(!always(or(v(Less, 1.0), v(GreaterEqual, 1.000_000_1))));
        assert!(!always(or(v(Equal, 1.0), v(Equal, 0.0))));
        assert!(!always(or(or(v(Less, 0.0), and(v(GreaterEqual, 0.0), v(Less, 5.0))), v(Greater, 5.0))));
        assert!(!always(and(v(LessEqual, 1.0), v(Unequal, 2.0))));
        let other = compare(GreaterEqual, (3, None), (9, Some(1.0)));
        assert!(!always(or(v(Less, 1.0), other)));
        assert!(compare(Less, (1, Some(1.0)), (2, Some(2.0))).is_none());
    }

    #[test]
    fn large_conditions_are_not_examined() {
        let mut all = v(Operator::Less, 0.0);
        for i in 0..100_000 {
            all = or(all, v(Operator::Less, f64::from(i)));
        }
        assert!(all.is_none());
    }
}
