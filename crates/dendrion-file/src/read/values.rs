//! Reads numbers in all supported forms: single numbers, lists, separate arrays and distributions.

use dendrion_model::allocate::{collected, room};
use dendrion_model::{Initializer, PerConnection, Values};

use super::context::Read;
use super::table::Table;
use crate::node::{Node, Value};
use crate::words;

impl Table<'_, '_> {
    /// Reads a number or several numbers.
    pub(super) fn values(&self, name: &str) -> Read<Option<Values>> {
        let Some(node) = self.get(name) else { return Ok(None) };
        self.values_of(node, name).map(Some)
    }

    pub(super) fn values_of(&self, node: &Node, name: &str) -> Read<Values> {
        let expected = "a number, a list of numbers or { array = \"name\" }";
        match &node.value {
            Value::Whole(_) | Value::Number(_) => self.number_of(node, name).map(Values::Scalar),
            Value::List(items) => {
                let mut values = self.cx.allocated(room(items.len()), node.span)?;
                for item in items {
                    values.push(self.number_of(item, name)?);
                }
                Ok(Values::Each(values))
            }
            Value::Table(_) => self.array(node, name).map(Values::Each),
            _ => Err(self.wrong(node, name, expected)),
        }
    }

    /// Reads a separate array.
    fn array(&self, node: &Node, name: &str) -> Read<Vec<f64>> {
        let table = Table::new(self.cx, format!("{}: {name}", self.path), node)?;
        let array = table.need("array", "the name of an array")?;
        let found = self.cx.arrays.borrow_mut().floats(table.text_of(array, "array")?);
        table.finish()?;
        found.map_err(|why| self.cx.at(array.span, format!("{}: {name}: {why}", self.path)))
    }

    /// Reads a list of numbers, such as times.
    pub(super) fn list(&self, name: &str) -> Read<Option<Vec<f64>>> {
        Ok(self.values(name)?.map(|values| match values {
            Values::Scalar(v) => vec![v],
            Values::Each(v) => v,
        }))
    }

    /// Reads a list of integers from 0 to 2^32 - 1, such as indices.
    pub(super) fn indices(&self, name: &str) -> Read<Option<Vec<u32>>> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        let whole = |v: &f64| v.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(v);
        if let Some(k) = list.iter().position(|v| !whole(v)) {
            let message =
                format!("{}: {name}[{k}] = {}: expected an integer from 0 to 2^32 - 1", self.path, list[k]);
            return Err(self.cx.at(self.get(name).map_or(self.span, |n| n.span), message));
        }
        let span = self.get(name).map_or(self.span, |n| n.span);
        self.cx.allocated(collected(list.into_iter().map(|v| v as u32)), span).map(Some)
    }

    /// Reads values per connection: explicit numbers or a distribution.
    pub(super) fn per_connection(&self, name: &str) -> Read<Option<PerConnection>> {
        let Some(node) = self.get(name) else { return Ok(None) };
        if let Value::Table(entries) = &node.value
            && entries.iter().any(|(key, _)| key.name == "kind")
        {
            return self.initializer(node, name, 0).map(|i| Some(PerConnection::Drawn(i)));
        }
        self.values_of(node, name).map(|values| Some(PerConnection::Given(values)))
    }

    fn initializer(&self, node: &Node, name: &str, depth: usize) -> Read<Initializer> {
        let table = Table::new(self.cx, format!("{}: {name}", self.path), node)?;
        let number = |key: &str, what: &str| -> Read<f64> {
            let node = table.need(key, what)?;
            table.number_of(node, key)
        };
        let found = match table.choice("kind", &words::INITIALIZERS)? {
            Some("Constant") => Initializer::Constant { value: number("value", "a number")? },
            Some("Uniform") => {
                Initializer::Uniform { low: number("low", "a number")?, high: number("high", "a number")? }
            }
            Some("Normal") => Initializer::Normal {
                mean: number("mean", "a number")?,
                std: number("std", "a number >= 0")?,
            },
            Some("LogNormal") => Initializer::LogNormal {
                mean: number("mean", "a number")?,
                sigma: number("sigma", "a number >= 0")?,
            },
            _ if depth > 4 => {
                return Err(self.cx.at(
                    node.span,
                    format!("{}: {name}: too many nested truncations; expected at most 5", self.path),
                ));
            }
            _ => {
                let of = table.need("of", "the distribution that is truncated")?;
                Initializer::Truncated {
                    of: Box::new(self.initializer(of, name, depth + 1)?),
                    low: least(&table)?,
                    high: table.number("high")?.unwrap_or(f64::INFINITY),
                }
            }
        };
        table.finish()?;
        Ok(found)
    }
}

/// Returns the lower bound of a truncation. The default is 0, because weights and delays cannot be negative.
fn least(table: &Table<'_, '_>) -> Read<f64> {
    match table.get("low") {
        // JSON cannot represent infinity, so it is written as a string.
        Some(Node { value: Value::Text(text), .. }) if text == "-inf" => Ok(f64::NEG_INFINITY),
        Some(node) => table.number_of(node, "low"),
        None => Ok(0.0),
    }
}
