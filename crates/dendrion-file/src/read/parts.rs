//! Reads the parts of a population.

use std::cell::RefCell;
use std::collections::BTreeSet;

use dendrion_equations::library;
use dendrion_language::{Definition, Span};
use dendrion_model::{
    Compartment, Coupling, Mechanism, ModuleKind, Noise, Params, Population, Receptor, definition,
};

use super::context::{Context, Read};
use super::names::{check_name, find};
use super::table::Table;
use crate::extras::Extras;
use crate::node::{Key, Node};
use crate::words;

/// Reads all parts of a population.
pub(super) fn parts(table: &Table<'_, '_>, population: &mut Population, extras: &mut Extras) -> Read<()> {
    let cx = table.cx;
    let seen = RefCell::new(BTreeSet::new());
    // Parts of all kinds share one namespace.
    let check_name = |key: &Key| -> Read<()> {
        check_name(cx, key)?;
        if seen.borrow_mut().insert(key.name.clone()) {
            return Ok(());
        }
        let message = format!("{}/{}: two parts have this name; rename one of them", table.path, key.name);
        Err(cx.at(key.span, message))
    };
    table.each("compartments", |key, node| {
        check_name(key)?;
        compartment(cx, population, &key.name, node, extras)
    })?;
    table.each("couplings", |key, node| {
        check_name(key)?;
        let coupling = coupling(cx, population, &key.name, node, extras)?;
        population.couplings.push(coupling);
        Ok(())
    })?;
    table.each("receptors", |key, node| {
        let receptor = receptor(cx, population, &key.name, node, extras)?;
        // A receptor with its own compartment has the same name in both tables.
        if population.compartments[receptor.on].name != key.name {
            check_name(key)?;
        }
        population.receptors.push(receptor);
        Ok(())
    })?;
    table.each("channels", |key, node| {
        check_name(key)?;
        let channel = channel(cx, population, &key.name, node, extras)?;
        population.mechanisms.push(channel);
        Ok(())
    })?;
    table.each("noises", |key, node| {
        check_name(key)?;
        let noise = noise(cx, population, &key.name, node, extras)?;
        population.noises.push(noise);
        Ok(())
    })
}

fn coupling(
    cx: &Context<'_>,
    population: &Population,
    name: &str,
    node: &Node,
    extras: &mut Extras,
) -> Read<Coupling> {
    let own = Table::new(cx, population.path_of(name), node)?;
    let ends = own.texts("between")?;
    let [a, b] = ends.as_slice() else {
        let message = format!("{}: between: expected a list with the names of two compartments", own.path);
        return Err(cx.at(own.get("between").map_or(own.span, |n| n.span), message));
    };
    let (a, b) = (on(&own, population, a)?, on(&own, population, b)?);
    let params = params(&own, ModuleKind::Coupling)?;
    end(&own, extras)?;
    Ok(Coupling { name: name.into(), a, b, params })
}

fn channel(
    cx: &Context<'_>,
    population: &Population,
    name: &str,
    node: &Node,
    extras: &mut Extras,
) -> Read<Mechanism> {
    let own = Table::new(cx, population.path_of(name), node)?;
    let text = equations(&own, &words::CHANNELS)?;
    let definition = defined(&own, &text)?;
    let on = place(&own, population)?;
    let params = written(&own, &definition)?;
    end(&own, extras)?;
    Ok(Mechanism { name: name.into(), on, text, params })
}

fn noise(
    cx: &Context<'_>,
    population: &Population,
    name: &str,
    node: &Node,
    extras: &mut Extras,
) -> Read<Noise> {
    let own = Table::new(cx, population.path_of(name), node)?;
    let kind = kind(&own, &words::NOISES)?;
    let on = place(&own, population)?;
    let params = params(&own, kind)?;
    end(&own, extras)?;
    Ok(Noise { name: name.into(), kind, on, params })
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
            let node = own.need("equations", "the equations of the soma as a string")?;
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
        let signed = own.flag("signed")?.unwrap_or(false);
        Receptor { name, kind, on, scale_g: false, params, text: Some(text), signed }
    } else {
        let kind = kind(&own, &words::RECEPTORS)?;
        let (params, scale_g) = (params(&own, kind)?, scale_g(&own, kind)?);
        Receptor { name, kind, on, scale_g, params, text: None, signed: false }
    };
    end(&own, extras)?;
    Ok(receptor)
}

