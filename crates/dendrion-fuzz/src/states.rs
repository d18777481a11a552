//! Saved states: state files of small networks, modified with or without correcting their checksum.

use std::ops::{ControlFlow, Range};

use dendrion_engine::Simulation;
use dendrion_file::{Format, NoArrays, read};
use dendrion_model::{Connectivity, Error, Generator, Network, Signal, Source};

use crate::random::Random;
use crate::reader::{ACCEPTED, Outcome, Target};

/// Numbers of steps after which states are saved.
const SAVED: [u64; 3] = [0, 3, 40];
/// Spikes (step, source) that are passed to a generator.
const PUSHED: [(u64, u32); 5] = [(2, 0), (5, 1), (39, 0), (45, 1), (300, 0)];
/// Number of steps that a network runs from an accepted state.
const STEPS: u64 = 20;

/// Eight-byte numbers at the limits of integers and floating-point numbers.
const ODD: [u64; 14] =
    [0, 1, 2, 7, u64::MAX, u64::MAX - 1, 1 << 31, 1 << 32, 1 << 40, 1 << 52, 1 << 53, 1 << 62, 1 << 63, 200];
const FLOATS: [f64; 12] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -0.0, 1e300, 1e-300, 5e-324, 64.0, 0.5, 1e17, -65.0];

/// A network and files with its saved states.
struct Saved {
    network: Network,
    simulation: Simulation,
    files: Vec<Vec<u8>>,
}

/// The target for saved states.
pub(crate) struct States {
    all: Vec<Saved>,
    /// Index of the network for the input.
    which: usize,
}

impl States {
    #[allow(clippy::expect_used)] // The models are constants.
    pub(crate) fn new() -> Self {
        let saved = |text: &str| {
            let network = with_pushed(read(text, Format::Toml, &mut NoArrays).expect("a model").network);
            let mut simulation = Simulation::new(network.clone()).expect("a network");
            simulation.push_spikes("pushed", &PUSHED, 1000).expect("spikes");
            let mut files = Vec::new();
            for step in SAVED {
                simulation.advance(step - simulation.steps()).expect("steps");
                files.push(simulation.state_bytes().expect("a state"));
            }
            // Where a run is stopped, generators are ahead of the neurons.
            simulation.run(900, &mut |_| ControlFlow::Break(())).expect("steps");
            files.push(simulation.state_bytes().expect("a state"));
            Saved { network, simulation, files }
        };
        Self { all: MODELS.map(saved).into(), which: 0 }
    }
}

/// Adds a generator to which spikes are passed, and its connections. Model files cannot have it.
fn with_pushed(mut network: Network) -> Network {
    let mut passed = network.projections[0].clone();
    (passed.path, passed.pre) = ("passed".into(), Source::Generator(network.generators.len()));
    passed.connectivity = Connectivity::AllToAll { autapses: true };
    passed.delay = Some(1.0.into());
    network.projections.push(passed);
    network.generators.push(Generator::new("pushed", 2, Signal::Pushed, []));
    network
}

impl Target for States {
    fn make(&mut self, random: &mut Random) -> Vec<u8> {
        self.which = random.below(self.all.len());
        let files = &self.all[self.which].files;
        let file = &files[random.below(files.len())];
        let others: Vec<&Vec<u8>> = self.all.iter().flat_map(|s| &s.files).collect();
        let other = others[random.below(others.len())];
        let mut made = file.clone();
        for _ in 0..=random.below(3) {
            made = changed(random, &made, other);
        }
        made
    }

    fn check(&mut self, input: &[u8], random: &mut Random) -> Result<Outcome, String> {
        let Saved { network, simulation, files } = &mut self.all[self.which];
        let whole = files.last().map_or(&[][..], Vec::as_slice);
        let outcome = match simulation.load_state_bytes(input) {
            Err(Error::State { .. } | Error::Memory { .. }) if random.once_in(4) => {
                unchanged(simulation, whole)
            }
            Err(Error::State { .. }) => return Ok("StateError"),
            // The file claims to be of a batch with many samples.
            Err(Error::Memory { .. }) => return Ok("MemoryLimitError"),
            Err(error) => Err(format!("{}: {error}", error.kind())),
            Ok(()) => continued(simulation, network, input),
        };
        let restored = simulation.load_state_bytes(whole);
        outcome.and_then(|outcome| match restored {
            Ok(()) => Ok(outcome),
            Err(error) => Err(format!("the network no longer accepts its own state: {error}")),
        })
    }
}

