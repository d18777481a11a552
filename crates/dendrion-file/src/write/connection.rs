//! Writes connections.

use dendrion_model::{Connectivity, Network, Projection, Source};
use serde_json::{Value, json};

use super::Table;
use super::values::Writer;
use crate::words;

impl Writer<'_> {
    pub(super) fn projection(&mut self, network: &Network, p: &Projection) -> Table {
        let mut table = Table::new();
        let from = match p.pre {
            Source::Population(i) => &network.populations[i].path,
            Source::Generator(i) => &network.generators[i].path,
        };
        table.insert("from".into(), from.clone().into());
        let post = &network.populations[p.population];
        let to: Vec<String> = p.receptors.iter().map(|r| post.path_of(&post.receptors[*r].name)).collect();
        let to = if let [one] = to.as_slice() { Value::from(one.clone()) } else { to.into() };
        table.insert("to".into(), to);
        self.connectivity(&mut table, p);
        let weight = self.per_connection(&format!("{}.w", p.path), &p.weight);
        table.insert("weight".into(), weight);
        if let Some(delay) = &p.delay {
            table.insert("delay".into(), self.per_connection(&format!("{}.delay", p.path), delay));
        }
        if let Some(plasticity) = &p.plasticity {
            let mut own = Table::new();
            let kind = words::name_of(&words::PLASTICITIES, plasticity.kind).unwrap_or_default();
            own.insert("kind".into(), kind.into());
            self.params(&mut own, &p.path, plasticity.kind, &plasticity.params);
            table.insert("plasticity".into(), own.into());
        }
        self.frozen(&mut table, &p.path);
        table
    }

    fn connectivity(&mut self, table: &mut Table, p: &Projection) {
        if self.extras.dense.contains(&p.path) {
            table.insert("dense".into(), true.into());
            return;
        }
        let mut rule = |name: &str, entries: Value| {
            table.insert("rule".into(), name.into());
            if let Value::Object(entries) = entries {
                table.extend(entries);
            }
        };
        match &p.connectivity {
            Connectivity::AllToAll { autapses } => rule("All2All", json!({ "autapses": autapses })),
            Connectivity::OneToOne => rule("One2One", Value::Null),
            Connectivity::FixedIndegree { degree, multapses, autapses } => {
                let given = json!({ "degree": degree, "multi_conn": multapses, "autapses": autapses });
                rule("FixedIndegree", given);
            }
            Connectivity::FixedOutdegree { degree, multapses, autapses } => {
                let given = json!({ "degree": degree, "multi_conn": multapses, "autapses": autapses });
                rule("FixedOutdegree", given);
            }
            Connectivity::FixedTotal { count, multapses, autapses } => {
                rule("FixedTotal", json!({ "n": count, "multi_conn": multapses, "autapses": autapses }));
            }
            Connectivity::FixedProbability { p, autapses } => {
                rule("FixedProb", json!({ "prob": p, "autapses": autapses }));
            }
            Connectivity::Csr { starts, targets } => {
                let count = |pair: &[u32]| pair[1].saturating_sub(pair[0]) as usize;
                let rows = starts.windows(2).enumerate();
                let pre = rows.flat_map(|(source, pair)| std::iter::repeat_n(source as u32, count(pair)));
                table.insert("pre".into(), self.collected_indices(&format!("{}.pre", p.path), pre));
                table.insert("post".into(), self.indices(&format!("{}.post", p.path), targets));
            }
        }
    }
}
