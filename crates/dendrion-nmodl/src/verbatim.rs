//! Recognizes C blocks without effect.
//!
//! Many files contain VERBATIM blocks that change nothing: they are empty, contain only comments, include a
//! header, print text, end a procedure with `return 0;`, or copy an ion variable to itself. Only these forms
//! are recognized.

/// The effect of a C block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    /// Returns from the routine, without any other effect.
    Return,
    /// Any other effect, with the byte range of the statement.
    Other(usize, usize),
}

/// Determines the effect of the text between VERBATIM and ENDVERBATIM.
pub(crate) fn effect(text: &str) -> Effect {
    let code = without_comments(text);
    let mut at = 0;
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        let space = rest.len() - rest.trim_start().len();
        if space > 0 {
            at += space;
            continue;
        }
        let line = rest.find('\n').unwrap_or(rest.len());
        if rest.starts_with('#') {
            if !is_include(rest.get(1..line).unwrap_or("")) {
                return Effect::Other(at, at + line);
            }
            at += line;
            continue;
        }
        if rest.starts_with(['{', '}', ';']) {
            at += 1;
            continue;
        }
        let end = statement_end(rest);
        let statement = rest.get(..end).unwrap_or(rest).trim_end();
        match statement_effect(statement) {
            // Code after a return is not reached.
            Some(Effect::Return) => return Effect::Return,
            Some(_) => {}
            None => {
                let shown = statement.find('\n').unwrap_or(statement.len()).max(1);
                return Effect::Other(at, at + shown.min(rest.len()));
            }
        }
        at += end + usize::from(rest.get(end..).is_some_and(|r| r.starts_with(';')));
    }
    Effect::Nothing
}

/// Replaces comments with spaces, so that all other bytes keep their positions.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let length = if rest.starts_with("/*") {
            rest.get(2..).and_then(|r| r.find("*/")).map_or(rest.len(), |i| i + 4)
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else {
            let length = if rest.starts_with('"') { quoted_length(rest) } else { first_length(rest) };
            code.push_str(rest.get(..length).unwrap_or(""));
            rest = rest.get(length..).unwrap_or("");
            continue;
        };
        let comment = rest.get(..length).unwrap_or(rest);
        code.extend(comment.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        rest = rest.get(length..).unwrap_or("");
    }
    code
}

fn first_length(rest: &str) -> usize {
    rest.chars().next().map_or(1, char::len_utf8)
}

/// Returns the length in bytes of the string literal at the beginning of `rest`.
fn quoted_length(rest: &str) -> usize {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return i + 1,
            _ => {}
        }
    }
    rest.len()
}

fn is_include(directive: &str) -> bool {
    directive.trim_start().strip_prefix("include").is_some_and(|r| r.trim_start().starts_with(['<', '"']))
}

/// Returns the end of the statement at the beginning of `rest`: the first semicolon or brace outside strings.
fn statement_end(rest: &str) -> usize {
    let mut at = 0;
    while let Some(left) = rest.get(at..).filter(|left| !left.is_empty()) {
        match left.chars().next() {
            Some(';' | '{' | '}') => break,
            Some('"') => at += quoted_length(left),
            _ => at += first_length(left),
        }
    }
    at
}

/// Returns the effect of a statement without its semicolon, or `None` if it is unknown.
fn statement_effect(statement: &str) -> Option<Effect> {
    let tight: String = statement.chars().filter(|c| !c.is_whitespace()).collect();
    if matches!(&*tight, "return" | "return0" | "return0." | "return0.0" | "return(0)") {
        return Some(Effect::Return);
    }
    if prints(&tight) {
        return Some(Effect::Nothing);
    }
    let (left, right) = tight.split_once('=')?;
    let is_name = !left.is_empty() && left.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && right.strip_prefix("_ion_") == Some(left)).then_some(Effect::Nothing)
}

/// Returns whether a statement is a single call to `printf` or `fprintf` whose arguments contain no
/// assignments or calls.
fn prints(tight: &str) -> bool {
    let call =
        ["printf(", "fprintf(stderr,", "fprintf(stdout,"].iter().find_map(|name| tight.strip_prefix(name));
    let Some(arguments) = call.and_then(|rest| rest.strip_suffix(')')) else { return false };
    let mut outside = String::new();
    let mut rest = arguments;
    while !rest.is_empty() {
        let quoted = rest.starts_with('"');
        let length = if quoted { quoted_length(rest) } else { first_length(rest) };
        if !quoted {
            outside.push_str(rest.get(..length).unwrap_or(""));
        }
        rest = rest.get(length..).unwrap_or("");
    }
    !outside.contains(['=', '(', ')', '{', '}', ';']) && !outside.contains("++") && !outside.contains("--")
}

#[cfg(test)]
mod tests {
    use super::{Effect, effect};

    #[test]
    fn blocks_that_do_nothing() {
        for text in [
            "",
            " \n ",
            "/* a = 3; */",
            "// a = 3;\n",
            "#include <stdlib.h> /* so\n that */\n",
            "# include \"misc.h\"",
            ";;",
            "{ }",
            "printf(\"a = %g; ( // \\\" \\n\", a);",
            "fprintf(stderr, \"%g\", _lv);",
            "cai = _ion_cai;\n\tCai = _ion_Cai ;",
            "/* one */ printf(\"x\"); // two",
            "/* never ends",
        ] {
            assert_eq!(effect(text), Effect::Nothing, "{text}");
        }
    }

    #[test]
    fn blocks_that_return() {
        for text in [
            "return 0;",
            "\n  return 0 ;\n",
            "return;",
            "{ return 0; }",
            "printf(\"x\"); return 0; a = 3;",
            "return (0);",
        ] {
            assert_eq!(effect(text), Effect::Return, "{text}");
        }
    }

    #[test]
    fn blocks_that_do_something() {
        for (text, first) in [
            ("a = 3;", "a = 3"),
            ("/* c */\n  cai = _ion_cao;", "cai = _ion_cao"),
            ("return 1;", "return 1"),
            ("return a;", "return a"),
            ("#define A 3\n", "#define A 3"),
            ("printf(\"%g\", a = 3);", "printf(\"%g\", a = 3)"),
            ("printf(\"%g\", f(a));", "printf(\"%g\", f(a))"),
            ("printf(\"%d\", i++);", "printf(\"%d\", i++)"),
            ("if (v > 3) { return 0; }", "if (v > 3)"),
            ("printf(\"a\"); x = 1;", "x = 1"),
            ("double f(x) {\n return 0; }", "double f(x)"),
            ("µ", "µ"),
        ] {
            let Effect::Other(from, to) = effect(text) else { panic!("{text}") };
            assert_eq!(text.get(from..to), Some(first), "{text}");
        }
    }
}