fn unchanged(simulation: &mut Simulation, whole: &[u8]) -> Result<Outcome, String> {
    match simulation.state_bytes() {
        Ok(now) if now == whole => Ok("StateError"),
        Ok(_) => Err("a rejected state changed the network".into()),
        Err(error) => Err(format!("the network has no valid state after it rejected one: {error}")),
    }
}

/// Runs the simulation from a state, and then saves and loads the resulting state.
fn continued(simulation: &mut Simulation, network: &Network, input: &[u8]) -> Result<Outcome, String> {
    match simulation.advance(STEPS) {
        Ok(()) => {}
        Err(Error::Divergence { .. }) => return Ok("accepted, DivergenceError"),
        Err(error) => return Err(format!("the network cannot run from an accepted state: {error}")),
    }
    let reached =
        simulation.state_bytes().map_err(|error| format!("the resulting state cannot be saved: {error}"))?;
    let mut other = Simulation::new(network.clone()).map_err(|error| error.to_string())?;
    other
        .load_state_bytes(input)
        .map_err(|error| format!("an identical network rejects the state: {error}"))?;
    match other.load_state_bytes(&reached) {
        Ok(()) => Ok(ACCEPTED),
        Err(error) => Err(format!("an identical network rejects the resulting state: {error}")),
    }
}

/// Returns the byte range of the header's text.
fn header(file: &[u8]) -> Option<Range<usize>> {
    let length = usize::try_from(u64::from_le_bytes(file.get(..8)?.try_into().ok()?)).ok()?;
    let end = length.checked_add(8)?;
    (end + 4 <= file.len()).then_some(8..end)
}

/// Returns a modified file, with or without a correct checksum.
fn changed(random: &mut Random, file: &[u8], other: &[u8]) -> Vec<u8> {
    let mut new = file.to_vec();
    let Some(head) = header(file) else { return new };
    match random.below(20) {
        0 => new.truncate(random.below(file.len())),
        1 => {
            flip(random, &mut new);
            return new;
        }
        2..5 => flip(random, &mut new),
        5..11 => words(random, &mut new, head.end),
        11..15 => new = other_number(random, file, head),
        15 => new = other_letter(random, file, head),
        16 => new = piece_of(random, file, other),
        17 => new = with_header(file, head.end, &nested(random)),
        18 => new.extend((0..random.below(200)).map(|_| random.next() as u8)),
        _ => new = [&other[..random.below(other.len())], &file[random.below(file.len())..]].concat(),
    }
    seal(&mut new);
    new
}

fn flip(random: &mut Random, file: &mut [u8]) {
    for _ in 0..random.within(1..4) {
        let at = random.below(file.len().max(1));
        if let Some(byte) = file.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
}

/// Replaces eight-byte numbers.
fn words(random: &mut Random, file: &mut [u8], from: usize) {
    let count = file.len().saturating_sub(from) / 8;
    for _ in 0..random.within(1..4) {
        if count == 0 {
            return;
        }
        let word = match random.below(4) {
            0 => ODD[random.below(ODD.len())],
            1 => FLOATS[random.below(FLOATS.len())].to_bits(),
            2 => (random.below(2000) as f64 / 10.0 - 100.0).to_bits(),
            _ => random.next(),
        };
        let at = from + random.below(count) * 8;
        file[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }
}

/// Replaces a number in the header: a size, a position, a version or a count.
fn other_number(random: &mut Random, file: &[u8], head: Range<usize>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&file[head.clone()]).into_owned();
    let digit = |c: char| c.is_ascii_digit();
    let starts: Vec<usize> = text
        .char_indices()
        .filter(|(i, c)| digit(*c) && !text[..*i].ends_with(digit))
        .map(|(i, _)| i)
        .collect();
    if starts.is_empty() {
        return file.to_vec();
    }
    let start = starts[random.below(starts.len())];
    let rest = text[start..].trim_start_matches(digit);
    let number = if random.once_in(3) { random.below(300) as u64 } else { ODD[random.below(ODD.len())] };
    with_header(file, head.end, &format!("{}{number}{rest}", &text[..start]))
}

fn other_letter(random: &mut Random, file: &[u8], head: Range<usize>) -> Vec<u8> {
    let mut text: Vec<char> = String::from_utf8_lossy(&file[head.clone()]).chars().collect();
    let at = random.below(text.len().max(1));
    if let Some(letter) = text.get_mut(at) {
        *letter = ['"', '{', '}', ':', ',', '0', 'x', '\\', '\u{0}', 'µ'][random.below(10)];
    }
    with_header(file, head.end, &text.into_iter().collect::<String>())
}

/// Replaces a piece of the file with a piece of the same length from another file.
fn piece_of(random: &mut Random, file: &[u8], other: &[u8]) -> Vec<u8> {
    let mut new = file.to_vec();
    let length = random.below(200).min(other.len()).min(new.len());
    let (from, to) = (random.below(other.len() - length + 1), random.below(new.len() - length + 1));
    new[to..to + length].copy_from_slice(&other[from..from + length]);
    new
}

/// Returns a header that is deeply nested or long.
fn nested(random: &mut Random) -> String {
    let times = random.below(20_000);
    let open = ["{\"a\":", "[", "{\"a\":1,", " ", "\"a"][random.below(5)];
    open.repeat(times)
}

/// Returns the file with another header and the length of this header.
fn with_header(file: &[u8], end: usize, text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &file[end..]].concat()
}

