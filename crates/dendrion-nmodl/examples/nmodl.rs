//! Reads an NMODL file named on the command line, or standard input, and prints its translation or the error.

use std::io::Read;

fn main() -> std::io::Result<()> {
    let mut source = String::new();
    match std::env::args().nth(1) {
        Some(path) => source = std::fs::read_to_string(path)?,
        None => drop(std::io::stdin().read_to_string(&mut source)?),
    }
    match dendrion_nmodl::read(&source) {
        Ok(mechanism) => {
            print!("{}", mechanism.definition.text);
            mechanism.notes.iter().for_each(|note| eprintln!("{note}"));
        }
        Err(error) => eprintln!("{error}"),
    }
    Ok(())
}
