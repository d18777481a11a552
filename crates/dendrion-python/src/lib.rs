//! `dendrion._core`: the bindings between Python and the `dendrion` crate. The public API is the typed package in
//! `python/dendrion`.

// PyO3 passes arguments by value.
#![allow(clippy::needless_pass_by_value)]

mod convert;
mod equations;
mod error;
mod exclusive;
mod file;
mod model;
mod morphology;
mod replacement;
mod simulation;
mod surrogate;
mod table;
mod trace;
mod units;
mod watch;

use pyo3::prelude::*;

/// The engine of Dendrion. Use the package `dendrion`.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::convert::{check_initializer, draw};
    #[pymodule_export]
    use super::equations::{Definition, Density, library, nmodl};
    #[pymodule_export]
    use super::file::{check_model, model_schema, read_file, read_model};
    #[pymodule_export]
    use super::model::Model;
    #[pymodule_export]
    use super::morphology::{Cvs, Morphology};
    #[pymodule_export]
    use super::replacement::Replacement;
    #[pymodule_export]
    use super::simulation::Simulation;
    #[pymodule_export]
    use super::surrogate::{Surrogate, write_formula};
    #[pymodule_export]
    use super::table::{check, check_module, nearest, nearest_step, parameters, rounding};
    #[pymodule_export]
    use super::trace::Trace;
    #[pymodule_export]
    use super::units::unit;

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let levels: Vec<_> = dendrion::Level::available().into_iter().map(dendrion::Level::name).collect();
        module.add("LEVELS", levels)?;
        module.add("MOST_SPIKES_OF_A_SOURCE", dendrion::model::MOST_SPIKES_OF_A_SOURCE)?;
        module.add("MOST_SPIKES_OF_A_STEP", dendrion::model::MOST_SPIKES_OF_A_STEP)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
