//! Populations and their parts.

use dendrion_equations::library;
use dendrion_language::{Definition, Span};
use dendrion_model::{
    Compartment, Coupling, Mechanism, ModuleKind, Noise, OdeMethod, Params, Population, Receptor, SdeMethod,
    Values, definition,
};

use super::names::{check_name, find};
use super::{Context, Read, Table};
use crate::extras::{Extras, Identity};
use crate::node::{Node, Value};
use crate::words;

pub(super) fn read(
    cx: &Context<'_>,
    path: &str,
    node: &Node,
    extras: &mut Extras,
) -> Read<(Population, Identity)> {
    let table = Table::new(cx, path, node)?;
    let size = table.size("size")?.unwrap_or(1);
    let mut population = Population::new(path, size, Params::new());
    reset(&table, &mut population)?;
    for spec in ModuleKind::Population.parameters().iter().filter(|p| p.name != "V_reset") {
        if let Some(values) = table.values(spec.name)? {
            population.params.set(spec.name, values);
        }
    }
    let methods = OdeMethod::ALL.map(OdeMethod::name);
    if let Some(name) = table.choice("method", &methods)? {
        population.method = OdeMethod::from_name(name).unwrap_or_default();
    }
    if let Some(name) = table.choice("noise_method", &["milstein", "euler_maruyama"])? {
        population.sde = SdeMethod::from_name(name).unwrap_or_default();
    }
    population.surrogate = table.surrogate("surrogate")?;
    population.detach_reset = table.flag("detach_reset")?.unwrap_or(false);
    dendritic_delay(&table, &mut population)?;
    let identity = Identity {
        area_name: table.text("area_name")?,
        pid: table.whole("pid")?,
        id: table.whole("id")?,
        neuron_start_id: table.whole("neuron_start_id")?,
    };
    frozen(&table, extras)?;
    parts(&table, &mut population, extras)?;
    table.finish()?;
    Ok((population, identity))
}

fn reset(table: &Table<'_, '_>, population: &mut Population) -> Read<()> {
    let soft = table.get("V_reset").is_some_and(|n| matches!(&n.value, Value::Text(t) if t == "soft"));
    population.soft_reset = soft;
    let given = if soft { None } else { table.values("V_reset")? };
    if !soft {
        population.params.set("V_reset", given.unwrap_or(Values::Scalar(0.0)));
    }
    Ok(())
}

fn dendritic_delay(table: &Table<'_, '_>, population: &mut Population) -> Read<()> {
    let Some(steps) = table.indices("dendritic_delay")? else { return Ok(()) };
    let at = table.get("dendritic_delay").map_or(table.span, |n| n.span);
    let small = steps.iter().map(|s| u16::try_from(*s)).collect::<Result<Vec<_>, _>>();
    let wrong = |what: String| Err(table.cx.at(at, format!("{}: dendritic_delay: {what}", table.path)));
    match small {
        Err(_) => wrong("expected whole steps, at most 65535".into()),
        Ok(v) if v.len() != 1 && v.len() != population.size => {
            wrong(format!("{} values: expected one, or {}", v.len(), population.size))
        }
        Ok(v) => {
            population.dendritic_delay = v;
            Ok(())
        }
    }
}

/// Notes the parameters that training leaves alone.
pub(super) fn frozen(table: &Table<'_, '_>, extras: &mut Extras) -> Read<()> {
    let names = table.texts("frozen")?;
    extras.frozen.extend(names.into_iter().map(|(name, _)| format!("{}.{name}", table.path)));
    Ok(())
}

fn parts(table: &Table<'_, '_>, population: &mut Population, extras: &mut Extras) -> Read<()> {
    let cx = table.cx;
    table.each("compartments", |key, node| {
        check_name(cx, key)?;
        compartment(cx, population, &key.name, node, extras)
    })?;
    table.each("couplings", |key, node| {
        check_name(cx, key)?;
        let own = Table::new(cx, population.path_of(&key.name), node)?;
        let ends = own.texts("between")?;
        let [a, b] = ends.as_slice() else {
            let message = format!("{}: between: expected the names of two compartments", own.path);
            return Err(cx.at(own.get("between").map_or(own.span, |n| n.span), message));
        };
        let (a, b) = (on(&own, population, a)?, on(&own, population, b)?);
        let params = params(&own, ModuleKind::Coupling)?;
        end(&own, extras)?;
        population.couplings.push(Coupling { name: key.name.clone(), a, b, params });
        Ok(())
    })?;
    table.each("receptors", |key, node| {
        check_name(cx, key)?;
        let receptor = receptor(cx, population, &key.name, node, extras)?;
        population.receptors.push(receptor);
        Ok(())
    })?;
    table.each("channels", |key, node| {
        check_name(cx, key)?;
        let own = Table::new(cx, population.path_of(&key.name), node)?;
        let text = equations(&own, &words::CHANNELS)?;
        let definition = defined(&own, &text)?;
        let on = place(&own, population)?;
        let params = written(&own, &definition)?;
        end(&own, extras)?;
        population.mechanisms.push(Mechanism { name: key.name.clone(), on, text, params });
        Ok(())
    })?;
    table.each("noises", |key, node| {
        check_name(cx, key)?;
        let own = Table::new(cx, population.path_of(&key.name), node)?;
        let kind = kind(&own, &words::NOISES)?;
        let on = place(&own, population)?;
        let params = params(&own, kind)?;
        end(&own, extras)?;
        population.noises.push(Noise { name: key.name.clone(), kind, on, params });
        Ok(())
    })
}

