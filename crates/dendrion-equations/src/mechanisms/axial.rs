//! Axial coupling. The current into compartment a from b is g (`V_b` - `V_a`), with the same conductance g in both
//! directions. Without an explicit g, two half cylinders in series give g = 2 / (`R_a` + `R_b`) with R = 4
//! `r_axial` L / (π d²).

use dendrion_model::{Coupling, Error, ModuleKind, Owner};

use super::geometry::axial_resistance;
use crate::expr::Expr;
use crate::system::{Builder, Scope};

/// Returns the conductance of the coupling with index `i` in nS.
pub(crate) fn conductance<'g>(
    b: &mut Builder<'g>,
    (i, coupling): (usize, &Coupling),
    ends: [&Scope<'_>; 2],
) -> Result<Expr<'g>, Error> {
    if coupling.params.has("g") {
        let (name, kind, owner) = (&coupling.name, ModuleKind::Coupling, Owner::Coupling(i));
        let scope = Scope { name, kind, owner, params: &coupling.params };
        return b.param(&scope, "g");
    }
    let (r_a, r_b) = (axial_resistance(b, ends[0])?, axial_resistance(b, ends[1])?);
    Ok(2e5 / (r_a + r_b)) // 1 / 10 kΩ = 1e5 nS
}
