//! Instruction levels, and the detection of those that this processor supports.

use std::fmt;
use std::sync::OnceLock;

/// A set of vector instructions. Levels are ordered by their capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The instructions of every processor of the architecture, without fused multiply-add (SSE2 on x86-64).
    Baseline,
    /// 128-bit vectors with fused multiply-add, available on every AArch64 processor.
    Neon,
    /// 256-bit vectors with fused multiply-add (AVX2 and FMA).
    Avx2,
    /// 512-bit vectors (AVX-512 F).
    Avx512,
}

/// A class of levels with bit-identical results. Results of different classes agree up to rounding errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumericClass {
    /// a b + c is rounded once.
    Fused,
    /// a b + c is rounded twice.
    Separate,
}

impl Level {
    /// Returns the best level of this processor.
    pub fn best() -> Self {
        Self::available().last().copied().unwrap_or(Self::Baseline)
    }

    /// Returns the level named by the environment variable `DENDRION_LEVEL` (baseline, neon, avx2 or avx512), or
    /// the best one if the variable is not set. The variable is read once.
    ///
    /// # Errors
    /// Returns an error if the variable does not name a level of this processor.
    pub fn chosen() -> Result<Self, String> {
        static CHOSEN: OnceLock<Result<Level, String>> = OnceLock::new();
        CHOSEN
            .get_or_init(|| match std::env::var_os("DENDRION_LEVEL") {
                None => Ok(Self::best()),
                Some(name) => Self::named(&name.to_string_lossy()),
            })
            .clone()
    }

    /// Returns the level with this name, if this processor supports it.
    fn named(name: &str) -> Result<Self, String> {
        let available = Self::available();
        available.iter().copied().find(|level| level.name() == name.trim()).ok_or_else(|| {
            let names: Vec<_> = available.iter().map(|level| level.name()).collect();
            format!(
                "DENDRION_LEVEL = {name:?}: expected a level that this processor supports: {}",
                names.join(", ")
            )
        })
    }

    /// Returns the levels of this processor in ascending order.
    pub fn available() -> Vec<Self> {
        [Self::Baseline, Self::Neon, Self::Avx2, Self::Avx512]
            .into_iter()
            .filter(|l| l.is_available())
            .collect()
    }

    /// Returns whether this processor supports the level.
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        match self {
            Self::Baseline => true,
            Self::Neon => false,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512 => is_x86_feature_detected!("avx512f") && Self::Avx2.is_available(),
        }
    }

    /// Returns whether this processor supports the level.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        match self {
            Self::Baseline => true,
            Self::Neon => cfg!(target_arch = "aarch64"),
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// Returns the numeric class of the level.
    pub const fn class(self) -> NumericClass {
        match self {
            Self::Baseline => NumericClass::Separate,
            _ => NumericClass::Fused,
        }
    }

    /// Returns the name of the level in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn names_are_those_of_available_levels() {
        assert_eq!(Level::named(" baseline "), Ok(Level::Baseline));
        let wrong = Level::named("base").unwrap_err();
        assert!(
            wrong.starts_with(
                "DENDRION_LEVEL = \"base\": expected a level that this processor supports: baseline"
            ),
            "{wrong}"
        );
        assert!(Level::named("").is_err());
    }
}
