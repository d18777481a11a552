//! The step of W1's neuron beside the same arithmetic fused by hand, in turn: how near a program comes to what the machine can do.
//!
//! Prints, for each type, the speed of both and their ratio, the median of many short turns. A turn of one is followed by one of
//! the other, so that what slows the machine slows both.

#[cfg(target_arch = "x86_64")]
mod hand;
mod neuron;

use std::hint::black_box;
use std::time::Instant;

use dendrion_kernels::{Coefficients, Frame, Kernel, Level, Scalar};

/// Steps of a visit, as an epoch would run them.
const STEPS: usize = 15;
/// Visits of a turn.
const VISITS: usize = 40;
const TURNS: usize = 400;

type Hand<T> = unsafe fn(&[T], &mut [T], usize) -> bool;

/// Median seconds of a step by the program and by hand, and the median ratio of turns.
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
        // Gates are open in each turn, and decay in it.
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
            // SAFETY: `main` looked for the level; there are rows of as many lanes, which are whole lines.
            black_box(unsafe { hand(&values, black_box(&mut by_hand), lanes) });
        }
        let hand = begun.elapsed().as_secs_f64();
        let steps = (VISITS * STEPS) as f64;
        all.iter_mut().zip([program / steps, hand / steps, hand / program]).for_each(|(a, v)| a.push(v));
    }
    assert!(state == by_hand, "the loop by hand computes something else");
    Some(all.map(|mut v| {
        v.sort_by(f64::total_cmp);
        v[v.len() / 2]
    }))
}

fn show(name: &str, lanes: usize, found: Option<[f64; 3]>) {
    let Some([program, hand, ratio]) = found else { return };
    let speed = |seconds: f64| 4.0 * lanes as f64 / seconds * 1e-6;
    println!(
        "{name}, {lanes} lanes: program {:.0}, by hand {:.0} M compartment-steps/s, ratio {ratio:.2}",
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
    println!("the loop by hand needs AVX2");
}
