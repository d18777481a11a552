//! Builds a network with an accepted mechanism and runs two steps.

use dendrion_engine::Simulation;
use dendrion_language::Definition;
use dendrion_model::{Error, Network, OdeMethod, Population};

use crate::random::Random;
use crate::reader::{ACCEPTED, Outcome};

const METHODS: [OdeMethod; 4] =
    [OdeMethod::Euler, OdeMethod::ExpEuler, OdeMethod::ImplicitEuler, OdeMethod::Rk4];

/// Returns the outcome of building a network with the mechanism of a text and running two steps.
pub(crate) fn built(text: &str, definition: &Definition, random: &mut Random) -> Result<Outcome, String> {
    let mut network = Network::new(0.1);
    network.threads = Some(1);
    let mut cells = Population::new("cells", 2, [("V_th", -50.0), ("V_reset", -60.0)]);
    cells.method = METHODS[random.below(METHODS.len())];
    let membrane = [("gL", 30.0), ("C", 1.0), ("V_rest", -65.0), ("length", 100.0), ("diameter", 2.0)];
    let soma = cells.soma("soma", membrane);
    if definition.arrivals.is_empty() {
        cells.mechanism("part", soma, text, []);
    } else {
        cells.written_receptor("part", soma, text, []);
    }
    network.populations.push(cells);
    let outcome = Simulation::new(network).and_then(|mut simulation| simulation.advance(2));
    match outcome {
        Ok(()) => Ok(ACCEPTED),
        // Concentrations diffuse only in detailed cells, and this neuron is not one.
        Err(Error::Text { .. }) if !definition.diffuses.is_empty() => Ok("accepted, diffuses"),
        Err(Error::Text { message, .. }) => {
            Err(format!("the same text was accepted earlier and is now rejected: {message}"))
        }
        Err(error) => Ok(refusal(&error)),
    }
}

/// Returns the outcome of an accepted text whose network is rejected.
fn refusal(error: &Error) -> Outcome {
    match error {
        Error::Divergence { .. } => "accepted, DivergenceError",
        Error::Structure { .. } => "accepted, StructureError",
        Error::Parameter { .. } => "accepted, ParameterError",
        _ => "accepted, another error",
    }
}
