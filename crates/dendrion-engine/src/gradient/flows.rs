//! The cotangents of current inputs, summed for the generators whose gradients are wanted.

use dendrion_kernels::Scalar;

use crate::inputs::Part;
use crate::inputs::input_rows::InputRows;
use crate::runtime::input_ports::View;

/// Cotangents of a current input, summed for each of the generator's own values (slots).
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    /// One sum per slot and neuron, or per slot and block if all neurons share the current. Blocks do not
    /// depend on shards, so neither does the sum over blocks. The number of detailed cells in a block depends on the
    /// number of threads, so these have one sum per slot and cell in both cases.
    pub(crate) sums: Vec<f64>,
    /// Number of sums per slot.
    pub(crate) width: usize,
    pub(crate) shared: bool,
}

/// The sums of all current inputs of a shard.
#[derive(Debug)]
pub(crate) struct Flows {
    /// For each current input whose generator is wanted, its sums.
    pub(crate) sums: Vec<Option<Flow>>,
    /// The values of a current generator that a step uses, kept to reuse the memory.
    parts: Vec<Part>,
}

impl Flows {
    pub(super) const fn new(sums: Vec<Option<Flow>>) -> Self {
        Self { sums, parts: Vec::new() }
    }

    /// Returns whether no generator is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.sums.iter().all(Option::is_none)
    }

    /// Calls `add` with each current input whose generator is wanted, with each slot of the generator that a step uses
    /// and its weight, and with the sums. `begin` is the first step of the run.
    pub(super) fn add<T: Scalar>(
        &mut self,
        view: &View<'_, T>,
        currents: &[(usize, InputRows<T>)],
        (step, begin): (u64, u64),
        mut add: impl FnMut(usize, usize, f64, &mut Flow),
    ) {
        for (input, flow) in self.sums.iter_mut().enumerate() {
            let Some(flow) = flow else { continue };
            parts(view, currents[input].0, (step, begin), &mut self.parts);
            for (slot, weight) in &self.parts {
                add(input, *slot, *weight, flow);
            }
        }
    }
}

/// Finds the values of a current generator that a step uses, with their weights.
fn parts<T: Scalar>(view: &View<'_, T>, generator: usize, (step, begin): (u64, u64), parts: &mut Vec<Part>) {
    parts.clear();
    match (view.given.get(generator), view.currents.get(generator)) {
        (Some(Some(_)), _) => parts.push(((step - begin) as usize, 1.0)),
        (_, Some(Some(current))) => current.parts(step, parts),
        _ => {}
    }
}
