//! Model files: modified files in both notations, and random tables.

use std::collections::BTreeMap;

use dendrion_file::{Array, Arrays, Document, File, Format, document, read};
use dendrion_language::TextError;

use crate::mutate::{characters, mutated, words};
use crate::random::Random;
use crate::reader::{ACCEPTED, Outcome, Target};

/// A model with one module of every kind.
const WHOLE: &str = include_str!("../../dendrion-file/tests/whole.toml");
/// The documentation page about model files, which contains models.
const PAGE: &str = include_str!("../../../docs/models.md");

/// Words that are inserted into models.
const WORDS: [&str; 104] = [
    "dendrion = 2\n",
    "dt = ",
    "seed = ",
    "dtype = ",
    "threads = ",
    "duration = ",
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
    "\"AdEx\"",
    "\"Soma\"",
    "\"PoissonGenerator\"\n",
    "\"SpikeGenerator\"\n",
    "\"CurrentGenerator\"\n",
    "\"DCGenerator\"\n",
    "\"CustomGenerator\"\n",
    "\"FixedProb\"\n",
    "\"FixedTotal\"\n",
    "\"FixedIndegree\"\n",
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
    "degree = ",
    "n = ",
    "pre = ",
    "post = ",
    "dense = true\n",
    "weight = ",
    "delay = ",
    "of = \"cell/soma\"\n",
    "variable = \"V\"\n",
    "variable = \"spikes\"\n",
    "indices = ",
    "times = ",
    "changes = ",
    "waveform = ",
    "interval = ",
    "width = ",
    "every = ",
    "equations = ",
    "\"I = 1 pA : pA\"\n",
    "{ array = \"a\" }\n",
    "{ array = \"pre\" }\n",
    "arrays = \"x.npz\"\n",
    "{ kind = \"Normal\", mean = 1, std = 1 }\n",
    "postfix = [\"x\", \"exp\"]\n",
    "expression = \"y = x*x; exp(-y)\"\n",
    "plasticity = { kind = \"STDP\" }\n",
    "dendritic_delay = ",
    "area_factor = ",
    "frozen = \"V_th\"\n",
    "[populations.cell.morphology]\n",
    "[populations.cell.mechanisms.na]\n",
    "morphology = { length = 10, diameter = 1, parent = -1, kind = \"soma\", cvs = 3 }\n",
    "mechanisms.na = { kind = \"HHNa\", on = \"all\" }\n",
    "kind = [\"soma\", \"apical\"]\n",
    "parent = [-1, 0]\n",
    "parent_x = ",
    "length = ",
    "diameter = ",
    "samples = ",
    "distance = ",
    "cvs = ",
    "on = \"all\"\n",
    "at = ",
    "gates = \"cnexp\"\n",
    "staggered = true\n",
    "spike_at = ",
    "to = \"cell\"\n",
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
    "4000000000\n",
    "4294967295\n",
    "1e308\n",
    "nan\n",
    "[0, 1, 2]\n",
    "true\n",
];

/// The target for model files.
pub(crate) struct Models {
    /// Models in TOML and in JSON.
    corpus: [Vec<String>; 2],
}

impl Default for Models {
    fn default() -> Self {
        let mut toml = vec![WHOLE.to_string()];
        let blocks = PAGE.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
        toml.extend(blocks.map(str::to_string));
        toml.retain(|text| read(text, Format::Toml, &mut Named).is_ok());
        let json = toml.iter().filter_map(|text| {
            let file = read(text, Format::Toml, &mut Named).ok()?;
            document(&file.network, &file.extras).ok().map(|whole| whole.json())
        });
        Self { corpus: [toml.clone(), json.collect()] }
    }
}

impl Target for Models {
    fn make(&mut self, random: &mut Random) -> Vec<u8> {
        let notation = random.below(2);
        let corpus: Vec<&str> = self.corpus[notation].iter().map(String::as_str).collect();
        let text = match random.below(20) {
            0..16 => {
                let text = random.pick(&corpus);
                mutated(random, text, &corpus, &WORDS)
            }
            16 | 17 => format!("dendrion = 2\n{}", words(random, &WORDS, 40)),
            // Braces make a text JSON.
            18 => ["", "{"][notation].to_string() + &characters(random),
            _ => {
                let text = if random.once_in(2) { small(random) } else { detailed(random) };
                if random.once_in(2) { mutated(random, &text, &corpus, &WORDS) } else { text }
            }
        };
        text.into_bytes()
    }

