//! The structure of a network, which is everything except the values of its parameters. A state can be loaded only
//! into a network with the same structure.

use std::fmt::Display;

use dendrion_kernels::{Delays, Scalar};
use dendrion_model::{Cable, Error, Generator, Place, Population, Projection, Role, Signal, Source, Turns};

use crate::runtime::core::Core;

/// Number of bytes that are collected before they are added to a checksum.
const PIECE: usize = 1 << 16;

/// Pairs of an item and its description, one per line.
pub(crate) type Description = Vec<(String, String)>;

/// Returns the description of a network, which is computed once.
pub(super) fn structure<T: Scalar>(core: &Core<T>) -> Result<&Description, Error> {
    if let Some(known) = core.model.described.get() {
        return Ok(known);
    }
    let new = describe(core)?;
    Ok(core.model.described.get_or_init(|| new))
}

fn describe<T: Scalar>(core: &Core<T>) -> Result<Description, Error> {
    let mut lines = Description::new();
    let network = &core.model.network;
    add(&mut lines, "dt", format!("{} ms", network.dt));
    add(&mut lines, "seed", network.seed);
    add(&mut lines, "dtype", T::NAME);
    for (population, cells) in network.populations.iter().zip(&core.model.cells) {
        members(&mut lines, population);
        let states = cells.system.states.iter().filter(|s| !s.is_internal);
        let states: Vec<&str> = states.map(|s| s.name.as_str()).collect();
        add(&mut lines, of(&population.label(), "states"), states.join(", "));
        let parameters: Vec<&str> = cells.system.parameters.iter().map(|p| p.key.as_str()).collect();
        add(&mut lines, of(&population.label(), "parameters"), parameters.join(", "));
    }
    network.generators.iter().for_each(|g| generator(&mut lines, g));
    for (i, p) in network.projections.iter().enumerate() {
        projection(&mut lines, core, i, p)?;
    }
    for injection in &network.injections {
        let (from, into) =
            (&network.generators[injection.generator], &network.populations[injection.population]);
        let place = match into.role {
            Role::Membrane { .. } => format!("CV {} of {}", injection.compartment, into.path),
            _ => into.path_of(&into.compartments[injection.compartment].name),
        };
        add(&mut lines, &injection.path, format!("from {} into {place}", from.path));
    }
    Ok(lines)
}

/// Describes the first difference between the description in a file and that of a network.
pub(super) fn difference(file: &[(String, String)], here: &[(String, String)]) -> Option<String> {
    let find = |lines: &[(String, String)], name: &str| {
        lines.iter().find(|(n, _)| n == name).map(|(_, how)| how.clone())
    };
    let at = (0..file.len().max(here.len())).find(|i| file.get(*i) != here.get(*i))?;
    if let Some((name, ours)) = here.get(at) {
        match find(file, name) {
            None => return Some(format!("{name} ({ours}) is not in the file")),
            Some(theirs) if theirs != *ours => {
                return Some(format!("{name}: {theirs} in the file, {ours} here"));
            }
            Some(_) => {}
        }
    }
    let (name, theirs) = file.get(at)?;
    Some(match find(here, name) {
        None => format!("{name} ({theirs}) is not in this network"),
        Some(ours) if ours != *theirs => format!("{name}: {theirs} in the file, {ours} here"),
        Some(_) => {
            format!("{name} is at another position in the file; expected the modules in the same order")
        }
    })
}

fn add(lines: &mut Description, what: impl Display, how: impl Display) {
    lines.push((what.to_string(), how.to_string()));
}

fn of(path: &str, what: &str) -> String {
    format!("{what} of {path}")
}

/// Returns a checksum for data that are too long to be described.
fn sum(bytes: impl Iterator<Item = u8>) -> String {
    let mut sum = Sum::default();
    bytes.for_each(|b| sum.add(&[b]));
    sum.finish()
}

