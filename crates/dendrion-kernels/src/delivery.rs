//! Delivery of spikes to gates, with delays.

use std::ops::Range;

use crate::buffer::Buffer;
use crate::error::{FanoutError, OutOfMemory};
use crate::scalar::Scalar;

/// The pending inputs of one port: a ring of rows, one per step, each with an accumulator per lane.
#[derive(Debug)]
pub struct Ring<T: Scalar> {
    pub(crate) rows: Buffer<T>,
    pub(crate) lanes: usize,
    /// Whether each slot has any input.
    pub(crate) due: Vec<bool>,
    /// A step of slot 0 that is near the present step, so that slots are found without a division.
    turn: u64,
}

impl<T: Scalar> Ring<T> {
    /// Creates a ring of `slots` steps (at least one) for `lanes` lanes. Inputs may be added at most `slots` - 1
    /// steps ahead.
    ///
    /// # Errors
    /// Returns an error if the allocation fails.
    pub fn new(lanes: usize, slots: usize) -> Result<Self, OutOfMemory> {
        let slots = slots.max(1);
        let mut due = Vec::new();
        due.try_reserve_exact(slots).map_err(|_| OutOfMemory { bytes: slots })?;
        due.resize(slots, false);
        // If the product overflows, it saturates, so the allocation fails instead of being too small.
        Ok(Self { rows: Buffer::zeroed(lanes.saturating_mul(slots))?, lanes, due, turn: 0 })
    }

    /// Creates a copy.
    ///
    /// # Errors
    /// Returns an error if the allocation fails.
    pub fn copy(&self) -> Result<Self, OutOfMemory> {
        let mut copy = Self::new(self.lanes, self.due.len())?;
        copy.due.copy_from_slice(&self.due);
        let rows = copy.rows.chunks_mut(self.lanes.max(1)).zip(self.rows.chunks(self.lanes.max(1)));
        // The other rows contain only zeros, as does newly allocated memory.
        rows.zip(&self.due).filter(|(_, due)| **due).for_each(|((to, from), _)| to.copy_from_slice(from));
        Ok(copy)
    }

    /// Clears all slots.
    pub fn clear_all(&mut self) {
        (0..self.due.len() as u64).for_each(|slot| self.clear(slot));
    }

    #[inline]
    pub(crate) fn slot(&self, step: u64) -> usize {
        let slots = self.due.len() as u64;
        match step.checked_sub(self.turn) {
            Some(ahead) if ahead < slots => ahead as usize,
            Some(ahead) if ahead - slots < slots => (ahead - slots) as usize,
            _ => (step % slots) as usize,
        }
    }

    /// Returns the inputs for a step, one value per lane, or `None` if the step has no inputs.
    #[inline]
    pub fn row(&self, step: u64) -> Option<&[T]> {
        let slot = self.slot(step);
        self.due[slot].then(|| &self.rows[slot * self.lanes..][..self.lanes])
    }

    /// Adds an input to one lane in a step. Returns false if the lane does not exist.
    pub fn add(&mut self, step: u64, lane: usize, value: T) -> bool {
        if lane >= self.lanes {
            return false;
        }
        let slot = self.slot(step);
        self.due[slot] = true;
        let gate = &mut self.rows[slot * self.lanes + lane];
        *gate = gate.plus(value);
        true
    }

    /// Clears the slot of a step, so that the slot can be reused for a later step.
    pub fn clear(&mut self, step: u64) {
        let slot = self.slot(step);
        self.turn = step - slot as u64;
        if std::mem::replace(&mut self.due[slot], false) {
            zero(&mut self.rows[slot * self.lanes..][..self.lanes]);
        }
    }

    /// Clears some lanes of the slots of these steps. When all lanes are clear, [`Ring::free`] must follow.
    pub fn clear_lanes(&mut self, steps: Range<u64>, lanes: &Range<usize>) {
        for step in steps {
            let slot = self.slot(step);
            if self.due[slot] {
                zero(&mut self.rows[slot * self.lanes..][..self.lanes][lanes.clone()]);
            }
        }
    }

    /// Records that the slots of these steps have no input. All their lanes must be clear.
    pub fn free(&mut self, steps: Range<u64>) {
        for step in steps.clone() {
            let slot = self.slot(step);
            self.due[slot] = false;
        }
        self.turn = steps.end - self.slot(steps.end) as u64;
    }

    /// Returns the number of lanes of a row.
    pub const fn lanes(&self) -> usize {
        self.lanes
    }

    /// Returns the number of slots.
    pub const fn slots(&self) -> usize {
        self.due.len()
    }
}

