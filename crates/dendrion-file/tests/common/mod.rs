//! Arrays in memory, as part of a written document.

use std::collections::BTreeMap;

use dendrion_file::{Array, Arrays};

/// The arrays of a document.
pub(crate) struct Held(pub(crate) BTreeMap<String, Array>);

impl Arrays for Held {
    fn floats(&mut self, name: &str) -> Result<Vec<f64>, String> {
        match self.0.get(name) {
            Some(Array::Floats(v)) => Ok(v.clone()),
            Some(Array::Indices(v)) => Ok(v.iter().map(|i| f64::from(*i)).collect()),
            None => Err(format!("no array {name:?}")),
        }
    }
}
