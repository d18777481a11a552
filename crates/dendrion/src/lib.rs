//! Dendrion simulates networks of multi-compartment spiking neurons, that is, of neurons with dendrites.
//!
//! Describe a network with the data structures in [`model`], create a [`Simulation`] from it, add probes for the
//! variables to record, and run it.
//!
//! ```
//! use dendrion::model::{ModuleKind, Network, Population};
//! use dendrion::Simulation;
//!
//! // A soma and a dendrite; absolute units (pF, nS) without a geometry.
//! let mut cell = Population::new("cell", 1, [("V_th", -40.0), ("V_reset", -55.0)]);
//! let passive = |c, g| [("C", c), ("gL", g), ("V_rest", -65.0)];
//! let soma = cell.soma("soma", passive(200.0, 10.0));
//! let dend = cell.compartment("dend", passive(50.0, 2.5));
//! cell.couple("axial", soma, dend, Some(15.0));
//! cell.receptor("ampa", ModuleKind::Ampa, dend, [("g", 3.0), ("t_decay", 2.0)]);
//!
//! let mut network = Network::new(0.1);
//! network.populations.push(cell);
//! let mut simulation = Simulation::new(network)?;
//! let v = simulation.add_probe("cell/soma", "V", 1, None)?;
//! simulation.set_parameter("cell/soma.I_ext", 400.0)?;
//! simulation.advance(1000)?;
//! assert!(simulation.summary().spikes > 0);
//! assert_eq!(simulation.values(v)?.len(), 1000);
//! # Ok::<(), dendrion::Error>(())
//! ```
//!
//! Channels, receptors and somas are defined by text in the equation language. Use the mechanisms of the
//! [`library`] or write your own:
//!
//! ```
//! use dendrion::model::{Network, Population};
//! use dendrion::{Simulation, library};
//!
//! let mut cell = Population::new("cell", 10, [("V_th", -45.0), ("V_reset", -60.0)]);
//! let soma = cell.soma("soma", [("C", 200.0), ("gL", 10.0), ("V_rest", -65.0), ("I_ext", 300.0)]);
//! cell.mechanism("adaptation", soma, library("adaptive_if").unwrap_or_default(), [("b", 40.0)]);
//! let text = "
//!     I = g * n * (E - V) : pA
//!     dn/dt = (1/(1 + exp(-(V + 30 mV)/8 mV)) - n) / (0.5 ms) : 1
//!     g = 5 nS; E = -90 mV
//! ";
//! cell.mechanism("ka", soma, text, [("g", 8.0)]);
//! let mut network = Network::new(0.1);
//! network.populations.push(cell);
//! let mut simulation = Simulation::new(network)?;
//! let n = simulation.add_probe("cell/ka", "n", 1, None)?;
//! simulation.advance(100)?;
//! assert_eq!(simulation.values(n)?.len(), 100);
//! # Ok::<(), dendrion::Error>(())
//! ```
//!
//! Results depend only on the model and its seed, and are bit-identical for any number of threads.

/// The equation language: texts of mechanisms and of functions, and units.
pub use dendrion_language as language;

/// Model files in TOML and JSON.
pub use dendrion_file as file;

/// Data structures that describe a network, with units and validation.
pub use dendrion_model as model;

/// Shapes of neurons: SWC files, sections, control volumes.
pub use dendrion_morphology as morphology;

/// Translation of NEURON's NMODL files to mechanisms.
pub use dendrion_nmodl as nmodl;

pub use dendrion_engine::{
    Connections, GROWTH_LIMIT, Gradients, Growth, LIBRARY, Level, NumericClass, ProbeId, Rate, Replacement,
    Request, RunEnd, RunOptions, Samples, Simulation, Summary, Trace, Transit, check_network, draw_members,
    library, pairs, read_file, surrogate_values,
};
pub use dendrion_model::Error;

/// Compiles and runs the Rust example of the README as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
