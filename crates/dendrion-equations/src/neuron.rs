//! Collects the equations of a population.

use dendrion_language::with_stack;
use dendrion_model::{Compartment, Error, Population, Role};

use crate::exchange::Traded;
use crate::expr::Workbook;
use crate::mechanisms::membrane::{self, Membrane};
use crate::mechanisms::{axial, noise, threshold};
use crate::phase::Pools;
use crate::placed;
use crate::system::{Builder, System};
use crate::written::{Written, settle};

/// The external inputs of a population.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    /// For each current input, the compartment into which it is injected.
    pub injected: Vec<usize>,
    /// For each spike port, the receptors that it drives.
    pub received: Vec<Vec<usize>>,
    /// Whether placed mechanisms are solved together with V.
    pub is_coupled: bool,
    /// How the concentrations of placed mechanisms are advanced before the gates; `None` if they are not.
    pub pools: Option<Pools>,
    /// What placed mechanisms exchange with those on other CVs.
    pub traded: Traded,
}

/// Returns the equations of a population, which must be valid. The equations do not depend on the values of
/// parameters, but only on which parameters are specified ([`System::values`] returns the values).
///
/// # Errors
/// Returns an error if a parameter is missing or the equations are too large.
pub fn neuron(population: &Population, wiring: &Wiring) -> Result<System, Error> {
    with_stack(|| assembled(population, wiring))
}

fn assembled(population: &Population, wiring: &Wiring) -> Result<System, Error> {
    let book = Workbook::default();
    let mut b = Builder::new(&book);
    match &population.role {
        Role::Neurons => write(&mut b, population, wiring)?,
        Role::Cells(_) => placed::cells(&mut b, population)?,
        Role::Membrane { .. } => placed::membrane(&mut b, population)?,
        Role::Placed { .. } => placed::mechanisms(&mut b, population, wiring)?,
    }
    let system = b.finish(wiring.received.len());
    let mut system = System { path: population.path.clone(), graph: book.into_graph(), ..system };
    system.graph.check(&system.path)?;
    placed::start(&mut system, population);
    settle(&mut system, &population.path)?;
    if matches!(population.role, Role::Placed { .. }) {
        placed::slope(&mut system);
        if wiring.is_coupled {
            placed::couple(&mut system);
        }
        system.pools_apart = wiring.traded.pools_apart;
        system.pools = wiring.pools.filter(|_| system.states.iter().any(|s| s.is_pool));
    }
    system.graph.check(&system.path)?;
    Ok(system)
}

fn write<'g>(b: &mut Builder<'g>, population: &Population, wiring: &Wiring) -> Result<(), Error> {
    let compartments = &population.compartments;
    let mut membranes = (compartments.iter().enumerate())
        .map(|(i, c)| Membrane::declare(b, &membrane::scope(i, c), c))
        .collect::<Result<Vec<Membrane<'g>>, Error>>()?;
    for (i, coupling) in population.couplings.iter().enumerate() {
        let ends = [coupling.a, coupling.b].map(|i| membrane::scope(i, &compartments[i]));
        let g = axial::conductance(b, (i, coupling), [&ends[0], &ends[1]])?;
        let (v_a, v_b) = (membranes[coupling.a].v.value, membranes[coupling.b].v.value);
        membranes[coupling.a].add(g * (v_b - v_a));
        membranes[coupling.b].add(g * (v_a - v_b));
    }
    let mut written = Written::declare(b, population, &wiring.received)?;
    written.add_currents(b, &mut membranes)?;
    for compartment in &wiring.injected {
        let current = b.current();
        membranes[*compartment].add(current);
    }
    for (i, each) in population.noises.iter().enumerate() {
        noise::noise(b, (i, each), &mut membranes[each.on])?;
    }
    written.finish(b, &mut membranes)?;
    let soma = compartments.iter().position(|c| c.soma).unwrap_or(0);
    let v_soma = membranes[soma].v;
    close(b, compartments, membranes);
    threshold::threshold(b, population, v_soma)
}

fn close<'g>(b: &mut Builder<'g>, compartments: &[Compartment], membranes: Vec<Membrane<'g>>) {
    for ((i, compartment), membrane) in compartments.iter().enumerate().zip(membranes) {
        membrane.close(b, &membrane::scope(i, compartment));
    }
}
