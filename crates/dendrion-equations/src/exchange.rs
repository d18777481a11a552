//! Quantities that mechanisms on different CVs of detailed cells exchange.
//!
//! Mechanisms on the same CVs form one system, in which an import is replaced by the exported expressions. If an export is
//! imported by mechanisms on other CVs, its value becomes an internal state, which a separate program computes
//! ([`crate::Phase::Exports`]). Its values are added to a row with one value per CV, a *slot*, from which the importing systems
//! read. Currents of several mechanisms are summed. Any other quantity has at most one source in each CV.
//!
//! The exports of a group are computed level by level: those of level 0 depend on no other system, those of level 1
//! depend on slots of level 0, and so on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dendrion_language::{Definition, Dimension, Id, Term};
use dendrion_model::{Cable, Error, Population, Role, definition};

use crate::mechanisms::receptor::text;

/// A quantity that a system passes to other systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its name.
    pub name: String,
    /// Its slot.
    pub slot: usize,
    /// The level at which it is computed.
    pub level: usize,
}

/// A quantity that a system reads from other systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its name.
    pub name: String,
    /// Its slot.
    pub slot: usize,
    /// The slot with 1 in CVs where the quantity has a source and 0 elsewhere, for imports that have a default and lack a source
    /// in some CVs.
    pub covered: Option<usize>,
}

/// What a population of placed mechanisms exchanges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traded {
    /// The exports that other populations import.
    pub sends: Vec<Sent>,
    /// The imports from other populations.
    pub receives: Vec<Received>,
    /// Whether concentrations are advanced before gates, in a separate part of the step.
    pub pools_apart: bool,
}

impl Traded {
    /// Returns the slots of the inputs, in order.
    pub fn inputs(&self) -> impl Iterator<Item = usize> + '_ {
        self.receives.iter().flat_map(|r| [Some(r.slot), r.covered]).flatten()
    }
}

/// The exchange of a group of detailed cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The part of each population of placed mechanisms.
    pub traded: Vec<Traded>,
    /// Number of levels.
    pub levels: usize,
    /// Number of slots.
    pub slots: usize,
    /// Slots with constant values, one per CV: whether a quantity has a source.
    pub covered: Vec<(usize, Arc<Vec<bool>>)>,
}

/// A mechanism of a population.
struct Member {
    path: String,
    definition: Definition,
}

/// The mechanisms on one set of CVs.
struct Unit<'p> {
    members: Vec<Member>,
    sites: &'p [u32],
}

/// An export of a unit: the index of the unit, and the name.
type Export = (usize, String);

impl Exchange {
    /// Finds what the populations of placed mechanisms of a group exchange. Returns `None` if they exchange nothing.
    ///
    /// # Errors
    /// Returns an error if a quantity has several sources in a CV or lacks one, or depends on itself.
    pub fn of(cable: &Cable, placed: &[&Population]) -> Result<Option<Self>, Error> {
        let texts = |p: &Population| -> Vec<(String, String)> {
            let receptors = p.receptors.iter().map(|r| (p.path_of(&r.name), text(r)));
            let channels = p.mechanisms.iter().map(|m| (p.path_of(&m.name), m.text.clone()));
            receptors.chain(channels).collect()
        };
        let all: Vec<Vec<(String, String)>> = placed.iter().map(|p| texts(p)).collect();
        if placed.len() < 2 || !all.iter().flatten().any(|(_, text)| text.contains("import")) {
            return Ok(None);
        }
        let mut units = Vec::new();
        for (population, texts) in placed.iter().zip(all) {
            let Role::Placed { sites, .. } = &population.role else { continue };
            let member = |(path, text): (String, String)| {
                let definition = definition(&path, &text)?;
                Ok(Member { path, definition })
            };
            let members = texts.into_iter().map(member).collect::<Result<_, Error>>()?;
            units.push(Unit { members, sites });
        }
        Market { cable, units }.exchange()
    }
}

