//! The membrane: what an equation for V reads, with V = `V_rest` at the beginning (`library/membrane.eqs`). Noise of amplitude a (pA ms^1/2)
//! adds a/C dW to dV.

use dendrion_model::{Compartment, Error};

use super::geometry::area;
use crate::expr::Expr;
use crate::system::{Builder, Scope, State};

/// A compartment's membrane, whose currents are still being gathered.
pub(crate) struct Membrane<'g> {
    pub(crate) v: State<'g>,
    pub(crate) v_rest: Expr<'g>,
    /// Leak conductance (nS).
    pub(crate) g_l: Expr<'g>,
    /// Capacitance (pF).
    pub(crate) c: Expr<'g>,
    /// I: everything but the leak, in pA; without `in_leak`.
    current: Expr<'g>,
    /// The injected current of a compartment that is not the soma (pA).
    in_leak: Option<Expr<'g>>,
    is_complete: bool,
    /// dV/dt, once it is there.
    slope: Option<Expr<'g>>,
    /// Amplitudes of white noise currents, in pA ms^1/2.
    noises: Vec<Expr<'g>>,
}

/// The scope of a compartment.
pub(crate) fn scope(compartment: &Compartment) -> Scope<'_> {
    Scope { name: &compartment.name, kind: compartment.kind(), params: &compartment.params }
}

impl<'g> Membrane<'g> {
    /// Declares V and the constants of the membrane; `I_ext` is its first current.
    pub(crate) fn declare(b: &mut Builder<'g>, compartment: &Compartment) -> Result<Self, Error> {
        let scope = scope(compartment);
        let v_rest = b.param(&scope, "V_rest")?;
        let (mut g_l, mut c) = (b.param(&scope, "gL")?, b.param(&scope, "C")?);
        if compartment.has_geometry() {
            let area = area(b, &scope)?;
            g_l = 1e-5 * g_l * area; // uS/cm2 um2 = 1e-5 nS
            c = 1e-2 * c * area; // uF/cm2 um2 = 1e-2 pF
        }
        let i_ext = b.param(&scope, "I_ext")?;
        let (current, in_leak) = if compartment.soma { (i_ext, None) } else { (b.number(0.0), Some(i_ext)) };
        let v = b.state(&scope, "V", "mV", v_rest);
        Ok(Self { v, v_rest, g_l, c, current, in_leak, is_complete: false, slope: None, noises: Vec::new() })
    }

    /// Adds a current (pA).
    pub(crate) fn add(&mut self, current: Expr<'g>) {
        self.current = self.current + current;
    }

    /// Says that all currents were added.
    pub(crate) const fn complete(&mut self) {
        self.is_complete = true;
    }

    /// The sum of all currents, once they are there.
    pub(crate) fn completed(&self) -> Option<Expr<'g>> {
        self.is_complete.then(|| self.total())
    }

    /// The sum of all currents but those in [`Self::leak_reversal`], once they are there.
    pub(crate) fn completed_beside_leak(&self) -> Option<Expr<'g>> {
        self.is_complete.then_some(self.current)
    }

    /// The potential at which leak and injected current cancel.
    ///
    /// A passive compartment has gL (`V_rest` - V) + `I_ext` = gL (`V_rest` + `I_ext`/gL - V), and the right side costs no operation
    /// in a step, since the reversal is computed only when a parameter changes.
    pub(crate) fn leak_reversal(&self) -> Expr<'g> {
        self.in_leak.map_or(self.v_rest, |i_ext| self.v_rest + i_ext / self.g_l)
    }

    fn total(&self) -> Expr<'g> {
        self.in_leak.map_or(self.current, |i_ext| self.current + i_ext)
    }

    /// Gives V its equation; false where it has one already.
    pub(crate) fn moves_by(&mut self, slope: Expr<'g>) -> bool {
        self.slope.replace(slope).is_none()
    }

    /// Adds a white noise current of that amplitude (pA ms^1/2).
    pub(crate) fn fluctuate(&mut self, amplitude: Expr<'g>) {
        self.noises.push(amplitude);
    }

    /// Writes equation and noise, once all currents are there.
    pub(crate) fn close(self, b: &mut Builder<'g>, compartment: &Compartment) {
        if let Some(slope) = self.slope {
            b.derivative(self.v, slope);
        }
        let amplitudes: Vec<Expr<'g>> = self.noises.iter().map(|a| *a / self.c).collect();
        b.diffuse(&scope(compartment), self.v, &amplitudes);
        b.observe(&scope(compartment), "I", self.total());
    }
}
