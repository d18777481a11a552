//! The parts of a step that only populations of detailed cells have.

use std::sync::Arc;

use dendrion_equations::{CURRENT, Phase, Pools, SLOPE, System};
use dendrion_kernels::{LinkError, Scalar, Tree, TreeColumns, TreeInputs};
use dendrion_model::allocate::room;
use dendrion_model::{Cable, Error, OdeMethod, Role, Values};

use super::diffusion::{Diffusing, diffusing};
use super::geometry::{Geometry, Link, axial, value_of};
use super::slots::{After, Plan, Span, Trade};
use crate::build::layout::Layout;

/// What a population does in a step.
#[derive(Debug)]
pub(crate) enum Stage<T: Scalar> {
    /// Neurons run their program.
    Neurons,
    /// The cells compare V at this CV with the threshold.
    Cells { spike_at: usize },
    /// The membrane solves the tree.
    Membrane {
        tree: Tree<T>,
        /// The CV of each current input.
        injected: Vec<usize>,
        /// The CVs with current inputs on which no mechanisms are placed.
        bare: Vec<usize>,
        /// What the mechanisms on different CVs exchange.
        plan: Option<Arc<Plan>>,
    },
    /// Mechanisms contribute to the membrane.
    Placed {
        /// Rows of the current and of the conductance.
        outputs: [usize; 2],
        spans: Vec<Span>,
        after: Option<After<T>>,
        /// Whether the second input of the mechanisms is a change of V: for mechanisms that are solved together with V, the
        /// change in the solution, with V at the beginning of the step as the first input; with `pools`, the change from V at
        /// the time of the currents, which is the first input, to V at the end of the step.
        reads_change: bool,
        pools: Option<Pools>,
        /// What the mechanisms exchange with those on other CVs.
        trade: Option<Box<Trade<T>>>,
        /// The concentrations that diffuse.
        diffusing: Vec<Diffusing<T>>,
    },
}

/// The reason why a stage cannot be built.
pub(crate) enum StageError {
    Link(LinkError),
    Other(Error),
}

/// The role of a population in its group of detailed cells.
pub(crate) struct Shape<'a> {
    pub(crate) role: &'a Role,
    pub(crate) cable: Option<&'a Cable>,
    pub(crate) method: OdeMethod,
    /// The CVs into which currents are injected.
    pub(crate) injected: &'a [usize],
    /// Whether each CV has mechanisms of other populations: of all populations for the membrane, and of earlier ones for placed
    /// mechanisms.
    pub(crate) covered: &'a [bool],
    /// What the mechanisms on different CVs exchange, for the membrane.
    pub(crate) plan: Option<&'a Arc<Plan>>,
}

impl<T: Scalar> Stage<T> {
    /// Builds the stage of a population for these values of its parameters, and these initial values of its states.
    pub(crate) fn new(
        shape: &Shape<'_>,
        (system, parameters): (&System, &[Arc<Values>]),
        layout: &Layout,
        (parts, initial): (Vec<(Phase, After<T>)>, &[Values]),
    ) -> Result<Self, StageError> {
        match (shape.role, shape.cable) {
            (Role::Cells(cable), _) => Ok(Self::Cells { spike_at: cable.spike_at }),
            (Role::Membrane { .. }, Some(cable)) => {
                let tree = tree((cable, shape), (system, parameters), layout)?;
                let mut bare: Vec<usize> =
                    shape.injected.iter().copied().filter(|cv| !shape.covered[*cv]).collect();
                bare.sort_unstable();
                bare.dedup();
                let plan = shape.plan.cloned();
                Ok(Self::Membrane { tree, injected: shape.injected.to_vec(), bare, plan })
            }
            (Role::Placed { sites, .. }, _) => {
                let rows = [system.state(CURRENT), system.state(SLOPE)];
                let [Some(current), Some(slope)] = rows else {
                    let what = "its equations have no current";
                    return Err(StageError::Other(Error::structure(&system.path, what)));
                };
                let (after, trade) = trade(system, parts);
                Ok(Self::Placed {
                    outputs: [current, slope],
                    spans: spans(sites, shape.covered),
                    after,
                    reads_change: system.reads_change(),
                    pools: system.pools,
                    trade,
                    diffusing: diffusing(shape, (system, parameters), initial, layout)?,
                })
            }
            _ => Ok(Self::Neurons),
        }
    }

    /// Returns when the currents into concentrations are computed, for mechanisms that have both.
    pub(crate) const fn pools(&self) -> Option<Pools> {
        match self {
            Self::Placed { pools, .. } => *pools,
            _ => None,
        }
    }

