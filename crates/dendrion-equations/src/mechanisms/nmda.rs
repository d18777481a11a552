//! NMDA: I = g w x (E - V) B(V), with E = 0 mV unless given and the magnesium block of Jahr & Stevens (1990),
//! B(V) = 1 / (1 + Mg exp(-alpha (V + gamma)) / beta), V in mV.

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
    let scope = scope(receptor);
    let gate = gate(b, receptor, ports)?;
    let e = b.param(&scope, "E")?;
    let (mg, alpha) = (b.param(&scope, "Mg")?, b.param(&scope, "alpha")?);
    let (beta, gamma) = (b.param(&scope, "beta")?, b.param(&scope, "gamma")?);
    let block = 1.0 / (1.0 + mg / beta * (-alpha * (v + gamma)).exp());
    b.observe(&scope, "B", block);
    Ok(gate.g * gate.x * (e - v) * block)
}
