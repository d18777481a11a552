//! No file makes the loader panic, hang or allocate more memory than the file contains. A rejected file changes
//! nothing, and after an accepted file the network runs. `DENDRION_FUZZ=1000000` sets the number of files.

use std::ops::{ControlFlow, Range};

use dendrion_model::Error;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::network::small;
use super::{made, run_stopped, saved};
use crate::runtime::core::Core;
use crate::saved_state::load_state;

/// A modification of a file.
#[derive(Clone, Debug)]
enum Change {
    /// Only the first bytes are kept.
    Cut(usize),
    /// Bytes are changed, and the checksum is wrong.
    Damage(Vec<(usize, u8)>),
    /// Bytes are changed, and the checksum is right.
    Bytes(Vec<(usize, u8)>),
    /// Numbers of eight bytes are changed.
    Words(Vec<(usize, u64)>),
    /// A number in the header is changed: a size, an offset, a version or a count.
    Header(usize, u64),
    /// A letter in the header is changed.
    Letter(usize, char),
    /// The content is replaced, optionally after the first bytes.
    Other(bool, Vec<u8>),
}

fn words() -> impl Strategy<Value = u64> {
    let odd = [0, 1, 2, 7, u64::MAX, u64::MAX - 1, 1 << 40, 1 << 52, 1 << 62, 1 << 63, 1 << 32];
    let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -0.0, 1e300, 1e-300, 5e-324, 64.0, 0.5];
    prop_oneof![
        proptest::sample::select(odd.to_vec()),
        proptest::sample::select(numbers.map(f64::to_bits).to_vec()),
        any::<u64>(),
        0..200_u64,
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = || proptest::collection::vec((any::<usize>(), 1..=255_u8), 1..4);
    prop_oneof![
        1 => any::<usize>().prop_map(Change::Cut),
        1 => bytes().prop_map(Change::Damage),
        3 => bytes().prop_map(Change::Bytes),
        6 => proptest::collection::vec((any::<usize>(), words()), 1..4).prop_map(Change::Words),
        3 => (any::<usize>(), words()).prop_map(|(at, word)| Change::Header(at, word)),
        1 => (any::<usize>(), any::<char>()).prop_map(|(at, letter)| Change::Letter(at, letter)),
        1 => (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200)).prop_map(|(b, v)| Change::Other(b, v)),
    ]
}

/// Returns the position of the header's text.
fn header(file: &[u8]) -> Range<usize> {
    8..8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize
}

/// Returns a file with another header, including its length.
fn with_header(file: &[u8], text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &file[header(file).end..]].concat()
}

fn seal(file: &mut [u8]) {
    let (body, sum) = file.split_at_mut(file.len() - 4);
    sum.copy_from_slice(&crc32fast::hash(body).to_le_bytes());
}

fn changed(file: &[u8], change: &Change) -> Vec<u8> {
    let mut new = file.to_vec();
    match change {
        Change::Cut(length) => new.truncate(length % file.len()),
        Change::Damage(all) | Change::Bytes(all) => {
            all.iter().for_each(|(at, flip)| new[at % file.len()] ^= flip);
            if matches!(change, Change::Bytes(_)) {
                seal(&mut new);
            }
        }
        Change::Words(all) => {
            let from = header(file).end;
            for (at, word) in all {
                let at = from + at % ((file.len() - from) / 8) * 8;
                new[at..at + 8].copy_from_slice(&word.to_le_bytes());
            }
            seal(&mut new);
        }
        Change::Header(which, number) => {
            let text = std::str::from_utf8(&file[header(file)]).unwrap();
            let starts: Vec<usize> = text
                .char_indices()
                .filter_map(|(i, c)| {
                    (c.is_ascii_digit() && !text[..i].ends_with(|c: char| c.is_ascii_digit())).then_some(i)
                })
                .collect();
            let start = starts[which % starts.len()];
            let rest = text[start..].trim_start_matches(|c: char| c.is_ascii_digit());
            new = with_header(file, &format!("{}{number}{rest}", &text[..start]));
            seal(&mut new);
        }
        Change::Letter(at, letter) => {
            let text: Vec<char> = std::str::from_utf8(&file[header(file)]).unwrap().chars().collect();
            let at = at % text.len();
            let text: String = text[..at].iter().chain([letter]).chain(&text[at + 1..]).collect();
            new = with_header(file, &text);
            seal(&mut new);
        }
        Change::Other(beginning, bytes) => {
            let kept = if *beginning { 45 } else { 0 };
            new.truncate(kept);
            new.extend(bytes);
        }
    }
    new
}

/// Returns whether sources would send too many spikes per step for the test to finish soon.
fn is_flood(core: &mut Core<f64>) -> bool {
    core.parameter("noise.rate").unwrap().as_slice().iter().any(|rate| *rate > 1e6)
}

#[test]
fn no_file_breaks_the_loader() {
    let mut first = made::<f64>(small(), 0, 0);
    first.push_spikes("pushed", &[(2, 0), (5, 1), (39, 0)], 50).unwrap();
    run_stopped(&mut first, 3);
    let file = saved(&mut first);
    let core = std::cell::RefCell::new(made::<f64>(small(), 0, 0));
    load_state(&mut core.borrow_mut(), &file).unwrap();
    let loaded = std::cell::Cell::new(0);
    let cases = std::env::var("DENDRION_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&change(), |change| {
        let core = &mut *core.borrow_mut();
        match load_state(core, &changed(&file, &change)) {
            Err(Error::State { .. }) => prop_assert!(saved(core) == file, "{change:?}"),
            Err(other) => prop_assert!(false, "{other}"),
            Ok(()) => {
                loaded.set(loaded.get() + 1);
                if !is_flood(core) {
                    // Some of the loaded states diverge.
                    let _ = core.run(30, &mut |_| ControlFlow::Continue(()));
                }
                load_state(core, &file).unwrap();
            }
        }
        Ok(())
    });
    result.unwrap();
    // Values of parameters and states are arbitrary, so many files are valid.
    assert!(loaded.get() > cases / 10, "{} of {cases}", loaded.get());
}