/// Reads whether a receptor's conductance is scaled. Current-based receptors have no conductance.
pub(super) fn scale_g(own: &Table<'_, '_>, kind: ModuleKind) -> Read<bool> {
    if kind == ModuleKind::CurrentReceptor {
        return Ok(false);
    }
    Ok(own.flag("scale_g")?.unwrap_or(false))
}

/// Records the parameters that training does not change.
pub(super) fn frozen(table: &Table<'_, '_>, extras: &mut Extras) -> Read<()> {
    let names = table.texts("frozen")?;
    extras.frozen.extend(names.into_iter().map(|(name, _)| format!("{}.{name}", table.path)));
    Ok(())
}

pub(super) fn end(table: &Table<'_, '_>, extras: &mut Extras) -> Read<()> {
    frozen(table, extras)?;
    table.finish()
}

/// Reads the kind of a module, which is required.
pub(super) fn kind(table: &Table<'_, '_>, kinds: &[(&'static str, ModuleKind)]) -> Read<ModuleKind> {
    let names = words::names(kinds);
    table.need("kind", &format!("one of {}", names.join(", ")))?;
    let name = table.choice("kind", &names)?;
    Ok(kinds.iter().find(|(n, _)| Some(*n) == name).map_or(ModuleKind::Written, |(_, kind)| *kind))
}

/// Reads the specified parameters of a module of this kind.
pub(super) fn params(table: &Table<'_, '_>, kind: ModuleKind) -> Read<Params> {
    let mut params = Params::new();
    for spec in kind.parameters() {
        if let Some(values) = table.values(spec.name)? {
            params.set(spec.name, values);
        }
    }
    Ok(params)
}

/// Returns the text of a mechanism: the library text for its kind, or its own equations.
fn equations(table: &Table<'_, '_>, known: &[(&'static str, &'static str)]) -> Read<String> {
    if let Some(text) = table.text("equations")? {
        return Ok(text);
    }
    let names = words::names(known);
    table.need("kind", &format!("one of {}, or `equations`", names.join(", ")))?;
    let name = table.choice("kind", &names)?.unwrap_or_default();
    equations_of(table, known, name)
}

pub(super) fn equations_of(table: &Table<'_, '_>, known: &[(&str, &str)], name: &str) -> Read<String> {
    let text = known.iter().find(|(n, _)| *n == name).and_then(|(_, key)| library(key));
    text.map(str::to_string)
        .ok_or_else(|| table.cx.at(table.span, format!("{}: no kind named {name}", table.path)))
}

pub(super) fn defined(table: &Table<'_, '_>, text: &str) -> Read<Definition> {
    let span = table.get("equations").map_or(table.span, |n| Span::new(n.span.start, n.span.start + 3));
    definition(&table.path, text).map_err(|error| table.cx.at(span, error.to_string()))
}

/// Reads the specified values of the parameters that a text declares.
pub(super) fn written(table: &Table<'_, '_>, definition: &Definition) -> Read<Params> {
    let mut params = Params::new();
    for parameter in &definition.parameters {
        if let Some(values) = table.values(&parameter.name)? {
            params.set(&parameter.name, values);
        }
    }
    Ok(params)
}

/// Reads the compartment on which a module acts.
fn place(table: &Table<'_, '_>, population: &Population) -> Read<usize> {
    let node = table.need("on", "the name of a compartment")?;
    on(table, population, &(table.text_of(node, "on")?.to_string(), node.span))
}

fn on(table: &Table<'_, '_>, population: &Population, (name, span): &(String, Span)) -> Read<usize> {
    let known = population.compartments.iter().enumerate().map(|(i, c)| (c.name.clone(), i)).collect();
    find(table.cx, &known, (name, *span), (&table.path, "compartment")).copied()
}