    fn check(&mut self, input: &[u8], random: &mut Random) -> Result<Outcome, String> {
        let text = &*String::from_utf8_lossy(input);
        let format = if text.trim_start().starts_with('{') { Format::Json } else { Format::Toml };
        let file = match read(text, format, &mut Named) {
            Err(error) => return refused(text, &error),
            Ok(file) => file,
        };
        same_again(&file)?;
        if random.once_in(8) {
            return file.check().map_or_else(|error| refused(text, &error), |_| Ok("accepted and built"));
        }
        Ok(ACCEPTED)
    }
}

fn refused(text: &str, error: &TextError) -> Result<Outcome, String> {
    let lines = text.matches('\n').count() + 1;
    if (1..=lines).contains(&error.line) && error.column >= 1 && error.length >= 1 {
        return Ok("ModelFileError");
    }
    Err(format!("the error position is outside the text: {error}"))
}

/// Returns an error if a model changes when it is written and read again.
fn same_again(file: &File) -> Result<(), String> {
    let whole = written(file)?;
    let mut texts = vec![(whole.json(), Format::Json)];
    // TOML has no null and no integers of more than 64 bits.
    texts.extend(whole.toml().ok().map(|text| (text, Format::Toml)));
    for (text, format) in texts {
        let mut arrays = Held(whole.arrays.clone());
        let again = read(&text, format, &mut arrays);
        let again = again.map_err(|error| format!("the written model is rejected: {error}"))?;
        // Numbers that equal their default are not written, so only the second document is equal to the first.
        if written(&again)? != whole {
            return Err("writing, reading and writing the model again gives another result".into());
        }
    }
    Ok(())
}

fn written(file: &File) -> Result<Document, String> {
    document(&file.network, &file.extras).map_err(|error| format!("the model cannot be written: {error}"))
}

/// Arrays with a few names, as in an npz file.
struct Named;

impl Arrays for Named {
    fn floats(&mut self, name: &str) -> Result<Vec<f64>, String> {
        match name {
            "a" => Ok(vec![1.0, 2.0, 0.5]),
            "pre" => Ok(vec![0.0, 0.0, 1.0]),
            "odd" => Ok(vec![f64::NAN, -1.0, 1e300]),
            "none" => Ok(Vec::new()),
            _ => Err(format!("no array {name:?}")),
        }
    }
}

/// The arrays of a document.
struct Held(BTreeMap<String, Array>);

impl Arrays for Held {
    fn floats(&mut self, name: &str) -> Result<Vec<f64>, String> {
        match self.0.get(name) {
            Some(Array::Floats(v)) => Ok(v.clone()),
            Some(Array::Indices(v)) => Ok(v.iter().map(|i| f64::from(*i)).collect()),
            None => Err(format!("no array {name:?}")),
        }
    }
}

