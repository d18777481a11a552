//! Speed of single operations and of the step of a whole neuron.
#![allow(missing_docs)] // The macro generates undocumented functions.

mod neuron;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use dendrion_kernels::{Coefficients, Column, Frame, Instruction, Kernel, Level, Op, Program, Scalar, Slot};
use std::time::Duration;

/// Steps per measurement, as in an epoch of a simulation.
const STEPS: u64 = 15;

/// Runs a program on one block that fits into the L1 cache.
fn time<T: Scalar>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: String,
    program: &Program,
    columns: &[Column],
    start: &[f64],
    (lanes, compiled): (usize, bool),
) {
    let (Ok(coefs), inputs) = (Coefficients::<T>::new(columns, lanes, 1), vec![&[] as &[T]; program.inputs])
    else {
        return;
    };
    let Ok(kernel) = Kernel::link(program, &coefs, lanes, Level::best()) else { return };
    let kernel = if compiled { kernel.compiled() } else { kernel };
    let mut state: Vec<T> = start.iter().flat_map(|v| vec![T::from_f64(*v); lanes]).collect();
    let mut scratch = vec![T::default(); program.scratch_rows * lanes];
    let mut fired = vec![0; lanes.div_ceil(64)];
    group.bench_function(name, |b| {
        b.iter(|| {
            for _ in 0..STEPS {
                kernel.run(Frame {
                    state: &mut state,
                    scratch: &mut scratch,
                    coefs: &coefs,
                    block: 0,
                    inputs: &inputs,
                    fired: &mut fired,
                });
            }
        });
    });
}

/// Measures each operation in its own program, with a uniform coefficient as its first argument.
fn operations(c: &mut Criterion) {
    let mut group = c.benchmark_group("operation");
    let ops = [Op::Add, Op::FmaDiff, Op::Fma2, Op::GatedDiff, Op::Mul2Flush, Op::Exp, Op::SigmoidGatedDiff];
    for op in ops {
        // The arguments for which solvers use coefficients.
        let uniform = |k: usize| match op {
            Op::SigmoidGatedDiff => [0, 2, 4, 5, 7].contains(&k),
            Op::FmaDiff => k < 2,
            Op::Fma2 | Op::GatedDiff | Op::Mul2Flush => k == 0 || k == 2,
            _ => false,
        };
        let slot = |k: usize| if uniform(k) { Slot::Coef(0) } else { Slot::State(k as u16 % 3) };
        let args = (0..op.arity()).map(slot).collect();
        let program = Program {
            code: vec![Instruction { op, out: Slot::State(3), args }],
            state_rows: 4,
            coefs: 1,
            ..Program::default()
        };
        let (columns, start) = ([Column::Uniform(0.5)], [0.1, 0.2, 0.3, 0.0]);
        group.throughput(Throughput::Elements(STEPS * 128));
        time::<f64>(&mut group, format!("{op:?}/float64"), &program, &columns, &start, (128, false));
        group.throughput(Throughput::Elements(STEPS * 256));
        time::<f32>(&mut group, format!("{op:?}/float32"), &program, &columns, &start, (256, false));
    }
    group.finish();
}

/// Measures the neuron of W1; elements are compartment-steps.
fn neurons(c: &mut Criterion) {
    let mut group = c.benchmark_group("w1");
    let (program, columns, start) = (neuron::program(), neuron::columns(), neuron::start());
    for lanes in [64, 128, 256] {
        group.throughput(Throughput::Elements(STEPS * 4 * lanes as u64));
        for (name, compiled) in [("interpreted", false), ("compiled", true)] {
            let shape = (lanes, compiled);
            time::<f64>(&mut group, format!("{name}/float64/{lanes}"), &program, &columns, &start, shape);
            time::<f32>(&mut group, format!("{name}/float32/{lanes}"), &program, &columns, &start, shape);
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = operations, neurons
}
criterion_main!(benches);
