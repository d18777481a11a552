//! Reads connections, injections and recordings.

use dendrion_language::Span;
use dendrion_model::allocate::{collected, copied, room};
use dendrion_model::{
    Connectivity, Injection, Network, PerConnection, Plasticity, Population, Projection, Source, Values,
};

use super::context::{Context, Read};
use super::names::{Names, find};
use super::parts::{frozen, kind, params};
use super::table::Table;
use crate::extras::{Extras, Record};
use crate::node::{Key, Node};
use crate::words;

/// The source, the target population and the receptors of a connection table, with the sizes of source and target.
struct Ends {
    pre: Source,
    sources: usize,
    population: usize,
    targets: usize,
    receptors: Vec<usize>,
}

pub(super) fn read(
    cx: &Context<'_>,
    names: &Names,
    path: &str,
    node: &Node,
    network: &Network,
    extras: &mut Extras,
) -> Read<Projection> {
    let table = Table::new(cx, path, node)?;
    let ends = ends(&table, names, network)?;
    let weight = table.per_connection("weight")?;
    let connectivity = connectivity(&table, &ends, weight.as_ref(), extras)?;
    let delay = table.per_connection("delay")?;
    let plasticity = match table.get("plasticity") {
        None => None,
        Some(node) => {
            let own = Table::new(cx, path, node)?;
            let kind = kind(&own, &words::PLASTICITIES)?;
            let params = params(&own, kind)?;
            own.finish()?;
            Some(Plasticity { kind, params })
        }
    };
    frozen(&table, extras)?;
    table.finish()?;
    let Ends { pre, population, receptors, .. } = ends;
    let weight = weight.unwrap_or_else(|| 1.0.into());
    Ok(Projection { path: path.into(), pre, population, receptors, connectivity, weight, delay, plasticity })
}

fn ends(table: &Table<'_, '_>, names: &Names, network: &Network) -> Read<Ends> {
    let (cx, path) = (table.cx, &table.path);
    let node = table.need("from", "the name of a population or a generator")?;
    let from = table.text_of(node, "from")?;
    let (pre, sources) = if let Some(i) = names.populations.get(from) {
        (Source::Population(*i), network.populations[*i].size)
    } else if let Some(i) = names.generators.get(from) {
        (Source::Generator(*i), network.generators[*i].size)
    } else {
        let both = names.populations.keys().chain(names.generators.keys()).map(String::as_str);
        let hint = dendrion_language::suggestion(from, both);
        return Err(cx.at(node.span, format!("{path}: no population or generator named {from:?}{hint}")));
    };
    table.need("to", "the path of a receptor, such as cell/ampa, or a list of paths")?;
    let mut receptors = Vec::new();
    let mut population = None;
    for (name, span) in table.texts("to")? {
        let (p, r) = *find(cx, &names.receptors, (&name, span), (path, "receptor"))?;
        if population.is_some_and(|q| q != p) {
            let message = format!(
                "{path}: the receptors belong to several populations; expected receptors of one population"
            );
            return Err(cx.at(span, message));
        }
        population = Some(p);
        receptors.push(r);
    }
    let nobody = || cx.at(table.span, format!("{path}: to: expected at least one receptor"));
    let population = population.ok_or_else(nobody)?;
    Ok(Ends { pre, sources, population, targets: network.populations[population].size, receptors })
}

