//! Reads generators.

use dendrion_model::{Generator, ModuleKind, Params, Signal, Waveform};

use super::context::{Context, Read};
use super::parts::{frozen, kind, params};
use super::table::Table;
use crate::extras::Extras;
use crate::node::Node;
use crate::words;

pub(super) fn read(cx: &Context<'_>, path: &str, node: &Node, extras: &mut Extras) -> Read<Generator> {
    let table = Table::new(cx, path, node)?;
    let kind = kind(&table, &words::GENERATORS)?;
    let size = table.size("size")?.unwrap_or(1);
    let (signal, params) = match kind {
        ModuleKind::Poisson => (Signal::Poisson, params(&table, kind)?),
        ModuleKind::Bernoulli => (Signal::Bernoulli, params(&table, kind)?),
        ModuleKind::Dc => (Signal::Dc, params(&table, kind)?),
        ModuleKind::Current => {
            let values = table.list("waveform")?.unwrap_or_default();
            let width = table.size("width")?.unwrap_or(1);
            if width == 0 || values.len() % width != 0 {
                let message = format!(
                    "{path}: width = {width}: expected a divisor of the number of values, {}",
                    values.len()
                );
                return Err(cx.at(table.span, message));
            }
            let interval = table.number("interval")?;
            (Signal::Current(Waveform { width, values, interval }), Params::new())
        }
        _ => {
            let indices = table.indices("indices")?.unwrap_or_default();
            let times = table.list("times")?.unwrap_or_default();
            (Signal::Spikes { indices, times }, Params::new())
        }
    };
    let mut generator = Generator::new(path, size, signal, params);
    generator.start = table.number("start")?.unwrap_or(0.0);
    generator.stop = table.number("stop")?.filter(|stop| *stop != f64::INFINITY);
    if matches!(kind, ModuleKind::Poisson | ModuleKind::Bernoulli | ModuleKind::Dc) {
        generator.breaks = table.list("changes")?.unwrap_or_default();
        generator.stream = table.text("stream")?;
    }
    frozen(&table, extras)?;
    table.finish()?;
    Ok(generator)
}
