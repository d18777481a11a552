//! Times after events, counted in whole steps.
//!
//! Each event that has any counts the steps since it happened last: the counter is 0 in the step after the event, and grows
//! by 1 a step. At the end of a step, where conditions are tested, it is one more than it was in the step. Each time is
//! rounded to whole steps.

use crate::expr::Expr;
use crate::system::Builder;

/// Steps since an event that has not happened yet: more than any run takes.
pub(crate) const NEVER: f64 = 1e15;

/// 1 from the `after`-th step after the event on, for `lasts` (both ms), else 0. The event is of mechanism `of`.
pub(crate) fn lasting<'g>(
    b: &mut Builder<'g>,
    of: &str,
    since: Expr<'g>,
    after: Option<Expr<'g>>,
    lasts: Expr<'g>,
) -> Expr<'g> {
    let after = after.map(|after| b.steps(of, after));
    let lasts = b.steps(of, lasts);
    // Half a step away from whole numbers, which single precision may not hold exactly.
    let ends = (after.map_or(lasts, |after| after + lasts) - 0.5).above(since);
    let on = after.map_or(ends, |after| ends * since.above(after - 0.5));
    on.choose(b.number(1.0), b.number(0.0))
}

/// 1 at the end of the step that ends `after` (ms, at least a step) after the event, else 0.
pub(crate) fn due<'g>(b: &mut Builder<'g>, of: &str, since: Expr<'g>, after: Expr<'g>) -> Expr<'g> {
    let steps = b.steps(of, after).at_least(1.0);
    since.above(steps - 0.5) * (steps + 0.5).reaches(since)
}
