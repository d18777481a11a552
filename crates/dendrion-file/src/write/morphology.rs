//! Writes morphologies and the number of CVs of their sections.

use dendrion_model::Cable;
use dendrion_morphology::{Kind, Sample, Section};
use serde_json::Value;

use super::Table;
use super::values::{SHORT, Writer};

/// A number of a sample.
type Column = fn(&Sample) -> f64;

/// Writes the sections with their samples, in columns.
pub(super) fn morphology(writer: &mut Writer<'_>, path: &str, cable: &Cable) -> Table {
    let sections = cable.morphology.sections();
    let name = |column: &str| format!("{path}.morphology.{column}");
    let mut table = Table::new();
    table.insert("kind".into(), kinds(writer, &name("kind"), sections));
    let parents = sections.iter().map(|s| s.parent.map_or(-1, |p| p.section as i64));
    let parents: Vec<i64> = parents.collect();
    let parents = if parents.len() > SHORT {
        writer.floats(&name("parent"), &parents.iter().map(|p| *p as f64).collect::<Vec<_>>())
    } else {
        parents.into()
    };
    table.insert("parent".into(), parents);
    let places: Vec<f64> = sections.iter().map(|s| s.parent.map_or(1.0, |p| p.x)).collect();
    if places.iter().any(|x| *x != 1.0) {
        table.insert("parent_x".into(), writer.floats(&name("parent_x"), &places));
    }
    let cvs: Vec<u32> = cable.tree.first.windows(2).map(|pair| (pair[1] - pair[0]) as u32).collect();
    let cvs = match cvs.split_first() {
        Some((one, rest)) if rest.iter().all(|n| n == one) => (*one).into(),
        _ => writer.indices(&name("cvs"), &cvs),
    };
    table.insert("cvs".into(), cvs);
    samples(writer, &mut table, path, sections);
    let warnings = cable.morphology.warnings();
    if !warnings.is_empty() {
        let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        table.insert("warnings".into(), texts.into());
    }
    table
}

/// Writes the kinds of sections: a single one if all are equal, or names if there are few sections, or SWC numbers.
fn kinds(writer: &mut Writer<'_>, name: &str, sections: &[Section]) -> Value {
    let kinds: Vec<Kind> = sections.iter().map(|s| s.kind).collect();
    match kinds.split_first() {
        Some((one, rest)) if rest.iter().all(|kind| kind == one) => one.name().into(),
        _ if kinds.len() <= SHORT => kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().into(),
        _ => writer.indices(name, &kinds.iter().map(|kind| kind.code()).collect::<Vec<_>>()),
    }
}

fn samples(writer: &mut Writer<'_>, table: &mut Table, path: &str, sections: &[Section]) {
    let counts: Vec<u32> = sections.iter().map(|s| s.samples.len() as u32).collect();
    let name = |column: &str| format!("{path}.morphology.{column}");
    table.insert("samples".into(), writer.indices(&name("samples"), &counts));
    let columns: [(&str, Column); 5] = [
        ("x", |s| s.position[0]),
        ("y", |s| s.position[1]),
        ("z", |s| s.position[2]),
        ("diameter", |s| s.diameter),
        ("distance", |s| s.distance),
    ];
    for (column, value) in columns {
        let values: Vec<f64> = sections.iter().flat_map(|s| &s.samples).map(value).collect();
        table.insert(column.into(), writer.floats(&name(column), &values));
    }
}
