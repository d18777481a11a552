//! Weights and delays that are drawn from initializers. Each value depends only on the source, the target and
//! the number of earlier connections between the same two neurons, and therefore not on shards or threads.

use dendrion_kernels::Scalar;
use dendrion_model::allocate::room;
use dendrion_model::{
    Error, INHIBITION, Initializer, PerConnection, Projection, Source, Turns, UNNAMED, steps_of,
};

use super::topology::Topology;
use crate::random::{Purpose, Stream};

/// Maximum number of attempts to draw a truncated value.
const ATTEMPTS: u64 = 1 << 15;
/// Cost of a draw, in the work units that `Turns` counts.
const DRAW: usize = 32;

/// The connection for which a value is drawn.
#[derive(Clone, Copy)]
struct Pair {
    source: u32,
    target: u32,
    /// Number of earlier connections between the same two neurons.
    before: u64,
}

/// Calls `each(number, pair)` for the connections of a topology, in order. `first` is the neuron of the first
/// lane.
fn draw(
    initializer: &Initializer,
    stream: Stream,
    topology: &Topology,
    first: usize,
    mut each: impl FnMut(f64, Pair) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut turns = Turns::default();
    for (source, row) in topology.starts.windows(2).enumerate() {
        let (mut last, mut before) = (None, 0);
        turns.pass(1)?;
        for lane in &topology.targets[row[0] as usize..row[1] as usize] {
            before = if last == Some(*lane) { before + 1 } else { 0 };
            last = Some(*lane);
            let pair = Pair { source: source as u32, target: first as u32 + u32::from(*lane), before };
            each(number(initializer, stream, pair, &mut turns)?, pair)?;
        }
    }
    Ok(())
}

fn number(initializer: &Initializer, stream: Stream, pair: Pair, turns: &mut Turns) -> Result<f64, Error> {
    let Initializer::Truncated { of, low, high } = initializer else {
        turns.pass(DRAW)?;
        return Ok(once(initializer, stream, pair, 0));
    };
    for attempt in 0..ATTEMPTS {
        turns.pass(DRAW)?;
        let v = once(of, stream, pair, attempt);
        if (*low..=*high).contains(&v) {
            return Ok(v);
        }
    }
    let what = format!("bounds that contain at least one of {ATTEMPTS} draws from a {}", of.name());
    Err(Error::parameter(UNNAMED, "Truncated: low, high", format!("{low}, {high}"), what))
}

/// Returns one draw. If one truncated initializer is nested in another, the value must satisfy the bounds of
/// both.
fn once(initializer: &Initializer, stream: Stream, pair: Pair, attempt: u64) -> f64 {
    let draw = u64::from(pair.source) | (pair.before & 0xFFFF) << 32 | attempt << 48;
    match initializer {
        Initializer::Constant { value } => *value,
        Initializer::Uniform { low, high } => low + (high - low) * stream.uniform(pair.target, draw),
        Initializer::Normal { mean, std } => mean + std * stream.normals(pair.target, draw)[0],
        Initializer::LogNormal { mean, sigma } => {
            libm::exp(mean + sigma * stream.normals(pair.target, draw)[0])
        }
        Initializer::Truncated { of, low, high } => {
            let v = once(of, stream, pair, attempt);
            if (*low..=*high).contains(&v) { v } else { f64::NAN }
        }
    }
}

/// Draws one value for each of the `n` members of the module at `path`.
///
/// # Errors
/// Returns an error if the initializer is invalid or its truncation cannot be satisfied.
pub fn draw_members(initializer: &Initializer, seed: u64, path: &str, n: usize) -> Result<Vec<f64>, Error> {
    initializer.check()?;
    let stream = Stream::new(seed, path, Purpose::Members);
    let drawn = || -> Result<Vec<f64>, Error> {
        let (mut all, mut turns) = (room(n)?, Turns::default());
        for target in 0..n as u32 {
            let pair = Pair { source: 0, target, before: 0 };
            all.push(number(initializer, stream, pair, &mut turns)?);
        }
        Ok(all)
    };
    drawn().map_err(|error| error.at(path).needed_by(path, || format!("{n} values")))
}

/// Draws the weights of a projection's connections onto a shard, if they have an initializer. They may be negative if
/// `is_signed`.
pub(crate) fn weights<T: Scalar>(
    projection: &Projection,
    (seed, is_signed): (u64, bool),
    topology: &Topology,
    first: usize,
) -> Result<Option<Vec<T>>, Error> {
    let PerConnection::Drawn(initializer) = &projection.weight else { return Ok(None) };
    let stream = Stream::new(seed, &projection.path, Purpose::Weights);
    let mut weights = room(topology.targets.len())?;
    draw(initializer, stream, topology, first, |v, pair| {
        let weight = T::from_f64(v);
        let is_accepted = v.is_finite() && (is_signed || v >= 0.0);
        if weight.is_finite() && is_accepted {
            weights.push(weight);
            return Ok(());
        }
        let accepted = match (is_accepted, is_signed) {
            (true, _) => "a number within the range of dtype float32",
            (false, true) => "a finite number",
            (false, false) => "a finite number >= 0",
        };
        Err(refused(projection, ("weight", initializer), (v, pair), accepted, 0.0))
    })
    .map_err(|error| error.at(&projection.path))?;
    Ok(Some(weights))
}

/// Draws the delays, in steps, of a projection's connections onto a shard, if they have an initializer.
pub(crate) fn delays(
    projection: &Projection,
    (seed, dt): (u64, f64),
    topology: &Topology,
    first: usize,
) -> Result<Option<Vec<u16>>, Error> {
    let Some(PerConnection::Drawn(initializer)) = &projection.delay else { return Ok(None) };
    let least = u64::from(matches!(projection.pre, Source::Population(_)));
    let stream = Stream::new(seed, &projection.path, Purpose::Delays);
    let mut delays = room(topology.targets.len())?;
    draw(initializer, stream, topology, first, |ms, pair| {
        let steps = steps_of(&projection.path, "delay", ms, dt).ok();
        if let Some(steps) = steps.filter(|s| *s >= least).and_then(|s| u16::try_from(s).ok()) {
            delays.push(steps);
            return Ok(());
        }
        let low = least as f64 * dt;
        let accepted = format!("a delay from {low} ms to {} ms (65535 steps)", 65535.0 * dt);
        Err(refused(projection, ("delay", initializer), (ms, pair), &accepted, low))
    })
    .map_err(|error| error.at(&projection.path))?;
    Ok(Some(delays))
}

fn refused(
    projection: &Projection,
    (name, initializer): (&str, &Initializer),
    (value, pair): (f64, Pair),
    accepted: &str,
    low: f64,
) -> Error {
    let kind = match initializer {
        Initializer::Truncated { of, .. } => of.name(),
        other => other.name(),
    };
    let (drew, at) = (initializer.name(), format!("{} -> {}", pair.source, pair.target));
    let what = format!(
        "{name}: {drew} drew {value} for the connection {at}: expected {accepted}; Truncated({kind}(...), low={low}) \
         redraws such values{}",
        if name == "weight" && value < 0.0 && accepted.ends_with(">= 0") { INHIBITION } else { "" }
    );
    Error::connectivity(&projection.path, what)
}
