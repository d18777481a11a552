//! Geometry of open cylinders: the membrane area A = π L d and the axial resistance of half a cylinder.

use std::f64::consts::PI;

use dendrion_model::Error;

use crate::expr::Expr;
use crate::system::{Builder, Scope};

/// Returns the membrane area in um2, including `area_factor`.
pub(crate) fn area<'g>(b: &mut Builder<'g>, compartment: &Scope<'_>) -> Result<Expr<'g>, Error> {
    let length = b.param(compartment, "length")?;
    let diameter = b.param(compartment, "diameter")?;
    let factor = b.param(compartment, "area_factor")?;
    Ok(PI * length * diameter * factor)
}

/// Returns R = 4 `r_axial` L / (π d²) in units of 10 kΩ (ohm cm um / um2). A coupling consists of two halves in
/// series.
pub(crate) fn axial_resistance<'g>(b: &mut Builder<'g>, compartment: &Scope<'_>) -> Result<Expr<'g>, Error> {
    let r_axial = b.param(compartment, "r_axial")?;
    let length = b.param(compartment, "length")?;
    let diameter = b.param(compartment, "diameter")?;
    Ok(4.0 * r_axial * length / (PI * diameter * diameter))
}