/// Sets all values to 0 with the C library's `memset`, which uses wider vectors than a loop for the baseline.
fn zero<T: Scalar>(values: &mut [T]) {
    // SAFETY: the slice is valid for writes, and bits that are all 0 represent the number 0.
    unsafe { std::ptr::write_bytes(values.as_mut_ptr(), 0, values.len()) };
}

/// The delays of connections, in steps.
#[derive(Debug, PartialEq, Eq)]
pub enum Delays {
    /// One delay for all connections.
    Uniform(u16),
    /// One delay per connection.
    Each(Vec<u16>),
}

impl Delays {
    fn longest(&self) -> u16 {
        match self {
            Self::Uniform(d) => *d,
            Self::Each(d) => d.iter().copied().max().unwrap_or(0),
        }
    }

    fn copy(&self) -> Result<Self, OutOfMemory> {
        let Self::Each(delays) = self else { return Ok(Self::Uniform(self.longest())) };
        let mut copy = Vec::new();
        let bytes = size_of_val(delays.as_slice());
        copy.try_reserve_exact(delays.len()).map_err(|_| OutOfMemory { bytes })?;
        copy.extend_from_slice(delays);
        Ok(Self::Each(copy))
    }
}

/// Number of sources by which prefetching runs ahead of delivery.
const AHEAD: usize = 6;

/// Prefetches a slice that will be read soon.
pub fn prefetch_all<E>(slice: &[E]) {
    let line = (64 / size_of::<E>().max(1)).max(1);
    (0..slice.len()).step_by(line).for_each(|at| prefetch(slice, at));
}

/// Prefetches an element that will be read soon, if it exists.
fn prefetch<E>(slice: &[E], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = slice.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the address is that of an element, and prefetching has no side effects.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, at);
}

/// Connections from sources to the lanes of a shard, sorted by source (compressed sparse rows).
#[derive(Debug)]
pub struct Fanout<T: Scalar> {
    /// Index of each source's first connection, followed by the number of connections.
    pub(crate) starts: Buffer<u32>,
    /// Target lanes; each is less than `lanes`.
    pub(crate) targets: Buffer<u16>,
    pub(crate) weights: Buffer<T>,
    pub(crate) delays: Delays,
    pub(crate) lanes: usize,
    pub(crate) longest: u16,
}

impl<T: Scalar> Fanout<T> {
    /// Creates connections to `lanes` lanes. The connections of source i have the indices
    /// `starts[i]..starts[i + 1]`.
    ///
    /// # Errors
    /// Returns an error if the arrays have inconsistent lengths, if a target is not a lane, or if the
    /// connections do not fit into memory.
    pub fn new(
        starts: Vec<u32>,
        targets: Vec<u16>,
        weights: Vec<T>,
        delays: Delays,
        lanes: usize,
    ) -> Result<Self, FanoutError> {
        Self::of(starts, targets.try_into()?, weights.try_into()?, delays, lanes)
    }

    /// As [`Fanout::new`], for arrays that are already in aligned memory.
    ///
    /// # Errors
    /// As [`Fanout::new`].
    pub fn of(
        starts: Vec<u32>,
        targets: Buffer<u16>,
        weights: Buffer<T>,
        delays: Delays,
        lanes: usize,
    ) -> Result<Self, FanoutError> {
        let n = targets.len();
        let ends = (starts.first(), starts.last().map(|e| *e as usize));
        if ends != (Some(&0), Some(n)) || !starts.is_sorted() {
            return Err(FanoutError::Starts);
        }
        if weights.len() != n {
            return Err(FanoutError::Lengths { targets: n, given: weights.len() });
        }
        if let Delays::Each(d) = &delays
            && d.len() != n
        {
            return Err(FanoutError::Lengths { targets: n, given: d.len() });
        }
        if let Some(target) = targets.iter().find(|t| usize::from(**t) >= lanes) {
            return Err(FanoutError::Target { target: *target, lanes });
        }
        let longest = delays.longest();
        Ok(Self { starts: starts.try_into()?, targets, weights, delays, lanes, longest })
    }

    /// Creates a copy.
    ///
    /// # Errors
    /// Returns an error if the allocation fails.
    pub fn copy(&self) -> Result<Self, OutOfMemory> {
        Ok(Self {
            starts: Buffer::copied(&self.starts)?,
            targets: Buffer::copied(&self.targets)?,
            weights: Buffer::copied(&self.weights)?,
            delays: self.delays.copy()?,
            ..*self
        })
    }

