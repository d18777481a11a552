//! Assigns names in the text: public objects keep their names, and all other objects are assigned private
//! names that begin with `_`.
//!
//! NMODL and the equation language are both case-sensitive. A name that the file declares is kept unless it
//! is reserved in the equation language or by the caller. In that case, underscores are appended until the
//! name occurs neither in the file nor in the text.

use std::collections::{HashMap, HashSet};

use dendrion_language::reserved_names;

/// Names that the equations need, in addition to the reserved names of the language: a word of bounds, the time, and
/// a unit.
const NEEDED: [&str; 3] = ["in", "t", "cm2"];

#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
    /// Names that the file declares.
    own: HashSet<String>,
    /// Names that parameters cannot have.
    reserved: HashSet<String>,
    /// The number of private names derived from each base.
    next: HashMap<String, usize>,
}

impl Names {
    /// Creates a name table in which the reserved names and the unit names `units` are already taken.
    pub(crate) fn new<'a>(
        units: impl Iterator<Item = String>,
        own: impl Iterator<Item = &'a str>,
        reserved: &[&str],
    ) -> Self {
        Self {
            taken: reserved_names().chain(NEEDED).map(str::to_string).chain(units).collect(),
            own: own.map(str::to_string).collect(),
            reserved: reserved.iter().copied().map(str::to_string).collect(),
            next: HashMap::new(),
        }
    }

    /// Claims a name. Returns false if the name is already taken.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_string())
    }

    /// Returns a name for an object that the file declares: its own name, or the name with underscores appended.
    pub(crate) fn plain(&mut self, wanted: &str) -> String {
        if self.take(wanted) { wanted.to_string() } else { self.made(&format!("{wanted}_")) }
    }

    /// Returns a name for a parameter that the file declares.
    pub(crate) fn parameter(&mut self, wanted: &str) -> String {
        if self.reserved.contains(wanted) { self.made(&format!("{wanted}_")) } else { self.plain(wanted) }
    }

    /// Returns a name for an object that the file does not declare: the wanted name, or the name with underscores
    /// appended.
    pub(crate) fn made(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_string();
        while self.own.contains(&name) || self.reserved.contains(&name) || !self.take(&name) {
            name.push('_');
        }
        name
    }

    /// Returns the private name `_base`, or `_base_2` and so on if it is taken.
    pub(crate) fn private(&mut self, base: &str) -> String {
        let first = format!("_{base}");
        let count = self.next.entry(first.clone()).or_insert(0);
        loop {
            *count += 1;
            let name = if *count == 1 { first.clone() } else { format!("{first}_{count}") };
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}
