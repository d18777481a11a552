//! Units as texts.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Denominator of the exponents.
const PARTS: f64 = 60.0;

/// Prefix, power of ten of the prefix, symbol, and exponent of a factor.
type Factor = (&'static str, i32, &'static str, f64);

/// Returns the exponents (in sixtieths) of kg, m, s, A, K and mol in a unit, the unit's power of ten, and its
/// factors.
#[pyfunction]
pub(crate) fn unit(text: &str) -> PyResult<([i32; 6], f64, Vec<Factor>)> {
    let found = dendrion::language::unit_text(text).map_err(|error| PyValueError::new_err(error.message))?;
    let factors = found.factors.iter().map(|f| (f.prefix, f.tens, f.symbol, f64::from(f.power) / PARTS));
    Ok((found.exponents, found.tens, factors.collect()))
}
