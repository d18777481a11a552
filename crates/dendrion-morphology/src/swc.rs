//! Reader of SWC files (Cannon et al. 1998, J. Neurosci. Methods 84:49).
//!
//! Each line describes a point: id, kind, x, y, z, radius (um) and the id of its parent. `#` begins a comment.

use crate::error::{MorphologyError, Problem, none_of};
use crate::kind::Kind;
use crate::points::{Point, check};

/// Maximum number of points in a file. The largest published reconstructions have about a million.
const MOST_POINTS: usize = 5_000_000;

/// Reads the points of an SWC file. They are sorted by their ids, so that the order of lines has no effect.
///
/// # Errors
/// Returns the lines that cannot be read or, if all lines can be read, the faults of the tree; see [`check`].
pub fn read_swc(text: &str) -> Result<Vec<Point>, MorphologyError> {
    let mut rows: Vec<(i64, i64, Point)> = Vec::new();
    let mut problems = Vec::new();
    for (k, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default().trim().trim_start_matches('\u{feff}');
        if content.is_empty() {
            continue;
        }
        if rows.len() >= MOST_POINTS {
            let what = format!("has too many points: expected at most {MOST_POINTS}");
            return Err(MorphologyError::Limit { what, needed: None, limit: MOST_POINTS as f64 });
        }
        match parse(content) {
            Ok((id, parent, point)) => rows.push((id, parent, Point { line: Some(k + 1), ..point })),
            Err(what) => problems.push(Problem { point: None, line: Some(k + 1), what }),
        }
        if problems.len() > 100 {
            break;
        }
    }
    none_of(problems)?;
    if rows.is_empty() {
        return Err(MorphologyError::one(
            "has no points; expected lines with id, kind, x, y, z, radius and the id of the parent",
        ));
    }
    rows.sort_by_key(|(id, ..)| *id);
    let points = connected(&rows)?;
    check(&points)?;
    Ok(points)
}

/// Returns the points of rows that are sorted by id, and consist of the id, the id of the parent, and the point. A parent
/// of -1 marks the root.
fn connected(rows: &[(i64, i64, Point)]) -> Result<Vec<Point>, MorphologyError> {
    let mut problems = Vec::new();
    for (k, pair) in rows.windows(2).enumerate() {
        if pair[0].0 == pair[1].0 {
            let first = pair[0].2.line.unwrap_or_default();
            let what = format!("id {} is already used in line {first}; expected unique ids", pair[1].0);
            problems.push(Problem { point: Some(k + 1), line: pair[1].2.line, what });
        }
    }
    let mut points = Vec::with_capacity(rows.len());
    for (i, (_, parent, point)) in rows.iter().enumerate() {
        let found = rows.binary_search_by_key(parent, |(id, ..)| *id).ok().filter(|_| *parent != -1);
        if *parent != -1 && found.is_none() {
            let what = format!(
                "parent {parent} does not exist; expected the id of another line, or -1 for the root"
            );
            problems.push(Problem { point: Some(i), line: point.line, what });
        }
        points.push(Point { parent: found, ..*point });
    }
    none_of(problems)?;
    Ok(points)
}

/// Reads a line: the id, the id of the parent, and the point without a parent.
fn parse(line: &str) -> Result<(i64, i64, Point), String> {
    let fields: Vec<&str> = line.split([' ', '\t', ',', ';']).filter(|f| !f.is_empty()).collect();
    let [id, kind, x, y, z, radius, parent] = *fields.first_chunk::<7>().ok_or_else(|| {
        let (n, s) = (fields.len(), if fields.len() == 1 { "" } else { "s" });
        format!("has {n} value{s}; expected id, kind, x, y, z, radius and the id of the parent")
    })?;
    let kind = integer("kind", kind)?;
    let kind = u32::try_from(kind).map_err(|_| format!("kind = {kind}: expected an integer >= 0"))?;
    let position = [number("x", x)?, number("y", y)?, number("z", z)?];
    let diameter = 2.0 * number("radius", radius)?;
    let point = Point { position, diameter, parent: None, kind: Kind::from_code(kind), line: None };
    Ok((integer("id", id)?, integer("parent", parent)?, point))
}

fn number(name: &str, text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{name} = {}: expected a number", quoted(text)))
}

/// Reads an integer. Some programs write integers as 1.0.
fn integer(name: &str, text: &str) -> Result<i64, String> {
    let whole = |v: &f64| v.fract() == 0.0 && v.abs() < 9e15;
    (text.parse::<i64>().ok())
        .or_else(|| text.parse::<f64>().ok().filter(whole).map(|v| v as i64))
        .ok_or_else(|| format!("{name} = {}: expected an integer", quoted(text)))
}

/// Returns a text in quotes. Long texts are truncated.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{short:?}...") } else { format!("{text:?}") }
}
