//! Names of the kinds of modules in files, which are those of the Python classes.

use dendrion_equations::library;
use dendrion_model::{Gates, ModuleKind, OdeMethod};

/// Receptors
pub(crate) const RECEPTORS: [(&str, ModuleKind); 4] = [
    ("AMPA", ModuleKind::Ampa),
    ("NMDA", ModuleKind::Nmda),
    ("GABA", ModuleKind::Gaba),
    ("CurrentReceptor", ModuleKind::CurrentReceptor),
];

/// Noise sources
pub(crate) const NOISES: [(&str, ModuleKind); 3] = [
    ("WhiteNoise", ModuleKind::WhiteNoise),
    ("OUNoise", ModuleKind::OuNoise),
    ("ConductanceNoise", ModuleKind::ConductanceNoise),
];

/// Plasticity rules
pub(crate) const PLASTICITIES: [(&str, ModuleKind); 3] = [
    ("STDP", ModuleKind::Stdp),
    ("TripletSTDP", ModuleKind::TripletStdp),
    ("TsodyksMarkram", ModuleKind::TsodyksMarkram),
];

/// Generators
pub(crate) const GENERATORS: [(&str, ModuleKind); 5] = [
    ("PoissonGenerator", ModuleKind::Poisson),
    ("BernoulliGenerator", ModuleKind::Bernoulli),
    ("SpikeGenerator", ModuleKind::Spikes),
    ("DCGenerator", ModuleKind::Dc),
    ("CurrentGenerator", ModuleKind::Current),
];

/// Channels of the library, with the names of their texts
pub(crate) const CHANNELS: [(&str, &str); 14] = [
    ("HHNa", "hh_na"),
    ("HHK", "hh_k"),
    ("NaT", "nat"),
    ("NaP", "nap"),
    ("Kdr", "kdr"),
    ("KA", "ka"),
    ("KM", "km"),
    ("Ih", "ih"),
    ("CaT", "cat"),
    ("CaL", "cal"),
    ("KCa", "kca"),
    ("CaPool", "ca_pool"),
    ("DendriticSpike", "dendritic_spike"),
    ("DecayingDendriticSpike", "decaying_dendritic_spike"),
];

/// Somas of the library, with the names of their texts
pub(crate) const SOMAS: [(&str, &str); 4] =
    [("AdEx", "adex"), ("AdaptiveIF", "adaptive_if"), ("CadIF", "cadif"), ("Izhikevich", "izhikevich")];

/// Methods for the tree of detailed cells
pub(crate) const CABLE_METHODS: [OdeMethod; 2] = [OdeMethod::ImplicitEuler, OdeMethod::CrankNicolson];

/// Methods for the gates of detailed cells
pub(crate) const GATES: [Gates; 3] = [Gates::Rational, Gates::Exponential, Gates::Coupled];

/// Parameters of the membrane of detailed cells that do not follow from the morphology
pub(crate) const MEMBRANE: [&str; 7] = ["V_rest", "gL", "C", "V_init", "r_axial", "length", "diameter"];

/// Connection rules
pub(crate) const RULES: [&str; 6] =
    ["All2All", "One2One", "FixedIndegree", "FixedOutdegree", "FixedTotal", "FixedProb"];

/// Distributions
pub(crate) const INITIALIZERS: [&str; 5] = ["Constant", "Uniform", "Normal", "LogNormal", "Truncated"];

/// Returns the first element of each pair.
pub(crate) fn names<T>(pairs: &[(&'static str, T)]) -> Vec<&'static str> {
    pairs.iter().map(|(name, _)| *name).collect()
}

/// Returns the name of a kind in files.
pub(crate) fn name_of(pairs: &[(&'static str, ModuleKind)], kind: ModuleKind) -> Option<&'static str> {
    pairs.iter().find(|(_, k)| *k == kind).map(|(name, _)| *name)
}

/// Returns the library mechanism with this text.
pub(crate) fn mechanism_of(pairs: &[(&'static str, &str)], text: &str) -> Option<&'static str> {
    pairs.iter().find(|(_, key)| library(key) == Some(text)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_receptor_and_every_learning_rule_has_a_name() {
        for kind in ModuleKind::ALL {
            let is_missing = |pairs| name_of(pairs, kind).is_none();
            assert!(!kind.is_receptor() || !is_missing(&RECEPTORS), "receptor {}", kind.name());
            assert!(!kind.learns() || !is_missing(&PLASTICITIES), "plasticity {}", kind.name());
        }
    }
}
