//! Gates of receptors: what an arriving spike opens, and how it closes.
//!
//! Decay only: x = s, ds/dt = -`s/t_decay`. Rise and decay: dx/dt = -`x/t_decay` + s/(1 ms), ds/dt = -`s/t_rise`. An
//! arriving spike adds its weight to s. With `scale_g` the conductance is divided by the peak p that x reaches after
//! one unit spike in continuous time.

use dendrion_model::{Error, Receptor};

use crate::expr::Expr;
use crate::system::{Builder, Scope};

/// A receptor's gate and the conductance behind it.
pub(crate) struct Gate<'g> {
    /// Open fraction times the sum of weights.
    pub(crate) x: Expr<'g>,
    /// g w, divided by the peak where `scale_g` (nS).
    pub(crate) g: Expr<'g>,
}

/// The scope of a receptor.
pub(crate) fn scope(receptor: &Receptor) -> Scope<'_> {
    Scope { name: &receptor.name, kind: receptor.kind, params: &receptor.params }
}

/// Declares the gate's states and equations; spikes arrive through `ports`.
pub(crate) fn gate<'g>(b: &mut Builder<'g>, receptor: &Receptor, ports: &[usize]) -> Result<Gate<'g>, Error> {
    let scope = scope(receptor);
    let mut g = b.param(&scope, "g")? * b.param(&scope, "w")?;
    let t_decay = b.param(&scope, "t_decay")?;
    let zero = b.number(0.0);
    let s = b.state(&scope, "s", "", zero);
    b.decays(s);
    ports.iter().for_each(|port| b.receive(s, *port));
    if !receptor.rises() {
        b.derivative(s, -s.value / t_decay);
        b.observe(&scope, "x", s.value);
        return Ok(Gate { x: s.value, g });
    }
    let t_rise = b.param(&scope, "t_rise")?;
    let x = b.state(&scope, "x", "", zero);
    b.decays(x);
    b.derivative(x, -x.value / t_decay + s.value);
    b.derivative(s, -s.value / t_rise);
    if receptor.scale_g {
        g = g / peak(b, t_rise, t_decay);
    }
    Ok(Gate { x: x.value, g })
}

/// p = `t_r` exp(-log1p(d)/d) / (1 ms), d = (`t_d` - `t_r)/t_r`: the peak of x after one unit spike. At d = 0 the
/// quotient's limit is 1; near it the series is used, whose derivative does not cancel either.
fn peak<'g>(b: &Builder<'g>, t_rise: Expr<'g>, t_decay: Expr<'g>) -> Expr<'g> {
    let d = (t_decay - t_rise) / t_rise;
    let near = d.abs().at_most(1e-3);
    let d_away = near.choose(b.number(1.0), d);
    let series = 1.0 - d * (1.0 / 2.0 - d * (1.0 / 3.0 - d * (1.0 / 4.0 - d * (1.0 / 5.0 - d / 6.0))));
    t_rise * (-near.choose(series, d_away.ln_1p() / d_away)).exp()
}
