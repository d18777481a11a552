//! Times after events, counted in steps.
//!
//! Each event with delayed or lasting effects has a counter of the steps since its last occurrence. The counter is
//! 0 in the step after the event and increases by 1 per step. At the end of a step, where conditions are evaluated,
//! the counter is one greater than during the step. All times are rounded to whole steps.

use crate::expr::Expr;
use crate::system::Builder;

/// Counter value of an event that has not occurred yet; larger than the number of steps of any run.
pub(crate) const NEVER: f64 = 1e15;

/// Returns 1 for `lasts` ms, beginning `after` ms after the event, else 0. Both times are rounded to whole
/// steps. `of` is the name of the event's mechanism.
pub(crate) fn lasting<'g>(
    b: &mut Builder<'g>,
    of: &str,
    since: Expr<'g>,
    after: Option<Expr<'g>>,
    lasts: Expr<'g>,
) -> Expr<'g> {
    let after = after.map(|after| b.steps(of, after));
    let lasts = b.steps(of, lasts);
    // Thresholds lie half a step from integers, since single precision may not represent large integers exactly.
    let ends = (after.map_or(lasts, |after| after + lasts) - 0.5).above(since);
    let on = after.map_or(ends, |after| ends * since.above(after - 0.5));
    on.choose(b.number(1.0), b.number(0.0))
}

/// Returns 1 at the end of the step that ends `after` ms (at least one step) after the event, else 0.
pub(crate) fn due<'g>(b: &mut Builder<'g>, of: &str, since: Expr<'g>, after: Expr<'g>) -> Expr<'g> {
    let steps = b.steps(of, after).at_least(1.0);
    since.above(steps - 0.5) * (steps + 0.5).reaches(since)
}