/// Returns a small model with arbitrary numbers, including sizes that exceed the memory of any machine.
fn small(random: &mut Random) -> String {
    const SIZES: [&str; 12] =
        ["1", "2", "3", "3", "3", "10", "1000", "100000", "100000000", "4000000000", "4294967296", "1e12"];
    const NUMBERS: [&str; 12] =
        ["0", "1", "2", "5", "0.5", "1e-9", "100", "1e5", "1e17", "1e300", "-1", "[1, 2, 3]"];
    let size = |random: &mut Random| random.pick(&SIZES).to_string();
    let any = |random: &mut Random| random.pick(&NUMBERS).to_string();
    let rule = match random.below(8) {
        0 => "rule = \"All2All\"".into(),
        1 => "rule = \"One2One\"".into(),
        2 => format!("rule = \"FixedIndegree\", degree = {}", size(random)),
        3 => format!("rule = \"FixedOutdegree\", degree = {}", size(random)),
        4 => format!("rule = \"FixedTotal\", n = {}", size(random)),
        5 => format!("rule = \"FixedProb\", prob = {}", any(random)),
        6 => "pre = [0, 1], post = [0, 0]".into(),
        _ => "dense = true".into(),
    };
    let generator = match random.below(5) {
        0 => format!("kind = \"SpikeGenerator\", indices = [0, 1], times = [0, {}]", any(random)),
        1 => format!("kind = \"BernoulliGenerator\", prob = {}", any(random)),
        2 => "kind = \"CustomGenerator\"".into(),
        3 => format!("kind = \"PoissonGenerator\", rate = [1, 2], changes = [0, {}]", any(random)),
        _ => format!("kind = \"PoissonGenerator\", rate = {}", any(random)),
    };
    let dt = ["0.1", "0.1", "0.1", "1e-9", "1e9"][random.below(5)];
    let (cells, sources) = (size(random), size(random));
    let (weight, delay, every) = (any(random), any(random), any(random));
    let refractory = any(random);
    format!(
        "dendrion = 2\ndt = {dt}\n[populations.cell]\nsize = {cells}\nV_th = -50\nV_reset = -60\nrefractory = {refractory}\n\
         compartments.soma = {{ kind = \"LeakyIF\", V_rest = -65, gL = 10, C = 200 }}\n\
         receptors.ampa = {{ kind = \"AMPA\", on = \"soma\", t_decay = 2 }}\n\
         [generators]\ng = {{ size = {sources}, {generator} }}\n\
         [connections]\nc = {{ from = \"g\", to = \"cell/ampa\", {rule}, weight = {weight}, delay = {delay} }}\n\
         [record]\nv = {{ of = \"cell/soma\", variable = \"V\", every = {every}, indices = [0, {}] }}\n",
        size(random)
    )
}

/// Returns a small model of detailed cells with arbitrary numbers.
fn detailed(random: &mut Random) -> String {
    const COUNTS: [&str; 10] =
        ["1", "2", "[1, 2, 3]", "[3, 1, 1]", "1000", "300000", "1000000", "4294967295", "0", "[1, 1]"];
    const PARENTS: [&str; 6] =
        ["[-1, 0, 0]", "[-1, 0, 1]", "[-1, 0, 0]", "[-1, 2, 1]", "[0, 0, 0]", "[-1, 0, 1e300]"];
    const SIZES: [&str; 5] = ["1", "2", "1000", "4294967295", "0"];
    const SITES: [&str; 6] = ["[0]", "[0, 1, 1]", "[2, 0]", "[]", "[100]", "0"];
    const REGIONS: [&str; 5] = ["\"all\"", "\"soma\"", "\"axon\"", "[0, 1]", "[1, 1]"];
    const NUMBERS: [&str; 7] = ["1", "0.5", "[1, 2, 3]", "-1", "1e300", "1e-300", "{ array = \"odd\" }"];
    let mut pick = |texts: &[&'static str]| -> &'static str { random.pick(texts) };
    let (size, counts, parent) = (pick(&SIZES), pick(&COUNTS), pick(&PARENTS));
    let (at, on, into) = (pick(&SITES), pick(&REGIONS), pick(&SITES));
    let (g, c, length) =
        (pick(&NUMBERS), pick(&NUMBERS), pick(&["[1, 2, 3]", "[10, 1e300, 1]", "[5, 5, 5]"]));
    let gates = pick(&["rational", "cnexp", "coupled"]);
    format!(
        "dendrion = 2\n[populations.cell]\nsize = {size}\nreset = false\ngates = \"{gates}\"\nC = {c}\n\
         morphology = {{ kind = [\"soma\", \"apical\", \"basal\"], parent = {parent}, length = {length}, \
         diameter = [10, 2, 1], cvs = {counts} }}\n\
         mechanisms.na = {{ kind = \"HHNa\", on = {on}, g = {g} }}\n\
         mechanisms.ampa = {{ kind = \"AMPA\", at = {at}, t_decay = 2 }}\n\
         [generators]\ng = {{ kind = \"DCGenerator\", amplitude = 1 }}\n\
         [injections]\ni = {{ from = \"g\", to = \"cell\", at = {into} }}\n\
         [record]\nv = {{ of = \"cell\", variable = \"V\" }}\n"
    )
}
