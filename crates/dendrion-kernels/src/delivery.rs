//! Delivery: from a spike to the gates it reaches, later.

use crate::buffer::Buffer;
use crate::error::FanoutError;
use crate::scalar::Scalar;

/// What is on its way to one input port: a ring of rows, one per step, each with an accumulator per lane.
#[derive(Clone, Debug)]
pub struct Ring<T: Scalar> {
    pub(crate) rows: Buffer<T>,
    pub(crate) lanes: usize,
    /// Whether anything is due in a slot.
    pub(crate) due: Vec<bool>,
}

impl<T: Scalar> Ring<T> {
    /// A ring of `slots` steps, at least one, for `lanes` lanes. Nothing may be added further ahead than it has slots.
    pub fn new(lanes: usize, slots: usize) -> Self {
        let slots = slots.max(1);
        // A product too large for memory is refused there, rather than wrapped here.
        Self { rows: Buffer::zeroed(lanes.saturating_mul(slots)), lanes, due: vec![false; slots] }
    }

    pub(crate) fn slot(&self, step: u64) -> usize {
        (step % self.due.len() as u64) as usize
    }

    /// What is due at a step, a value per lane; nothing where nothing is.
    pub fn row(&self, step: u64) -> Option<&[T]> {
        let slot = self.slot(step);
        self.due[slot].then(|| &self.rows[slot * self.lanes..][..self.lanes])
    }

    /// Adds to what is due at a step for one lane. False where there is no such lane.
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

    /// Frees the slot of a step for a later one.
    pub fn clear(&mut self, step: u64) {
        let slot = self.slot(step);
        if std::mem::replace(&mut self.due[slot], false) {
            self.rows[slot * self.lanes..][..self.lanes].fill(T::default());
        }
    }

    /// Lanes of a row.
    pub const fn lanes(&self) -> usize {
        self.lanes
    }

    /// Slots there are.
    pub const fn slots(&self) -> usize {
        self.due.len()
    }
}

/// Delays of connections, in steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delays {
    /// The same for all.
    Uniform(u16),
    /// One each.
    Each(Vec<u16>),
}

impl Delays {
    fn longest(&self) -> u16 {
        match self {
            Self::Uniform(d) => *d,
            Self::Each(d) => d.iter().copied().max().unwrap_or(0),
        }
    }
}

/// Sources by which delivery looks ahead.
const AHEAD: usize = 6;

/// Asks the processor for all of a slice that will be read soon.
pub fn prefetch_all<E>(slice: &[E]) {
    let line = (64 / size_of::<E>().max(1)).max(1);
    (0..slice.len()).step_by(line).for_each(|at| prefetch(slice, at));
}

/// Asks the processor for an element that will be read soon, if it is there.
fn prefetch<E>(slice: &[E], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = slice.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the address is that of an element, and a prefetch changes nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, at);
}

/// Connections of sources onto the lanes of a shard, by source (compressed sparse rows).
#[derive(Clone, Debug)]
pub struct Fanout<T: Scalar> {
    /// Where each source's connections start, and the end.
    pub(crate) starts: Buffer<u32>,
    /// Every one is below `lanes`.
    pub(crate) targets: Buffer<u16>,
    pub(crate) weights: Buffer<T>,
    pub(crate) delays: Delays,
    pub(crate) lanes: usize,
    pub(crate) longest: u16,
}

impl<T: Scalar> Fanout<T> {
    /// Connections onto `lanes` lanes: those of source i are `starts[i]..starts[i + 1]`.
    ///
    /// # Errors
    /// Arrays that do not fit each other, or a target that is no lane.
    pub fn new(
        starts: Vec<u32>,
        targets: Vec<u16>,
        weights: Vec<T>,
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
        let (starts, targets, weights) = (starts.into(), targets.into(), weights.into());
        Ok(Self { starts, targets, weights, delays, lanes, longest })
    }

    /// Adds the weights of the connections of `sources`, one source after the other, each in the order of its
    /// connections, to what is due `delay` steps after `step`. A source that is not there has no connections.
    ///
    /// # Panics
    /// Where the ring has fewer lanes or slots than the connections need: a mistake of the caller's code.
    pub fn deliver(&self, sources: &[u32], step: u64, ring: &mut Ring<T>) {
        assert!(ring.lanes >= self.lanes && ring.due.len() > usize::from(self.longest), "too small a ring");
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

    /// Asks for what the sources to come will need: their connections are anywhere in memory, so that waiting for them
    /// would take longer than adding them.
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

    /// Adds connections to one slot of the ring.
    fn deliver_together(&self, from: usize, to: usize, slot: usize, ring: &mut Ring<T>) {
        ring.due[slot] = true;
        let row = &mut ring.rows[slot * ring.lanes..][..ring.lanes];
        for (target, weight) in self.targets[from..to].iter().zip(&self.weights[from..to]) {
            // SAFETY: every target is below `self.lanes` (checked by `new`, never changed after), which is at most the
            // row's length.
            let gate = unsafe { row.get_unchecked_mut(usize::from(*target)) };
            *gate = gate.plus(*weight);
        }
    }

    /// Adds connections to the slots that their delays lead to from `now`.
    fn deliver_apart(&self, delays: &[u16], from: usize, now: usize, ring: &mut Ring<T>) {
        let (to, slots) = (from + delays.len(), ring.due.len());
        let all = self.targets[from..to].iter().zip(&self.weights[from..to]).zip(delays);
        for ((target, weight), delay) in all {
            let ahead = now + usize::from(*delay);
            let slot = if ahead >= slots { ahead - slots } else { ahead };
            let at = slot * ring.lanes + usize::from(*target);
            // SAFETY: `now` and the delay are both below `slots`, so `slot` is too; the target is below the ring's lanes
            // as above; `due` has `slots` entries and `rows` `slots * lanes`.
            unsafe {
                *ring.due.get_unchecked_mut(slot) = true;
                let gate = ring.rows.get_unchecked_mut(at);
                *gate = gate.plus(*weight);
            }
        }
    }

    /// Row starts: one more than there are sources.
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// Target lanes, by source.
    pub fn targets(&self) -> &[u16] {
        &self.targets
    }

    /// Weights, by source.
    pub fn weights(&self) -> &[T] {
        &self.weights
    }

    /// Weights, by source, to be changed.
    pub fn weights_mut(&mut self) -> &mut [T] {
        &mut self.weights
    }

    /// Delays, by source.
    pub const fn delays(&self) -> &Delays {
        &self.delays
    }

    /// The longest delay, in steps.
    pub const fn max_delay(&self) -> u16 {
        self.longest
    }

    /// Bytes it all takes.
    pub fn bytes(&self) -> usize {
        let delays = if let Delays::Each(d) = &self.delays { size_of_val(d.as_slice()) } else { 0 };
        size_of_val(&*self.starts) + size_of_val(&*self.targets) + size_of_val(&*self.weights) + delays
    }
}
