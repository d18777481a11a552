//! Threshold and reset: a spike where V > `V_th`; then V = `V_reset`, or V -= `V_th` where there is no `V_reset`. In the
//! refractory time after a spike there is no other, and V runs on.
//!
//! Without a reset, a spike is an upward crossing: V <= `V_th` at the beginning of a step, V > `V_th` at its end.
//!
//! In two stages: a spike sets V = `V_spike`, V runs on, and after `spike_width` V = `V_reset`.

use dendrion_model::{Error, ModuleKind, Population};

use crate::expr::Expr;
use crate::system::{Builder, Scope, State};
use crate::written::{NEVER, due};

/// Writes the threshold of the soma with potential `v`.
pub(crate) fn threshold<'g>(b: &mut Builder<'g>, population: &Population, v: State<'g>) -> Result<(), Error> {
    let scope = Scope { name: "", kind: ModuleKind::Population, params: &population.params };
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
        // Steps still to wait.
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

/// What a spike sets at once; what follows happens by itself.
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

/// Whether any neuron has a refractory time.
fn is_refractory(population: &Population) -> bool {
    population.params.get("refractory").is_some_and(|r| r.as_slice().iter().any(|t| *t > 0.0))
}