fn connectivity(
    table: &Table<'_, '_>,
    ends: &Ends,
    weight: Option<&PerConnection>,
    extras: &mut Extras,
) -> Read<Connectivity> {
    let rule = table.choice("rule", &words::RULES)?;
    let (pre, post) = (table.indices("pre")?, table.indices("post")?);
    let dense = table.flag("dense")?.unwrap_or(false);
    let (autapses, multapses) = (table.flag("autapses")?, table.flag("multi_conn")?);
    let forms =
        usize::from(rule.is_some()) + usize::from(pre.is_some() || post.is_some()) + usize::from(dense);
    let wrong = |span: Span, what: &str| Err(table.cx.at(span, format!("{}: {what}", table.path)));
    if forms != 1 {
        let what = "expected a rule (such as rule = \"All2All\"), pre and post, or dense = true with one weight per pair";
        return wrong(table.span, what);
    }
    if rule.is_none() && (autapses.is_some() || multapses.is_some()) {
        return wrong(
            table.span,
            "autapses and multi_conn require a rule, and cannot be combined with explicit connections",
        );
    }
    let autapses = autapses.unwrap_or(true);
    let multapses = multapses.unwrap_or(false);
    let whole = |name: &str| -> Read<usize> {
        table.need(name, "an integer >= 0")?;
        Ok(table.size(name)?.unwrap_or(0))
    };
    Ok(match rule {
        Some("All2All") => Connectivity::AllToAll { autapses },
        Some("One2One") => Connectivity::OneToOne,
        Some("FixedIndegree") => {
            Connectivity::FixedIndegree { degree: whole("degree")?, multapses, autapses }
        }
        Some("FixedOutdegree") => {
            Connectivity::FixedOutdegree { degree: whole("degree")?, multapses, autapses }
        }
        Some("FixedTotal") => Connectivity::FixedTotal { count: whole("n")?, multapses, autapses },
        Some(_) => {
            let node = table.need("prob", "a number in [0, 1]")?;
            Connectivity::FixedProbability { p: table.number_of(node, "prob")?, autapses }
        }
        None if dense => {
            extras.dense.push(table.path.clone());
            table_of_all(table, ends, weight)?
        }
        None => pairs(table, ends, &pre.unwrap_or_default(), &post.unwrap_or_default())?,
    })
}

/// Connects every source to every target, in the order of a dense table of weights.
fn table_of_all(table: &Table<'_, '_>, ends: &Ends, weight: Option<&PerConnection>) -> Read<Connectivity> {
    if weight.is_none_or(|w| matches!(w, PerConnection::Given(Values::Scalar(_)))) {
        return Ok(Connectivity::AllToAll { autapses: true });
    }
    let count = ends.sources.checked_mul(ends.targets);
    let given = weight.and_then(PerConnection::given).and_then(|values| match values {
        Values::Each(v) => Some(v.len()),
        Values::Scalar(_) => None,
    });
    // The number of weights is compared first, so that the memory needed is proportional to the size of the file.
    let (Some(n), true) = (given, given == count && given.is_some_and(|n| u32::try_from(n).is_ok())) else {
        let expected = count.map_or_else(|| "fewer neurons".into(), |n| format!("{n} weights, one per pair"));
        let at = table.get("weight").map_or(table.span, |n| n.span);
        return Err(table.cx.at(at, format!("{}: dense connections: expected {expected}", table.path)));
    };
    let width = ends.targets as u32;
    let starts = table.cx.allocated(collected((0..=ends.sources as u32).map(|s| s * width)), table.span)?;
    let targets = collected((0..n as u32).map(|k| k % width.max(1)));
    let targets = table.cx.allocated(targets, table.span)?;
    Ok(Connectivity::Csr { starts, targets })
}