    /// Delivers spikes: adds the weights of the connections of `sources` to the inputs `delay` steps after
    /// `step`, source by source, in the order of the connections. A source without an entry is treated as
    /// having no connections.
    ///
    /// # Panics
    /// Panics if the ring has fewer lanes or slots than the connections need, which is a programming error in
    /// the caller.
    pub fn deliver(&self, sources: &[u32], step: u64, ring: &mut Ring<T>) {
        assert!(
            ring.lanes >= self.lanes && ring.due.len() > usize::from(self.longest),
            "the ring has too few lanes or slots"
        );
        let now = match &self.delays {
            Delays::Uniform(delay) => ring.slot(step + u64::from(*delay)),
            Delays::Each(_) => ring.slot(step),
        };
        for (i, source) in sources.iter().enumerate() {
            self.fetch(sources, i);
            let (from, to) = self.row(*source);
            match &self.delays {
                _ if from == to => {}
                Delays::Uniform(_) => self.deliver_together(from, to, now, ring),
                Delays::Each(delays) => self.deliver_apart(&delays[from..to], from, now, ring),
            }
        }
    }

    pub(crate) fn row(&self, source: u32) -> (usize, usize) {
        let source = source as usize;
        match (self.starts.get(source), self.starts.get(source + 1)) {
            (Some(from), Some(to)) => (*from as usize, *to as usize),
            _ => (0, 0),
        }
    }

    /// Prefetches the connections of upcoming sources. The connections are scattered in memory, so waiting
    /// for them to load would take longer than adding them.
    fn fetch(&self, sources: &[u32], i: usize) {
        if let Some(source) = sources.get(i + 2 * AHEAD) {
            prefetch(&self.starts, *source as usize);
        }
        if let Some(source) = sources.get(i + AHEAD) {
            let (from, to) = self.row(*source);
            prefetch_all(&self.targets[from..to]);
            prefetch_all(&self.weights[from..to]);
            if let Delays::Each(delays) = &self.delays {
                prefetch(delays, from);
            }
        }
    }

    /// Adds the weights of connections that share a delay to one slot of the ring.
    fn deliver_together(&self, from: usize, to: usize, slot: usize, ring: &mut Ring<T>) {
        ring.due[slot] = true;
        let row = &mut ring.rows[slot * ring.lanes..][..ring.lanes];
        for (target, weight) in self.targets[from..to].iter().zip(&self.weights[from..to]) {
            // SAFETY: every target is less than `self.lanes` (`new` checks this and targets never change), which is
            // at most the length of the row.
            let gate = unsafe { row.get_unchecked_mut(usize::from(*target)) };
            *gate = gate.plus(*weight);
        }
    }

    /// Adds the weights of connections with individual delays: each weight is added to the slot `now` +
    /// delay.
    fn deliver_apart(&self, delays: &[u16], from: usize, now: usize, ring: &mut Ring<T>) {
        let (to, slots) = (from + delays.len(), ring.due.len());
        let all = self.targets[from..to].iter().zip(&self.weights[from..to]).zip(delays);
        for ((target, weight), delay) in all {
            let ahead = now + usize::from(*delay);
            let slot = if ahead >= slots { ahead - slots } else { ahead };
            let at = slot * ring.lanes + usize::from(*target);
            // SAFETY: `now` and the delay are both less than `slots`, so `slot` is too; the target is less than the
            // number of lanes of the ring, as above; `due` has `slots` entries and `rows` has `slots * lanes`.
            unsafe {
                *ring.due.get_unchecked_mut(slot) = true;
                let gate = ring.rows.get_unchecked_mut(at);
                *gate = gate.plus(*weight);
            }
        }
    }

    /// Returns the row starts: one per source, followed by the number of connections.
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// Returns the target lanes, sorted by source.
    pub fn targets(&self) -> &[u16] {
        &self.targets
    }

    /// Returns the weights, sorted by source.
    pub fn weights(&self) -> &[T] {
        &self.weights
    }

    /// Returns the weights, sorted by source, for modification.
    pub fn weights_mut(&mut self) -> &mut [T] {
        &mut self.weights
    }

    /// Returns the delays, sorted by source.
    pub const fn delays(&self) -> &Delays {
        &self.delays
    }

    /// Returns the longest delay in steps.
    pub const fn max_delay(&self) -> u16 {
        self.longest
    }

    /// Returns the number of bytes of all arrays.
    pub fn bytes(&self) -> usize {
        let delays = if let Delays::Each(d) = &self.delays { size_of_val(d.as_slice()) } else { 0 };
        size_of_val(&*self.starts) + size_of_val(&*self.targets) + size_of_val(&*self.weights) + delays
    }
}
