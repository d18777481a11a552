//! Invalid or unsupported files and their exact error messages.

/// Files, one per line with escape sequences for line feeds, carriage returns and tabs, each followed by its error
/// message.
const PINNED: &str = include_str!("wrong.txt");

#[test]
fn wrong_files_are_explained() {
    let mut lines = PINNED.lines().peekable();
    let mut files = 0;
    while let Some(file) = lines.next() {
        let mut expected = vec![lines.next().unwrap_or_default()];
        while let Some(line) = lines.next_if(|l| l.starts_with("  ")) {
            expected.push(line);
        }
        let said = dendrion_nmodl::read(&file.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t"))
            .unwrap_err()
            .to_string();
        assert_eq!(said, expected.join("\n"), "{file}");
        files += 1;
    }
    assert!(files >= 40, "{files}");
}