/// Reads explicit pairs, which must be sorted by source.
fn pairs(table: &Table<'_, '_>, ends: &Ends, pre: &[u32], post: &[u32]) -> Read<Connectivity> {
    let at = |name: &str| table.get(name).map_or(table.span, |n| n.span);
    let wrong =
        |name: &str, what: String| Err(table.cx.at(at(name), format!("{}: {name}{what}", table.path)));
    if pre.len() != post.len() {
        return wrong(
            "post",
            format!(" has length {}, but pre has length {}: expected equal lengths", post.len(), pre.len()),
        );
    }
    for (name, list, size) in [("pre", pre, ends.sources), ("post", post, ends.targets)] {
        if let Some(k) = list.iter().position(|i| *i as usize >= size) {
            return wrong(name, format!("[{k}] = {}: expected an integer below {size}", list[k]));
        }
    }
    let ordered = pre.iter().zip(post).zip(pre.iter().zip(post).skip(1)).position(|(a, b)| a > b);
    if let Some(k) = ordered {
        let pair = |k: usize| format!("({}, {})", pre[k], post[k]);
        let what = format!(
            ": the pair {} follows {}: expected pairs sorted by source, then by target",
            pair(k + 1),
            pair(k)
        );
        return wrong("pre", what);
    }
    table
        .cx
        .afford(ends.sources)
        .map_err(|what| table.cx.at(at("pre"), format!("{}: {what}", table.path)))?;
    let mut starts = table.cx.allocated(room(ends.sources.saturating_add(1)), at("pre"))?;
    let mut next = 0;
    for source in 0..=ends.sources as u32 {
        while pre.get(next).is_some_and(|p| *p < source) {
            next += 1;
        }
        starts.push(next as u32);
    }
    let targets = table.cx.allocated(copied(post), at("post"))?;
    Ok(Connectivity::Csr { starts, targets })
}

/// Reads the injection of a current into a compartment, or into one or more CVs of detailed cells. The model has one
/// injection per CV.
pub(super) fn injections(
    cx: &Context<'_>,
    names: &Names,
    path: &str,
    node: &Node,
    populations: &[Population],
) -> Read<Vec<Injection>> {
    let table = Table::new(cx, path, node)?;
    let from = table.need("from", "the name of a generator of current")?;
    let to = table.need("to", "the path of a compartment, such as cell/soma, or detailed cells")?;
    let (from, to) = ((table.text_of(from, "from")?, from.span), (table.text_of(to, "to")?, to.span));
    let generator = *find(cx, &names.generators, from, (path, "generator"))?;
    let (population, compartment) = *find(cx, &names.compartments, to, (path, "compartment"))?;
    let places = match compartment {
        Some(compartment) => vec![compartment],
        None => cvs(&table, &populations[population])?,
    };
    table.finish()?;
    let one = |(k, compartment)| Injection { path: numbered(path, k), generator, population, compartment };
    Ok(places.into_iter().enumerate().map(one).collect())
}

/// Reads the CVs into which a current is injected.
fn cvs(table: &Table<'_, '_>, membrane: &Population) -> Read<Vec<usize>> {
    let node = table.need("at", "the CVs into which the current is injected, such as at = [0]")?;
    let cvs = table.indices("at")?.unwrap_or_default();
    let count = membrane.sites().unwrap_or(0);
    let what = match cvs.iter().position(|cv| *cv as usize >= count) {
        Some(i) => format!("at[{i}] = {}: expected a CV below {count}, the number of CVs", cvs[i]),
        None if cvs.is_empty() => "at: expected at least one CV".into(),
        None => return Ok(cvs.into_iter().map(|cv| cv as usize).collect()),
    };
    Err(table.cx.at(node.span, format!("{}: {what}", table.path)))
}

/// Returns the path of the injection into the CV with number `k` of those in one entry.
pub(crate) fn numbered(path: &str, k: usize) -> String {
    if k == 0 { path.into() } else { format!("{path}[{k}]") }
}

pub(super) fn record(cx: &Context<'_>, names: &Names, key: &Key, node: &Node) -> Read<Record> {
    let table = Table::new(cx, format!("record {}", key.name), node)?;
    let of = table.need("of", "the path of a module, such as cell/soma")?;
    let path = table.text_of(of, "of")?;
    if !names.knows(path) {
        let hint = dendrion_language::suggestion(path, names.all());
        return Err(cx.at(of.span, format!("{}: no module named {path:?}{hint}", table.path)));
    }
    let variable = table.need("variable", "a variable, such as \"V\" or \"spikes\"")?;
    let record = Record {
        name: key.name.clone(),
        of: path.into(),
        variable: table.text_of(variable, "variable")?.into(),
        every: table.time("every")?,
        indices: table.indices("indices")?,
    };
    table.finish()?;
    Ok(record)
}
