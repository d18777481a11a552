//! The part of each section that belongs to a region, as intervals.
//!
//! The path distance is a linear function of the position on a section (on a soma, of the distance from its
//! centre), and the diameter is linear between two samples. The positions that satisfy bounds therefore form
//! intervals, whose ends are computed exactly up to rounding.

use crate::kind::Kind;
use crate::region::{Range, Region};
use crate::section::Section;
use crate::tree::Morphology;

/// A part of a section.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Index of the section.
    pub section: usize,
    /// Position of the beginning on the section, from 0 to 1.
    pub x0: f64,
    /// Position of the end; equal to `x0` for a single point.
    pub x1: f64,
}

/// Beginning and end of an interval of positions.
type Span = (f64, f64);

impl Region {
    /// Returns the intervals whose positions satisfy all conditions, in the order of sections and positions.
    /// Unlike in [`Region::cvs`], bounds of the distance and the diameter apply at each position.
    pub fn intervals(&self, morphology: &Morphology) -> Vec<Interval> {
        let mut found = Vec::new();
        for (index, section) in morphology.sections().iter().enumerate() {
            let has_kind = self.kind.is_none_or(|kind| kind == section.kind);
            let order = morphology.order(index) as f64;
            if !has_kind || !self.order.is_none_or(|r| r.low <= order && order <= r.high) {
                continue;
            }
            let mut spans = vec![(0.0, 1.0)];
            if let Some(range) = self.distance {
                spans = near(section, morphology.distance(index, 0.0), index == 0, range);
            }
            if let Some(range) = self.diameter {
                spans = common(&spans, &thick(section, range));
            }
            found.extend(spans.into_iter().map(|(x0, x1)| Interval { section: index, x0, x1 }));
        }
        found
    }
}

/// Returns the positions whose path distance is in a range; `begin` is the distance of the section's beginning.
fn near(section: &Section, begin: f64, is_root: bool, range: Range) -> Vec<Span> {
    let length = section.length();
    let mut spans = Vec::new();
    if is_root && section.kind == Kind::Soma {
        // The distance is measured from the centre in both directions.
        let (low, high) = (range.low.max(0.0) / length, range.high / length);
        join(&mut spans, clipped(0.5 - high, 0.5 - low, (0.0, 0.5)));
        join(&mut spans, clipped(0.5 + low, 0.5 + high, (0.5, 1.0)));
    } else {
        join(&mut spans, clipped((range.low - begin) / length, (range.high - begin) / length, (0.0, 1.0)));
    }
    spans
}

/// Returns the positions whose diameter is in a range.
fn thick(section: &Section, range: Range) -> Vec<Span> {
    let length = section.length();
    let mut spans = Vec::new();
    for pair in section.samples.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let gap = b.distance - a.distance;
        if gap <= 0.0 {
            continue;
        }
        let slope = (b.diameter - a.diameter) / gap;
        let (from, to) = if slope == 0.0 {
            if a.diameter < range.low || a.diameter > range.high {
                continue;
            }
            (0.0, gap)
        } else {
            let (s, t) = ((range.low - a.diameter) / slope, (range.high - a.diameter) / slope);
            (s.min(t), s.max(t))
        };
        let piece = (a.distance / length, b.distance / length);
        join(&mut spans, clipped((a.distance + from) / length, (a.distance + to) / length, piece));
    }
    spans
}

/// Returns the part of an interval that lies within another one.
fn clipped(low: f64, high: f64, within: Span) -> Option<Span> {
    let (low, high) = (low.max(within.0), high.min(within.1));
    (low <= high).then_some((low, high))
}

/// Appends an interval to sorted intervals. Intervals that touch become one.
fn join(spans: &mut Vec<Span>, next: Option<Span>) {
    let Some(next) = next else { return };
    match spans.last_mut() {
        Some(last) if next.0 <= last.1 => last.1 = last.1.max(next.1),
        _ => spans.push(next),
    }
}

/// Returns the intersection of two lists of sorted intervals.
fn common(a: &[Span], b: &[Span]) -> Vec<Span> {
    let mut found = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        join(&mut found, clipped(a[i].0, a[i].1, b[j]));
        if a[i].1 < b[j].1 { i += 1 } else { j += 1 }
    }
    found
}
