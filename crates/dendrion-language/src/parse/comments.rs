//! Attaches comments to the statements that they describe.

use crate::lex::Token;
use crate::syntax::{Statement, Syntax};

/// Attaches the comments, each of which is accompanied by the position of its first byte: those before the
/// first token to the tree, and those at the end of the line of a definition to the definition. Definitions
/// that share a line have no comment.
pub(super) fn attach(text: &str, first: Option<Token>, comments: Vec<(usize, String)>, syntax: &mut Syntax) {
    let mut begins: Vec<usize> = syntax.statements.iter().filter_map(begin).collect();
    begins.sort_unstable();
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |i| at + i);
    let first = first.map_or(text.len(), |token| token.span.start);
    let mut found = std::collections::HashMap::new();
    for (at, comment) in comments {
        if at < first {
            syntax.header.push(comment);
            continue;
        }
        let next = begins.partition_point(|b| *b < at);
        let Some(begin) = next.checked_sub(1).map(|i| begins[i]) else { continue };
        let shared = next > 1 && line_end(begins[next - 2]) > begin;
        if line_end(begin) > at && !shared {
            found.insert(begin, comment);
        }
    }
    for statement in &mut syntax.statements {
        let comment = begin(statement).and_then(|begin| found.remove(&begin));
        if let (Some(comment), Statement::Define { doc, .. } | Statement::Declare { doc, .. }) =
            (comment, statement)
        {
            *doc = comment;
        }
    }
}

/// Returns the byte at which a definition begins.
fn begin(statement: &Statement) -> Option<usize> {
    match statement {
        Statement::Define { name, .. } | Statement::Declare { name, .. } => Some(name.span.start),
        _ => None,
    }
}
