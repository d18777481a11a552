//! Emission: translates nodes to instructions, with one operation per node. Scratch rows are numbered without a
//! limit here, and the pass `rows` reuses them.

use std::collections::HashMap;

use dendrion_kernels::{Instruction, Op, Slot};
use dendrion_language::{Binary, Unary, recurse};

use crate::graph::{Graph, Node, NodeId};

/// The contents of the coefficient table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// All expressions that depend only on parameters (for a step).
    Coefficients,
    /// Only parameters and numbers (for a prologue).
    Leaves,
}

/// The locations of cotangents. The first cotangents are in state rows, and the others are in input ports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cotangents {
    /// The row of the first cotangent.
    pub(crate) row: usize,
    /// The number of cotangents in rows.
    pub(crate) rows: usize,
    /// The port of the first cotangent that is not in a row. The port after the last one is that of
    /// [`Node::Spike`].
    pub(crate) port: usize,
    /// The number of states that are read from past rows; the same number of rows for the next step follows. States
    /// with larger numbers are state rows.
    pub(crate) past: usize,
}

/// Emits code for the nodes of a graph.
pub(crate) struct Emitter<'g> {
    pub(crate) graph: &'g Graph,
    table: Table,
    /// Number of inputs that precede the noise inputs.
    currents: usize,
    pub(crate) cotangents: Cotangents,
    /// The nodes in the coefficient table, in order.
    pub(crate) coefs: Vec<NodeId>,
    coef_slots: HashMap<NodeId, Slot>,
    /// The locations of nodes that have already been computed.
    pub(crate) ready: HashMap<NodeId, Slot>,
    pub(crate) code: Vec<Instruction>,
    temps: usize,
}

impl<'g> Emitter<'g> {
    /// Creates an emitter for a graph with this number of current inputs.
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

    /// Returns a new scratch row.
    pub(crate) fn temp(&mut self) -> Slot {
        self.temps += 1;
        Slot::Scratch((self.temps - 1) as u16)
    }

    /// Appends an instruction and returns the row of its result. Without `out`, this is a new scratch row.
    pub(crate) fn push(&mut self, op: Op, args: Vec<Slot>, out: Option<Slot>) -> Slot {
        let out = out.unwrap_or_else(|| self.temp());
        self.code.push(Instruction { op, out, args });
        out
    }

    /// Returns the table entry of a node, which is added if necessary.
    pub(crate) fn coef(&mut self, id: NodeId) -> Slot {
        *self.coef_slots.entry(id).or_insert_with(|| {
            self.coefs.push(id);
            Slot::Coef((self.coefs.len() - 1) as u16)
        })
    }

    /// Returns the location of a node if it is available without computation.
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
            // The reverse of a step reads states from recorded rows; a forward step has no recorded rows
            // (`past` is 0).
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

    /// Returns the port of an external input.
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

    /// Computes a node and its operands, with one operation for each node that has not been computed before.
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

/// Returns the operation that computes a node from its operands.
pub(crate) const fn operation(node: Node) -> Op {
    match node {
        Node::Const(_) | Node::Param(_) | Node::State(_) | Node::Next(_) | Node::Local(_) => Op::Copy,
        // A cotangent in a row is never computed.
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
            Unary::Exprel => Op::Phi1,
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
