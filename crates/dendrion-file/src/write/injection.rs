//! Writes injected currents.

use dendrion_model::{Injection, Network, Role};
use serde_json::{Value, json};

use super::Table;
use super::values::Writer;
use crate::read::numbered;

/// Writes all injections. Injections of one current into several CVs of detailed cells are one entry.
pub(super) fn injections(network: &Network, writer: &mut Writer<'_>) -> Table {
    let mut table = Table::new();
    let mut rest = network.injections.as_slice();
    while let Some((first, others)) = rest.split_first() {
        let population = &network.populations[first.population];
        let from = network.generators[first.generator].path.as_str();
        if !matches!(population.role, Role::Membrane { .. }) {
            let to = population.path_of(&population.compartments[first.compartment].name);
            table.insert(first.path.clone(), json!({ "from": from, "to": to }));
            rest = others;
            continue;
        }
        let belongs = |(k, next): &(usize, &Injection)| {
            next.path == numbered(&first.path, k + 1)
                && (next.generator, next.population) == (first.generator, first.population)
        };
        let more = others.iter().enumerate().take_while(belongs).count();
        let (group, next) = rest.split_at(1 + more);
        let cvs: Vec<u32> = group.iter().map(|i| i.compartment as u32).collect();
        let at: Value = writer.indices(&format!("{}.at", first.path), &cvs);
        table.insert(first.path.clone(), json!({ "from": from, "to": population.path, "at": at }));
        rest = next;
    }
    table
}
