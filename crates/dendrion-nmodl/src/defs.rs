//! Named expressions: each intermediate value once, so that texts grow with what is written and not with what it expands to.

use std::collections::HashMap;

use crate::piece::Piece;

/// Texts of definitions longer than that, all together, are refused.
const MOST: usize = 400_000;

/// What a definition that is no named expression stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// A parameter, by its index.
    Parameter(usize),
    /// Something imported, by its index.
    Import(usize),
    /// A state, or what the compartment gives.
    Given,
}

/// A named expression, or a text that stands for something from outside.
#[derive(Clone, Debug)]
pub(crate) struct Def {
    /// What its private name is made of.
    pub(crate) base: String,
    pub(crate) piece: Piece,
    /// Its name, where it is seen from outside.
    pub(crate) public: Option<String>,
    /// Whether its text may stand in place of its name where that is read once.
    pub(crate) inline: bool,
    /// What it is, where it is no named expression: its text always stands in its place.
    pub(crate) leaf: Option<Leaf>,
}

#[derive(Debug, Default)]
pub(crate) struct Defs {
    pub(crate) all: Vec<Def>,
    known: HashMap<String, usize>,
    size: usize,
}

impl Defs {
    /// A text that stands for something from outside.
    pub(crate) fn leaf(&mut self, leaf: Leaf, text: String, moves: bool) -> Piece {
        let mut piece = Piece::reference(0, moves, false);
        piece.text = text;
        let def = Def { base: String::new(), piece, public: None, inline: true, leaf: Some(leaf) };
        self.all.push(def);
        Piece::reference(self.all.len() - 1, moves, false)
    }

    /// A name for an expression; the expression itself where it needs none. None where there is no room left.
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

    /// Another name for something, whatever it is.
    pub(crate) fn alias(&mut self, piece: Piece) -> usize {
        self.all.push(Def { base: String::new(), piece, public: None, inline: false, leaf: None });
        self.all.len() - 1
    }

    /// Lets the text of a definition stand in place of its name.
    pub(crate) fn allow_inline(&mut self, piece: &Piece) {
        if let Some(def) = piece.definition().and_then(|id| self.all.get_mut(id)) {
            def.inline = true;
        }
    }
}
