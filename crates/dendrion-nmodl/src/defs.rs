//! Named expressions. Each intermediate value is defined once, so the length of the text is proportional to the
//! length of the file and not to that of the fully expanded expressions.

use std::collections::HashMap;

use crate::terms::{TermId, Terms, Value};

/// Maximum estimated total length of all definitions in bytes.
const MOST: usize = 400_000;
/// Estimated length of a node in bytes.
const NODE: usize = 4;

/// The external quantity that a definition represents, if it is not a named expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// The parameter with this index.
    Parameter(usize),
    /// The import with this index.
    Import(usize),
    /// A state, or a quantity that the compartment provides.
    Given,
}

/// A named expression, or an external quantity.
#[derive(Clone, Debug)]
pub(crate) struct Def {
    /// The word from which its private name is derived.
    pub(crate) base: String,
    pub(crate) value: Value,
    /// Its name, if it is public.
    pub(crate) public: Option<String>,
    /// Whether its value may replace its name if it is used only once.
    pub(crate) inline: bool,
    /// The external quantity that it represents. Its value then always replaces its name.
    pub(crate) leaf: Option<Leaf>,
}

#[derive(Debug, Default)]
pub(crate) struct Defs {
    pub(crate) all: Vec<Def>,
    known: HashMap<TermId, usize>,
    size: usize,
}

impl Defs {
    /// Adds an external quantity.
    pub(crate) fn leaf(&mut self, terms: &mut Terms, leaf: Leaf, term: TermId, moves: bool) -> Value {
        let value = Value::of(term, moves);
        self.all.push(Def { base: String::new(), value, public: None, inline: true, leaf: Some(leaf) });
        terms.reference(self.all.len() - 1, moves, false)
    }

    /// Defines a name for an expression, unless the expression is so simple that it needs no name. Returns
    /// `None` if the definitions have become too long.
    pub(crate) fn name(
        &mut self,
        terms: &mut Terms,
        base: &str,
        value: Value,
        inline: bool,
    ) -> Option<Value> {
        if terms.is_simple(&value) {
            return Some(value);
        }
        if let Some(id) = self.known.get(&value.term) {
            return Some(terms.reference(*id, value.moves, value.truth));
        }
        self.size = self.size.saturating_add(NODE * terms.size(value.term) + base.len());
        if self.size > MOST {
            return None;
        }
        let id = self.all.len();
        let reference = terms.reference(id, value.moves, value.truth);
        self.known.insert(value.term, id);
        self.all.push(Def { base: base.to_string(), value, public: None, inline, leaf: None });
        Some(reference)
    }

    /// Defines another name for any expression.
    pub(crate) fn alias(&mut self, value: Value) -> usize {
        self.all.push(Def { base: String::new(), value, public: None, inline: false, leaf: None });
        self.all.len() - 1
    }

    /// Allows the value of a definition to replace its name.
    pub(crate) fn allow_inline(&mut self, terms: &Terms, value: &Value) {
        if let Some(def) = terms.definition(value).and_then(|id| self.all.get_mut(id)) {
            def.inline = true;
        }
    }
}
