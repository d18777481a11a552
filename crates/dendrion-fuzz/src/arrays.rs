//! Arrays of model files: a modified npz file, with or without correct checksums of its arrays.

use std::io::Cursor;
use std::ops::Range;

use dendrion_file::{Arrays as _, Npz};

use crate::random::Random;
use crate::reader::{ACCEPTED, Outcome, Target};

/// A file of four uncompressed arrays.
const WHOLE: &[u8] = include_bytes!("../../dendrion-file/tests/arrays.npz");
/// The arrays in it.
const NAMES: [&str; 4] = ["a", "weights", "whole", "flags"];
/// The beginning of an array's own header and of its entry in the directory.
const LOCAL: &[u8] = b"PK\x03\x04";
const DIRECTORY: &[u8] = b"PK\x01\x02";
/// Bytes of headers of arrays, and others.
const BYTES: &[u8] = b"0123456789<>|iufb'(),:{} \0\xff";

/// The target for npz files.
pub(crate) struct Arrays;

impl Target for Arrays {
    fn make(&mut self, random: &mut Random) -> Vec<u8> {
        let mut file = WHOLE.to_vec();
        for _ in 0..random.below(6) {
            let at = random.below(file.len());
            file[at] = match random.below(3) {
                0 => file[at] ^ (1 << random.below(8)),
                1 => BYTES[random.below(BYTES.len())],
                _ => random.next() as u8,
            };
        }
        if random.once_in(2) {
            seal(&mut file);
        }
        match random.below(16) {
            0 => file.truncate(random.below(WHOLE.len())),
            1 => file.extend((0..random.below(50)).map(|_| random.next() as u8)),
            _ => {}
        }
        file
    }

    fn check(&mut self, input: &[u8], _: &mut Random) -> Result<Outcome, String> {
        let Ok(mut npz) = Npz::new("arrays.npz".into(), Cursor::new(input)) else { return Ok("no npz file") };
        let mut outcome = ACCEPTED;
        for name in NAMES {
            match npz.floats(name) {
                Ok(values) if values.len() > input.len() => {
                    return Err(format!("{name} has {} values in {} bytes", values.len(), input.len()));
                }
                Ok(_) => {}
                Err(_) => outcome = "an array is rejected",
            }
        }
        Ok(outcome)
    }
}

/// Writes correct checksums to the headers and the directory, if the arrays are where they were.
fn seal(file: &mut [u8]) {
    for (entry, content) in starts(DIRECTORY).zip(contents()) {
        let sum = crc32fast::hash(&file[content.clone()]).to_le_bytes();
        file[entry + 16..entry + 20].copy_from_slice(&sum);
    }
    for (header, content) in starts(LOCAL).zip(contents()) {
        let sum = crc32fast::hash(&file[content]).to_le_bytes();
        file[header + 14..header + 18].copy_from_slice(&sum);
    }
}

/// Returns the places of a signature in the unmodified file.
fn starts(signature: &'static [u8]) -> impl Iterator<Item = usize> {
    (0..WHOLE.len()).filter(move |at| WHOLE[*at..].starts_with(signature))
}

/// Returns the places of the arrays in the unmodified file, which follow each other up to the directory.
fn contents() -> impl Iterator<Item = Range<usize>> {
    let length = |at: usize| usize::from(WHOLE[at]) + (usize::from(WHOLE[at + 1]) << 8);
    let ends = starts(LOCAL).skip(1).chain(starts(DIRECTORY).take(1));
    starts(LOCAL).zip(ends).map(move |(at, end)| at + 30 + length(at + 26) + length(at + 28)..end)
}