fn compartment(
    cx: &Context<'_>,
    population: &mut Population,
    name: &str,
    node: &Node,
    extras: &mut Extras,
) -> Read<()> {
    let own = Table::new(cx, population.path_of(name), node)?;
    let kinds = ["Compartment", "LeakyIF", "Soma"].into_iter().chain(words::names(&words::SOMAS));
    let kind = own.choice("kind", &kinds.collect::<Vec<_>>())?.unwrap_or("Compartment");
    let soma = kind != "Compartment";
    let text = match kind {
        "Compartment" | "LeakyIF" => None,
        "Soma" => {
            let node = own.need("equations", "the soma's equations, as text")?;
            Some(own.text_of(node, "equations")?.to_string())
        }
        library => Some(equations_of(&own, &words::SOMAS, library)?),
    };
    let kind = if soma { ModuleKind::Soma } else { ModuleKind::Compartment };
    let membrane = params(&own, kind)?;
    let index = population.compartments.len();
    population.compartments.push(Compartment { name: name.into(), soma, params: membrane });
    if let Some(text) = text {
        let definition = defined(&own, &text)?;
        let params = written(&own, &definition)?;
        population.mechanisms.push(Mechanism { name: name.into(), on: index, text, params });
    }
    end(&own, extras)
}

fn receptor(
    cx: &Context<'_>,
    population: &Population,
    name: &str,
    node: &Node,
    extras: &mut Extras,
) -> Read<Receptor> {
    let own = Table::new(cx, population.path_of(name), node)?;
    let on = place(&own, population)?;
    let name = name.to_string();
    let receptor = if own.get("equations").is_some() {
        let text = equations(&own, &[])?;
        let definition = defined(&own, &text)?;
        let (kind, params) = (ModuleKind::Written, written(&own, &definition)?);
        Receptor { name, kind, on, scale_g: false, params, text: Some(text) }
    } else {
        let kind = kind(&own, &words::RECEPTORS)?;
        let (params, scale_g) = (params(&own, kind)?, own.flag("scale_g")?.unwrap_or(false));
        Receptor { name, kind, on, scale_g, params, text: None }
    };
    end(&own, extras)?;
    Ok(receptor)
}

fn end(table: &Table<'_, '_>, extras: &mut Extras) -> Read<()> {
    frozen(table, extras)?;
    table.finish()
}

/// A module's kind, which must be given.
pub(super) fn kind(table: &Table<'_, '_>, kinds: &[(&'static str, ModuleKind)]) -> Read<ModuleKind> {
    let names = words::names(kinds);
    table.need("kind", &format!("one of {}", names.join(", ")))?;
    let name = table.choice("kind", &names)?;
    Ok(kinds.iter().find(|(n, _)| Some(*n) == name).map_or(ModuleKind::Written, |(_, kind)| *kind))
}

/// The parameters of a kind that are there.
pub(super) fn params(table: &Table<'_, '_>, kind: ModuleKind) -> Read<Params> {
    let mut params = Params::new();
    for spec in kind.parameters() {
        if let Some(values) = table.values(spec.name)? {
            params.set(spec.name, values);
        }
    }
    Ok(params)
}

/// A mechanism's text: of the library by its kind, or its own.
fn equations(table: &Table<'_, '_>, known: &[(&'static str, &'static str)]) -> Read<String> {
    if let Some(text) = table.text("equations")? {
        return Ok(text);
    }
    let names = words::names(known);
    table.need("kind", &format!("one of {}, or `equations`", names.join(", ")))?;
    let name = table.choice("kind", &names)?.unwrap_or_default();
    equations_of(table, known, name)
}

fn equations_of(table: &Table<'_, '_>, known: &[(&str, &str)], name: &str) -> Read<String> {
    let text = known.iter().find(|(n, _)| *n == name).and_then(|(_, key)| library(key));
    text.map(str::to_string).ok_or_else(|| table.cx.at(table.span, format!("{}: no kind {name}", table.path)))
}

fn defined(table: &Table<'_, '_>, text: &str) -> Read<Definition> {
    let span = table.get("equations").map_or(table.span, |n| Span::new(n.span.start, n.span.start + 3));
    definition(&table.path, text).map_err(|error| table.cx.at(span, error.to_string()))
}

/// The parameters of a text that are there.
fn written(table: &Table<'_, '_>, definition: &Definition) -> Read<Params> {
    let mut params = Params::new();
    for parameter in &definition.parameters {
        if let Some(values) = table.values(&parameter.name)? {
            params.set(&parameter.name, values);
        }
    }
    Ok(params)
}

/// The compartment a module is on.
fn place(table: &Table<'_, '_>, population: &Population) -> Read<usize> {
    let node = table.need("on", "the name of a compartment")?;
    on(table, population, &(table.text_of(node, "on")?.to_string(), node.span))
}

fn on(table: &Table<'_, '_>, population: &Population, (name, span): &(String, Span)) -> Read<usize> {
    let known = population.compartments.iter().enumerate().map(|(i, c)| (c.name.clone(), i)).collect();
    find(table.cx, &known, (name, *span), (&table.path, "compartment")).copied()
}
