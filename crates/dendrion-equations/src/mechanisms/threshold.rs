//! Threshold and reset: a spike where V > `V_th`; then V = `V_reset`, or V -= `V_th` where there is no `V_reset`. In the
//! refractory time after a spike there is no other, and V runs on.

use dendrion_model::{Error, ModuleKind, Population};

use crate::system::{Builder, Scope, State};

/// Writes the threshold of the soma with potential `v`.
pub(crate) fn threshold<'g>(b: &mut Builder<'g>, population: &Population, v: State<'g>) -> Result<(), Error> {
    let scope = Scope { name: "", kind: ModuleKind::Population, params: &population.params };
    let v_th = b.param(&scope, "V_th")?;
    let after = if population.soft_reset { v.value - v_th } else { b.param(&scope, "V_reset")? };
    let above = v.value.above(v_th);
    if !is_refractory(population) {
        b.event(above, &[(v, after)]);
        return Ok(());
    }
    // Steps still to wait. Half a step of tolerance rounds the time to whole steps.
    let steps = b.param(&scope, "refractory")? / b.dt();
    let zero = b.number(0.0);
    let wait = b.state(&scope, "wait", "", zero);
    b.update(wait, (wait.value - 1.0).at_least(0.0));
    b.event(above * wait.value.at_most(0.5), &[(v, after), (wait, steps)]);
    Ok(())
}

/// Whether any neuron has a refractory time.
fn is_refractory(population: &Population) -> bool {
    population.params.get("refractory").is_some_and(|r| r.as_slice().iter().any(|t| *t > 0.0))
}
