//! Names in the text: plain ones for what is seen from outside, and `_x` for the rest.

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
    /// Where the numbers behind a private name go on.
    next: HashMap<String, usize>,
}

impl Names {
    /// Names, of which those that units have where a name might stand are taken.
    pub(crate) fn new<'a>(units: impl Iterator<Item = &'a str>) -> Self {
        let taken = FIXED.iter().copied().chain(units).map(str::to_string).collect();
        Self { taken, next: HashMap::new() }
    }

    /// Takes a name as it is; false where something else has it.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_string())
    }

    /// That name, or one with underscores behind it.
    pub(crate) fn plain(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_string();
        while !self.take(&name) {
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