/// The units of a group and their cells.
struct Market<'p> {
    cable: &'p Cable,
    units: Vec<Unit<'p>>,
}

impl Market<'_> {
    fn exchange(&self) -> Result<Option<Exchange>, Error> {
        let mut found = Exchange { traded: vec![Traded::default(); self.units.len()], ..Exchange::default() };
        let mut slot_of: BTreeMap<String, usize> = BTreeMap::new();
        let mut sent: BTreeSet<Export> = BTreeSet::new();
        for u in 0..self.units.len() {
            for name in self.imports(u) {
                let sources = self.sources(u, &name);
                if sources.is_empty() {
                    continue;
                }
                let slot = *slot_of.entry(name.clone()).or_insert_with(|| {
                    found.slots += 1;
                    found.slots - 1
                });
                sent.extend(sources.iter().map(|v| (*v, name.clone())));
                let covered = self.check(u, &name, &sources)?.map(|covered| {
                    found.covered.push((found.slots, Arc::new(covered)));
                    found.slots += 1;
                    found.slots - 1
                });
                found.traded[u].receives.push(Received { name, slot, covered });
            }
        }
        let mut levels = BTreeMap::new();
        for export in &sent {
            let level = self.level(export, &mut levels, &mut Vec::new())?;
            found.levels = found.levels.max(level + 1);
            let (u, name) = export.clone();
            let slot = slot_of[&name];
            found.traded[u].sends.push(Sent { name, slot, level });
        }
        Ok((!sent.is_empty()).then_some(found))
    }

    /// Returns the names that the mechanisms of a unit import, in order.
    fn imports(&self, u: usize) -> BTreeSet<String> {
        let definitions = self.units[u].members.iter().map(|m| &m.definition);
        definitions.flat_map(|d| &d.imports).map(|i| i.name.clone()).collect()
    }

    /// Returns the mechanisms of a unit that export a quantity, and the values that they export.
    fn exporters(&self, u: usize, name: &str) -> Vec<(&Member, Id)> {
        let mut found = Vec::new();
        for member in &self.units[u].members {
            let exports = member.definition.exports.iter().filter(|e| e.name == name);
            found.extend(exports.map(|e| (member, e.value)));
        }
        found
    }

    /// Returns the other units that export a quantity in CVs of a unit.
    fn sources(&self, u: usize, name: &str) -> Vec<usize> {
        let mut here = vec![false; self.cable.tree.cvs.len()];
        self.units[u].sites.iter().for_each(|cv| here[*cv as usize] = true);
        let is_source = |v: &usize| {
            *v != u
                && !self.exporters(*v, name).is_empty()
                && self.units[*v].sites.iter().any(|cv| here[*cv as usize])
        };
        (0..self.units.len()).filter(is_source).collect()
    }

    /// Checks an import. Returns for each CV whether it has a source, if the import has a default for CVs without one.
    fn check(&self, u: usize, name: &str, sources: &[usize]) -> Result<Option<Vec<bool>>, Error> {
        let import = |m: &Member| m.definition.imports.iter().find(|i| i.name == name).cloned();
        let wanted = self.units[u].members.iter().filter_map(|m| Some((m, import(m)?)));
        let wanted: Vec<_> = wanted.collect();
        let Some((first, dimension)) = wanted.first().map(|(m, i)| (m, i.unit.unit.dimension)) else {
            return Ok(None);
        };
        let is_sum = dimension == Dimension::CURRENT;
        let mut counts: Vec<Vec<&str>> = vec![Vec::new(); self.cable.tree.cvs.len()];
        for v in sources.iter().chain([&u]) {
            for (exporter, _) in self.exporters(*v, name) {
                let given =
                    exporter.definition.exports.iter().find(|e| e.name == name).map(|e| e.unit.dimension);
                if let Some(given) = given.filter(|given| *given != dimension) {
                    let what =
                        format!("imports {name} in {dimension}, but {} exports it in {given}", exporter.path);
                    return Err(Error::structure(&first.path, what));
                }
                self.units[*v].sites.iter().for_each(|cv| counts[*cv as usize].push(&exporter.path));
            }
        }
        let mut sites = self.units[u].sites.iter().map(|cv| *cv as usize);
        if !is_sum && let Some(cv) = sites.clone().find(|cv| counts[*cv].len() > 1) {
            let paths = &counts[cv];
            let what = format!(
                "imports {name}, which both {} and {} export at {}; expected one source, because only currents are summed",
                paths[0],
                paths[1],
                self.located(cv)
            );
            return Err(Error::structure(&first.path, what));
        }
        let Some(bare) = sites.find(|cv| counts[*cv].is_empty()) else { return Ok(None) };
        if !is_sum && let Some((member, import)) = wanted.iter().find(|(_, i)| i.default.is_none()) {
            let what = format!(
                "imports {name}, which no mechanism exports at {}; place an ion or another mechanism that exports {name} \
                 on all CVs of {}, or add a default as in 'import {name} : {} = ...'",
                self.located(bare),
                member.path,
                import.unit.text
            );
            return Err(Error::structure(&member.path, what));
        }
        let is_zero = |m: &Member, id: Id| matches!(m.definition.terms[id], Term::Number(v) if v == 0.0);
        // Without a source, a sum is 0.
        let has_default = wanted.iter().any(|(m, i)| i.default.is_some_and(|id| !is_sum || !is_zero(m, id)));
        Ok(has_default.then(|| counts.iter().map(|paths| !paths.is_empty()).collect()))
    }

    /// Describes a CV.
    fn located(&self, cv: usize) -> String {
        let section = self.cable.tree.cvs[cv].section;
        let kind = self.cable.morphology.sections().get(section).map(|s| s.kind.name());
        format!("CV {cv} ({}, section {section})", kind.unwrap_or_default())
    }

    /// Returns the level of an export. `open` contains the exports that are being visited.
    fn level(
        &self,
        export: &Export,
        levels: &mut BTreeMap<Export, usize>,
        open: &mut Vec<Export>,
    ) -> Result<usize, Error> {
        if let Some(level) = levels.get(export) {
            return Ok(*level);
        }
        if let Some(at) = open.iter().position(|e| e == export) {
            return Err(self.cycle(&open[at..]));
        }
        open.push(export.clone());
        let (u, name) = export;
        let mut level = 0;
        for (member, value) in self.exporters(*u, name) {
            for import in imports_of(&member.definition, value) {
                let read = &member.definition.imports[import].name;
                if !self.exporters(*u, read).is_empty() {
                    level = level.max(self.level(&(*u, read.clone()), levels, open)?);
                }
                for v in self.sources(*u, read) {
                    level = level.max(1 + self.level(&(v, read.clone()), levels, open)?);
                }
            }
        }
        open.pop();
        levels.insert(export.clone(), level);
        Ok(level)
    }

    fn cycle(&self, exports: &[Export]) -> Error {
        let named = |(u, name): &Export| {
            let path = self.exporters(*u, name).first().map_or("", |(m, _)| m.path.as_str());
            (path, format!("{name} of {path}"))
        };
        let names: Vec<String> = exports.iter().chain(exports.first()).map(|e| named(e).1).collect();
        let path = exports.first().map_or("", |e| named(e).0);
        let what = format!(
            "exports a value that depends on itself: {}; expected one of them to depend on states only",
            names.join(", which depends on ")
        );
        Error::structure(path, what)
    }
}

/// Returns the imports on which a value depends.
fn imports_of(d: &Definition, root: Id) -> BTreeSet<usize> {
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        if !seen.insert(id) {
            continue;
        }
        match &d.terms[id] {
            Term::Apply(_, operands) => stack.extend(operands),
            Term::Expression(i) => stack.push(d.expressions[*i].value),
            Term::Import(i) => drop(found.insert(*i)),
            Term::Flag(i) => stack.extend(d.flags[*i].after.into_iter().chain([d.flags[*i].lasts])),
            _ => {}
        }
    }
    found
}
