//! Reads mechanisms that are placed on detailed cells.

use std::collections::BTreeSet;

use dendrion_language::{Span, TextError};
use dendrion_model::{Mechanism, ModuleKind, Place, Population, Receptor, Role};
use dendrion_morphology::{Kind, MorphologyError, Region};

use super::context::Read;
use super::names::check_name;
use super::parts::{defined, end, equations_of, params, scale_g, written};
use super::table::Table;
use crate::extras::Extras;
use crate::node::{Key, Node, Value};
use crate::words;

/// Reads the mechanisms of detailed cells, and adds them to the populations of the group: one for each set of
/// mechanisms on the same CVs, in the order of their first mechanisms.
pub(super) fn placed(
    table: &Table<'_, '_>,
    group: &mut Vec<Population>,
    first: usize,
    extras: &mut Extras,
) -> Read<()> {
    let mut seen = BTreeSet::new();
    table.each("mechanisms", |key, node| {
        check_name(table.cx, key)?;
        if !seen.insert(key.name.clone()) {
            let message =
                format!("{}/{}: two parts have this name; rename one of them", table.path, key.name);
            return Err(table.cx.at(key.span, message));
        }
        let own = Table::new(table.cx, group[0].path_of(&key.name), node)?;
        let part = part(&own, key)?;
        let (place, sites) = sites(&own, &group[0], matches!(part, Part::Receptor(_)))?;
        end(&own, extras)?;
        let unit =
            unit(group, first, sites, place).ok_or_else(|| own.cx.at(own.span, "the cells have no CVs"))?;
        match part {
            Part::Receptor(receptor) => unit.receptors.push(receptor),
            Part::Channel(mechanism) => unit.mechanisms.push(mechanism),
        }
        Ok(())
    })
}

/// A mechanism: receptors are a separate kind, because they have targets of connections.
enum Part {
    Receptor(Receptor),
    Channel(Mechanism),
}

fn part(own: &Table<'_, '_>, key: &Key) -> Read<Part> {
    let name = key.name.clone();
    let names = [words::names(&words::RECEPTORS), words::names(&words::CHANNELS)].concat();
    let text = if let Some(text) = own.text("equations")? {
        text
    } else {
        own.need("kind", &format!("one of {}, or `equations`", names.join(", ")))?;
        let kind = own.choice("kind", &names)?.unwrap_or_default();
        if let Some((_, kind)) = words::RECEPTORS.iter().find(|(name, _)| *name == kind) {
            return receptor(own, name, *kind);
        }
        equations_of(own, &words::CHANNELS, kind)?
    };
    let definition = defined(own, &text)?;
    let params = written(own, &definition)?;
    if definition.arrivals.is_empty() {
        return Ok(Part::Channel(Mechanism { name, on: 0, text, params }));
    }
    let signed = own.flag("signed")?.unwrap_or(false);
    let kind = ModuleKind::Written;
    Ok(Part::Receptor(Receptor { name, kind, on: 0, scale_g: false, params, text: Some(text), signed }))
}

fn receptor(own: &Table<'_, '_>, name: String, kind: ModuleKind) -> Read<Part> {
    let (params, scale_g) = (params(own, kind)?, scale_g(own, kind)?);
    Ok(Part::Receptor(Receptor { name, kind, on: 0, scale_g, params, text: None, signed: false }))
}

/// Reads the place of a mechanism: `on`, a region or its CVs, or `at`, the CVs of points.
fn sites(own: &Table<'_, '_>, cells: &Population, is_receptor: bool) -> Read<(Place, Vec<u32>)> {
    let wrong = |span: Span, what: &str| own.cx.at(span, format!("{}: {what}", own.path));
    let (name, node, place) = match (own.get("on"), own.get("at")) {
        (Some(node), None) if is_receptor => {
            return Err(wrong(node.span, "on: receptors are placed at points; use at = [CV, ...] instead"));
        }
        (Some(node), None) => ("on", node, Place::Density),
        (None, Some(node)) => ("at", node, Place::Point),
        (Some(node), Some(_)) => {
            return Err(wrong(
                node.span,
                "on and at: expected either a region (on) or points (at), not both",
            ));
        }
        (None, None) => {
            let what = "on or at is missing: expected the region on which it is placed, such as on = \"soma\", or points, such as at = [0, 3]";
            return Err(wrong(own.span, what));
        }
    };
    let sites = match &node.value {
        Value::Text(region) if place == Place::Density => self::region(own, cells, node, region)?,
        _ => own.indices(name)?.unwrap_or_default(),
    };
    let count = cells.role.cable().map_or(0, |cable| cable.tree.cvs.len());
    checked(&sites, count, place).map_err(|what| wrong(node.span, &format!("{name}{what}")))?;
    Ok((place, sites))
}

fn checked(sites: &[u32], count: usize, place: Place) -> Result<(), String> {
    if sites.is_empty() {
        return Err(": expected at least one CV".into());
    }
    if let Some(i) = sites.iter().position(|cv| *cv as usize >= count) {
        return Err(format!("[{i}] = {}: expected a CV below {count}, the number of CVs", sites[i]));
    }
    let mut seen = BTreeSet::new();
    match sites.iter().find(|cv| place == Place::Density && !seen.insert(**cv)) {
        Some(cv) => Err(format!(": contains CV {cv} twice; expected each CV of the region once")),
        None => Ok(()),
    }
}

/// Returns the CVs of a region with this name.
fn region(own: &Table<'_, '_>, cells: &Population, node: &Node, name: &str) -> Read<Vec<u32>> {
    let wrong = |what: &str| -> TextError { own.cx.at(node.span, format!("{}: on: {what}", own.path)) };
    let kind = match (name, Kind::from_name(name)) {
        ("all", _) => None,
        (_, Some(kind)) => Some(kind),
        _ => {
            let known = ["all", "soma", "axon", "basal", "apical"];
            let hint = dendrion_language::suggestion(name, known);
            return Err(wrong(&format!("no region named {name:?}{hint}")));
        }
    };
    let Some(cable) = cells.role.cable() else { return Ok(Vec::new()) };
    let region = Region { kind, ..Region::default() };
    let cvs = region.cvs(&cable.morphology, &cable.tree);
    let cvs = cvs.map_err(|error: MorphologyError| wrong(&format!("the morphology {error}")))?;
    Ok(cvs.into_iter().map(|cv| cv as u32).collect())
}

/// Returns the population of the mechanisms at these places, which is added if there is none.
fn unit(group: &mut Vec<Population>, first: usize, sites: Vec<u32>, place: Place) -> Option<&mut Population> {
    let is_here = |p: &Population| match &p.role {
        Role::Placed { sites: known, place: there, .. } => *there == place && **known == sites,
        _ => false,
    };
    let index = if let Some(index) = group.iter().position(is_here) {
        index
    } else {
        let new = group[0].placed(first, sites, place)?;
        group.push(new);
        group.len() - 1
    };
    group.get_mut(index)
}
