//! Selection of operations: computes sums of products with as few accesses to rows as possible.
//!
//! A sum is accumulated term by term. For each kind of term there is a fused operation that takes the partial sum
//! as its last argument. Subexpressions that several terms share (such as an axial difference, which both sides
//! use) are computed once, in advance.

use std::collections::HashMap;

use dendrion_kernels::{Op, Slot};
use dendrion_language::{Binary, Unary, recurse};

use super::emit::{Emitter, operation};
use super::normal::{Sum, Term};
use crate::graph::{Node, NodeId};

/// Emits the sums of one step with fused operations.
pub(crate) struct Fuser<'g> {
    pub(crate) emit: Emitter<'g>,
    sums: &'g HashMap<NodeId, Sum>,
    uses: HashMap<NodeId, usize>,
    zero: NodeId,
    one: NodeId,
}

/// An operation that adds to a partial sum, with all of its arguments except the last.
struct Step {
    op: Op,
    args: Vec<Slot>,
}

/// `coef 2^(slope v + bias) + 1`, the denominator of the sigmoid operations.
struct Sigmoid {
    coef: NodeId,
    slope: NodeId,
    v: NodeId,
    bias: Option<NodeId>,
}

impl<'g> Fuser<'g> {
    /// Creates a fuser for the sums of a normalized graph. `zero` and `one` are the nodes of these numbers.
    pub(crate) fn new(
        emit: Emitter<'g>,
        sums: &'g HashMap<NodeId, Sum>,
        (zero, one): (NodeId, NodeId),
    ) -> Self {
        Self { emit, sums, uses: HashMap::new(), zero, one }
    }

    /// Counts the references in `sum`, so that [`Self::shared`] can determine what to compute in advance.
    pub(crate) fn count(&mut self, sum: &Sum) {
        for factor in sum.iter().flat_map(|t| t.factors.iter()) {
            self.count_node(*factor);
        }
    }

    fn count_node(&mut self, id: NodeId) {
        let uses = self.uses.entry(id).or_insert(0);
        *uses += 1;
        // The operands of a shared node are counted once, because the node is computed only once.
        if *uses > 1 || self.emit.graph.is_coefficient(id) {
            return;
        }
        recurse(|| match self.sums.get(&id) {
            Some(sum) => self.count(sum),
            None => self.emit.graph.node(id).operands().for_each(|a| self.count_node(a)),
        });
    }

    /// Computes the locals in order, and then all nodes that are used more than once. Operands come first,
    /// because their ids are smaller.
    pub(crate) fn shared(&mut self, locals: &[(NodeId, Sum)]) {
        for (id, sum) in locals {
            self.prepare(sum);
            let slot = self.sum(sum, None);
            self.emit.ready.insert(*id, slot);
        }
        let mut shared: Vec<NodeId> = self.uses.iter().filter(|(_, n)| **n > 1).map(|(id, _)| *id).collect();
        shared.sort_unstable();
        for id in shared {
            if self.emit.place(id).is_none() {
                let slot = self.compute(id, None);
                self.emit.ready.insert(id, slot);
            }
        }
    }

    /// Computes the shared subexpressions of a sum.
    fn prepare(&mut self, sum: &Sum) {
        sum.iter().flat_map(|t| &t.factors).for_each(|factor| self.prepare_node(*factor));
    }

    fn prepare_node(&mut self, id: NodeId) {
        if self.emit.graph.is_coefficient(id) || self.emit.place(id).is_some() {
            return;
        }
        recurse(|| match self.sums.get(&id) {
            Some(sum) => self.prepare(sum),
            None => self.emit.graph.node(id).operands().for_each(|a| self.prepare_node(a)),
        });
        if self.uses.get(&id).is_some_and(|n| *n > 1) {
            let slot = self.compute(id, None);
            self.emit.ready.insert(id, slot);
        }
    }

    /// Returns the location of a node's value, which is computed if necessary.
    fn value(&mut self, id: NodeId) -> Slot {
        if let Some(slot) = self.emit.place(id) {
            return slot;
        }
        let slot = recurse(|| self.compute(id, None));
        if self.uses.get(&id).is_some_and(|n| *n > 1) {
            self.emit.ready.insert(id, slot);
        }
        slot
    }

    fn compute(&mut self, id: NodeId, out: Option<Slot>) -> Slot {
        if let Some(sum) = self.sums.get(&id) {
            return self.sum(sum, out);
        }
        let node = self.emit.graph.node(id);
        // A single operation replaces an exponential, an addition and a division together with their rows.
        if let Some(s) = self.sigmoid(id) {
            let args = self.sigmoid_args(&s);
            return self.emit.push(Op::Sigmoid, args, out);
        }
        let args = match self.emit.input(id) {
            Some(port) => vec![port],
            None => node.operands().map(|a| self.value(a)).collect(),
        };
        self.emit.push(operation(node), args, out)
    }

