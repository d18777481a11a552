//! The steps of a cluster.

use dendrion_equations::Pools;
use dendrion_kernels::{Frame, Scalar, TreeStep};
use dendrion_model::Error;

use super::contribute::{add, advance_gates, contribute};
use super::diffuse::diffuse;
use super::exchange::{advance_pools, export};
use super::members::{At, Members, One, Sources};
use super::rows::Rows;
use super::slots::{Moment, Plan, cover};
use super::stage::Stage;
use crate::refused::refused;
use crate::run::Member;
use crate::runtime::observer::ShardObserver;
use crate::runtime::population::Engine;
use crate::runtime::shard::{Fault, Shard, is_finite, record};

/// Runs all blocks of a cluster for an epoch: `steps` steps from `begin` on.
pub(crate) fn run<T: Scalar, O: ShardObserver<T>>(
    members: &mut Members<T, O>,
    sources: &Sources<'_, T>,
    begin: u64,
    steps: usize,
) -> Result<(), Error> {
    make_room(members, sources)?;
    for member in members.iter_mut() {
        member.part.recorders.iter_mut().for_each(|r| r.begin(begin, steps));
    }
    let head = &mut members[0].part;
    head.output.begin(&head.place, steps)?;
    for block in 0..head.place.blocks.len() {
        visit(members, sources, block, (begin, steps))?;
    }
    for Member { part, .. } in members.iter_mut() {
        for i in 0..steps as u64 {
            part.delivery.rings.iter_mut().for_each(|r| r.clear(begin + i));
        }
    }
    let (head, rest) = split(members);
    let mut fired = Vec::new();
    head.part.output.extract(&head.part.place, (begin, steps), |step, cell| {
        dendrion_model::allocate::push(&mut fired, (step, cell))
    })?;
    head.observer.spikes(&head.part.output.spikes)?;
    for Member { part, observer, .. } in rest {
        // Connections with plastic weights need the spikes of the cells that their targets belong to.
        let sites = part.place.sites;
        for (step, cell) in &fired {
            for site in 0..sites {
                part.delivery.plasticity.remember(cell * sites + site, *step)?;
            }
        }
        part.output.spikes.clear();
        (0..steps).for_each(|_| part.output.spikes.end_step());
        observer.spikes(&part.output.spikes)?;
    }
    Ok(())
}

fn split<T: Scalar, O>(members: &mut Members<T, O>) -> (&mut One<T, O>, &mut Members<T, O>) {
    // A cluster has at least two members: the cells and their membrane.
    let (head, rest) = members.split_at_mut(1);
    (&mut head[0], rest)
}

/// Allocates scratch memory.
fn make_room<T: Scalar, O>(members: &mut Members<T, O>, sources: &Sources<'_, T>) -> Result<(), Error> {
    let (mut lanes, mut ports, mut imports, mut diffusing) = (0, 0, 0, Vec::new());
    for Member { part, .. } in members.iter_mut() {
        let engine = &sources.engines[part.place.population];
        let observers = engine.observers.iter().map(|o| o.scratch_rows).max().unwrap_or(0);
        let scratch = observers.max(engine.scratch_rows) * part.place.lanes;
        part.states.scratch.grow(scratch).map_err(refused)?;
        lanes = lanes.max(part.place.lanes);
        ports = ports.max(part.delivery.rings.len());
        let Stage::Placed { trade, diffusing: mine, .. } = &engine.stage else { continue };
        imports = imports.max(trade.as_ref().map_or(0, |trade| trade.inputs.len()));
        diffusing.extend(mine.iter().map(|d| d.tree.work()));
    }
    let of_cells = members[0].part.place.lanes;
    let membrane = &mut members[1].part;
    let Stage::Membrane { tree, plan, .. } = &sources.engines[membrane.place.population].stage else {
        return Ok(());
    };
    let Shard { place, rows, .. } = membrane;
    let slots = plan.as_ref().map_or(0, |plan| plan.exchange.slots * place.lanes);
    rows.make_room((tree, place.width), (lanes, of_cells, ports), (slots, imports, &diffusing))
        .map_err(refused)?;
    if let Some(plan) = plan {
        cover(&mut rows.slots, plan, place);
    }
    Ok(())
}

