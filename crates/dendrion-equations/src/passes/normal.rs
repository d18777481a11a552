//! Normal form: a sum of products, each a coefficient times factors that vary in the step.
//!
//! Multiplication by a coefficient is distributed over sums, so that dt/C, geometry and g w / p are combined
//! into one coefficient per term. Differences of leaves, such as E - V, are kept: the step is then exact
//! where they vanish, even in single precision, and each difference costs only one subtraction.

use std::collections::HashMap;

use dendrion_language::{Binary, Unary, recurse};

use crate::graph::{Graph, Node, NodeId};

/// Maximum number of factors in a term. A longer product keeps its operands as factors. Otherwise, repeated
/// squaring such as `b = a*a` would double the number of factors each time.
const MOST_FACTORS: usize = 64;
/// Maximum number of terms in a sum that is used several times. A longer sum is computed once and used as a
/// single factor. Otherwise, `a2 = a1 + tanh(a1)`, `a3 = a2 + tanh(a2)` and so on would repeat all earlier
/// terms in each line.
const MOST_SHARED: usize = 32;
/// Minimum number of terms for which terms with the same factors are found by hashing.
const MANY: usize = 16;
/// Maximum total number of terms and factors in the sums of a step.
const MOST_TERMS: usize = 1 << 23;

/// A coefficient times factors in ascending order. Without factors, the term is the coefficient itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) coef: NodeId,
    pub(crate) factors: Vec<NodeId>,
}

/// A sum of terms.
pub(crate) type Sum = Vec<Term>;

/// Converts expressions to normal form, and stores the sum of each node that it creates.
pub(crate) struct Normal<'g> {
    pub(crate) graph: &'g mut Graph,
    /// The sum of each node of the normalized graph.
    pub(crate) sums: HashMap<NodeId, Sum>,
    known: HashMap<NodeId, Sum>,
    /// Total number of terms and factors in `known`.
    size: usize,
}

impl<'g> Normal<'g> {
    pub(crate) fn new(graph: &'g mut Graph) -> Self {
        Self { graph, sums: HashMap::new(), known: HashMap::new(), size: 0 }
    }

    /// Returns the normal form of an expression.
    pub(crate) fn sum(&mut self, id: NodeId) -> Sum {
        if let Some(sum) = self.known.get(&id) {
            return sum.clone();
        }
        if self.graph.is_full() {
            return vec![Term { coef: id, factors: Vec::new() }];
        }
        let sum = recurse(|| self.flatten(id));
        let mut sum = self.collect(sum);
        // An expression that is used only once need not be cached.
        if !self.graph.is_shared(id) && sum.len() > 1 {
            return sum;
        }
        // A long sum that is used several times is computed once, as a factor.
        if sum.len() > MOST_SHARED {
            let factor = self.atom(sum);
            sum = self.single(factor);
        }
        self.size += sum.iter().map(|t| 1 + t.factors.len()).sum::<usize>();
        if self.size > MOST_TERMS {
            self.graph.fill("terms and factors", MOST_TERMS);
        }
        self.known.insert(id, sum.clone());
        sum
    }

    /// Returns the terms of an expression's normal form as nodes.
    pub(crate) fn terms(&mut self, id: NodeId) -> Vec<NodeId> {
        self.sum(id).into_iter().map(|term| self.atom(vec![term])).collect()
    }

    /// Returns the normal form of an expression as a single node.
    pub(crate) fn whole(&mut self, id: NodeId) -> NodeId {
        let sum = self.sum(id);
        self.atom(sum)
    }

    fn flatten(&mut self, id: NodeId) -> Sum {
        if self.graph.is_coefficient(id) {
            return vec![Term { coef: id, factors: Vec::new() }];
        }
        match self.graph.node(id) {
            Node::Unary(Unary::Neg, a) => {
                let a = self.sum(a);
                let minus = self.graph.constant(-1.0);
                self.scale(a, minus)
            }
            Node::Binary(Binary::Add, a, b) => {
                let mut sum = self.sum(a);
                sum.extend(self.sum(b));
                sum
            }
            // E - V must not be split into E and -V, since the difference is exact if both values are close.
            Node::Binary(Binary::Sub, a, b) => self.difference(a, b),
            Node::Binary(Binary::Mul, a, b) => {
                let (a, b) = (self.sum(a), self.sum(b));
                self.product(a, b)
            }
            Node::Binary(Binary::Div, a, b) => {
                let (a, b) = (self.sum(a), self.sum(b));
                // Division is multiplication by the reciprocal term, so that coefficients in the divisor are
                // combined with the other coefficients.
                let b = self.reciprocal(b);
                self.product(a, vec![b])
            }
            // Powers of two are the cheapest exponentials, and the coefficients absorb the change of base at
            // no cost.
            Node::Unary(Unary::Exp, a) => {
                let (a, log2_e) = (self.sum(a), self.graph.constant(std::f64::consts::LOG2_E));
                let a = self.scale(a, log2_e);
                let a = self.atom(a);
                let factor = self.graph.unary(Unary::Exp2, a);
                self.single(factor)
            }
            Node::Unary(f, a) => {
                let a = self.whole(a);
                let factor = self.graph.unary(f, a);
                self.single(factor)
            }
            Node::Binary(f, a, b) => {
                let (a, b) = (self.whole(a), self.whole(b));
                let factor = self.graph.binary(f, a, b);
                self.single(factor)
            }
            Node::Select(c, a, b) => {
                let (c, a, b) = (self.whole(c), self.whole(a), self.whole(b));
                let factor = self.graph.select(c, a, b);
                self.single(factor)
            }
            Node::Const(_)
            | Node::Param(_)
            | Node::State(_)
            | Node::Input(_)
            | Node::Noise(_)
            | Node::Next(_)
            | Node::Spike
            | Node::Cotangent(_)
            | Node::Local(_) => self.single(id),
        }
    }

