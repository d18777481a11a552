//! Reads texts from standard input, a line each with `|` for the ends of lines, and prints what is wrong with each.
use std::io::{BufRead, stdin};

fn main() {
    for line in stdin().lock().lines().map_while(Result::ok) {
        match dendrion_language::define(&line.replace('|', "\n")) {
            Ok(_) => println!("{line}\n  fine"),
            Err(error) => println!("{line}\n{error}"),
        }
    }
}
