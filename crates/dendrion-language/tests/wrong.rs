//! Wrong texts and what is said of them, word for word. `cargo run --example define < wrong.txt` says it anew.

/// Texts, a line each with `|` for the ends of lines, each followed by what is said of it.
const PINNED: &str = include_str!("wrong.txt");

#[test]
fn wrong_texts_are_explained() {
    let mut lines = PINNED.lines().peekable();
    let mut texts = 0;
    while let Some(text) = lines.next() {
        let mut expected = vec![lines.next().unwrap_or_default()];
        while let Some(line) = lines.next_if(|l| l.starts_with("  ")) {
            expected.push(line);
        }
        let said = dendrion_language::define(&text.replace('|', "\n")).unwrap_err().to_string();
        assert_eq!(said, expected.join("\n"), "{text}");
        texts += 1;
    }
    assert!(texts >= 40, "{texts}");
}
