//! Numbers in a document: short lists are written in place, and long lists as separate arrays.

use std::collections::BTreeMap;

use dendrion_model::allocate::{collected, copied};
use dendrion_model::{
    EVENT_PROP, Error, Initializer, ModuleKind, Params, PerConnection, Surrogate, SurrogateFunction, Values,
};
use serde_json::{Value, json};

use super::Table;
use crate::arrays::Array;
use crate::extras::Extras;

/// Maximum length of a list of numbers that is written in place.
pub(super) const SHORT: usize = 16;

/// Collects the arrays of a document while it is written.
pub(super) struct Writer<'a> {
    pub(super) extras: &'a Extras,
    pub(super) arrays: BTreeMap<String, Array>,
    /// The error of the first allocation that failed.
    pub(super) refused: Option<Error>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(extras: &'a Extras) -> Self {
        Self { extras, arrays: BTreeMap::new(), refused: None }
    }

    /// Adds an array. If it could not be allocated, the error is kept, and [`super::document`] returns it.
    fn separate(&mut self, name: &str, array: Result<Array, Error>) -> Value {
        match array {
            Ok(array) => drop(self.arrays.insert(name.into(), array)),
            Err(error) => {
                let error = error.needed_by(name, || "a copy of its values".into());
                self.refused.get_or_insert(error);
            }
        }
        json!({ "array": name })
    }

    pub(super) fn floats(&mut self, name: &str, values: &[f64]) -> Value {
        if values.len() > SHORT {
            self.separate(name, copied(values).map(Array::Floats))
        } else {
            values.into()
        }
    }

    pub(super) fn indices(&mut self, name: &str, values: &[u32]) -> Value {
        if values.len() > SHORT {
            self.separate(name, copied(values).map(Array::Indices))
        } else {
            values.into()
        }
    }

    /// As [`Self::indices`], for the values of an iterator.
    pub(super) fn collected_indices(&mut self, name: &str, values: impl IntoIterator<Item = u32>) -> Value {
        match collected(values) {
            Ok(values) if values.len() > SHORT => self.separate(name, Ok(Array::Indices(values))),
            Ok(values) => values.into(),
            Err(error) => self.separate(name, Err(error)),
        }
    }

    pub(super) fn values(&mut self, name: &str, values: &Values) -> Value {
        match values {
            Values::Scalar(v) => (*v).into(),
            Values::Each(v) => self.floats(name, v),
        }
    }

    /// Writes the parameters that differ from their defaults.
    pub(super) fn params(&mut self, table: &mut Table, path: &str, kind: ModuleKind, params: &Params) {
        for (name, values) in params.iter() {
            // These three parameters are always written: with a geometry, the defaults of `gL` and `C` are
            // rejected, since they are absolute values, and a missing `V_th` causes a warning.
            if !matches!(name, "gL" | "C" | "V_th")
                && kind.value(&Params::new(), name).as_deref() == Some(values)
            {
                continue;
            }
            table.insert(name.into(), self.values(&format!("{path}.{name}"), values));
        }
    }

    pub(super) fn per_connection(&mut self, name: &str, given: &PerConnection) -> Value {
        match given {
            PerConnection::Given(values) => self.values(name, values),
            PerConnection::Drawn(initializer) => initialized(initializer),
        }
    }

    /// Writes the list of a module's parameters that training does not change.
    pub(super) fn frozen(&self, table: &mut Table, path: &str) {
        let own = |key: &String| key.strip_prefix(path)?.strip_prefix('.').map(Value::from);
        let names: Vec<Value> = self.extras.frozen.iter().filter_map(own).collect();
        if !names.is_empty() {
            table.insert("frozen".into(), names.into());
        }
    }
}

fn initialized(initializer: &Initializer) -> Value {
    let kind = initializer.name();
    match initializer {
        Initializer::Constant { value } => json!({ "kind": kind, "value": value }),
        Initializer::Uniform { low, high } => json!({ "kind": kind, "low": low, "high": high }),
        Initializer::Normal { mean, std } => json!({ "kind": kind, "mean": mean, "std": std }),
        Initializer::LogNormal { mean, sigma } => json!({ "kind": kind, "mean": mean, "sigma": sigma }),
        Initializer::Truncated { of, low, high } => {
            let mut table = Table::new();
            table.insert("kind".into(), kind.into());
            table.insert("of".into(), initialized(of));
            if *low == f64::NEG_INFINITY {
                table.insert("low".into(), "-inf".into());
            } else if *low != 0.0 {
                table.insert("low".into(), (*low).into());
            }
            if high.is_finite() {
                table.insert("high".into(), (*high).into());
            }
            table.into()
        }
    }
}

/// Writes a surrogate derivative. Returns `None` if it is the default.
pub(super) fn surrogate(surrogate: &Surrogate) -> Option<Value> {
    if *surrogate == Surrogate::default() {
        return None;
    }
    let mut table = Table::new();
    match &surrogate.function {
        SurrogateFunction::BuiltIn(kind, numbers) => {
            table.insert("kind".into(), kind.name().into());
            let names = kind.parameters().into_iter().map(|parameter| parameter.name);
            table.extend(names.zip(numbers.iter().map(|v| Value::from(*v))));
        }
        SurrogateFunction::EventProp => drop(table.insert("kind".into(), EVENT_PROP.into())),
        SurrogateFunction::Own(text) => drop(table.insert("expression".into(), text.as_str().into())),
    }
    if surrogate.is_relative {
        table.insert("relative".into(), true.into());
    }
    Some(table.into())
}
