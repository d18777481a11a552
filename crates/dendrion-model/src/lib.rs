//! Networks of multi-compartment spiking neurons as plain data.
//!
//! These data structures describe a network completely, before anything is computed: populations with their
//! compartments, receptors and couplings, generators, projections, injections and simulation settings. They can be
//! serialized with serde, record the unit of each parameter, and are validated in one place, [`Network::validate`].
//! They contain no equations.
//!
//! Units: mV, ms, pF, nS, pA, um and Hz; uF/cm2, uS/cm2 and ohm cm for specific quantities. If a compartment has a
//! `length` and a `diameter`, its `gL` and `C` are specific; otherwise they are absolute.

pub use dendrion_language::{Definition, Parameter as WrittenParameter};

pub mod allocate;
mod cable;
mod cells;
mod connectivity;
mod copy;
mod error;
mod generator;
mod grid;
mod initializer;
mod interrupt;
mod kind;
mod mechanism;
mod memory;
mod network;
mod params;
mod population;
mod surrogate;
mod time;
mod validate;

pub use cable::{Cable, Gates, Place, Role};
pub use connectivity::{Connectivity, INHIBITION, Injection, Plasticity, Projection, Source};
pub use error::{Error, UNNAMED};
pub use generator::{Generator, Signal, Waveform};
pub use grid::{NOISE, grid_position, on_grid};
pub use initializer::{Initializer, PerConnection};
pub use interrupt::{Interrupt, Turns, abandonable, check_interrupt, interruptible};
pub use kind::ModuleKind;
pub use mechanism::{Mechanism, check_written, definition, written_value};
pub use memory::{MEMORY_LIMIT, check_memory, memory_limit};
pub use network::{Dtype, Network};
pub use params::{Count, Domain, ParameterSpec, Params, Values, check_values};
pub use population::{Compartment, Coupling, Noise, OdeMethod, Owner, Population, Receptor, SdeMethod};
pub use surrogate::{EVENT_PROP, Surrogate, SurrogateFunction, SurrogateKind};
pub use time::{Rounding, is_multiple, nearest_step, steps_of};
pub use validate::{MOST_SPIKES_OF_A_SOURCE, MOST_SPIKES_OF_A_STEP};
