//! Invalid models and their exact error messages. `cargo run --example refuse < wrong.txt` prints the current
//! messages.

use dendrion_file::{Format, NoArrays, read};

/// Models, each followed by `>>>` and its error message, separated by `---`.
const PINNED: &str = include_str!("wrong.txt");

#[test]
fn wrong_models_are_explained() {
    let mut models = 0;
    for case in PINNED.split("---\n").filter(|c| !c.is_empty()) {
        let (text, expected) = case.split_once(">>>\n").unwrap();
        let format = if text.starts_with('{') { Format::Json } else { Format::Toml };
        let said = match read(text, format, &mut NoArrays) {
            Ok(file) => file.simulation().map(drop).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected.trim_end_matches('\n'), "{text}");
        models += 1;
    }
    assert!(models >= 50, "{models}");
}
