//! Emission: nodes to instructions, one operation per node. Scratch rows are numbered without bound here; the pass
//! `rows` folds them.

use std::collections::HashMap;

use dendrion_kernels::{Instruction, Op, Slot};
use dendrion_language::recurse;

use crate::graph::{Binary, Graph, Node, NodeId, Unary};

/// What stands in the coefficient table rather than in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// Whatever depends on parameters alone (a step).
    Coefficients,
    /// Parameters and numbers only (a prologue).
    Leaves,
}

/// Where cotangents stand: the first ones in state rows, those after in input ports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cotangents {
    /// The row of the first.
    pub(crate) row: usize,
    /// How many stand in rows.
    pub(crate) rows: usize,
    /// The port of the first that does not; the one after it is that of [`Node::Spike`].
    pub(crate) port: usize,
    /// How many states are read as rows of the past, and after them those of the next step; the numbers of states
    /// after theirs are rows of state.
    pub(crate) past: usize,
}

/// Writes code for nodes of a graph.
pub(crate) struct Emitter<'g> {
    pub(crate) graph: &'g Graph,
    table: Table,
    /// Inputs before those of noise.
    currents: usize,
    pub(crate) cotangents: Cotangents,
    /// Nodes in the coefficient table, in order.
    pub(crate) coefs: Vec<NodeId>,
    coef_slots: HashMap<NodeId, Slot>,
    /// Where nodes already computed are.
    pub(crate) ready: HashMap<NodeId, Slot>,
    pub(crate) code: Vec<Instruction>,
    temps: usize,
}

impl<'g> Emitter<'g> {
    /// For a graph with that many inputs of currents.
    pub(crate) fn new(graph: &'g Graph, table: Table, currents: usize) -> Self {
        Self {
            graph,
            table,
            currents,
            cotangents: Cotangents::default(),
            coefs: Vec::new(),
            coef_slots: HashMap::new(),
            ready: HashMap::new(),
            code: Vec::new(),
            temps: 0,
        }
    }

    /// A new scratch row.
    pub(crate) fn temp(&mut self) -> Slot {
        self.temps += 1;
        Slot::Scratch((self.temps - 1) as u16)
    }

    /// Appends an instruction; without `out` its result is in a new scratch row.
    pub(crate) fn push(&mut self, op: Op, args: Vec<Slot>, out: Option<Slot>) -> Slot {
        let out = out.unwrap_or_else(|| self.temp());
        self.code.push(Instruction { op, out, args });
        out
    }

    /// The table entry of a node.
    pub(crate) fn coef(&mut self, id: NodeId) -> Slot {
        *self.coef_slots.entry(id).or_insert_with(|| {
            self.coefs.push(id);
            Slot::Coef((self.coefs.len() - 1) as u16)
        })
    }

    /// Where a node is without computing anything, if it is anywhere.
    pub(crate) fn place(&mut self, id: NodeId) -> Option<Slot> {
        let node = self.graph.node(id);
        // A step takes finished coefficients from the table; the prologue, which computes them, reads parameters only.
        let in_table = match self.table {
            Table::Coefficients => self.graph.is_coefficient(id),
            Table::Leaves => matches!(node, Node::Param(_) | Node::Const(_)),
        };
        if in_table {
            return Some(self.coef(id));
        }
        match node {
            // The reverse of a step reads states from recorded rows; a forward step has none (`past` is 0).
            Node::State(i) => Some(match (i as usize).checked_sub(self.cotangents.past) {
                None => Slot::Past(i as u16),
                Some(row) => Slot::State(row as u16),
            }),
            Node::Next(i) => Some(Slot::Past((self.cotangents.past + i as usize) as u16)),
            Node::Cotangent(i) if (i as usize) < self.cotangents.rows => {
                Some(Slot::State((self.cotangents.row + i as usize) as u16))
            }
            _ => self.ready.get(&id).copied(),
        }
    }

    /// The port of a node that comes from outside each step.
    pub(crate) fn input(&self, id: NodeId) -> Option<Slot> {
        match self.graph.node(id) {
            Node::Input(i) => Some(Slot::Input(i as u16)),
            // Ports in order: currents, noise, then cotangents and the spike.
            Node::Noise(i) => Some(Slot::Input((self.currents + i as usize) as u16)),
            Node::Spike => Some(Slot::Input((self.cotangents.port + 1) as u16)),
            Node::Cotangent(i) => {
                let Cotangents { rows, port, .. } = self.cotangents;
                (i as usize).checked_sub(rows).map(|beyond| Slot::Input((port + beyond) as u16))
            }
            _ => None,
        }
    }

    /// Computes a node, one operation for each node not computed before.
    pub(crate) fn value(&mut self, id: NodeId) -> Slot {
        if let Some(slot) = self.place(id) {
            return slot;
        }
        let args: Vec<Slot> = match self.input(id) {
            Some(port) => vec![port],
            None => recurse(|| self.graph.node(id).operands().map(|a| self.value(a)).collect()),
        };
        let slot = self.push(operation(self.graph.node(id)), args, None);
        self.ready.insert(id, slot);
        slot
    }
}

/// The operation that computes a node from its operands.
pub(crate) const fn operation(node: Node) -> Op {
    match node {
        Node::Const(_) | Node::Param(_) | Node::State(_) | Node::Next(_) | Node::Local(_) => Op::Copy,
        // A cotangent that stands in a row is never computed.
        Node::Input(_) | Node::Noise(_) | Node::Spike | Node::Cotangent(_) => Op::LoadInput,
        Node::Select(..) => Op::Select,
        Node::Unary(f, _) => match f {
            Unary::Neg => Op::Neg,
            Unary::Abs => Op::Abs,
            Unary::Sqrt => Op::Sqrt,
            Unary::Exp => Op::Exp,
            Unary::Exp2 => Op::Exp2,
            Unary::Expm1 => Op::Expm1,
            Unary::Log => Op::Log,
            Unary::Log1p => Op::Log1p,
            Unary::Phi1 => Op::Phi1,
            Unary::Tanh => Op::Tanh,
            Unary::Round => Op::Round,
            Unary::LogisticSlope => Op::LogisticSlope,
        },
        Node::Binary(f, _, _) => match f {
            Binary::Add => Op::Add,
            Binary::Sub => Op::Sub,
            Binary::Mul => Op::Mul,
            Binary::Div => Op::Div,
            Binary::Min => Op::Min,
            Binary::Max => Op::Max,
            Binary::Pow => Op::Pow,
            Binary::Greater => Op::Greater,
            Binary::GreaterEqual => Op::GreaterEqual,
        },
    }
}
