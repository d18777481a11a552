//! Tables of a document. A table keeps track of the entries that were read, so that unknown entries are reported.

use std::cell::RefCell;

use dendrion_language::{Span, TextError, suggestion};

use super::context::{Context, Read};
use crate::node::{Key, Node, Value};

/// The table of a module.
pub(crate) struct Table<'a, 'c> {
    pub(super) cx: &'a Context<'c>,
    /// Path of the module, for messages.
    pub(super) path: String,
    pub(super) span: Span,
    entries: &'a [(Key, Node)],
    asked: RefCell<Vec<String>>,
}

impl<'a, 'c> Table<'a, 'c> {
    pub(super) fn new(cx: &'a Context<'c>, path: impl Into<String>, node: &'a Node) -> Read<Self> {
        let path = path.into();
        let Value::Table(entries) = &node.value else {
            return Err(cx.at(node.span, format!("{path}: expected a table, not {}", node.words())));
        };
        cx.places.borrow_mut().note(&path, node.span, entries);
        Ok(Self { cx, path, span: node.span, entries, asked: RefCell::default() })
    }

    /// Creates an error about the value of an entry.
    pub(super) fn wrong(&self, node: &Node, name: &str, expected: &str) -> TextError {
        self.cx.at(node.span, format!("{}: {name}: expected {expected}, not {}", self.path, node.words()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Node> {
        let mut asked = self.asked.borrow_mut();
        if !asked.iter().any(|a| a == name) {
            asked.push(name.to_string());
        }
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    pub(super) fn need(&self, name: &str, expected: &str) -> Read<&'a Node> {
        let missing =
            || self.cx.at(self.span, format!("{}: {name} is missing: expected {expected}", self.path));
        self.get(name).ok_or_else(missing)
    }

    /// Calls a function for each entry of a nested table.
    pub(super) fn each(&self, name: &str, mut do_it: impl FnMut(&'a Key, &'a Node) -> Read<()>) -> Read<()> {
        let Some(node) = self.get(name) else { return Ok(()) };
        let Value::Table(entries) = &node.value else {
            return Err(self.wrong(node, name, "a table with named entries"));
        };
        entries.iter().try_for_each(|(key, node)| do_it(key, node))
    }

    pub(super) fn number(&self, name: &str) -> Read<Option<f64>> {
        self.get(name).map(|node| self.number_of(node, name)).transpose()
    }

    /// Reads the time `name` (ms), which must be finite and at least 0.
    pub(super) fn time(&self, name: &str) -> Read<Option<f64>> {
        let given = self.number(name)?;
        match (given, self.get(name)) {
            (Some(ms), Some(node)) if !(ms.is_finite() && ms >= 0.0) => {
                let message = format!("{}: {name} = {ms}: expected a finite time >= 0 (ms)", self.path);
                Err(self.cx.at(node.span, message))
            }
            _ => Ok(given),
        }
    }

    pub(super) fn number_of(&self, node: &Node, name: &str) -> Read<f64> {
        match node.value {
            Value::Whole(i) => Ok(i as f64),
            Value::Number(v) => Ok(v),
            _ => Err(self.wrong(node, name, "a number")),
        }
    }

    pub(super) fn whole_of(&self, node: &Node, name: &str) -> Read<u64> {
        let given = match node.value {
            Value::Whole(i) => match u64::try_from(i) {
                Ok(whole) => return Ok(whole),
                Err(_) => i.to_string(),
            },
            Value::Number(v) => v.to_string(),
            _ => return Err(self.wrong(node, name, "an integer >= 0")),
        };
        let message = format!("{}: {name} = {given}: expected an integer from 0 to 2^64 - 1", self.path);
        Err(self.cx.at(node.span, message))
    }

    pub(super) fn whole(&self, name: &str) -> Read<Option<u64>> {
        self.get(name).map(|node| self.whole_of(node, name)).transpose()
    }

    pub(super) fn size(&self, name: &str) -> Read<Option<usize>> {
        let Some(node) = self.get(name) else { return Ok(None) };
        let whole = self.whole_of(node, name)?;
        let too_large = || {
            self.cx.at(
                node.span,
                format!("{}: {name} = {whole}: expected an integer from 0 to 2^32 - 1", self.path),
            )
        };
        if whole > u64::from(u32::MAX) { Err(too_large()) } else { Ok(Some(whole as usize)) }
    }

    pub(super) fn flag(&self, name: &str) -> Read<Option<bool>> {
        self.get(name)
            .map(|node| match node.value {
                Value::Flag(flag) => Ok(flag),
                _ => Err(self.wrong(node, name, "true or false")),
            })
            .transpose()
    }

    pub(super) fn text(&self, name: &str) -> Read<Option<String>> {
        self.get(name).map(|node| self.text_of(node, name).map(str::to_string)).transpose()
    }

    pub(super) fn text_of<'n>(&self, node: &'n Node, name: &str) -> Read<&'n str> {
        match &node.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong(node, name, "a string in quotes")),
        }
    }

    /// Reads one of several words.
    pub(super) fn choice<'w>(&self, name: &str, words: &[&'w str]) -> Read<Option<&'w str>> {
        let Some(node) = self.get(name) else { return Ok(None) };
        let text = self.text_of(node, name)?;
        let found = words.iter().find(|w| **w == text).copied();
        let unknown = || {
            let hint = suggestion(text, words.iter().copied());
            self.cx.at(node.span, format!("{}: {name} = {text:?}: unknown value{hint}", self.path))
        };
        found.map(Some).ok_or_else(unknown)
    }

    /// Reads a string or a list of strings, each with its position.
    pub(super) fn texts(&self, name: &str) -> Read<Vec<(String, Span)>> {
        let Some(node) = self.get(name) else { return Ok(Vec::new()) };
        let one = |node: &Node| Ok((self.text_of(node, name)?.to_string(), node.span));
        match &node.value {
            Value::List(items) => items.iter().map(one).collect(),
            _ => Ok(vec![one(node)?]),
        }
    }

    /// Returns an error if the table has an entry that was not read.
    pub(super) fn finish(&self) -> Read<()> {
        let asked = self.asked.borrow();
        let Some((key, _)) = self.entries.iter().find(|(key, _)| !asked.contains(&key.name)) else {
            return Ok(());
        };
        let hint = suggestion(&key.name, asked.iter().map(String::as_str));
        Err(self.cx.at(key.span, format!("{}: unknown entry {:?}{hint}", self.path, key.name)))
    }
}