    /// Returns a - b. If both are leaves, the difference is kept, in the same order for (a - b) and (b - a);
    /// otherwise the result is a sum.
    fn difference(&mut self, a: NodeId, b: NodeId) -> Sum {
        if !self.is_leaf(a) || !self.is_leaf(b) {
            let (a, b) = (self.sum(a), self.sum(b));
            let minus = self.graph.constant(-1.0);
            let mut sum = a;
            sum.extend(self.scale(b, minus));
            return sum;
        }
        // A coefficient comes first. If neither operand is a coefficient, the state that was declared later
        // (nearer to the tip) comes first.
        let swap = if self.graph.is_coefficient(a) { false } else { self.graph.is_coefficient(b) || a < b };
        let (first, second, sign) = if swap { (b, a, -1.0) } else { (a, b, 1.0) };
        let factor = self.graph.sub(first, second);
        vec![Term { coef: self.graph.constant(sign), factors: vec![factor] }]
    }

    fn is_leaf(&self, id: NodeId) -> bool {
        self.graph.is_coefficient(id)
            || matches!(self.graph.node(id), Node::State(_) | Node::Next(_) | Node::Local(_))
    }

    fn single(&mut self, factor: NodeId) -> Sum {
        vec![Term { coef: self.graph.constant(1.0), factors: vec![factor] }]
    }

    fn scale(&mut self, mut sum: Sum, by: NodeId) -> Sum {
        for term in &mut sum {
            term.coef = self.graph.mul(by, term.coef);
        }
        sum
    }

    /// Returns a product. A coefficient is distributed over the terms of a sum. A sum that is multiplied by varying
    /// factors becomes a single factor.
    fn product(&mut self, a: Sum, b: Sum) -> Sum {
        match (coefficient(&a), coefficient(&b)) {
            (Some(c), _) => self.scale(b, c),
            (_, Some(c)) => self.scale(a, c),
            // Two varying sums are not expanded: n times m terms would cost more than the product of the two sums.
            _ => {
                let (mut a, mut b) = (self.one_term(a), self.one_term(b));
                if a.factors.len() + b.factors.len() > MOST_FACTORS {
                    (a, b) = (self.one_factor(a), self.one_factor(b));
                }
                let mut factors = [a.factors, b.factors].concat();
                // Factors have a canonical order, so that `collect` recognizes equal products.
                factors.sort_unstable();
                vec![Term { coef: self.graph.mul(a.coef, b.coef), factors }]
            }
        }
    }

    /// Returns 1 / sum as one term.
    fn reciprocal(&mut self, sum: Sum) -> Term {
        let one = self.graph.constant(1.0);
        let term = self.one_term(sum);
        let coef = self.graph.div(one, term.coef);
        let factors = term.factors.into_iter().map(|f| self.graph.div(one, f)).collect();
        Term { coef, factors }
    }

    fn one_term(&mut self, mut sum: Sum) -> Term {
        if sum.len() == 1 {
            return sum.remove(0);
        }
        let factor = self.atom(sum);
        Term { coef: self.graph.constant(1.0), factors: vec![factor] }
    }

    /// Reduces a term to one factor: the coefficient is kept, and the product of the factors becomes a node.
    fn one_factor(&mut self, term: Term) -> Term {
        if term.factors.len() < 2 {
            return term;
        }
        let one = self.graph.constant(1.0);
        let factor = self.atom(vec![Term { coef: one, factors: term.factors }]);
        Term { coef: term.coef, factors: vec![factor] }
    }

    /// Returns a single node for a sum, which is the same for equal sums.
    pub(crate) fn atom(&mut self, sum: Sum) -> NodeId {
        let mut total = self.graph.constant(0.0);
        for term in &sum {
            let mut product = term.coef;
            for factor in &term.factors {
                product = self.graph.mul(product, *factor);
            }
            total = self.graph.add(total, product);
        }
        // A sum that is a single node needs no entry.
        let whole = sum.len() == 1 && (sum[0].factors.is_empty() || sum[0].factors == [total]);
        // If a sum simplifies to an older node, such as one of its own factors, the entry would be circular: operands are
        // older than the nodes that use them.
        let is_older = sum.iter().flat_map(|term| &term.factors).any(|factor| *factor >= total);
        if !whole && !is_older && !self.graph.is_coefficient(total) {
            self.sums.insert(total, sum);
        }
        total
    }

    /// Adds up the coefficients of terms with the same factors, in the order of their first appearance.
    fn collect(&mut self, sum: Sum) -> Sum {
        let mut collected: Sum = Vec::with_capacity(sum.len());
        let is_long = sum.len() >= MANY;
        let mut places: HashMap<Vec<NodeId>, usize> = HashMap::new();
        for term in sum {
            let place = if is_long {
                places.get(&term.factors).copied()
            } else {
                collected.iter().position(|t| t.factors == term.factors)
            };
            if let Some(i) = place {
                collected[i].coef = self.graph.add(collected[i].coef, term.coef);
            } else {
                if is_long {
                    places.insert(term.factors.clone(), collected.len());
                }
                collected.push(term);
            }
        }
        // Removes terms that cancel exactly, such as λ/θ - λ/θ in the adjoint of a solve.
        collected.retain(|t| self.graph.as_const(t.coef) != Some(0.0));
        if collected.is_empty() {
            collected.push(Term { coef: self.graph.constant(0.0), factors: Vec::new() });
        }
        collected
    }
}

fn coefficient(sum: &Sum) -> Option<NodeId> {
    match sum.as_slice() {
        [term] if term.factors.is_empty() => Some(term.coef),
        _ => None,
    }
}
