//! The memory of a cluster during a step.

use dendrion_kernels::{Buffer, OutOfMemory, Scalar, Tree};

use crate::runtime::place::Place;

/// Rows of a block that the stages of a step pass to each other.
#[derive(Debug)]
pub(crate) struct Rows<T: Scalar> {
    /// Sums of the currents and conductances of each CV.
    pub(crate) current: Buffer<T>,
    pub(crate) slope: Buffer<T>,
    /// V before the solution of the tree and its change, for mechanisms that read them.
    pub(crate) before: Buffer<T>,
    pub(crate) change: Buffer<T>,
    /// The change of V at the sites of mechanisms.
    pub(crate) changed: Buffer<T>,
    /// Intermediate values of the solution of the tree.
    pub(crate) work: Buffer<T>,
    /// V at the CV of the threshold after the solution of the tree.
    pub(crate) site: Buffer<T>,
    /// V at the sites of mechanisms.
    pub(crate) gathered: Buffer<T>,
    /// Quantities that mechanisms on different CVs exchange, with one value per CV; see `exchange.rs`.
    pub(crate) slots: Buffer<T>,
    /// The inputs of mechanisms from these slots.
    pub(crate) imported: Vec<Buffer<T>>,
    /// Intermediate values of the diffusion of each concentration. Without diffusion, there are none.
    pub(crate) diffusing: Vec<Buffer<T>>,
    /// Arriving input of mechanisms by port, in the order of lanes.
    pub(crate) arriving: Vec<Buffer<T>>,
}

impl<T: Scalar> Default for Rows<T> {
    fn default() -> Self {
        Self {
            current: Buffer::new(),
            slope: Buffer::new(),
            before: Buffer::new(),
            change: Buffer::new(),
            changed: Buffer::new(),
            work: Buffer::new(),
            site: Buffer::new(),
            gathered: Buffer::new(),
            slots: Buffer::new(),
            imported: Vec::new(),
            diffusing: Vec::new(),
            arriving: Vec::new(),
        }
    }
}

impl<T: Scalar> Rows<T> {
    /// Allocates the rows of a cluster. `lanes` is the largest number of lanes, and `ports` the largest number of spike
    /// ports of its mechanisms. `slots` is the number of values that mechanisms exchange, and `imports` the largest number of
    /// slots that one of them reads. `diffusing` contains the number of intermediate values of each concentration that diffuses.
    pub(crate) fn make_room(
        &mut self,
        (tree, width): (&Tree<T>, usize),
        (lanes, of_cells, ports): (usize, usize, usize),
        (slots, imports, diffusing): (usize, usize, &[usize]),
    ) -> Result<(), OutOfMemory> {
        self.current.grow(tree.nodes() * width)?;
        self.slope.grow(tree.nodes() * width)?;
        self.work.grow(tree.work())?;
        self.site.grow(of_cells)?;
        self.before.grow(lanes)?;
        self.change.grow(lanes)?;
        self.changed.grow(lanes)?;
        self.gathered.grow(lanes)?;
        self.slots.grow(slots)?;
        self.diffusing.resize_with(diffusing.len(), Buffer::new);
        self.diffusing.iter_mut().zip(diffusing).try_for_each(|(work, count)| work.grow(*count))?;
        while self.imported.len() < imports {
            self.imported.push(Buffer::new());
        }
        self.imported.iter_mut().try_for_each(|row| row.grow(lanes))?;
        while self.arriving.len() < ports {
            self.arriving.push(Buffer::new());
        }
        self.arriving.iter_mut().try_for_each(|row| row.grow(lanes))
    }
}

/// Writes the values of a block's members to their lanes. Lanes without a member keep their values.
pub(crate) fn to_lanes<T: Copy>(place: &Place, values: &[T], lanes: &mut [T]) {
    let (sites, width) = (place.sites, place.width);
    // Members are sorted by cell, lanes by site: the values of a node for all cells are adjacent.
    for (cell, values) in values.chunks(sites).enumerate() {
        for (site, v) in values.iter().enumerate() {
            lanes[site * width + cell] = *v;
        }
    }
}

/// Writes the values of a block's lanes to their members.
pub(crate) fn to_members<T: Copy>(place: &Place, lanes: &[T], values: &mut [T]) {
    let (sites, width) = (place.sites, place.width);
    for (cell, values) in values.chunks_mut(sites).enumerate() {
        for (site, v) in values.iter_mut().enumerate() {
            *v = lanes[site * width + cell];
        }
    }
}