    /// Emits code for a sum, with its result in `out` or in a scratch row.
    pub(crate) fn sum(&mut self, sum: &Sum, out: Option<Slot>) -> Slot {
        // The partial sum starts with a term that needs no operation, if there is one. All other terms are
        // accumulated in order, which determines the rounding.
        let base = sum.iter().position(|t| self.is_base(t));
        let mut total = base.map(|i| self.base(&sum[i]));
        let mut steps = Vec::new();
        for (i, term) in sum.iter().enumerate() {
            if Some(i) != base {
                let step = self.step(term);
                join(&mut steps, step);
            }
        }
        let last = steps.len();
        for (i, step) in steps.into_iter().enumerate() {
            let out = if i + 1 == last { out } else { None };
            total = Some(self.accumulate(step, total, out));
        }
        match (total, out) {
            // The sum was a single term without an operation. Its row is copied, unless it is already the output.
            (Some(total), Some(out)) if total != out => self.emit.push(Op::Copy, vec![total], Some(out)),
            (Some(total), _) => total,
            // An empty sum.
            (None, _) => self.emit.coef(self.zero),
        }
    }

    /// Emits code for a sum that decays to 0 and is flushed.
    pub(crate) fn flushed(&mut self, sum: &Sum, out: Slot) {
        let plain =
            sum.len() <= 2 && sum.iter().all(|t| t.factors.len() == 1 && !self.is_fused(t.factors[0]));
        if !plain {
            let total = self.sum(sum, None);
            self.emit.push(Op::Flush, vec![total], Some(out));
            return;
        }
        let args = sum.iter().flat_map(|t| [self.emit.coef(t.coef), self.value(t.factors[0])]).collect();
        let op = if sum.len() == 2 { Op::Mul2Flush } else { Op::MulFlush };
        self.emit.push(op, args, Some(out));
    }

    /// Returns whether a sum can start with a term as it is: a coefficient, or a row times 1.
    fn is_base(&mut self, term: &Term) -> bool {
        match term.factors.as_slice() {
            [] => true,
            [f] => self.is_one(term.coef) && self.emit.place(*f).is_some(),
            _ => false,
        }
    }

    fn base(&mut self, term: &Term) -> Slot {
        match term.factors.first() {
            None => self.emit.coef(term.coef),
            Some(f) => self.value(*f),
        }
    }

    fn is_one(&self, id: NodeId) -> bool {
        id == self.one
    }

    /// Returns whether a fused operation takes the operands of a factor instead of its value.
    fn is_fused(&mut self, id: NodeId) -> bool {
        self.emit.place(id).is_none()
            && matches!(
                self.emit.graph.node(id),
                Node::Binary(Binary::Sub, ..)
                    | Node::Input(_)
                    | Node::Noise(_)
                    | Node::Spike
                    | Node::Cotangent(_)
            )
    }

    /// Returns the operation for one term.
    fn step(&mut self, term: &Term) -> Step {
        let mut rest = Vec::new();
        let (mut difference, mut sigmoid) = (None, None);
        // A fused operation can absorb at most one difference and one sigmoid among the factors.
        for factor in &term.factors {
            let free = self.emit.place(*factor).is_none();
            match (self.emit.graph.node(*factor), self.sigmoid(*factor)) {
                (Node::Binary(Binary::Sub, a, b), _)
                    if free && difference.is_none() && !self.sums.contains_key(factor) =>
                {
                    difference = Some((a, b));
                }
                (_, Some(s)) if free && sigmoid.is_none() => sigmoid = Some((*factor, s)),
                _ => rest.push(*factor),
            }
        }
        if let (Some((factor, _)), None) = (&sigmoid, difference) {
            // Without a difference, no fused operation accepts the sigmoid.
            rest.push(*factor);
            sigmoid = None;
        }
        let coef = self.emit.coef(term.coef);
        let Some((a, b)) = difference else {
            return self.plain_step(coef, term.coef, &rest);
        };
        let (a, b) = (self.value(a), self.value(b));
        match (sigmoid, rest.is_empty()) {
            // coef (a - b)
            (None, true) => Step { op: Op::FmaDiff, args: vec![coef, a, b] },
            // x (a - b), x in place of the coefficient
            (None, false) if self.is_one(term.coef) => {
                let x = self.product(&rest);
                Step { op: Op::FmaDiff, args: vec![x, a, b] }
            }
            // coef x (a - b): the current of a gated channel
            (None, false) => {
                let x = self.product(&rest);
                Step { op: Op::GatedDiff, args: vec![coef, x, a, b] }
            }
            // coef x (a - b)/(1 + c 2^(slope v + bias)): the current of an NMDA receptor
            (Some((_, s)), _) => {
                let x = self.product(&rest);
                let sigmoid = self.sigmoid_args(&s);
                let args = [vec![coef, x, a, b], sigmoid].concat();
                Step { op: Op::SigmoidGatedDiff, args }
            }
        }
    }

