//! Drafts: events of a step that sources draw in several parts.
//!
//! Drawing the events of a step may take seconds, so a run can be stopped meanwhile. A run ends between two steps,
//! however. The events that were drawn are therefore kept in a draft, together with the state of the sources
//! after them. The state of the source block itself changes when the draft is complete. Until then, saved states and
//! copies do not contain the draft, and a change of a parameter discards it; both are exact, because a draw depends only
//! on the source and on its number.

use std::ops::Range;

use dendrion_model::Error;
use dendrion_model::allocate::push;

use super::renewal::{Renewal, gap};
use crate::random::Stream;

/// Number of events above which the events of one epoch are drawn as a draft.
const LONG: f64 = 65536.0;

/// Events that have been drawn, but not sent.
#[derive(Debug)]
pub(super) struct Draft {
    /// The sources after these events.
    renewal: Renewal,
    /// The steps of the events.
    steps: Range<u64>,
    /// The number of sources that have drawn all events of these steps.
    done: usize,
    /// The events (step relative to the first step of the epoch, source).
    events: Vec<(u32, u32)>,
}

impl Draft {
    /// Returns whether the events of an epoch are drawn as a draft. `on` is the part of its steps in which the generator
    /// is on.
    pub(super) fn is_worthwhile(renewal: &Renewal, steps: &Range<u64>, on: &Range<u64>) -> bool {
        let count = on.end.saturating_sub(on.start) as f64 * renewal.total;
        // Levels that change within the steps are taken between its parts, without a draft.
        count >= LONG && renewal.schedule.next(steps.start).is_none_or(|next| next >= steps.end)
    }

    /// Returns a draft of the events in these steps, which is `before` if that is one.
    pub(super) fn of(
        before: Option<Box<Self>>,
        renewal: &Renewal,
        steps: Range<u64>,
    ) -> Result<Box<Self>, Error> {
        match before.filter(|draft| draft.steps == steps) {
            Some(draft) => Ok(draft),
            None => Ok(Box::new(Self { renewal: renewal.copy()?, steps, done: 0, events: Vec::new() })),
        }
    }

    /// Draws the other events. `begin` is the first step of the epoch. Returns `false` if `goes_on` returned `false`; the
    /// next call then continues.
    pub(super) fn draw(
        &mut self,
        (stream, first, is_poisson): (Stream, u32, bool),
        begin: u64,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Error> {
        let Self { renewal, steps, done, events } = self;
        let apart = if is_poisson { 0.0 } else { 1.0 };
        while *done < renewal.next.len() {
            let mut kept = Ok(());
            let event = |step: u64, i: u32| {
                if steps.contains(&step) && kept.is_ok() {
                    kept = push(events, ((step - begin) as u32, first + i));
                }
            };
            let gap = |i: u32, draw: &mut u64, level: f64| gap(stream, first + i, draw, level, is_poisson);
            renewal.run(*done, steps.end, apart, event, gap);
            kept?;
            *done += 1;
            // Each call makes progress, so that a run that is stopped again and again ends.
            if *done < renewal.next.len() && !goes_on() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the sources after the events, and the events.
    pub(super) fn finish(self) -> (Renewal, Vec<(u32, u32)>) {
        (self.renewal, self.events)
    }
}
