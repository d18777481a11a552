//! Reads populations and their parts.

use dendrion_model::allocate::collected;
use dendrion_model::{ModuleKind, OdeMethod, Params, Population, SdeMethod, Values};

use super::cells::cells;
use super::context::{Context, Read};
use super::parts::{frozen, parts};
use super::table::Table;
use crate::extras::{Extras, Identity};
use crate::node::{Node, Value};

/// Reads an entry: a population of neurons, or the populations of a group of detailed cells, if the entry has a
/// morphology. `first` is the index of the first population in the network.
pub(super) fn read(
    cx: &Context<'_>,
    path: &str,
    node: &Node,
    first: usize,
    extras: &mut Extras,
) -> Read<(Vec<Population>, Identity)> {
    let table = Table::new(cx, path, node)?;
    let (mut population, identity) = neurons(&table, extras)?;
    let made = if table.get("morphology").is_some() {
        cells(&table, population, first, extras)?
    } else {
        let methods = OdeMethod::ALL.map(OdeMethod::name);
        if let Some(name) = table.choice("method", &methods)? {
            population.method = OdeMethod::from_name(name).unwrap_or_default();
        }
        if let Some(name) = table.choice("noise_method", &["milstein", "euler_maruyama"])? {
            population.sde = SdeMethod::from_name(name).unwrap_or_default();
        }
        parts(&table, &mut population, extras)?;
        vec![population]
    };
    table.finish()?;
    Ok((made, identity))
}

/// Reads the entries that all neurons have: their number, the threshold, the reset, and settings of gradients and
/// plasticity.
fn neurons(table: &Table<'_, '_>, extras: &mut Extras) -> Read<(Population, Identity)> {
    let size = table.size("size")?.unwrap_or(1);
    let mut population = Population::new(&table.path, size, Params::new());
    reset(table, &mut population)?;
    for spec in ModuleKind::Population.parameters().iter().filter(|p| p.name != "V_reset") {
        if let Some(values) = table.values(spec.name)? {
            population.params.set(spec.name, values);
        }
    }
    population.surrogate = table.surrogate("surrogate")?;
    population.detach_reset = table.flag("detach_reset")?.unwrap_or(false);
    dendritic_delay(table, &mut population)?;
    let identity = Identity {
        area_name: table.text("area_name")?,
        pid: table.whole("pid")?,
        id: table.whole("id")?,
        neuron_start_id: table.whole("neuron_start_id")?,
    };
    frozen(table, extras)?;
    Ok((population, identity))
}

fn reset(table: &Table<'_, '_>, population: &mut Population) -> Read<()> {
    let soft = table.get("V_reset").is_some_and(|n| matches!(&n.value, Value::Text(t) if t == "soft"));
    population.soft_reset = soft;
    population.reset = table.flag("reset")?.unwrap_or(true);
    let given = if soft { None } else { table.values("V_reset")? };
    if !population.reset {
        // There is no default. An explicit value is kept, so that it is rejected together with the other
        // parameters of a reset.
        if let Some(given) = given {
            population.params.set("V_reset", given);
        }
    } else if !soft {
        population.params.set("V_reset", given.unwrap_or(Values::Scalar(0.0)));
    }
    Ok(())
}

fn dendritic_delay(table: &Table<'_, '_>, population: &mut Population) -> Read<()> {
    let Some(steps) = table.indices("dendritic_delay")? else { return Ok(()) };
    let at = table.get("dendritic_delay").map_or(table.span, |n| n.span);
    let wrong = |what: String| Err(table.cx.at(at, format!("{}: dendritic_delay: {what}", table.path)));
    if steps.iter().any(|s| u16::try_from(*s).is_err()) {
        return wrong("expected integers from 0 to 65535 (steps)".into());
    }
    if steps.len() != 1 && steps.len() != population.size {
        let (given, size) = (steps.len(), population.size);
        return wrong(format!("array of length {given}: expected an integer or an array of length {size}"));
    }
    population.dendritic_delay = table.cx.allocated(collected(steps.into_iter().map(|s| s as u16)), at)?;
    Ok(())
}