    fn plain_step(&mut self, coef: Slot, coef_id: NodeId, rest: &[NodeId]) -> Step {
        match rest {
            [] => Step { op: Op::Add, args: vec![coef] },
            [f] => match (self.emit.place(*f), self.emit.input(*f)) {
                (None, Some(port)) => Step { op: Op::FmaInput, args: vec![coef, port] },
                _ => self.product_step(coef, coef_id, rest),
            },
            _ => self.product_step(coef, coef_id, rest),
        }
    }

    fn product_step(&mut self, coef: Slot, coef_id: NodeId, rest: &[NodeId]) -> Step {
        match rest.split_last() {
            Some((last, [])) if self.is_one(coef_id) => Step { op: Op::Add, args: vec![self.value(*last)] },
            Some((last, others)) if self.is_one(coef_id) => {
                let x = self.product(others);
                Step { op: Op::Fma, args: vec![x, self.value(*last)] }
            }
            _ => Step { op: Op::Fma, args: vec![coef, self.product(rest)] },
        }
    }

    fn product(&mut self, factors: &[NodeId]) -> Slot {
        let Some((first, rest)) = factors.split_first() else {
            return self.emit.coef(self.one);
        };
        let mut product = self.value(*first);
        for factor in rest {
            let factor = self.value(*factor);
            product = self.emit.push(Op::Mul, vec![product, factor], None);
        }
        product
    }

    fn accumulate(&mut self, step: Step, total: Option<Slot>, out: Option<Slot>) -> Slot {
        let (op, mut args) = (step.op, step.args);
        match (total, op) {
            // The first step has no partial sum, so products begin with a multiplication and other operations add
            // to 0.
            (None, Op::Fma) => return self.emit.push(Op::Mul, args, out),
            (None, Op::Fma2) => return self.emit.push(Op::Mul2, args, out),
            (None, Op::Add) => {
                return match out {
                    Some(_) => self.emit.push(Op::Copy, args, out),
                    None => args[0],
                };
            }
            (None, _) => args.push(self.emit.coef(self.zero)),
            (Some(total), _) => args.push(total),
        }
        self.emit.push(op, args, out)
    }

    fn sigmoid_args(&mut self, s: &Sigmoid) -> Vec<Slot> {
        let (coef, slope) = (self.emit.coef(s.coef), self.emit.coef(s.slope));
        let v = self.value(s.v);
        let bias = self.emit.coef(s.bias.unwrap_or(self.zero));
        vec![coef, slope, v, bias]
    }

    /// Recognizes 1 / (coef 2^(slope v + bias) + 1).
    fn sigmoid(&mut self, id: NodeId) -> Option<Sigmoid> {
        let Node::Binary(Binary::Div, one, below) = self.emit.graph.node(id) else {
            return None;
        };
        let [c, e] = self.sums.get(&below)?.as_slice() else {
            return None;
        };
        // The constant 1 and the exponential may be in either order.
        let (c, e) = if c.factors.is_empty() { (c, e) } else { (e, c) };
        if !self.is_one(one) || !c.factors.is_empty() || !self.is_one(c.coef) {
            return None;
        }
        let [exp] = e.factors[..] else { return None };
        let Node::Unary(Unary::Exp2, argument) = self.emit.graph.node(exp) else {
            return None;
        };
        // If the exponential is already available because another term shares it, fusing would compute it again.
        if self.emit.place(exp).is_some() {
            return None;
        }
        let (slope, v, bias) = self.line(argument)?;
        Some(Sigmoid { coef: e.coef, slope, v, bias })
    }

    /// Recognizes slope v + bias, where v is a row.
    fn line(&mut self, id: NodeId) -> Option<(NodeId, NodeId, Option<NodeId>)> {
        let (varying, bias) = match self.sums.get(&id)?.as_slice() {
            [a] => (a, None),
            [a, b] if b.factors.is_empty() => (a, Some(b.coef)),
            [a, b] if a.factors.is_empty() => (b, Some(a.coef)),
            _ => return None,
        };
        let [v] = varying.factors[..] else { return None };
        self.emit.place(v).map(|_| (varying.coef, v, bias))
    }
}

/// Appends a step. Two consecutive plain products become one operation.
fn join(steps: &mut Vec<Step>, step: Step) {
    match steps.last_mut() {
        Some(last) if last.op == Op::Fma && step.op == Op::Fma => {
            last.op = Op::Fma2;
            last.args.extend(step.args);
        }
        _ => steps.push(step),
    }
}