fn visit<T: Scalar, O: ShardObserver<T>>(
    members: &mut Members<T, O>,
    sources: &Sources<'_, T>,
    block: usize,
    (begin, steps): (u64, usize),
) -> Result<(), Error> {
    inject(&mut members[1].part, sources, block, (begin, steps))?;
    for Member { part, observer, .. } in members.iter_mut() {
        let size = part.states.rows * part.place.lanes;
        part.states.before.copy_from_slice(&part.states.values[block * size..][..size]);
        observer.begin_block(begin, block, &part.states.before);
    }
    for i in 0..steps {
        step(members, sources, At { block, begin, i }, true);
    }
    let mut all = true;
    for Member { part, observer, .. } in members.iter_mut() {
        let size = part.states.rows * part.place.lanes;
        if let Some(end) = observer.end_block(begin + steps as u64, block) {
            part.states.values[block * size..][..size].copy_from_slice(end);
        }
        all &= is_finite(&part.states.values[block * size..][..size]);
    }
    if !all {
        find_fault(members, sources, block, begin, steps);
    }
    Ok(())
}

/// Computes the injected currents of a block.
pub(crate) fn inject<T: Scalar>(
    membrane: &mut Shard<T>,
    sources: &Sources<'_, T>,
    block: usize,
    (begin, steps): (u64, usize),
) -> Result<(), Error> {
    let cells = membrane.place.cells_of(block);
    for (generator, rows) in &mut membrane.inputs.currents {
        if let Some(Some(given)) = sources.given.get(*generator) {
            given.fill(rows, cells, begin, steps)?;
        } else if let Some(Some(current)) = sources.currents.get(*generator) {
            current.fill(rows, cells, begin, steps)?;
        }
    }
    Ok(())
}

/// Runs one step of one block. If `is_first` is false, the step is a repetition: it changes the shards' own states, and
/// probes do not record it again.
fn step<T: Scalar, O: ShardObserver<T>>(
    members: &mut Members<T, O>,
    sources: &Sources<'_, T>,
    at: At,
    is_first: bool,
) {
    let (head, rest) = split(members);
    let (membrane, placed) = split(rest);
    // The rows are taken out, because the members of the cluster are borrowed one by one.
    let mut rows = std::mem::take(&mut membrane.part.rows);
    let Shard { place, states, recorders, inputs, .. } = &mut membrane.part;
    let engine = &sources.engines[place.population];
    let level = engine.kernel.level();
    let Stage::Membrane { tree, injected, bare, plan } = &engine.stage else { return };
    let pools = plan.as_ref().and_then(|plan| plan.pools);
    let size = states.rows * place.lanes;
    membrane.observer.prefetch(at.step(), at.block, (0, 1));
    let seen = if is_first { membrane.observer.step(at.step(), at.block) } else { None };
    let v = match seen {
        Some((state, next)) => {
            next.copy_from_slice(state);
            next
        }
        None => &mut states.values[at.block * size..][..size],
    };
    if is_first {
        record(recorders, engine, (v, &mut states.scratch), &[], (at.begin, at.step()), (at.block, place));
    }
    let width = place.width;
    let reads_change = |m: &One<T, O>| {
        matches!(sources.engines[m.part.place.population].stage, Stage::Placed { reads_change: true, .. })
    };
    let reads_change = placed.iter().any(reads_change);
    let own_pools = placed.iter().find_map(|m| sources.engines[m.part.place.population].stage.pools());
    if let Some(plan) = plan {
        export(placed, sources, plan, (v, width), &mut rows, (at, Moment::Beginning, is_first));
    }
    let outputs = sum(placed, sources, (v, width), &mut rows, (at, is_first));
    let injections = inputs.currents.iter().zip(injected).map(|((_, input), cv)| (input.row(at.i), *cv));
    inject_into(&mut rows, outputs, injections, (bare, width));
    // The cells compare V before and after the solution.
    let Stage::Cells { spike_at } = &sources.engines[head.part.place.population].stage else { return };
    let site = spike_at * width..(spike_at + 1) * width;
    // 16 is the largest width of a block.
    let mut before = [T::default(); 16];
    before[..width].copy_from_slice(&v[site.clone()]);
    let Rows { current, slope, work, site: after, change, before: old, .. } = &mut rows;
    let (current, slope) = match outputs {
        Some([own, slope]) => (if injected.is_empty() { own } else { &**current }, slope),
        None => (&**current, &**slope),
    };
    let count = v.len();
    if reads_change || pools.is_some() {
        old[..count].copy_from_slice(v);
    }
    tree.solve(level, place.blocks.start + at.block, &mut TreeStep { v: &mut *v, current, slope, work });
    placed.iter().for_each(|member| member.observer.prefetch(at.step(), at.block, (1, 2)));
    after[..width].copy_from_slice(&v[site.clone()]);
    if reads_change || pools.is_some() {
        to_currents(own_pools.or(pools), &mut old[..count], v);
    }
    if reads_change && own_pools.is_none() {
        // The change in the solution of the tree does not include the reset.
        difference(&mut change[..count], v, &old[..count]);
    }
    threshold(head, sources, (&before[..width], after, &mut v[site]), at, is_first);
    if own_pools.is_some() {
        // Like all staggered gates, those of mechanisms with concentrations read V after the reset.
        difference(&mut change[..count], v, &old[..count]);
    }
    if let (Some(plan), Some(pools)) = (plan, pools) {
        concentrations(placed, sources, (plan, pools), (v, width), &mut rows, (at, is_first));
    }
    for member in placed.iter_mut() {
        advance_gates(member, sources, (v, width), &mut rows, at, is_first);
    }
    if !rows.diffusing.is_empty() {
        diffuse(placed, sources, &mut rows, (at, false, is_first));
    }
    membrane.part.rows = rows;
}

