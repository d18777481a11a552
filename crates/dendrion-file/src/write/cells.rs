//! Writes detailed cells. A group of populations is one entry.

use dendrion_model::{
    Cable, Error, Mechanism, ModuleKind, Params, Place, Population, Receptor, Role, Values,
};
use dendrion_morphology::{Kind, Region};
use serde_json::Value;

use super::Table;
use super::morphology::morphology;
use super::population::text;
use super::values::Writer;
use crate::words;

impl Writer<'_> {
    /// Writes the populations of a group of detailed cells, the first of which has the index `first`.
    pub(super) fn cells(
        &mut self,
        group: &[Population],
        cable: &Cable,
        first: usize,
    ) -> Result<Table, Error> {
        check(group, cable, first)?;
        let [cells, membrane, units @ ..] = group else { return Ok(Table::new()) };
        let mut table = self.threshold(cells);
        table.insert("method".into(), cells.method.name().into());
        table.insert("gates".into(), cable.gates.name().into());
        table.insert("staggered".into(), cable.staggered.into());
        table.insert("spike_at".into(), cable.spike_at.into());
        self.params(&mut table, &cells.path, ModuleKind::Cable, &own(membrane, cable));
        self.settings(&mut table, cells);
        table.insert("morphology".into(), morphology(self, &cells.path, cable).into());
        let mut mechanisms = Table::new();
        for unit in units {
            let receptors =
                unit.receptors.iter().map(|r| (r.name.clone(), self.placed_receptor(unit, r, cable)));
            mechanisms.extend(receptors.collect::<Vec<_>>());
            let channels =
                unit.mechanisms.iter().map(|m| (m.name.clone(), self.placed_channel(unit, m, cable)));
            mechanisms.extend(channels.collect::<Vec<_>>());
        }
        if !mechanisms.is_empty() {
            table.insert("mechanisms".into(), mechanisms.into());
        }
        Ok(table)
    }

    fn placed_receptor(&mut self, unit: &Population, r: &Receptor, cable: &Cable) -> Value {
        let mut table = Table::new();
        if let Some(own) = &r.text {
            text(&mut table, &[], own);
        } else {
            let kind = words::name_of(&words::RECEPTORS, r.kind).unwrap_or_default();
            table.insert("kind".into(), kind.into());
        }
        self.sites(&mut table, unit, &r.name, cable);
        if r.scale_g {
            table.insert("scale_g".into(), true.into());
        }
        if r.signed {
            table.insert("signed".into(), true.into());
        }
        self.module(&mut table, unit, &r.name, (r.kind, &r.params));
        table.into()
    }

    fn placed_channel(&mut self, unit: &Population, m: &Mechanism, cable: &Cable) -> Value {
        let mut table = Table::new();
        text(&mut table, &words::CHANNELS, &m.text);
        self.sites(&mut table, unit, &m.name, cable);
        self.module(&mut table, unit, &m.name, (ModuleKind::Written, &m.params));
        table.into()
    }

    /// Writes the place of a mechanism: the name of a region if it contains the same CVs, otherwise the CVs.
    fn sites(&mut self, table: &mut Table, unit: &Population, name: &str, cable: &Cable) {
        let Role::Placed { sites, place, .. } = &unit.role else { return };
        let key = match place {
            Place::Density => "on",
            Place::Point => "at",
        };
        let region = if *place == Place::Density { region(sites, cable) } else { None };
        let name = format!("{}.{key}", unit.path_of(name));
        table.insert(key.into(), region.map_or_else(|| self.indices(&name, sites), Value::from));
    }
}

/// Returns the parameters of a membrane, without those that follow from the morphology.
fn own(membrane: &Population, cable: &Cable) -> Params {
    let mut own = Params::new();
    let derived = cable.geometry();
    for name in words::MEMBRANE {
        let Some(values) = membrane.compartments.first().and_then(|c| c.params.shared(name)) else {
            continue;
        };
        let which = ["length", "diameter"].iter().position(|of| *of == name);
        if which.is_none_or(|i| *values != Values::Each(derived[i].clone())) {
            own.share(name, values);
        }
    }
    own
}

/// Returns the name of the region that consists of these CVs.
fn region(sites: &[u32], cable: &Cable) -> Option<String> {
    let first = *sites.first()? as usize;
    let kind = cable.morphology.sections().get(cable.tree.cvs.get(first)?.section)?.kind;
    let consists = |kind: Option<Kind>| {
        let cvs = Region { kind, ..Region::default() }.cvs(&cable.morphology, &cable.tree);
        cvs.is_ok_and(|cvs| cvs.into_iter().eq(sites.iter().map(|cv| *cv as usize)))
    };
    if consists(None) {
        return Some("all".into());
    }
    consists(Some(kind)).then(|| kind.name())
}

/// Checks that a file can represent the group.
fn check(group: &[Population], cable: &Cable, first: usize) -> Result<(), Error> {
    let [cells, membrane, units @ ..] = group else { return Ok(()) };
    let refuse = |what: &str| Err(Error::structure(&cells.path, what));
    let [_, expected] = Population::cable(cells.clone(), cable.clone(), own(membrane, cable), first);
    if expected.compartments != membrane.compartments {
        return refuse(
            "the membrane has parameters that do not follow from the morphology, such as a different distance of a control \
             volume; a file cannot store them",
        );
    }
    for (i, unit) in units.iter().enumerate() {
        let Role::Placed { sites, place, .. } = &unit.role else { continue };
        let is_same = |other: &Population| match &other.role {
            Role::Placed { sites: others, place: there, .. } => there == place && others == sites,
            _ => false,
        };
        if units[..i].iter().any(is_same) {
            return refuse(
                "two populations of mechanisms are placed on the same control volumes, which a file cannot represent; \
                 put these mechanisms into one population",
            );
        }
        let derived = cells.placed(first, sites.to_vec(), *place).map(|p| p.compartments);
        if derived.as_ref().is_some_and(|derived| *derived != unit.compartments) {
            return refuse(
                "a placed mechanism has distances that differ from the morphology; a file cannot store them",
            );
        }
    }
    Ok(())
}
