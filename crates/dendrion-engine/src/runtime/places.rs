//! Hash tables from names to places in lists.

use std::collections::HashMap;
use std::hash::Hash;

/// The place of each name; of equal ones the first.
pub(crate) fn places<'a>(names: impl Iterator<Item = &'a String>) -> HashMap<String, usize> {
    first_of(names.enumerate().map(|(i, name)| (name.clone(), i)))
}

/// The value of each key; of equal ones the first.
pub(crate) fn first_of<K: Eq + Hash, V>(items: impl Iterator<Item = (K, V)>) -> HashMap<K, V> {
    let mut found = HashMap::new();
    for (key, value) in items {
        found.entry(key).or_insert(value);
    }
    found
}