fn members(lines: &mut Description, population: &Population) {
    let Population { size, method, sde, soft_reset, reset, role, .. } = population;
    let path = &population.label();
    add(lines, path, format!("population of {size} neurons"));
    match role {
        Role::Neurons => {}
        Role::Cells(cable) => add(lines, of(path, "cable"), shape(cable)),
        Role::Membrane { cvs, .. } => add(lines, of(path, "CVs"), cvs),
        Role::Placed { sites, place, .. } => {
            let place = if *place == Place::Density { "region" } else { "points" };
            add(
                lines,
                of(path, "sites"),
                format!("{place} {}", sum(sites.iter().flat_map(|cv| cv.to_le_bytes()))),
            );
        }
    }
    let reset = match (reset, soft_reset) {
        (false, _) => "no",
        (true, true) => "soft",
        (true, false) => "hard",
    };
    add(lines, of(path, "methods"), format!("{}, {sde:?}, {reset} reset", method.name()));
    let delays = &population.dendritic_delay;
    let delays = match delays.as_slice() {
        [one] => format!("{one} steps"),
        all => sum(all.iter().flat_map(|d| d.to_le_bytes())),
    };
    add(lines, of(path, "dendritic_delay"), delays);
    let name = |i: usize| &population.compartments[i].name;
    for c in &population.compartments {
        add(lines, population.path_of(&c.name), if c.soma { "soma" } else { "compartment" });
    }
    for c in &population.couplings {
        add(lines, population.path_of(&c.name), format!("coupling of {} and {}", name(c.a), name(c.b)));
    }
    for r in &population.receptors {
        let scaled = if r.scale_g { ", scaled" } else { "" };
        let text = r.text.as_ref().map_or_else(String::new, |text| format!(" {}", sum(text.bytes())));
        let signed = if r.signed { ", signed" } else { "" };
        let how = format!("receptor on {}: {}{text}{scaled}{signed}", name(r.on), r.kind.name());
        add(lines, population.path_of(&r.name), how);
    }
    for m in &population.mechanisms {
        let how = format!("mechanism on {}: equations {}", name(m.on), sum(m.text.bytes()));
        add(lines, population.path_of(&m.name), how);
    }
    for n in &population.noises {
        add(lines, population.path_of(&n.name), format!("{} on {}", n.kind.name(), name(n.on)));
    }
}

/// Describes the CVs of detailed cells and how they are solved.
fn shape(cable: &Cable) -> String {
    let numbers = cable.tree.cvs.iter().flat_map(|cv| [cv.area, cv.diameter, cv.distance]);
    let nodes = cable.tree.nodes.iter().flat_map(|n| [n.resistance(), n.parent.map_or(-1.0, |p| p as f64)]);
    let bytes = sum(numbers.chain(nodes).flat_map(|v| v.to_bits().to_le_bytes()));
    let order = if cable.staggered { ", staggered" } else { "" };
    let (count, at, gates) = (cable.tree.cvs.len(), cable.spike_at, cable.gates.name());
    format!("{count} CVs {bytes}, threshold at CV {at}, {gates} gates{order}")
}

fn generator(lines: &mut Description, generator: &Generator) {
    let Generator { path, size, start, stop, stream, signal, .. } = generator;
    let what = match signal {
        Signal::Spikes { indices, times } => {
            let all = indices.iter().zip(times);
            let bytes = all.flat_map(|(i, t)| i.to_le_bytes().into_iter().chain(t.to_bits().to_le_bytes()));
            format!("{} spikes {}", times.len(), sum(bytes))
        }
        Signal::Current(wave) => {
            let bytes = wave.values.iter().flat_map(|v| v.to_bits().to_le_bytes());
            let each = wave.interval.map_or_else(|| "step".to_string(), |ms| format!("{ms} ms"));
            format!("{} currents {}, {} per {each}", wave.values.len(), sum(bytes), wave.width)
        }
        Signal::Pushed => "spikes handed over".to_string(),
        Signal::Poisson | Signal::Bernoulli | Signal::Dc => generator.kind().name().to_string(),
    };
    add(lines, path, format!("generator of size {size}: {what}"));
    let stop = stop.map_or_else(|| "inf".to_string(), |t| t.to_string());
    add(lines, of(path, "start and stop"), format!("{start} ms, {stop} ms"));
    if let Some(stream) = stream {
        add(lines, of(path, "random stream"), stream);
    }
}

