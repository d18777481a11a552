//! The membrane: C dV/dt = gL (`V_rest` - V) + I, with V = `V_rest` at the beginning. Noise of amplitude a (pA ms^1/2)
//! adds a/C dW to dV.

use dendrion_model::{Compartment, Error};

use super::geometry::area;
use crate::expr::Expr;
use crate::system::{Builder, Scope, State};

/// A compartment's membrane, whose currents are still being gathered.
pub(crate) struct Membrane<'g> {
    pub(crate) v: State<'g>,
    v_rest: Expr<'g>,
    g_l: Expr<'g>,
    c: Expr<'g>,
    /// I: everything but the leak, in pA.
    current: Expr<'g>,
    /// Amplitudes of white noise currents, in pA ms^1/2.
    noises: Vec<Expr<'g>>,
}

/// The scope of a compartment.
pub(crate) fn scope(compartment: &Compartment) -> Scope<'_> {
    Scope { name: &compartment.name, kind: compartment.kind(), params: &compartment.params }
}

impl<'g> Membrane<'g> {
    /// Declares V and the constants of the membrane; a soma's `I_ext` is its first current.
    pub(crate) fn declare(b: &mut Builder<'g>, compartment: &Compartment) -> Result<Self, Error> {
        let scope = scope(compartment);
        let v_rest = b.param(&scope, "V_rest")?;
        let (mut g_l, mut c) = (b.param(&scope, "gL")?, b.param(&scope, "C")?);
        if compartment.has_geometry() {
            let area = area(b, &scope)?;
            g_l = 1e-5 * g_l * area; // uS/cm2 um2 = 1e-5 nS
            c = 1e-2 * c * area; // uF/cm2 um2 = 1e-2 pF
        }
        let current = if compartment.soma { b.param(&scope, "I_ext")? } else { b.number(0.0) };
        let v = b.state(&scope, "V", "mV", v_rest);
        Ok(Self { v, v_rest, g_l, c, current, noises: Vec::new() })
    }

    /// Adds a current (pA).
    pub(crate) fn add(&mut self, current: Expr<'g>) {
        self.current = self.current + current;
    }

    /// Adds a white noise current of that amplitude (pA ms^1/2).
    pub(crate) fn fluctuate(&mut self, amplitude: Expr<'g>) {
        self.noises.push(amplitude);
    }

    /// Writes the equation, once all currents are there.
    pub(crate) fn close(self, b: &mut Builder<'g>, compartment: &Compartment) {
        let v = self.v.value;
        b.derivative(self.v, (self.g_l * (self.v_rest - v) + self.current) / self.c);
        let amplitudes: Vec<Expr<'g>> = self.noises.iter().map(|a| *a / self.c).collect();
        b.diffuse(&scope(compartment), self.v, &amplitudes);
        b.observe(&scope(compartment), "I", self.current);
    }
}
