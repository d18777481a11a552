//! Detailed cells: the systems of their populations.
//!
//! A step of a group of detailed cells consists of stages:
//!
//! ```text
//! mechanisms   read V of their CVs; write the current I(V) into the CV and the conductance -dI/dV
//! sum          currents and conductances of the mechanisms of each CV, in a fixed order
//! solve        the tree of CVs, for V one step later
//! cells        the threshold, which reads V at one CV before and after the solve
//! ```
//!
//! Mechanisms on the same set of CVs form one system, whose only input is V. The current and the conductance are internal
//! states of this system, so the step of a system and its reverse need no special cases. The gates of a system are
//! integrated with V held constant, unless they are solved together with V (`couple`). In a step without staggering,
//! currents and gates are computed together, both from V and the gates at the beginning of the step. With staggering,
//! the currents are computed before the solve ([`Phase::Currents`]) and the gates are advanced after it, with the new V
//! ([`Phase::Gates`]), as in NEURON (Hines 1984, Int J Bio-Med Comput 15:69).

use std::collections::HashMap;

use dendrion_model::{Error, Owner, Population};

use crate::expr::Expr;
use crate::graph::Node;
use crate::mechanisms::geometry;
use crate::mechanisms::membrane::{self, Membrane};
use crate::mechanisms::threshold;
use crate::passes::derivative::derivative;
use crate::passes::substitute::Substitution;
use crate::phase::{CURRENT, Phase, SLOPE};
use crate::system::{Builder, Rule, Scope, System};
use crate::written::Written;

impl System {
    /// Returns the system of a part of the step. States that do not belong to this part keep their values.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> Self {
        let mut system = self.clone();
        if phase == Phase::Whole {
            return system;
        }
        if system.coupled.is_some() {
            system.coupled = Some(phase);
        }
        for i in 0..system.states.len() {
            let is_of_currents = system.states[i].is_internal;
            if system.coupled == Some(Phase::Currents) {
                system.states[i].decays = false;
            }
            if system.coupled.is_none() && is_of_currents != (phase == Phase::Currents) {
                let own = system.graph.intern(Node::State(i as u32));
                (system.states[i].rule, system.states[i].decays) = (Rule::Update(own), false);
            }
        }
        if phase == Phase::Currents {
            system.pools = None;
            system.receives.clear();
            system.reactions.clear();
            system.diffusions.clear();
        }
        system
    }
}

/// Writes the threshold of detailed cells. The input is V at the CV of the threshold after the solve; the internal state V
/// has its value before the solve, and after the step the value after a reset.
pub(crate) fn cells(b: &mut Builder<'_>, population: &Population) -> Result<(), Error> {
    let after = b.current();
    let v = b.internal("(V)", "mV", after);
    // A gradient needs V after the solve and before the reset.
    b.internal("(solved)", "mV", after);
    threshold::threshold(b, population, v)
}

/// Writes the potential of the CVs, which the solve of the tree advances.
pub(crate) fn membrane(b: &mut Builder<'_>, population: &Population) -> Result<(), Error> {
    let scope = scope(population)?;
    let v_rest = b.param(&scope, "V_rest")?;
    let initial = if scope.params.has("V_init") { b.param(&scope, "V_init")? } else { v_rest };
    for name in ["gL", "C", "r_axial", "length", "diameter", "area_factor"] {
        b.param(&scope, name)?;
    }
    b.state(&scope, "V", "mV", initial);
    Ok(())
}

/// Writes mechanisms that are placed on the same CVs.
pub(crate) fn mechanisms(
    b: &mut Builder<'_>,
    population: &Population,
    wiring: &crate::neuron::Wiring,
) -> Result<(), Error> {
    let v = b.current();
    let scope = scope(population)?;
    let (v_rest, g_l, c) =
        (b.inherited(&scope, "V_rest")?, b.inherited(&scope, "gL")?, b.inherited(&scope, "C")?);
    for name in ["V_init", "length", "diameter"] {
        b.inherited(&scope, name)?;
    }
    let area = geometry::area(b, &scope)?;
    // Specific values of the membrane: uS/cm2 um2 = 1e-5 nS, uF/cm2 um2 = 1e-2 pF.
    let (g_l, c) = (1e-5 * g_l * area, 1e-2 * c * area);
    let zero = b.number(0.0);
    let mut membranes = [Membrane::of_cvs(v, v_rest, g_l, c, zero)];
    let mut written = Written::declare(b, population, &wiring.received)?;
    if wiring.is_coupled || (wiring.pools.is_some() && b.has_pools()) {
        // The change of V in the step.
        b.current();
    }
    written.add_currents(b, &mut membranes)?;
    written.finish(b, &mut membranes)?;
    let current = membranes[0].added();
    b.internal(CURRENT, "pA", current);
    b.internal(SLOPE, "nS", zero);
    Ok(())
}

fn scope(population: &Population) -> Result<Scope<'_>, Error> {
    let missing = || Error::structure(&population.path, "detailed cells need a description of their CVs");
    Ok(membrane::scope(0, population.compartments.first().ok_or_else(missing)?))
}

/// Marks a system as solved together with V.
pub(crate) fn couple(system: &mut System) {
    system.coupled = Some(Phase::Currents);
}

/// Replaces V in the initial values of placed mechanisms with the initial V.
pub(crate) fn start(system: &mut System, population: &Population) {
    let number = system.parameters.number(Owner::Compartment(0), "V_init");
    let (true, Some(number)) = (population.role.cells().is_some(), number) else { return };
    let v = system.graph.intern(Node::Input(0));
    let initial = system.graph.intern(Node::Param(number as u32));
    let mut substitution = Substitution::new(HashMap::from([(v, initial)]));
    for state in &mut system.states {
        state.initial = substitution.apply(&mut system.graph, state.initial);
    }
}

/// Sets the conductance to the negative derivative of the current with respect to V.
pub(crate) fn slope(system: &mut System) {
    let (Some(current), Some(slope)) = (system.state(CURRENT), system.state(SLOPE)) else { return };
    let Rule::Update(value) = system.states[current].rule else { return };
    let v = system.graph.intern(Node::Input(0));
    let d = derivative(&mut system.graph, value, v);
    let negative = system.graph.neg(d);
    system.states[slope].rule = Rule::Update(negative);
}

impl<'g> Builder<'g> {
    /// Returns a parameter whose value is that of the membrane at the sites of the mechanisms.
    fn inherited(&mut self, scope: &Scope<'_>, name: &str) -> Result<Expr<'g>, Error> {
        let spec = scope.kind.parameter(scope.name, name)?;
        let default = spec.default.or(Some(0.0));
        Ok(self.declared(scope, (spec.name.into(), spec.unit.into(), spec.domain), default))
    }
}
