//! Invalid texts and their exact error messages. `cargo run --example define < wrong.txt` prints the current
//! messages.

/// Texts, one per line with `|` for line breaks, each followed by its error message.
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
