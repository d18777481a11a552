//! AMPA: I = g w x (E - V), with E = 0 mV unless given.

use dendrion_model::{Error, Receptor};

use super::gate::{gate, scope};
use crate::expr::Expr;
use crate::system::Builder;

/// The receptor's current into the compartment at potential `v` (pA).
pub(crate) fn current<'g>(
    b: &mut Builder<'g>,
    receptor: &Receptor,
    ports: &[usize],
    v: Expr<'g>,
) -> Result<Expr<'g>, Error> {
    let gate = gate(b, receptor, ports)?;
    let e = b.param(&scope(receptor), "E")?;
    Ok(gate.g * gate.x * (e - v))
}