/// Writes the correct checksum to a file.
fn seal(file: &mut [u8]) {
    if let Some(at) = file.len().checked_sub(4) {
        let (body, sum) = file.split_at_mut(at);
        sum.copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    }
}

/// Networks with all kinds of state: delays, generators, noise, events and plasticity rules.
const MODELS: [&str; 3] = [
    r#"
dendrion = 2
threads = 1
[populations.cell]
size = 5
V_th = -52
V_reset = -60
V_spike = 20
spike_width = 0.5
refractory = 1.5
method = "exp_euler"
dendritic_delay = 3
compartments.soma = { kind = "LeakyIF", C = 100, gL = 5, V_rest = -65, I_ext = 40 }
compartments.dend = { C = 40, gL = 2, V_rest = -65 }
couplings.axial = { between = ["soma", "dend"], g = 8 }
receptors.ampa = { kind = "AMPA", on = "dend", g = 1, t_decay = 3, t_rise = 0.5 }
noises.ou = { kind = "OUNoise", on = "soma", sigma = 60, tau = 5, mean = 20 }
channels.spike = { kind = "DendriticSpike", on = "dend", g_rise = 5, g_fall = 3, V_th = -60 }
[generators]
noise = { kind = "PoissonGenerator", size = 3, rate = [900, 700], changes = [0, 2] }
clock = { kind = "BernoulliGenerator", size = 2, prob = 0.1 }
step = { kind = "DCGenerator", amplitude = 50 }
[connections]
plain = { from = "clock", to = "cell/ampa", rule = "All2All", weight = 0.5, delay = 0.4 }
fades = { from = "noise", to = "cell/ampa", rule = "All2All", weight = 0.5, delay = 0.4, plasticity = { kind = "TsodyksMarkram" } }
learns = { from = "noise", to = "cell/ampa", rule = "All2All", weight = 0.5, delay = 1, plasticity = { kind = "TripletSTDP" } }
among = { from = "cell", to = "cell/ampa", rule = "All2All", autapses = false, weight = 0.5, delay = 0.6, plasticity = { kind = "STDP" } }
[injections]
i = { from = "step", to = "cell/soma" }
"#,
    r#"
dendrion = 2
dtype = "float32"
threads = 1
[populations.hh]
size = 3
V_th = -20
reset = false
compartments.soma = { kind = "LeakyIF", V_rest = -54.4, gL = 300, C = 1, length = 30, diameter = 30 }
channels.na = { kind = "HHNa", on = "soma" }
channels.k = { kind = "HHK", on = "soma" }
receptors.nmda = { kind = "NMDA", on = "soma", g = 1, t_decay = 50 }
[generators]
given = { kind = "SpikeGenerator", size = 3, indices = [0, 2, 1], times = [1.5, 3.0, 3.5] }
wave = { kind = "CurrentGenerator", waveform = [1000, 5000, 2000], interval = 0.7 }
[connections]
c = { from = "given", to = "hh/nmda", rule = "One2One", weight = 0.5, delay = [1.0, 2.5, 3.0] }
[injections]
j = { from = "wave", to = "hh/soma" }
"#,
    r#"
dendrion = 2
threads = 1
[populations.soft]
size = 4
V_th = 1.5
V_reset = "soft"
compartments.soma = { kind = "Soma", V_rest = 0, C = 10, gL = 1, I_ext = 12, equations = "I = -w : pA\ndw/dt = -w/(20 ms) : pA\non spike: w += b\nb = 3 pA" }
receptors.gaba = { kind = "GABA", on = "soma", t_decay = 6, E = -10 }
noises.white = { kind = "WhiteNoise", on = "soma", sigma = 3 }
[connections]
c = { from = "soft", to = "soft/gaba", rule = "FixedProb", prob = 0.5, weight = 0.1, delay = { kind = "Uniform", low = 1, high = 3 } }
"#,
];