/// Replaces V at the beginning of a step with V at the time of the currents into concentrations.
pub(crate) fn to_currents<T: Scalar>(pools: Option<Pools>, before: &mut [T], solved: &[T]) {
    if pools == Some(Pools::Middle) {
        let half = T::from_f64(0.5);
        before.iter_mut().zip(solved).for_each(|(before, v)| *before = *before + half * (*v - *before));
    }
}

/// Computes the difference between two rows.
pub(crate) fn difference<T: Scalar>(out: &mut [T], a: &[T], b: &[T]) {
    out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = *a - *b);
}

/// Advances concentrations before the gates. `rows.before` contains the potential that enters them.
fn concentrations<T: Scalar, O: ShardObserver<T>>(
    placed: &mut Members<T, O>,
    sources: &Sources<'_, T>,
    (plan, pools): (&Plan, Pools),
    (v, width): (&[T], usize),
    rows: &mut Rows<T>,
    (at, is_first): (At, bool),
) {
    let before = std::mem::take(&mut rows.before);
    let of_currents = (&before[..v.len()], width);
    if pools == Pools::Middle {
        export(placed, sources, plan, of_currents, rows, (at, Moment::Middle, is_first));
    }
    advance_pools(placed, sources, of_currents, rows, (at, is_first));
    rows.before = before;
    if !rows.diffusing.is_empty() {
        diffuse(placed, sources, rows, (at, true, is_first));
    }
    export(placed, sources, plan, (v, width), rows, (at, Moment::End, is_first));
}

/// Computes the sums of the currents and conductances of placed mechanisms. If one population of mechanisms covers all CVs, its
/// own rows are the sums, and are returned.
fn sum<'m, T: Scalar, O: ShardObserver<T>>(
    placed: &'m mut Members<T, O>,
    sources: &Sources<'_, T>,
    (v, width): (&[T], usize),
    rows: &mut Rows<T>,
    (at, is_first): (At, bool),
) -> Option<[&'m [T]; 2]> {
    let is_lone = placed.len() == 1;
    for member in placed {
        let Stage::Placed { spans, .. } = &sources.engines[member.part.place.population].stage else {
            continue;
        };
        let outputs = contribute(member, sources, (v, width), rows, at, is_first)?;
        if is_lone
            && matches!(spans[..], [span] if span.site == 0 && span.cv == 0)
            && outputs[0].len() >= v.len()
        {
            return Some(outputs);
        }
        add(rows, outputs, (spans, width));
    }
    None
}

