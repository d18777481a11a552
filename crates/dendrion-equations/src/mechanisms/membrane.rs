//! The membrane of a compartment: the quantities that an equation for V reads, and the initial value V =
//! `V_rest` (`library/membrane.eqs`). A noise current with amplitude a (pA ms^1/2) adds a/C dW to dV.

use dendrion_model::{Compartment, Error, Owner};

use super::geometry::area;
use crate::expr::Expr;
use crate::system::{Builder, Scope, State};

/// A compartment's membrane while its currents are being collected.
pub(crate) struct Membrane<'g> {
    pub(crate) v: State<'g>,
    pub(crate) v_rest: Expr<'g>,
    /// Leak conductance (nS).
    pub(crate) g_l: Expr<'g>,
    /// Capacitance (pF).
    pub(crate) c: Expr<'g>,
    /// I, the sum (in pA) of all currents except the leak and `in_leak`.
    current: Expr<'g>,
    /// The injected current `I_ext` of a compartment other than the soma (pA).
    in_leak: Option<Expr<'g>>,
    is_complete: bool,
    /// dV/dt, once it has been set.
    slope: Option<Expr<'g>>,
    /// Amplitudes of white noise currents, in pA ms^1/2.
    noises: Vec<Expr<'g>>,
}

/// Returns the scope of the compartment with index `i`.
pub(crate) fn scope(i: usize, compartment: &Compartment) -> Scope<'_> {
    let (kind, owner) = (compartment.kind(), Owner::Compartment(i));
    Scope { name: &compartment.name, kind, owner, params: &compartment.params }
}

impl<'g> Membrane<'g> {
    /// Declares V and the constants of the membrane. `I_ext` is the first current.
    pub(crate) fn declare(
        b: &mut Builder<'g>,
        scope: &Scope<'_>,
        compartment: &Compartment,
    ) -> Result<Self, Error> {
        let v_rest = b.param(scope, "V_rest")?;
        let (mut g_l, mut c) = (b.param(scope, "gL")?, b.param(scope, "C")?);
        if compartment.has_geometry() {
            let area = area(b, scope)?;
            g_l = 1e-5 * g_l * area; // uS/cm2 um2 = 1e-5 nS
            c = 1e-2 * c * area; // uF/cm2 um2 = 1e-2 pF
        }
        let i_ext = b.param(scope, "I_ext")?;
        let (current, in_leak) = if compartment.soma { (i_ext, None) } else { (b.number(0.0), Some(i_ext)) };
        let v = b.state(scope, "V", "mV", v_rest);
        Ok(Self { v, v_rest, g_l, c, current, in_leak, is_complete: false, slope: None, noises: Vec::new() })
    }

    /// Creates the membrane of the CVs on which mechanisms are placed. Its equation for V is not part of the
    /// mechanisms' system.
    pub(crate) fn of_cvs(v: Expr<'g>, v_rest: Expr<'g>, g_l: Expr<'g>, c: Expr<'g>, zero: Expr<'g>) -> Self {
        let v = State { index: usize::MAX, value: v };
        let noises = Vec::new();
        Self { v, v_rest, g_l, c, current: zero, in_leak: None, is_complete: false, slope: None, noises }
    }

    /// Returns the sum of the currents that were added (pA).
    pub(crate) const fn added(&self) -> Expr<'g> {
        self.current
    }

    /// Adds a current (pA).
    pub(crate) fn add(&mut self, current: Expr<'g>) {
        self.current = self.current + current;
    }

    /// Marks the sum of currents as complete.
    pub(crate) const fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Returns the sum of all currents, or `None` if it is not complete yet.
    pub(crate) fn completed(&self) -> Option<Expr<'g>> {
        self.is_complete.then(|| self.total())
    }

    /// Returns the sum of all currents except those included in [`Self::leak_reversal`], or `None` if it is not
    /// complete yet.
    pub(crate) fn completed_without_leak(&self) -> Option<Expr<'g>> {
        self.is_complete.then_some(self.current)
    }

    /// Returns the potential at which the leak and the injected current cancel.
    ///
    /// A passive compartment has gL (`V_rest` - V) + `I_ext` = gL (`V_rest` + `I_ext`/gL - V). The right-hand side
    /// saves an operation per step, because the reversal potential is computed only when a parameter changes.
    pub(crate) fn leak_reversal(&self) -> Expr<'g> {
        self.in_leak.map_or(self.v_rest, |i_ext| self.v_rest + i_ext / self.g_l)
    }

    fn total(&self) -> Expr<'g> {
        self.in_leak.map_or(self.current, |i_ext| self.current + i_ext)
    }

    /// Sets the equation for V. Returns false if it is already set.
    pub(crate) fn moves_by(&mut self, slope: Expr<'g>) -> bool {
        self.slope.replace(slope).is_none()
    }

    /// Adds a white-noise current with this amplitude (pA ms^1/2).
    pub(crate) fn fluctuate(&mut self, amplitude: Expr<'g>) {
        self.noises.push(amplitude);
    }

    /// Writes the equation for V and the noise, after all currents have been added.
    pub(crate) fn close(self, b: &mut Builder<'g>, scope: &Scope<'_>) {
        if let Some(slope) = self.slope {
            b.derivative(self.v, slope);
        }
        let amplitudes: Vec<Expr<'g>> = self.noises.iter().map(|a| *a / self.c).collect();
        b.diffuse(scope, self.v, &amplitudes);
        b.observe(scope, "I", self.total());
    }
}