    /// Returns the program of a part of the step other than the first.
    pub(crate) fn part(&self, phase: Phase) -> Option<&After<T>> {
        let Self::Placed { after, trade, .. } = self else { return None };
        match phase {
            Phase::Gates => after.as_ref(),
            Phase::Pools => trade.as_ref()?.pools.as_ref(),
            Phase::Exports(level) => {
                trade.as_ref()?.programs.iter().find(|(of, _)| *of == level).map(|(_, program)| program)
            }
            Phase::Whole | Phase::Currents => None,
        }
    }
}

/// Sorts the programs of mechanisms: that of the gates, and those of the exchange with other mechanisms.
fn trade<T: Scalar>(
    system: &System,
    parts: Vec<(Phase, After<T>)>,
) -> (Option<After<T>>, Option<Box<Trade<T>>>) {
    let inputs = system.imports.iter().map(|import| import.slot).collect();
    let concentrations = (0..system.states.len()).filter(|i| system.pools_apart && system.states[*i].is_pool);
    let mut trade = Trade {
        inputs,
        exports: system.exports.clone(),
        programs: Vec::new(),
        pools: None,
        concentrations: concentrations.collect(),
    };
    let mut after = None;
    for (phase, program) in parts {
        match phase {
            Phase::Exports(level) => trade.programs.push((level, program)),
            Phase::Pools => trade.pools = Some(program),
            _ => after = Some(program),
        }
    }
    let trades = !(trade.inputs.is_empty() && trade.exports.is_empty() && trade.pools.is_none());
    (after, trades.then(|| Box::new(trade)))
}

/// Divides sites into runs of consecutive CVs.
fn spans(sites: &[u32], covered: &[bool]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut covered = covered.to_vec();
    for (site, cv) in sites.iter().enumerate() {
        let cv = *cv as usize;
        // Whether a mechanism is the first on its CV can change within a run of CVs, which then is divided.
        let is_first = !std::mem::replace(&mut covered[cv], true);
        match spans.last_mut() {
            Some(last) if last.cv + last.count == cv && last.is_first == is_first => last.count += 1,
            _ => spans.push(Span { site, cv, count: 1, is_first }),
        }
    }
    spans
}

/// Builds the tree of the membrane.
fn tree<T: Scalar>(
    (cable, shape): (&Cable, &Shape<'_>),
    (system, parameters): (&System, &[Arc<Values>]),
    layout: &Layout,
) -> Result<Tree<T>, StageError> {
    let geometry = Geometry::new(cable, system, parameters);
    let (count, cells) = (cable.tree.cvs.len(), layout.size / layout.sites);
    let [c, g_l, v_rest, r_axial] =
        ["C", "gL", "V_rest", "r_axial"].map(|name| value_of(system, parameters, name));
    let dt = parameters[System::DT].get(0);
    // Crank-Nicolson is a half step of implicit Euler, whose change is applied twice (Hines 1984).
    let (dt, m) = if shape.method == OdeMethod::CrankNicolson { (dt / 2.0, 2.0) } else { (dt, 1.0) };
    let is_individual = |v: &Values, common: usize| v.as_slice().len() > common && v.uniform().is_none();
    // Cells with equal coefficients share them, which saves memory traffic in each step.
    let individual = cells > 1
        && ([&c, &g_l, &v_rest].iter().any(|v| is_individual(v, count))
            || is_individual(&r_axial, 1)
            || geometry.is_individual());
    let parent = |(node, link): (usize, &Option<Link>)| link.map_or(node, |link| link.parent);
    let parents: Vec<usize> = geometry.links.iter().enumerate().map(parent).collect();
    let count_of_cells = if individual { cells } else { 1 };
    let column = || {
        let values = room(count_of_cells * geometry.links.len());
        values.map_err(|error| StageError::Other(error.needed_by(&system.path, || "its tree".into())))
    };
    let mut columns =
        TreeColumns { capacitance: column()?, leak: column()?, reversal: column()?, axial: column()? };
    for cell in 0..count_of_cells {
        for (node, link) in geometry.links.iter().enumerate() {
            let is_cv = node < count;
            let at = cell * count + node;
            let area = if is_cv { geometry.area(cell, node) } else { 0.0 };
            let value = |v: &Values| if is_cv { v.of(at) } else { 0.0 };
            // uF/cm2 um2 = 1e-2 pF, and uS/cm2 um2 = 1e-5 nS.
            columns.capacitance.push(1e-2 * value(&c) * area / dt);
            columns.leak.push(1e-5 * value(&g_l) * area);
            columns.reversal.push(value(&v_rest));
            let conductance = |link: &Link| axial(r_axial.of(cell), geometry.resistance(cell, link));
            columns.axial.push(link.as_ref().map_or(0.0, conductance));
        }
    }
    let mut currents = shape.covered.to_vec();
    shape.injected.iter().for_each(|cv| currents[*cv] = true);
    let inputs = TreeInputs { currents: &currents, slopes: shape.covered };
    Tree::new((&parents, count), &columns, &inputs, (cells, layout.width), m).map_err(StageError::Link)
}
