//! Model files.

use std::path::PathBuf;

use dendrion::file::{
    Array, Extras, FileError, Identity, Record, document, load, save, schema, set_defaults,
};
use dendrion::model::{abandonable, check_interrupt};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::raise_at;
use crate::model::Model;
use crate::watch::detached;

/// The path, area, process, index and first neuron index of a population.
pub(crate) type Who = (String, Option<String>, Option<u64>, Option<u64>, Option<u64>);
/// The name, path, variable, interval (ms) and indices of a recording.
pub(crate) type What = (String, String, String, Option<f64>, Option<Vec<u32>>);

/// The document of a model file in canonical JSON, the arrays to which it refers, and the network.
type Parsed<'py> = (String, Bound<'py, PyDict>, Model);

/// Reads and validates a model file.
#[pyfunction]
pub(crate) fn read_model(py: Python<'_>, path: PathBuf) -> PyResult<Parsed<'_>> {
    let read = move || {
        let mut file = load(&path)?;
        let whole = document(&file.network, &file.extras).map_err(FileError::Io)?;
        set_defaults(&mut file.network).map_err(FileError::Io)?;
        Ok((whole.json(), whole.arrays, file.network))
    };
    let (text, found, network) = detached(py, || abandonable(read))?.map_err(failed)?;
    let arrays = PyDict::new(py);
    for (name, array) in found {
        match array {
            Array::Floats(v) => arrays.set_item(name, PyArray1::from_vec(py, v))?,
            Array::Indices(v) => arrays.set_item(name, PyArray1::from_vec(py, v))?,
        }
    }
    Ok((text, arrays, Model::of(network)))
}

/// Reads a model file and checks whether its network can be built. Returns the number of neurons and compartments, and
/// the number of connections if the complete network was built.
#[pyfunction]
pub(crate) fn check_model(py: Python<'_>, path: PathBuf) -> PyResult<(u64, u64, Option<u64>)> {
    let checked = detached(py, || {
        let read = path.clone();
        let file = match abandonable(move || load(&read))? {
            Ok(file) => file,
            Err(error) => return Ok(Err(error)),
        };
        let checked = file.check();
        check_interrupt()?;
        Ok(checked.map_err(|error| FileError::Text { path: path.display().to_string(), error }))
    })?
    .map_err(failed)?;
    Ok((checked.neurons, checked.compartments, checked.connections))
}

/// Returns the content of a regular file.
#[pyfunction]
pub(crate) fn read_file(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyBytes>> {
    let bytes = py.detach(|| dendrion::read_file(&path));
    let bytes = bytes.map_err(|e| crate::error::raise(dendrion::Error::file(&path, &e)))?;
    Ok(PyBytes::new(py, &bytes))
}

/// Returns the JSON Schema of model files.
#[pyfunction]
pub(crate) fn model_schema() -> String {
    schema().to_string()
}

/// Writes a network to a model file.
pub(crate) fn write(
    simulation: &mut dendrion::Simulation,
    path: PathBuf,
    who: Vec<Who>,
    (frozen, dense): (Vec<String>, Vec<String>),
    what: Vec<What>,
) -> Result<(), FileError> {
    let identity = |(path, area_name, pid, id, neuron_start_id): Who| {
        (path, Identity { area_name, pid, id, neuron_start_id })
    };
    let record = |(name, of, variable, every, indices): What| Record { name, of, variable, every, indices };
    let extras = Extras {
        duration: None,
        populations: who.into_iter().map(identity).collect(),
        frozen,
        dense,
        records: what.into_iter().map(record).collect(),
    };
    save(&path, &simulation.export_model().map_err(FileError::Io)?, &extras)
}

/// The Python exception for an error.
pub(crate) fn failed(error: FileError) -> PyErr {
    match error {
        FileError::Io(error) => crate::error::raise(error),
        FileError::Text { error: ref text, .. } => {
            raise_at("ModelFileError", &error.to_string(), Some((text.line, text.column)))
        }
        FileError::Refused { .. } => raise_at("ModelFileError", &error.to_string(), None),
    }
}
