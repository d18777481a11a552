//! Writes the text from its lines and definitions. Unused definitions are dropped, and the others get their names.

use crate::defs::{Def, Leaf};
use crate::lower::{Import, Output};
use crate::piece::{Piece, level};

/// Maximum nesting depth of definitions that are written in place of their names.
const DEEPEST: usize = 40;
/// Maximum length in bytes of a definition that is written in place of its name.
const LONGEST: usize = 200;

/// Returns the text, and for each parameter whether the text uses it.
pub(crate) fn emit(output: Output, header: &str) -> (String, Vec<bool>) {
    let uses = uses(&output);
    let Output { mut names, defs, parameters, imports, first, last, kept } = output;
    let kept: std::collections::HashMap<usize, String> = kept.into_iter().collect();
    let mut texts: Vec<Text> = Vec::with_capacity(defs.len());
    let mut lines = Vec::new();
    for (id, def) in defs.iter().enumerate() {
        let used = uses.get(id).copied().unwrap_or(0);
        if used == 0 {
            texts.push(Text::default());
            continue;
        }
        let (text, depth) = written(&def.piece.text, &texts);
        let depth = depth + def.piece.depth;
        let inline = def.leaf.is_some()
            || (def.inline && used == 1 && def.public.is_none() && depth < DEEPEST && text.len() <= LONGEST);
        if inline {
            let is_name = !text.contains(['/', '*']);
            let tight = if def.leaf.is_some() { is_name } else { def.piece.level == level::PRIMARY };
            texts.push(Text { is: text, depth: depth + 1, tight });
            continue;
        }
        let name = def.public.clone().unwrap_or_else(|| names.private(&def.base));
        let unit = kept.get(&id).map_or("", String::as_str);
        let comment = if unit.is_empty() { String::new() } else { format!("    # {}", one_line(unit)) };
        lines.push(format!("{name} = {text}{comment}"));
        texts.push(Text { is: name, depth: 0, tight: true });
    }
    let given = used_parameters(&defs, &uses, parameters.len(), &imports);
    let mut all: Vec<String> = header.lines().map(|l| format!("# {}", one_line(l))).collect();
    all.extend(first.iter().map(|line| written(line, &texts).0));
    all.append(&mut lines);
    all.extend(last.iter().map(|line| written(line, &texts).0));
    for (i, import) in imports.iter().enumerate() {
        if is_used(&defs, &uses, Leaf::Import(i)) {
            let parameter = import.default.and_then(|i| parameters.get(i));
            let default = parameter.map_or_else(|| format!("0 {}", import.unit), |p| p.name.clone());
            all.push(format!("import {} : {} = {default}", import.name, import.unit));
        }
    }
    for (parameter, _) in parameters.iter().zip(&given).filter(|(_, given)| **given) {
        let number = Piece::number(parameter.default).text;
        let doc = if parameter.doc.is_empty() { String::new() } else { format!("    # {}", parameter.doc) };
        let gap = if parameter.unit.is_empty() { "" } else { " " };
        all.push(format!("{} = {number}{gap}{}{}{doc}", parameter.name, parameter.unit, parameter.bound));
    }
    (all.join("\n") + "\n", given)
}

/// The text that replaces references to a definition.
#[derive(Debug, Default)]
struct Text {
    is: String,
    /// Nesting depth of the text.
    depth: usize,
    /// Whether the text can be used as an operand without parentheses.
    tight: bool,
}

/// Replaces the references in a text. Also returns the largest nesting depth of the inserted texts.
fn written(text: &str, texts: &[Text]) -> (String, usize) {
    let (mut out, mut depth) = (String::with_capacity(text.len()), 0);
    let mut parts = text.split('@').peekable();
    while let Some(plain) = parts.next() {
        out.push_str(plain);
        let Some(found) = parts.next().and_then(|id| texts.get(id.parse::<usize>().ok()?)) else { continue };
        let next = parts.peek().copied().unwrap_or("");
        let alone = (out.ends_with(['(']) || out.ends_with(", ") || out.ends_with("= "))
            && (next.is_empty() && out.ends_with("= ") || next.starts_with([')', ',']));
        if found.tight || alone {
            out.push_str(&found.is);
        } else {
            out.push('(');
            out.push_str(&found.is);
            out.push(')');
        }
        depth = depth.max(found.depth);
    }
    (out, depth)
}

/// Returns the definitions that a text refers to, one entry per reference.
fn read(text: &str) -> impl Iterator<Item = usize> {
    text.split('@').skip(1).step_by(2).filter_map(|id| id.parse().ok())
}

/// Counts the references to each definition, considering only definitions that the text needs.
fn uses(output: &Output) -> Vec<usize> {
    let mut uses = vec![0_usize; output.defs.len()];
    let count = |text: &str, uses: &mut Vec<usize>| {
        for id in read(text) {
            if let Some(n) = uses.get_mut(id) {
                *n += 1;
            }
        }
    };
    output.first.iter().chain(&output.last).for_each(|line| count(line, &mut uses));
    for (id, _) in &output.kept {
        if let Some(n) = uses.get_mut(*id) {
            *n += 1;
        }
    }
    // A definition refers only to earlier ones, so one pass from the last to the first is enough.
    for (id, def) in output.defs.iter().enumerate().rev() {
        if uses.get(id).is_some_and(|n| *n > 0) {
            count(&def.piece.text, &mut uses);
        }
    }
    uses
}

fn is_used(defs: &[Def], uses: &[usize], leaf: Leaf) -> bool {
    defs.iter().zip(uses).any(|(def, n)| *n > 0 && def.leaf == Some(leaf))
}

fn used_parameters(defs: &[Def], uses: &[usize], count: usize, imports: &[Import]) -> Vec<bool> {
    let mut used = vec![false; count];
    for (_, import) in imports.iter().enumerate().filter(|(i, _)| is_used(defs, uses, Leaf::Import(*i))) {
        if let Some(used) = import.default.and_then(|p| used.get_mut(p)) {
            *used = true;
        }
    }
    for (def, n) in defs.iter().zip(uses) {
        if let (Some(Leaf::Parameter(i)), true) = (def.leaf, *n > 0)
            && let Some(used) = used.get_mut(i)
        {
            *used = true;
        }
    }
    used
}

/// Replaces line breaks by spaces.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
