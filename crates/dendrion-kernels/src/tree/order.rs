//! The order of elimination, and the places of intermediate values.
//!
//! Eliminating a node needs the result of its children, and a division takes longer than everything else. So that divisions
//! overlap, the nodes of several branches alternate: [`AT_ONCE`] branches are followed from their tips towards the
//! root. The order depends only on the tree and not on the number of cells in a group, and so do all results.
//!
//! What a node passes to its parent, and later the parent to its children, is kept in *slots*. A slot is reused as soon as
//! its value is no longer needed, so all slots of a tree fit into the L1 cache.

/// Number of branches whose nodes alternate.
const AT_ONCE: usize = 6;
/// The slot that is always 0.
const ZERO: u32 = 0;
/// The slot of values that are not needed.
const UNUSED: u32 = 1;
/// Marks a row that does not exist.
pub(super) const NONE: u32 = u32::MAX;

/// The elimination of a node. Rows and slots are numbers of the first value of a group of cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The node.
    pub(super) node: u32,
    /// Its parent, or the node itself for the root.
    pub(super) parent: u32,
    /// The row of the node's potential; of another node's if it is a junction.
    pub(super) v: u32,
    /// The row of the parent's potential.
    pub(super) above: u32,
    /// The row of current and conductance, or [`NONE`].
    pub(super) input: u32,
    /// The row of the potential that the step changes, or [`NONE`] for a junction.
    pub(super) output: u32,
    /// The slot with the sums of what the children passed.
    pub(super) sum: u32,
    /// The slots of the parent's sum without and with this node.
    pub(super) before: u32,
    pub(super) after: u32,
    /// The slots of the node's change Δ and of its parent's.
    pub(super) change: u32,
    pub(super) change_above: u32,
}

/// The nodes of a tree in the order of their elimination.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// All nodes. The root is the last one.
    pub(super) steps: Vec<Step>,
    /// Number of leading nodes whose q and f are the same in every step, like those of their parents: neither they nor the
    /// nodes below them have mechanisms that contribute conductances.
    pub(super) constant: usize,
    /// The same, including the nodes after them whose q and f are constant, but not those of their parents.
    pub(super) fixed: usize,
    /// Number of slots of sums and of changes.
    pub(super) sums: usize,
    pub(super) changes: usize,
}

/// The CVs with inputs from mechanisms or generators.
#[derive(Clone, Copy, Debug)]
pub struct TreeInputs<'a> {
    /// Whether each CV has a current.
    pub currents: &'a [bool],
    /// Whether each CV has a conductance.
    pub slopes: &'a [bool],
}

/// A tree, with the children of each node.
struct Shape<'a> {
    parents: &'a [usize],
    children: Vec<Vec<usize>>,
    root: usize,
}

impl Order {
    /// Returns the order of a tree whose first `cvs` nodes are CVs. Returns `None` if the parents do not form a tree. Groups
    /// contain `width` cells.
    pub(super) fn new(parents: &[usize], cvs: usize, inputs: &TreeInputs<'_>, width: usize) -> Option<Self> {
        let shape = Shape::new(parents)?;
        // Parents come before their children.
        let down = shape.down()?;
        let mut varies: Vec<bool> = (0..parents.len()).map(|i| i < cvs && inputs.slopes[i]).collect();
        // A conductance that changes in each step changes the factors of all nodes on the way to the root.
        for i in down.iter().rev().filter(|i| **i != shape.root) {
            varies[parents[*i]] |= varies[*i];
        }
        let mut nodes = Vec::with_capacity(parents.len());
        shape.eliminate(&down, |i| !varies[i] && !varies[parents[i]], &mut nodes);
        let constant = nodes.len();
        shape.eliminate(&down, |i| !varies[i] && varies[parents[i]], &mut nodes);
        let fixed = nodes.len();
        shape.eliminate(&down, |i| varies[i], &mut nodes);
        let potentials = shape.potentials(&down, cvs);
        let row = |i: usize, is_there: bool| if is_there { (i * width) as u32 } else { NONE };
        let step = |i: &usize| Step {
            node: *i as u32,
            parent: parents[*i] as u32,
            v: row(potentials[*i], true),
            above: row(potentials[parents[*i]], true),
            input: row(*i, *i < cvs && (inputs.currents[*i] || inputs.slopes[*i])),
            output: row(*i, *i < cvs),
            sum: ZERO,
            before: ZERO,
            after: UNUSED,
            change: UNUSED,
            change_above: ZERO,
        };
        let mut order =
            Self { steps: nodes.iter().map(step).collect(), constant, fixed, sums: 2, changes: 2 };
        order.place(&shape, width);
        Some(order)
    }