fn projection<T: Scalar>(
    lines: &mut Description,
    core: &Core<T>,
    i: usize,
    projection: &Projection,
) -> Result<(), Error> {
    let (path, post) = (&projection.path, &core.model.network.populations[projection.population]);
    let from = match projection.pre {
        Source::Population(i) => &core.model.network.populations[i].path,
        Source::Generator(i) => &core.model.network.generators[i].path,
    };
    let onto: Vec<String> =
        projection.receptors.iter().map(|r| post.path_of(&post.receptors[*r].name)).collect();
    let rule = projection.plasticity.as_ref().map_or_else(String::new, |p| format!(", {}", p.kind.name()));
    add(lines, path, format!("connections from {from} to {}{rule}", onto.join(", ")));
    let count: usize = core.ensemble.incoming(i).map(|(_, incoming)| incoming.fanout.targets().len()).sum();
    add(lines, of(path, "number"), format!("{count} connections"));
    add(lines, of(path, "sources, targets and delays"), pairs(core, i)?);
    Ok(())
}

/// Returns a checksum of the connections of a projection, sorted by source and then by target.
fn pairs<T: Scalar>(core: &Core<T>, projection: usize) -> Result<String, Error> {
    let shards: Vec<_> = core.ensemble.incoming(projection).collect();
    let sources = shards.first().map_or(0, |(_, i)| i.fanout.starts().len() - 1);
    let (mut sum, mut turns) = (Sum::default(), Turns::default());
    for source in 0..sources {
        sum.add(&(source as u32).to_le_bytes());
        turns.pass(shards.len())?;
        for (shard, incoming) in &shards {
            let (fanout, first) = (&incoming.fanout, shard.place.neurons.start as u32);
            for c in fanout.starts()[source] as usize..fanout.starts()[source + 1] as usize {
                turns.pass(1)?;
                let delay = match fanout.delays() {
                    Delays::Uniform(d) => *d,
                    Delays::Each(d) => d[c],
                };
                sum.add(&(first + u32::from(fanout.targets()[c])).to_le_bytes());
                sum.add(&delay.to_le_bytes());
            }
        }
    }
    Ok(sum.finish())
}

/// A checksum of many small pieces.
#[derive(Default)]
struct Sum {
    hasher: crc32fast::Hasher,
    piece: Vec<u8>,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.hasher.update(&self.piece);
            self.piece.clear();
        }
    }

    fn finish(mut self) -> String {
        self.hasher.update(&self.piece);
        format!("{:08x}", self.hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_first_difference_is_told() {
        let lines = |all: &[(&str, &str)]| -> Vec<(String, String)> {
            all.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
        };
        let here = lines(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let told = |file: &[(&str, &str)]| difference(&lines(file), &here);
        assert_eq!(told(&[("a", "1"), ("b", "2"), ("c", "3")]), None);
        assert_eq!(told(&[("a", "1"), ("b", "7"), ("c", "8")]).unwrap(), "b: 7 in the file, 2 here");
        assert_eq!(told(&[("a", "1"), ("c", "3")]).unwrap(), "b (2) is not in the file");
        let more = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")];
        assert_eq!(told(&more).unwrap(), "d (4) is not in this network");
        assert_eq!(told(&[("x", "0"), ("a", "1"), ("b", "2")]).unwrap(), "x (0) is not in this network");
        let turned = told(&[("b", "2"), ("a", "1"), ("c", "3")]).unwrap();
        assert_eq!(turned, "b is at another position in the file; expected the modules in the same order");
    }
}
