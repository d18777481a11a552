//! Reads texts from standard input, one per line with `|` for line breaks, and prints the error of each text.
use std::io::{BufRead, stdin};

fn main() {
    for line in stdin().lock().lines().map_while(Result::ok) {
        match dendrion_language::define(&line.replace('|', "\n")) {
            Ok(_) => println!("{line}\n  valid"),
            Err(error) => println!("{line}\n{error}"),
        }
    }
}
