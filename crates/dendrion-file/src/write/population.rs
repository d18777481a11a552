//! Writes populations and their parts.

use dendrion_model::{
    Compartment, Mechanism, ModuleKind, OdeMethod, Params, Population, Receptor, SdeMethod,
};
use serde_json::Value;

use super::Table;
use super::values::{Writer, surrogate};
use crate::words;

impl Writer<'_> {
    pub(super) fn population(&mut self, p: &Population) -> Table {
        let mut table = self.threshold(p);
        if p.method != OdeMethod::default() {
            table.insert("method".into(), p.method.name().into());
        }
        if p.sde != SdeMethod::default() {
            table.insert("noise_method".into(), "euler_maruyama".into());
        }
        self.settings(&mut table, p);
        self.parts(&mut table, p);
        table
    }

    /// Writes the size, the threshold and the reset.
    pub(super) fn threshold(&mut self, p: &Population) -> Table {
        let mut table = Table::new();
        table.insert("size".into(), p.size.into());
        self.params(&mut table, &p.path, ModuleKind::Population, &p.params);
        if p.soft_reset {
            table.insert("V_reset".into(), "soft".into());
        }
        if !p.reset {
            table.insert("reset".into(), false.into());
        }
        table
    }

    /// Writes the settings of plasticity and gradients, the identity, and the parameters that training does not change.
    pub(super) fn settings(&mut self, table: &mut Table, p: &Population) {
        if p.dendritic_delay != [1] {
            let value = match p.dendritic_delay.as_slice() {
                [one] => (*one).into(),
                each => {
                    let steps = each.iter().map(|s| u32::from(*s));
                    self.collected_indices(&format!("{}.dendritic_delay", p.path), steps)
                }
            };
            table.insert("dendritic_delay".into(), value);
        }
        if let Some(surrogate) = surrogate(&p.surrogate) {
            table.insert("surrogate".into(), surrogate);
        }
        // This entry is always written, because its default in files differs from that of new populations.
        table.insert("detach_reset".into(), p.detach_reset.into());
        self.identity(table, &p.path);
        self.frozen(table, &p.path);
    }

    fn identity(&self, table: &mut Table, path: &str) {
        let Some(identity) = self.extras.populations.get(path) else { return };
        if let Some(area) = &identity.area_name {
            table.insert("area_name".into(), area.clone().into());
        }
        let numbers =
            [("pid", identity.pid), ("id", identity.id), ("neuron_start_id", identity.neuron_start_id)];
        for (name, number) in numbers {
            if let Some(number) = number {
                table.insert(name.into(), number.into());
            }
        }
    }

    fn parts(&mut self, table: &mut Table, p: &Population) {
        let mut section = |name: &str, entries: Table| {
            if !entries.is_empty() {
                table.insert(name.into(), Value::Object(entries));
            }
        };
        let compartments = p.compartments.iter().map(|c| (c.name.clone(), self.compartment(p, c).into()));
        section("compartments", compartments.collect());
        let couplings = p.couplings.iter().map(|c| {
            let mut own = Table::new();
            let ends = [c.a, c.b].map(|i| p.compartments[i].name.clone());
            own.insert("between".into(), ends.to_vec().into());
            self.module(&mut own, p, &c.name, (ModuleKind::Coupling, &c.params));
            (c.name.clone(), own.into())
        });
        section("couplings", couplings.collect());
        let receptors = p.receptors.iter().map(|r| (r.name.clone(), self.receptor(p, r).into()));
        section("receptors", receptors.collect());
        let own_of = |m: &&Mechanism| p.compartments[m.on].name != m.name;
        let channels = p.mechanisms.iter().filter(own_of).map(|m| {
            let mut own = Table::new();
            text(&mut own, &words::CHANNELS, &m.text);
            own.insert("on".into(), p.compartments[m.on].name.clone().into());
            self.module(&mut own, p, &m.name, (ModuleKind::Written, &m.params));
            (m.name.clone(), own.into())
        });
        section("channels", channels.collect());
        let noises = p.noises.iter().map(|n| {
            let mut own = Table::new();
            own.insert("kind".into(), words::name_of(&words::NOISES, n.kind).unwrap_or_default().into());
            own.insert("on".into(), p.compartments[n.on].name.clone().into());
            self.module(&mut own, p, &n.name, (n.kind, &n.params));
            (n.name.clone(), own.into())
        });
        section("noises", noises.collect());
    }

    /// Writes a module's parameters and the list of parameters that training does not change.
    pub(super) fn module(
        &mut self,
        table: &mut Table,
        p: &Population,
        name: &str,
        (kind, params): (ModuleKind, &Params),
    ) {
        let path = p.path_of(name);
        self.params(table, &path, kind, params);
        self.frozen(table, &path);
    }

    fn compartment(&mut self, p: &Population, c: &Compartment) -> Table {
        let mut table = Table::new();
        let own = p.mechanisms.iter().find(|m| m.name == c.name && p.compartments[m.on].name == c.name);
        match own {
            None if c.soma => {
                table.insert("kind".into(), "LeakyIF".into());
            }
            None => {}
            Some(own) => {
                text(&mut table, &words::SOMAS, &own.text);
                table.entry("kind").or_insert_with(|| "Soma".into());
                self.params(&mut table, &p.path_of(&c.name), ModuleKind::Written, &own.params);
            }
        }
        self.module(&mut table, p, &c.name, (c.kind(), &c.params));
        table
    }

    fn receptor(&mut self, p: &Population, r: &Receptor) -> Table {
        let mut table = Table::new();
        if let Some(own) = &r.text {
            text(&mut table, &[], own);
        } else {
            let kind = words::name_of(&words::RECEPTORS, r.kind).unwrap_or_default();
            table.insert("kind".into(), kind.into());
        }
        table.insert("on".into(), p.compartments[r.on].name.clone().into());
        if r.scale_g {
            table.insert("scale_g".into(), true.into());
        }
        if r.signed {
            table.insert("signed".into(), true.into());
        }
        let path = p.path_of(&r.name);
        self.params(&mut table, &path, r.kind, &r.params);
        // If the receptor has its own compartment, the compartment has already been written with it.
        if !p.compartments.iter().any(|c| c.name == r.name) {
            self.frozen(&mut table, &path);
        }
        table
    }
}

/// Writes the name of a library mechanism, or the text of any other mechanism.
pub(super) fn text(table: &mut Table, known: &[(&'static str, &str)], text: &str) {
    match words::mechanism_of(known, text) {
        Some(name) => table.insert("kind".into(), name.into()),
        None => table.insert("equations".into(), text.into()),
    };
}
