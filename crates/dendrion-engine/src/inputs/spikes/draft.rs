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
use super::{Process, SourceBlock};

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

impl SourceBlock {
    /// Draws the events of these steps as a draft, if there are many. Returns `false` if `goes_on` returned `false`; the
    /// next call then continues.
    pub(super) fn drafted(
        &mut self,
        steps: Range<u64>,
        begin: u64,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, Error> {
        let draft = self.draft.take();
        let is_poisson = matches!(self.process, Process::Poisson(_));
        let (Process::Poisson(renewal) | Process::Bernoulli(renewal)) = &self.process else {
            return Ok(true);
        };
        let on = steps.start.max(self.on.start)..steps.end.min(self.on.end);
        let count = on.end.saturating_sub(on.start) as f64 * renewal.total;
        // Levels that change within the steps are taken in between, by `generate`.
        let is_constant = renewal.schedule.next(steps.start).is_none_or(|next| next >= steps.end);
        if count < LONG || !is_constant {
            return Ok(true);
        }
        let mut draft = match draft.filter(|draft| draft.steps == on) {
            Some(draft) => draft,
            None => Box::new(Draft { renewal: renewal.copy()?, steps: on, done: 0, events: Vec::new() }),
        };
        let (stream, first, apart) = (self.stream, self.first, if is_poisson { 0.0 } else { 1.0 });
        let Draft { renewal, steps, done, events } = &mut *draft;
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
                self.draft = Some(draft);
                return Ok(false);
            }
        }
        self.draft = Some(draft);
        Ok(true)
    }

    /// Takes the state of the sources and the events from a complete draft.
    pub(super) fn take_draft(&mut self, draft: Draft) -> Vec<(u32, u32)> {
        if let Process::Poisson(renewal) | Process::Bernoulli(renewal) = &mut self.process {
            *renewal = draft.renewal;
        }
        draft.events
    }
}
