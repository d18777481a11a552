//! Named expressions. Each intermediate value is defined once, so the length of the text is proportional to the
//! length of the file and not to that of the fully expanded expressions.

use std::collections::HashMap;

use crate::piece::Piece;

/// Maximum total length of all definitions in bytes.
const MOST: usize = 400_000;

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

/// A named expression, or a text for an external quantity.
#[derive(Clone, Debug)]
pub(crate) struct Def {
    /// The word from which its private name is made.
    pub(crate) base: String,
    pub(crate) piece: Piece,
    /// Its name, if it is public.
    pub(crate) public: Option<String>,
    /// Whether its text may replace its name if it is used only once.
    pub(crate) inline: bool,
    /// The external quantity that it represents. Its text then always replaces its name.
    pub(crate) leaf: Option<Leaf>,
}

#[derive(Debug, Default)]
pub(crate) struct Defs {
    pub(crate) all: Vec<Def>,
    known: HashMap<String, usize>,
    size: usize,
}

impl Defs {
    /// Adds a text for an external quantity.
    pub(crate) fn leaf(&mut self, leaf: Leaf, text: String, moves: bool) -> Piece {
        let mut piece = Piece::reference(0, moves, false);
        piece.text = text;
        let def = Def { base: String::new(), piece, public: None, inline: true, leaf: Some(leaf) };
        self.all.push(def);
        Piece::reference(self.all.len() - 1, moves, false)
    }

    /// Defines a name for an expression, unless the expression is so simple that it needs none. Returns `None` if
    /// the definitions have become too long.
    pub(crate) fn name(&mut self, base: &str, piece: Piece, inline: bool) -> Option<Piece> {
        if piece.is_simple() {
            return Some(piece);
        }
        if let Some(id) = self.known.get(&piece.text) {
            return Some(Piece::reference(*id, piece.moves, piece.truth));
        }
        self.size += piece.text.len() + base.len();
        if self.size > MOST {
            return None;
        }
        let id = self.all.len();
        let reference = Piece::reference(id, piece.moves, piece.truth);
        self.known.insert(piece.text.clone(), id);
        self.all.push(Def { base: base.to_string(), piece, public: None, inline, leaf: None });
        Some(reference)
    }

    /// Defines another name for any expression.
    pub(crate) fn alias(&mut self, piece: Piece) -> usize {
        self.all.push(Def { base: String::new(), piece, public: None, inline: false, leaf: None });
        self.all.len() - 1
    }

    /// Allows the text of a definition to replace its name.
    pub(crate) fn allow_inline(&mut self, piece: &Piece) {
        if let Some(def) = piece.definition().and_then(|id| self.all.get_mut(id)) {
            def.inline = true;
        }
    }
}
