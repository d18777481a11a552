//! Kinds of sections.

use serde::{Deserialize, Serialize};

/// The part of a neuron to which a section belongs. The numbers are those used in SWC files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Kind {
    /// The cell body; 1 in SWC files.
    Soma,
    /// The axon; 2.
    Axon,
    /// A basal dendrite, or any dendrite of a neuron without an apical dendrite; 3.
    Basal,
    /// An apical dendrite; 4.
    Apical,
    /// Any other number: 0 is undefined, and numbers from 5 are assigned by the author of a file.
    Other(u32),
}

impl Kind {
    /// Returns the kind that has this number in SWC files.
    pub const fn from_code(code: u32) -> Self {
        match code {
            1 => Self::Soma,
            2 => Self::Axon,
            3 => Self::Basal,
            4 => Self::Apical,
            other => Self::Other(other),
        }
    }

    /// Returns the number of the kind in SWC files.
    pub const fn code(self) -> u32 {
        match self {
            Self::Soma => 1,
            Self::Axon => 2,
            Self::Basal => 3,
            Self::Apical => 4,
            Self::Other(code) => code,
        }
    }

    /// Returns the kind with this [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "soma" => Some(Self::Soma),
            "axon" => Some(Self::Axon),
            "basal" => Some(Self::Basal),
            "apical" => Some(Self::Apical),
            _ => name.strip_prefix("kind ")?.parse().ok().map(Self::from_code),
        }
    }

    /// Returns the name, such as `apical` or `kind 7`.
    pub fn name(self) -> String {
        match self {
            Self::Soma => "soma".into(),
            Self::Axon => "axon".into(),
            Self::Basal => "basal".into(),
            Self::Apical => "apical".into(),
            Self::Other(code) => format!("kind {code}"),
        }
    }
}
