//! Threshold and reset. A neuron spikes if V > `V_th` at the end of a step; then V is set to `V_reset`, or
//! `V_th` is subtracted from V if there is no `V_reset`. During the refractory time after a spike, the neuron
//! does not spike again, but V is still integrated.
//!
//! Without a reset, a spike is an upward crossing: V <= `V_th` at the beginning of a step and V > `V_th` at its
//! end.
//!
//! With `V_spike`, the reset has two stages: a spike sets V to `V_spike`, V is integrated, and after `spike_width`
//! V is set to `V_reset`.

use dendrion_model::{Error, ModuleKind, Owner, Population};

use crate::expr::Expr;
use crate::system::{Builder, Scope, State};
use crate::written::{NEVER, due};

/// Writes the threshold of the soma, whose potential is `v`.
pub(crate) fn threshold<'g>(b: &mut Builder<'g>, population: &Population, v: State<'g>) -> Result<(), Error> {
    let (kind, owner) = (ModuleKind::Population, Owner::Population);
    let scope = Scope { name: "", kind, owner, params: &population.params };
    let v_th = b.param(&scope, "V_th")?;
    if !population.reset {
        b.crossing(v_th.reaches(v.value), v.value.above(v_th));
        return Ok(());
    }
    let after = if population.soft_reset { v.value - v_th } else { b.param(&scope, "V_reset")? };
    let mut condition = v.value.above(v_th);
    let mut then = vec![(v, after)];
    if population.params.has("V_spike") {
        then = two_stages(b, &scope, v, after)?;
    }
    if is_refractory(population) {
        // Number of remaining refractory steps.
        let time = b.param(&scope, "refractory")?;
        let steps = b.steps("", time);
        let zero = b.number(0.0);
        let wait = b.state(&scope, "wait", "", zero);
        b.update(wait, (wait.value - 1.0).at_least(0.0));
        condition = condition * wait.value.at_most(0.5);
        then.push((wait, steps));
    }
    b.event(condition, &then);
    Ok(())
}

/// Writes the two stages of a reset with `V_spike`, and returns the immediate assignment.
fn two_stages<'g>(
    b: &mut Builder<'g>,
    scope: &Scope<'_>,
    v: State<'g>,
    reset: Expr<'g>,
) -> Result<Vec<(State<'g>, Expr<'g>)>, Error> {
    let (spike, width) = (b.param(scope, "V_spike")?, b.param(scope, "spike_width")?);
    let since = b.state(scope, "since", "", b.number(NEVER));
    b.update(since, since.value + 1.0);
    let over = due(b, "", since.value, width);
    b.react("its reset after spike_width", over, &[(v, reset)]);
    Ok(vec![(v, spike), (since, b.number(0.0))])
}

/// Returns whether any neuron has a refractory time.
fn is_refractory(population: &Population) -> bool {
    population.params.get("refractory").is_some_and(|r| r.as_slice().iter().any(|t| *t > 0.0))
}
