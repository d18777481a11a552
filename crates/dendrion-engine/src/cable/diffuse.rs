//! The diffusion of ions in a step (see [`super::diffusion`]).

use dendrion_kernels::{Scalar, TreeStep};

use super::members::{At, One, Sources};
use super::rows::Rows;
use super::stage::Stage;
use crate::run::Member;
use crate::runtime::observer::ShardObserver;
use crate::runtime::shard::Shard;

/// Lets concentrations diffuse: those that are advanced before the gates, or all others.
pub(super) fn diffuse<T: Scalar, O: ShardObserver<T>>(
    placed: &mut [One<T, O>],
    sources: &Sources<'_, T>,
    rows: &mut Rows<T>,
    (at, is_early, is_first): (At, bool, bool),
) {
    // Without inputs, the solver does not read currents and conductances.
    let Rows { current, slope, diffusing: work, .. } = rows;
    let mut work = work.iter_mut();
    for Member { part, observer, .. } in placed {
        let Shard { place, states, .. } = part;
        let engine = &sources.engines[place.population];
        let Stage::Placed { diffusing, .. } = &engine.stage else { continue };
        // Each concentration has its own work, whether it diffuses now or at another time of the step.
        let mine = diffusing.iter().zip(&mut work).filter(|(d, _)| d.is_early == is_early);
        for (d, work) in mine {
            let (lanes, size) = (place.lanes, states.rows * place.lanes);
            let state = match if is_first { observer.step(at.step(), at.block) } else { None } {
                Some((_, next)) => next,
                None => &mut states.values[at.block * size..][..size],
            };
            state.copy_within(d.row * lanes..(d.row + 1) * lanes, d.before * lanes);
            let v = &mut state[d.row * lanes..][..lanes];
            let mut frame = TreeStep { v: &mut *v, current, slope, work };
            d.tree.solve(engine.kernel.level(), place.blocks.start + at.block, &mut frame);
            // Lanes without a member repeat a member.
            let used = place.sites * place.width;
            let last = v[used - 1];
            v[used..].fill(last);
        }
    }
}
