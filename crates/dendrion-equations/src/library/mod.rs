//! Mechanisms that come with Dendrion, as texts in the language of equations, each with its paper.

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        /// The names of all of them.
        pub const LIBRARY: &[&str] = &[$($name),*];

        /// The text of that name, such as `"adex"` or `"hh_na"`.
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
