//! Names of modules, to which other modules can refer.

use std::collections::{BTreeMap, BTreeSet};

use dendrion_language::{Span, suggestion};
use dendrion_model::{Population, Role};

use super::context::{Context, Read};
use crate::node::{Key, Node};

/// The names of all modules of a network.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) populations: BTreeMap<String, usize>,
    pub(super) generators: BTreeMap<String, usize>,
    /// Index of the population and of the compartment, by path. Detailed cells stand for all CVs of their membrane,
    /// and have no compartment.
    pub(super) compartments: BTreeMap<String, (usize, Option<usize>)>,
    pub(super) receptors: BTreeMap<String, (usize, usize)>,
    /// Paths of other modules that can be recorded.
    others: BTreeSet<String>,
}

impl Names {
    /// Adds the path of a module.
    pub(super) fn add_path(&mut self, cx: &Context<'_>, key: &Key, node: &Node) -> Read<()> {
        check_name(cx, key)?;
        if !self.others.insert(key.name.clone()) {
            let message = format!("{}: two modules have this name; rename one of them", key.name);
            return Err(cx.at(if key.span.end > 0 { key.span } else { node.span }, message));
        }
        Ok(())
    }

    /// Adds the members of a population.
    pub(super) fn add_members(&mut self, population: &Population, index: usize) {
        match &population.role {
            Role::Neurons => {
                for (i, c) in population.compartments.iter().enumerate() {
                    self.compartments.insert(population.path_of(&c.name), (index, Some(i)));
                }
            }
            Role::Membrane { .. } => drop(self.compartments.insert(population.path.clone(), (index, None))),
            Role::Cells(_) | Role::Placed { .. } => {}
        }
        for (i, r) in population.receptors.iter().enumerate() {
            self.receptors.insert(population.path_of(&r.name), (index, i));
        }
        let others =
            population.mechanisms.iter().map(|m| &m.name).chain(population.noises.iter().map(|n| &n.name));
        self.others.extend(others.map(|name| population.path_of(name)));
    }

    /// Returns whether a module with this path can be recorded.
    pub(super) fn knows(&self, path: &str) -> bool {
        self.compartments.contains_key(path)
            || self.receptors.contains_key(path)
            || self.others.contains(path)
    }

    /// Returns all paths.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let parts = self.compartments.keys().chain(self.receptors.keys());
        parts.chain(&self.others).map(String::as_str)
    }
}

/// Checks a name. Dots separate paths from parameters and are not allowed, and slashes are allowed only between
/// names.
pub(super) fn check_name(cx: &Context<'_>, key: &Key) -> Read<()> {
    let whole = key.name.split('/').all(|part| !part.is_empty() && part.trim() == part);
    if whole && !key.name.contains('.') && !key.name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(cx.at(key.span, format!("{:?}: expected a name without dots, such as cell or area/cell", key.name)))
}

/// Returns the entry with this name.
pub(super) fn find<'n, T>(
    cx: &Context<'_>,
    known: &'n BTreeMap<String, T>,
    (name, span): (&str, Span),
    (path, what): (&str, &str),
) -> Read<&'n T> {
    known.get(name).ok_or_else(|| {
        let hint = suggestion(name, known.keys().map(String::as_str));
        cx.at(span, format!("{path}: no {what} named {name:?}{hint}"))
    })
}
