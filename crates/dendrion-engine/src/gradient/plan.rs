//! Which states are kept, and what is computed again: a run is cut into segments, each of which is run a second time from the
//! state at its beginning while its steps are kept, then reversed (Griewank & Walther 2000).
//!
//! With r levels a segment is cut into segments in turn, and each step is run r + 1 times. One level with about the root of
//! the steps as segments suffices for most; where memory allows it, all steps are kept at once, and none is run twice.

/// What a crew does in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leg {
    /// Puts the present state on a pile.
    Save,
    /// Takes the uppermost state from it.
    Restore,
    /// Runs steps; where `track` says so, keeps each of them.
    Run { begin: u64, end: u64, track: bool },
    /// Reverses steps that are kept.
    Unwind { begin: u64, end: u64 },
}

/// How a run is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    begin: u64,
    end: u64,
    /// Steps of a segment, by level: those of level 0 are kept whole.
    lengths: Vec<u64>,
}

/// Levels tried before memory is given up on.
const MOST_LEVELS: u32 = 6;

impl Plan {
    /// For states of `step` bytes at each step, and `saved` bytes of a state to begin from, within `budget` bytes where that is
    /// possible. Segments are whole epochs; a kept one has its last state too.
    pub(crate) fn new(
        begin: u64,
        end: u64,
        epoch: u64,
        (step, saved): (usize, usize),
        budget: usize,
    ) -> Self {
        let (steps, step, saved) = ((end - begin) as f64, step.max(1) as f64, saved.max(1) as f64);
        if (steps + 1.0) * step <= budget as f64 {
            return Self { begin, end, lengths: vec![(end - begin).max(1)] };
        }
        let whole = |length: f64| (length.ceil() as u64).div_ceil(epoch).max(1) * epoch;
        let mut lengths = Vec::new();
        for levels in 1..=MOST_LEVELS {
            // r m c + steps h / m^r is least where m^(r+1) = steps h / c.
            let parts = (steps * step / saved).powf(1.0 / f64::from(levels + 1)).ceil().max(2.0);
            let leaf = whole(steps / parts.powi(levels as i32));
            lengths = (0..=levels).map(|l| leaf * (parts as u64).pow(l)).collect();
            if f64::from(levels) * parts * saved + (leaf + 1) as f64 * step <= budget as f64 {
                break;
            }
        }
        Self { begin, end, lengths }
    }

    /// What the run itself does.
    pub(crate) fn forward(&self) -> Vec<Leg> {
        let mut legs = Vec::new();
        self.run(self.begin, self.end, self.lengths.len() - 1, &mut legs);
        legs
    }

    /// What follows to reverse it.
    pub(crate) fn backward(&self) -> Vec<Leg> {
        let mut legs = Vec::new();
        self.unwind(self.begin, self.end, self.lengths.len() - 1, &mut legs);
        legs
    }

    fn run(&self, begin: u64, end: u64, level: usize, legs: &mut Vec<Leg>) {
        if level == 0 {
            legs.push(Leg::Run { begin, end, track: true });
            return;
        }
        let mut parts = self.parts(begin, end, level);
        let last = parts.pop();
        for (begin, end) in parts {
            legs.extend([Leg::Save, Leg::Run { begin, end, track: false }]);
        }
        if let Some((begin, end)) = last {
            self.run(begin, end, level - 1, legs);
        }
    }

    fn unwind(&self, begin: u64, end: u64, level: usize, legs: &mut Vec<Leg>) {
        if level == 0 {
            legs.push(Leg::Unwind { begin, end });
            return;
        }
        for (i, (begin, end)) in self.parts(begin, end, level).into_iter().rev().enumerate() {
            if i > 0 {
                legs.push(Leg::Restore);
                self.run(begin, end, level - 1, legs);
            }
            self.unwind(begin, end, level - 1, legs);
        }
    }

    fn parts(&self, begin: u64, end: u64, level: usize) -> Vec<(u64, u64)> {
        let length = self.lengths[level - 1];
        (begin..end).step_by(length as usize).map(|b| (b, end.min(b + length))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Leg, Plan};

    /// Plays a plan: every step is unwound once, in reverse, and was kept just before; returns the most bytes in use.
    fn play(plan: &Plan, (begin, end): (u64, u64), (step, saved): (u64, u64)) -> u64 {
        let (mut now, mut pile, mut kept, mut left, mut most) = (begin, Vec::new(), None, end, 0);
        for leg in plan.forward().into_iter().chain(plan.backward()) {
            match leg {
                Leg::Save => pile.push(now),
                Leg::Restore => now = pile.pop().unwrap(),
                Leg::Run { begin, end, track } => {
                    assert_eq!(now, begin);
                    now = end;
                    kept = track.then_some((begin, end));
                }
                Leg::Unwind { begin, end } => {
                    assert_eq!((kept.take(), left), (Some((begin, end)), end));
                    left = begin;
                }
            }
            let steps = kept.map_or(0, |(b, e)| e - b + 1);
            most = most.max(steps * step + pile.len() as u64 * saved);
        }
        assert_eq!((left, pile.len()), (begin, 0));
        most
    }

    #[test]
    fn every_step_is_unwound_once_within_the_budget() {
        for (end, epoch) in [(1, 1), (7, 3), (1000, 64), (4001, 5), (100_000, 10)] {
            for budget in [0, 5_000, 20_000, 200_000, 100_000_000] {
                let plan = Plan::new(3, 3 + end, epoch, (100, 300), budget);
                let most = play(&plan, (3, 3 + end), (100, 300));
                if budget >= 20_000 {
                    assert!(most <= budget as u64, "{end} {epoch} {budget}: {most}");
                }
                let runs = plan.backward().iter().filter(|l| matches!(l, Leg::Run { .. })).count();
                assert!((budget < 100_000_000) || runs == 0);
            }
        }
    }
}