/// Adds injected currents to the sums. `bare` are CVs with injected currents and without mechanisms.
fn inject_into<'i, T: Scalar>(
    rows: &mut Rows<T>,
    outputs: Option<[&[T]; 2]>,
    injections: impl ExactSizeIterator<Item = (&'i [T], usize)>,
    (bare, width): (&[usize], usize),
) {
    if let (Some([own, _]), true) = (outputs, injections.len() > 0) {
        let size = rows.current.len().min(own.len());
        rows.current[..size].copy_from_slice(&own[..size]);
    }
    for cv in bare {
        rows.current[cv * width..][..width].fill(T::default());
    }
    for (input, cv) in injections {
        let sums = &mut rows.current[cv * width..][..width];
        for (sum, value) in sums.iter_mut().zip(input) {
            *sum = *sum + *value;
        }
    }
}

/// Runs the program of the cells, which compares V with the threshold, and resets V.
fn threshold<T: Scalar, O: ShardObserver<T>>(
    Member { part, observer, .. }: &mut One<T, O>,
    sources: &Sources<'_, T>,
    (before, after, v): (&[T], &[T], &mut [T]),
    at: At,
    is_first: bool,
) {
    let Shard { place, states, recorders, output, .. } = part;
    let engine = &sources.engines[place.population];
    let (lanes, size) = (place.lanes, states.rows * place.lanes);
    observer.prefetch(at.step(), at.block, (0, 1));
    let seen = if is_first { observer.step(at.step(), at.block) } else { None };
    let (state, next) = match seen {
        Some((state, next)) => (state, Some(next)),
        None => (&mut states.values[at.block * size..][..size], None),
    };
    // Row 0 is V. Users may have set V since the last step.
    state[..before.len()].copy_from_slice(before);
    let inputs = [&after[..lanes]];
    if is_first {
        record(
            recorders,
            engine,
            (state, &mut states.scratch),
            &inputs,
            (at.begin, at.step()),
            (at.block, place),
        );
    }
    let scratch = &mut states.scratch[..engine.scratch_rows * lanes];
    let block = Engine::block_of(&engine.coefs, place.blocks.start + at.block);
    let (coefs, fired) = (&engine.coefs, output.words(place, at.i, at.block));
    let inputs = &inputs[..];
    let result = if let Some(next) = next {
        let frame = Frame { state: &mut *next, scratch, coefs, block, inputs, fired };
        engine.kernel.advance(frame, state);
        next
    } else {
        engine.kernel.run(Frame { state: &mut *state, scratch, coefs, block, inputs, fired });
        state
    };
    v.copy_from_slice(&result[..v.len()]);
}

/// Repeats a visit from its beginning, to find the step, the population and the member whose result is not finite.
fn find_fault<T: Scalar, O: ShardObserver<T>>(
    members: &mut Members<T, O>,
    sources: &Sources<'_, T>,
    block: usize,
    begin: u64,
    steps: usize,
) {
    for Member { part, .. } in members.iter_mut() {
        let size = part.states.rows * part.place.lanes;
        let Shard { states, .. } = part;
        states.values[block * size..][..size].copy_from_slice(&states.before);
    }
    for i in 0..steps {
        step(members, sources, At { block, begin, i }, false);
        for Member { part, .. } in members.iter_mut() {
            let (lanes, size) = (part.place.lanes, part.states.rows * part.place.lanes);
            let values = &part.states.values[block * size..][..size];
            let internal = &sources.engines[part.place.population].internal;
            let is_fault = |at: &usize| !values[*at].is_finite() && !internal.contains(&(at / lanes));
            if let Some(at) = (0..size).find(is_fault) {
                let neuron = part.place.neurons.start + part.place.neuron_of(block, at % lanes);
                let (step, population) = (begin + i as u64, part.place.population);
                let fault = Fault { step, population, neuron, state: at / lanes };
                part.fault = Some(part.fault.map_or(fault, |f| f.min(fault)));
                return;
            }
        }
    }
}
