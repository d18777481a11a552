//! Names in the text: plain ones for what is seen from outside, and `_x` for the rest.
//!
//! NMODL tells upper and lower case apart, and so does the language of equations. A name that the file declares stays as it is
//! unless it has a meaning of its own in the language or for users of the class. Then underscores are appended until neither the
//! file nor the text has that name.

use std::collections::{HashMap, HashSet};

/// Names with a meaning of their own in the language of equations.
const FIXED: [&str; 40] = [
    "V", "V_rest", "gL", "C", "area", "diameter", "length", "dt", "pi", "I", "on", "after", "for", "and",
    "or", "not", "if", "else", "where", "import", "export", "event", "spike", "weight", "exp", "log",
    "log10", "log1p", "expm1", "exprel", "sqrt", "tanh", "abs", "pow", "min", "max", "clip", "in", "t",
    "cm2",
];

#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
    /// Names that the file declares.
    own: HashSet<String>,
    /// Names that parameters cannot have.
    reserved: HashSet<String>,
    /// Where the numbers behind a private name go on.
    next: HashMap<String, usize>,
}

impl Names {
    /// Names, of which those that units have where a name might stand are taken.
    pub(crate) fn new<'a>(
        units: impl Iterator<Item = &'a str>,
        own: impl Iterator<Item = &'a str>,
        reserved: &[&str],
    ) -> Self {
        Self {
            taken: FIXED.iter().copied().chain(units).map(str::to_string).collect(),
            own: own.map(str::to_string).collect(),
            reserved: reserved.iter().copied().map(str::to_string).collect(),
            next: HashMap::new(),
        }
    }

    /// Takes a name as it is; false where something else has it.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_string())
    }

    /// The name of something that the file declares: that name, or one with underscores appended.
    pub(crate) fn plain(&mut self, wanted: &str) -> String {
        if self.take(wanted) { wanted.to_string() } else { self.made(&format!("{wanted}_")) }
    }

    /// The name of a parameter that the file declares.
    pub(crate) fn parameter(&mut self, wanted: &str) -> String {
        if self.reserved.contains(wanted) { self.made(&format!("{wanted}_")) } else { self.plain(wanted) }
    }

    /// A name for something that the file does not declare: that name, or one with underscores appended.
    pub(crate) fn made(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_string();
        while self.own.contains(&name) || self.reserved.contains(&name) || !self.take(&name) {
            name.push('_');
        }
        name
    }

    /// `_base`, or `_base_2` and so on where that is taken.
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
