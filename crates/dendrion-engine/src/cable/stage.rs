//! The parts of a step that only populations of detailed cells have.

use std::sync::Arc;

use dendrion_equations::{CURRENT, Phase, SLOPE, System};
use dendrion_kernels::{LinkError, Scalar, Tree, TreeColumns, TreeInputs};
use dendrion_model::{Cable, Error, OdeMethod, Owner, Role, Values};

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
        /// Whether the second input of the mechanisms is the change of V. The second part of their step then reads V at
        /// the beginning of the step.
        reads_change: bool,
        /// What the mechanisms exchange with those on other CVs.
        trade: Option<Box<Trade<T>>>,
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
    /// Builds the stage of a population for these values of its parameters.
    pub(crate) fn new(
        shape: &Shape<'_>,
        (system, parameters): (&System, &[Arc<Values>]),
        layout: &Layout,
        parts: Vec<(Phase, After<T>)>,
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
                    trade,
                })
            }
            _ => Ok(Self::Neurons),
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
        let is_first = !std::mem::replace(&mut covered[cv], true);
        match spans.last_mut() {
            Some(last) if last.cv + last.count == cv && last.is_first == is_first => last.count += 1,
            _ => spans.push(Span { site, cv, count: 1, is_first }),
        }
    }
    spans
}

/// Returns the index of each node in the engine: CVs come first, in their order, and junctions follow.
pub(crate) fn node_order(cable: &Cable) -> Vec<usize> {
    let mut junctions = cable.tree.cvs.len();
    let place = |node: &dendrion_morphology::Node| {
        node.cv.unwrap_or_else(|| {
            junctions += 1;
            junctions - 1
        })
    };
    cable.tree.nodes.iter().map(place).collect()
}

/// Returns the axial conductance (nS) for an axial resistivity (ohm cm) and an integral of 1/(pi r^2) (1/um): 1/R, where
/// ohm cm / um is 10 kohm.
pub(crate) fn axial(r_axial: f64, resistance: f64) -> f64 {
    1e5 / (r_axial * resistance)
}

/// Builds the tree of the membrane.
fn tree<T: Scalar>(
    (cable, shape): (&Cable, &Shape<'_>),
    (system, parameters): (&System, &[Arc<Values>]),
    layout: &Layout,
) -> Result<Tree<T>, StageError> {
    let cvs = &cable.tree.cvs;
    let (count, cells) = (cvs.len(), layout.size / layout.sites);
    let of = |name: &str| {
        let number = system.parameters.number(Owner::Compartment(0), name);
        number.and_then(|i| parameters.get(i)).cloned().unwrap_or_else(|| Arc::new(Values::Scalar(f64::NAN)))
    };
    let [c, g_l, v_rest, r_axial] = ["C", "gL", "V_rest", "r_axial"].map(of);
    let [length, diameter, factor] = ["length", "diameter", "area_factor"].map(of);
    let dt = parameters[System::DT].get(0);
    let (dt, m) = if shape.method == OdeMethod::CrankNicolson { (dt / 2.0, 2.0) } else { (dt, 1.0) };
    let is_individual = |v: &Values, common: usize| v.as_slice().len() > common && v.uniform().is_none();
    let individual = cells > 1
        && ([&c, &g_l, &v_rest].iter().any(|v| is_individual(v, count)) || is_individual(&r_axial, 1));
    let order = node_order(cable);
    let nodes = order.len();
    let mut parents: Vec<usize> = (0..nodes).collect();
    let mut resistances = vec![f64::INFINITY; nodes];
    for (node, at) in cable.tree.nodes.iter().zip(&order) {
        if let Some(parent) = node.parent {
            (parents[*at], resistances[*at]) = (order[parent], node.resistance);
        }
    }
    let mut columns = TreeColumns { capacitance: vec![], leak: vec![], reversal: vec![], axial: vec![] };
    for cell in 0..if individual { cells } else { 1 } {
        for (node, resistance) in resistances.iter().enumerate() {
            let is_cv = node < count;
            let at = cell * count + node;
            let area = if is_cv {
                std::f64::consts::PI * length.of(node) * diameter.of(node) * factor.of(0)
            } else {
                0.0
            };
            let value = |v: &Values| if is_cv { v.of(at) } else { 0.0 };
            // uF/cm2 um2 = 1e-2 pF, and uS/cm2 um2 = 1e-5 nS.
            columns.capacitance.push(1e-2 * value(&c) * area / dt);
            columns.leak.push(1e-5 * value(&g_l) * area);
            columns.reversal.push(value(&v_rest));
            let is_root = parents[node] == node;
            columns.axial.push(if is_root { 0.0 } else { axial(r_axial.of(cell), *resistance) });
        }
    }
    let mut currents = shape.covered.to_vec();
    shape.injected.iter().for_each(|cv| currents[*cv] = true);
    let inputs = TreeInputs { currents: &currents, slopes: shape.covered };
    Tree::new((&parents, count), &columns, &inputs, (cells, layout.width), m).map_err(StageError::Link)
}
