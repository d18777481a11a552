//! Reads invalid models from standard input, separated by lines of `---`, and prints each with its error message,
//! in the form of `tests/wrong.txt`.

use std::io::Read;

use dendrion_file::{Format, NoArrays, read};

fn main() -> std::io::Result<()> {
    let mut all = String::new();
    std::io::stdin().read_to_string(&mut all)?;
    for text in all.split("---\n").filter(|t| !t.trim().is_empty()) {
        let text = text.split(">>>\n").next().unwrap_or(text);
        let format = if text.starts_with('{') { Format::Json } else { Format::Toml };
        let said = match read(text, format, &mut NoArrays).map(|file| file.simulation().map(drop)) {
            Ok(Ok(())) => "valid".to_string(),
            Ok(Err(error)) | Err(error) => error.to_string(),
        };
        println!("{text}>>>\n{said}\n---");
    }
    Ok(())
}
