//! Spike generators: the spikes that they are going to send, and the spikes that they have sent ahead of
//! time.

use dendrion_kernels::Scalar;
use dendrion_model::{Error, Generator, Signal};

use super::container::{Reader, Writer, senseless};
use crate::inputs::{GeneratorMemory, Schedule, SourceBlock, Waits};
use crate::runtime::core::Core;
use crate::runtime::index::of_generator;

/// Adds a generator to a file.
pub(super) fn save<T: Scalar>(
    core: &Core<T>,
    generator: usize,
    (sample, source_blocks): (&str, &[SourceBlock]),
    out: &mut Writer,
) {
    let name = name(&core.model.network.generators[generator], sample);
    let memory = GeneratorMemory::of(of_generator(source_blocks, generator).iter(), core.clock.now);
    let memory = match memory {
        Ok(memory) => memory,
        Err(error) => return out.fail(&name, error),
    };
    out.one(&format!("{name}/sent"), memory.sent);
    out.spikes(&format!("{name}/ahead"), &memory.ahead);
    match memory.waits {
        Waits::Nothing => {}
        Waits::Drawn { next, draws, row } => {
            out.array(&format!("{name}/next"), &next);
            out.array(&format!("{name}/draws"), &draws);
            out.one(&format!("{name}/row"), row.map_or(-1, |row| row as i64));
        }
        Waits::Pushed { spikes, told } => {
            out.spikes(&format!("{name}/waiting"), &spikes);
            out.one(&format!("{name}/told"), told);
        }
    }
}

/// Reads the generator to which this source block belongs. `schedule` contains its values.
pub(super) fn read<T: Scalar>(
    core: &Core<T>,
    source_block: &SourceBlock,
    schedule: Option<&Schedule>,
    (now, sample): (u64, &str),
    file: &mut Reader<'_>,
) -> Result<GeneratorMemory, Error> {
    let generator = &core.model.network.generators[source_block.generator];
    let (name, size) = (name(generator, sample), generator.size);
    let sent = file.one::<u64>(&format!("{name}/sent"))?;
    if !(now..=now + core.exchange.epoch).contains(&sent) {
        return Err(senseless(&name, "has an inconsistent number of steps for which spikes were sent"));
    }
    // A part of the sources may have sent the spikes of this step.
    let ahead = file.spikes(&format!("{name}/ahead"), now..sent.max(now + 1), size)?;
    let waits = if source_block.draws() {
        drawn(&name, size, (sent, source_block), schedule.map_or(0, Schedule::breaks), file)?
    } else if matches!(generator.signal, Signal::Pushed) {
        let spikes = file.spikes(&format!("{name}/waiting"), 0..u64::MAX, size)?;
        Waits::Pushed { spikes, told: file.one(&format!("{name}/told"))? }
    } else {
        Waits::Nothing
    };
    Ok(GeneratorMemory { sent, ahead, waits })
}

fn drawn(
    name: &str,
    size: usize,
    (sent, source_block): (u64, &SourceBlock),
    rows: usize,
    file: &mut Reader<'_>,
) -> Result<Waits, Error> {
    let next = file.array::<f64>(&format!("{name}/next"), Some(size))?;
    let draws = file.array::<u64>(&format!("{name}/draws"), Some(size))?;
    let row = usize::try_from(file.one::<i64>(&format!("{name}/row"))?).ok();
    // Events before this step have already been sent.
    let least = sent.min(source_block.on().end) as f64;
    let fits = row.is_none() || next.iter().all(|next| *next >= least);
    if !fits || row.is_some_and(|row| row > rows) {
        return Err(senseless(name, "has times of events that are out of range"));
    }
    Ok(Waits::Drawn { next, draws, row })
}

fn name(generator: &Generator, sample: &str) -> String {
    format!("{sample}generator/{}", generator.path)
}
