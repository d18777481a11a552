//! The mechanisms included in Dendrion, as texts in the equation language with references to their publications.

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        /// The names of all library mechanisms.
        pub const LIBRARY: &[&str] = &[$($name),*];

        /// Returns the text of the mechanism with this name, such as `"adex"` or `"hh_na"`.
        pub fn library(name: &str) -> Option<&'static str> {
            match name {
                $($name => Some(include_str!(concat!($name, ".eqs"))),)*
                _ => None,
            }
        }
    };
}

texts!(
    "adaptive_if",
    "adex",
    "ca_pool",
    "cadif",
    "cal",
    "cat",
    "decaying_dendritic_spike",
    "dendritic_spike",
    "hh_k",
    "hh_na",
    "ih",
    "izhikevich",
    "ka",
    "kca",
    "kdr",
    "km",
    "nap",
    "nat",
);
