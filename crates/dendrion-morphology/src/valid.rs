//! Checks of sections.

use crate::error::{MorphologyError, Problem, none_of};
use crate::kind::Kind;
use crate::section::Section;

/// The smallest and the largest length (um), area (um2) and resistance (1/um) of a section. Sums and products of
/// such numbers are finite.
const EXTREMES: (f64, f64) = (1e-100, 1e100);

/// Checks that sections form a tree in which parents come before their children, that somata are connected to the
/// root, and that all sections have finite lengths, areas and resistances.
pub(crate) fn check(sections: &[Section]) -> Result<(), MorphologyError> {
    if sections.is_empty() {
        return Err(MorphologyError::one("has no sections; expected at least one"));
    }
    let mut problems = Vec::new();
    for (i, section) in sections.iter().enumerate() {
        let fault = position(sections, i).or_else(|| samples(section)).or_else(|| extreme(section));
        if let Some(what) = fault {
            problems.push(Problem::general(format!("section {i} ({}) {what}", section.kind.name())));
        }
    }
    none_of(problems)
}

/// Returns the fault of a section's attachment, if any.
fn position(sections: &[Section], i: usize) -> Option<String> {
    match sections[i].parent {
        None if i == 0 => None,
        Some(at) if at.section < i => {
            if !(0.0..=1.0).contains(&at.x) {
                return Some(format!("is attached at x = {}: expected a position from 0 to 1", at.x));
            }
            let is_soma = sections[i].kind == Kind::Soma && sections[at.section].kind != Kind::Soma;
            is_soma.then(|| {
                let parent = sections[at.section].kind.name();
                format!("is attached to a section of kind {parent}: expected the soma to be the root")
            })
        }
        _ => Some("has no earlier parent; expected a parent with a smaller index, and a single root".into()),
    }
}

/// Returns the fault of a section's samples, if any.
fn samples(section: &Section) -> Option<String> {
    let found = &section.samples;
    if found.len() < 2 || found[0].distance != 0.0 || found.windows(2).any(|p| p[0].distance > p[1].distance)
    {
        return Some(
            "has fewer than two samples, or its distances decrease; expected at least two samples, at ascending distances".into(),
        );
    }
    let is_valid = |s: &crate::section::Sample| {
        s.position.iter().all(|x| x.is_finite()) && s.diameter.is_finite() && s.diameter > 0.0
    };
    let invalid = found.iter().find(|s| !is_valid(s))?;
    let ([x, y, z], d) = (invalid.position, invalid.diameter);
    Some(format!(
        "has a sample at ({x}, {y}, {z}) with diameter {d}: expected finite numbers and a diameter > 0 (um)"
    ))
}

/// Returns the property of a section that is too small or too large, if any.
fn extreme(section: &Section) -> Option<String> {
    let length = section.length();
    if length <= 0.0 {
        let [x, y, z] = section.samples[0].position;
        return Some(format!(
            "has no length: all of its points are at ({x}, {y}, {z}); expected distinct points"
        ));
    }
    let part = section.part(0.0, 1.0);
    let (low, high) = EXTREMES;
    let properties = [
        ("length", length, "um"),
        ("area", part.area, "um2"),
        ("integral of 1/(pi r^2)", part.resistance, "1/um"),
    ];
    let (name, value, unit) = properties.into_iter().find(|(_, v, _)| !(low..=high).contains(v))?;
    Some(format!("has the {name} {value:e} {unit}; expected a value from {low:e} to {high:e}"))
}