    /// Assigns slots.
    fn place(&mut self, shape: &Shape<'_>, width: usize) {
        let n = self.steps.len();
        let mut slots = Slots::new(n);
        for step in &mut self.steps {
            let (i, p) = (step.node as usize, step.parent as usize);
            step.sum = slots.of[i].unwrap_or(ZERO);
            slots.free(i);
            if i != shape.root {
                step.before = slots.of[p].unwrap_or(ZERO);
                step.after = slots.take(p);
            }
        }
        self.sums = slots.count;
        let mut slots = Slots::new(n);
        let mut left: Vec<usize> = shape.children.iter().map(Vec::len).collect();
        for step in self.steps.iter_mut().rev() {
            let (i, p) = (step.node as usize, step.parent as usize);
            if i != shape.root {
                step.change_above = slots.of[p].unwrap_or(ZERO);
                left[p] -= 1;
                // The last child has read the change of its parent.
                if left[p] == 0 {
                    slots.free(p);
                }
            }
            if left[i] > 0 {
                step.change = slots.take(i);
            }
        }
        self.changes = slots.count;
        for step in &mut self.steps {
            // A sum consists of two values per cell.
            for slot in [&mut step.sum, &mut step.before, &mut step.after] {
                *slot *= 2 * width as u32;
            }
            for slot in [&mut step.change, &mut step.change_above] {
                *slot *= width as u32;
            }
        }
    }
}

impl<'a> Shape<'a> {
    fn new(parents: &'a [usize]) -> Option<Self> {
        let root = (0..parents.len()).find(|i| parents[*i] == *i)?;
        let mut children = vec![Vec::new(); parents.len()];
        for (i, p) in parents.iter().enumerate().filter(|(i, _)| *i != root) {
            children.get_mut(*p)?.push(i);
        }
        Some(Self { parents, children, root })
    }

    /// Returns the nodes by depth-first search, with the child that has the longest path to a tip first. Returns `None` if
    /// some nodes are not connected to the root.
    fn down(&self) -> Option<Vec<usize>> {
        let search = |children: &[Vec<usize>]| {
            let (mut found, mut stack) = (Vec::new(), vec![self.root]);
            while let Some(i) = stack.pop() {
                found.push(i);
                stack.extend(children[i].iter().rev());
            }
            found
        };
        let found = search(&self.children);
        if found.len() != self.parents.len() {
            return None;
        }
        let mut heights = vec![0; found.len()];
        for i in found.into_iter().rev().filter(|i| *i != self.root) {
            let p = self.parents[i];
            heights[p] = heights[p].max(heights[i] + 1);
        }
        let mut children = self.children.clone();
        // The longest path limits how many divisions can overlap, so it is started first.
        children.iter_mut().for_each(|of| of.sort_by_key(|i| std::cmp::Reverse(heights[*i])));
        Some(search(&children))
    }

    /// Appends the nodes that belong to a part of the tree in the order of their elimination. All nodes below a node are in
    /// its part or were eliminated earlier.
    fn eliminate(&self, down: &[usize], is_part: impl Fn(usize) -> bool, nodes: &mut Vec<usize>) {
        let mut left: Vec<usize> =
            self.children.iter().map(|of| of.iter().filter(|i| is_part(**i)).count()).collect();
        let mut tips =
            down.iter().copied().filter(|i| is_part(*i) && left[*i] == 0).collect::<Vec<_>>().into_iter();
        let mut branches = [None; AT_ONCE];
        loop {
            let before = nodes.len();
            for branch in &mut branches {
                let Some(i) = branch.take().or_else(|| tips.next()) else { continue };
                nodes.push(i);
                let p = self.parents[i];
                if i == self.root || !is_part(p) {
                    continue;
                }
                left[p] -= 1;
                if left[p] == 0 {
                    // The branch that eliminates the last child continues with its parent.
                    *branch = Some(p);
                }
            }
            if nodes.len() == before {
                return;
            }
        }
    }

    /// Returns, for each node, the CV whose potential it starts from: its own, or that of a CV nearby if it is a junction.
    fn potentials(&self, down: &[usize], cvs: usize) -> Vec<usize> {
        let mut of: Vec<usize> = (0..self.parents.len()).collect();
        // A root that is a junction starts from the first CV below it.
        of[self.root] = down.iter().copied().find(|i| *i < cvs).unwrap_or(0);
        for i in down.iter().copied().filter(|i| *i >= cvs && *i != self.root) {
            of[i] = of[self.parents[i]];
        }
        of
    }
}

/// Slots of nodes.
struct Slots {
    of: Vec<Option<u32>>,
    unused: Vec<u32>,
    count: usize,
}

impl Slots {
    fn new(nodes: usize) -> Self {
        Self { of: vec![None; nodes], unused: Vec::new(), count: 2 }
    }

    /// Returns the slot of a node, which gets one if it has none.
    fn take(&mut self, node: usize) -> u32 {
        if let Some(slot) = self.of[node] {
            return slot;
        }
        let slot = self.unused.pop().unwrap_or_else(|| {
            self.count += 1;
            (self.count - 1) as u32
        });
        self.of[node] = Some(slot);
        slot
    }

    fn free(&mut self, node: usize) {
        self.unused.extend(self.of[node].take());
    }
}
