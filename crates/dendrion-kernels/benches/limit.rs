//! Compares the step of W1's neuron with the same arithmetic fused by hand, to show how close a program comes to
//! the limit of the machine.
//!
//! For each type, prints the speed of both and their ratio as medians of many short runs. Runs of the two
//! alternate, so that disturbances of the machine affect both equally.

#[cfg(target_arch = "x86_64")]
mod hand;
mod neuron;

use std::hint::black_box;
use std::time::Instant;

use dendrion_kernels::{Coefficients, Frame, Kernel, Level, Scalar};

/// Steps per visit, as in an epoch of a simulation.
const STEPS: usize = 15;
/// Visits per run.
const VISITS: usize = 40;
const TURNS: usize = 400;

type Hand<T> = unsafe fn(&[T], &mut [T], usize) -> bool;

/// Returns the median time of a step in seconds for the program and for the manual loop, and the median ratio of
/// their runs.
fn compare<T: Scalar>(lanes: usize, hand: Hand<T>) -> Option<[f64; 3]> {
    let program = neuron::program();
    let coefs = Coefficients::<T>::new(&neuron::columns(), lanes, 1).ok()?;
    let kernel = Kernel::link(&program, &coefs, lanes, Level::best()).ok()?.compiled();
    let values: Vec<T> = neuron::values().into_iter().map(T::from_f64).collect();
    let rows = || -> Vec<T> { neuron::start().iter().flat_map(|v| vec![T::from_f64(*v); lanes]).collect() };
    let (mut state, mut by_hand) = (rows(), rows());
    let mut scratch = vec![T::default(); program.scratch_rows * lanes];
    let mut fired = vec![0; lanes.div_ceil(64)];
    let inputs = vec![&[] as &[T]; program.inputs];
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        // In each run, gates begin open and then decay.
        (state, by_hand) = (rows(), rows());
        let begun = Instant::now();
        for _ in 0..VISITS * STEPS {
            kernel.run(Frame {
                state: black_box(&mut state),
                scratch: &mut scratch,
                coefs: &coefs,
                block: 0,
                inputs: &inputs,
                fired: &mut fired,
            });
        }
        let program = begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        for _ in 0..VISITS * STEPS {
            // SAFETY: `main` checked the level; the rows have `lanes` lanes and consist of whole lines.
            black_box(unsafe { hand(&values, black_box(&mut by_hand), lanes) });
        }
        let hand = begun.elapsed().as_secs_f64();
        let steps = (VISITS * STEPS) as f64;
        all.iter_mut().zip([program / steps, hand / steps, hand / program]).for_each(|(a, v)| a.push(v));
    }
    assert!(state == by_hand, "the manual loop computes different values");
    Some(all.map(|mut v| {
        v.sort_by(f64::total_cmp);
        v[v.len() / 2]
    }))
}

fn show(name: &str, lanes: usize, found: Option<[f64; 3]>) {
    let Some([program, hand, ratio]) = found else { return };
    let speed = |seconds: f64| 4.0 * lanes as f64 / seconds * 1e-6;
    println!(
        "{name}, {lanes} lanes: program {:.0}, manual {:.0} M compartment-steps/s, ratio {ratio:.2}",
        speed(program),
        speed(hand)
    );
}

fn main() {
    #[cfg(target_arch = "x86_64")]
    if Level::Avx2.is_available() {
        show("float64", 128, compare::<f64>(128, hand::step_f64));
        show("float32", 256, compare::<f32>(256, hand::step_f32));
        return;
    }
    println!("the manual loop needs AVX2");
}
