//! The reader never panics or hangs, its memory is proportional to the size of the file, its errors point into the
//! text, and a model that it accepts is written and read again without changes. `DENDRION_FUZZ=1000000` runs that
//! many cases.

use std::io::Cursor;
use std::sync::LazyLock;

use dendrion_file::{Arrays, Document, File, Format, NoArrays, Npz, TextError, document, read};
use proptest::prelude::*;

mod common;
use common::Held;

const WHOLE: &str = include_str!("whole.toml");

/// Pieces from which models are generated.
const WORDS: [&str; 65] = [
    "dendrion = 2\n",
    "dt = ",
    "seed = ",
    "dtype = ",
    "[populations.cell]\n",
    "[populations.cell.compartments]\n",
    "[populations.cell.receptors.ampa]\n",
    "[generators.g]\n",
    "[connections.c]\n",
    "[injections.i]\n",
    "[record.v]\n",
    "compartments.soma = ",
    "size = ",
    "V_th = ",
    "V_reset = ",
    "\"soft\"\n",
    "kind = ",
    "\"LeakyIF\"",
    "\"AMPA\"\n",
    "\"PoissonGenerator\"\n",
    "\"SpikeGenerator\"\n",
    "\"CurrentGenerator\"\n",
    "\"FixedProb\"\n",
    "\"All2All\"\n",
    "on = \"soma\"\n",
    "t_decay = 2\n",
    "rate = ",
    "from = \"g\"\n",
    "from = \"cell\"\n",
    "to = \"cell/ampa\"\n",
    "to = \"cell/soma\"\n",
    "rule = ",
    "prob = ",
    "pre = ",
    "post = ",
    "dense = true\n",
    "weight = ",
    "delay = ",
    "of = \"cell/soma\"\n",
    "variable = \"V\"\n",
    "indices = ",
    "times = ",
    "changes = ",
    "waveform = ",
    "interval = ",
    "width = ",
    "equations = ",
    "\"I = 1 pA : pA\"\n",
    "{ array = \"a\" }\n",
    "{ kind = \"Normal\", mean = 1, std = 1 }\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    "=",
    "\n",
    "0\n",
    "1\n",
    "-1\n",
    "4294967295\n",
    "1e308\n",
    "nan\n",
    "inf\n",
    "[0, 1, 2]\n",
];

fn cases() -> u32 {
    std::env::var("DENDRION_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(5_000)
}

/// A valid model, in both notations.
static SEEDS: LazyLock<[(String, Format); 2]> = LazyLock::new(|| {
    let file = read(WHOLE, Format::Toml, &mut NoArrays).unwrap_or_else(|e| panic!("{e}"));
    let whole = written(&file);
    assert!(whole.arrays.is_empty(), "the seed has all its numbers");
    [(WHOLE.into(), Format::Toml), (whole.json(), Format::Json)]
});

fn written(file: &File) -> Document {
    document(&file.network, &file.extras).unwrap_or_else(|e| panic!("{e}"))
}

/// Deletions, copies and changes of parts of a text.
fn edits() -> impl Strategy<Value = Vec<(u8, u16, u16, u8)>> {
    proptest::collection::vec(any::<(u8, u16, u16, u8)>(), 1..6)
}

fn edited(text: &str, edits: &[(u8, u16, u16, u8)]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (sort, a, b, byte) in edits {
        let (a, b) = (usize::from(*a) % (bytes.len() + 1), usize::from(*b) % (bytes.len() + 1));
        match sort % 4 {
            0 => {
                bytes.drain(a.min(b)..(a.min(b) + 20).min(a.max(b)));
            }
            1 => {
                let piece = bytes[a.min(b)..(a.min(b) + 40).min(a.max(b))].to_vec();
                let at = usize::from(*byte) * bytes.len() / 256;
                bytes.splice(at..at, piece);
            }
            2 => bytes.insert(a, b"0123456789.-+e{}[]\"=,\n#"[usize::from(*byte) % 23]),
            _ => bytes.get_mut(a).into_iter().for_each(|b| *b = *byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn points_into(text: &str, error: &TextError) {
    let lines = text.matches('\n').count() + 1;
    assert!((1..=lines).contains(&error.line) && error.column >= 1 && error.length >= 1, "{error:?}");
}

fn check(text: &str, format: Format) {
    match read(text, format, &mut NoArrays) {
        Err(error) => points_into(text, &error),
        Ok(file) => {
            let whole = written(&file);
            let mut arrays = Held(whole.arrays.clone());
            let again = read(&whole.json(), Format::Json, &mut arrays);
            let again = again.unwrap_or_else(|e| panic!("{e}\nfrom\n{text}"));
            // Numbers that equal their default are not written, so only the second document is equal to the first.
            assert_eq!(written(&again), whole, "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edited_models(edits in edits(), which in 0..2_usize) {
        let (text, format) = &SEEDS[which];
        check(&edited(text, &edits), *format);
    }

    #[test]
    fn models_of_words(words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..40)) {
        check(&format!("dendrion = 2\n{}", words.concat()), Format::Toml);
    }

    #[test]
    fn any_characters(text in "\\PC{0,60}") {
        check(&text, Format::Toml);
        check(&text, Format::Json);
    }

    #[test]
    fn edited_arrays(edits in proptest::collection::vec(any::<(u16, u8)>(), 0..6), end in any::<u16>()) {
        let mut bytes = include_bytes!("arrays.npz").to_vec();
        for (at, byte) in edits {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        if end % 4 == 0 {
            bytes.truncate(usize::from(end) % (bytes.len() + 1));
        }
        let most = bytes.len();
        if let Ok(mut npz) = Npz::new("arrays.npz".into(), Cursor::new(bytes)) {
            for name in ["a", "weights", "whole", "flags"] {
                if let Ok(values) = npz.floats(name) {
                    prop_assert!(values.len() <= most);
                }
            }
        }
    }
}
