//! Lanes that fire, with more than one word of bits.

mod common;

use common::{Given, run};
use dendrion_kernels::{Level, Op, Scalar};

fn fires<T: Scalar>() {
    let lanes = 160;
    let v: Vec<T> = (0..lanes).map(|i| T::from_f64(if i % 7 == 3 { -40.0 } else { -60.0 })).collect();
    let row = |x: f64| vec![T::from_f64(x); lanes];
    let expected: Vec<u64> = (0..3)
        .map(|w| (0..64).filter(|b| w * 64 + b < lanes && (w * 64 + b) % 7 == 3).map(|b| 1 << b).sum())
        .collect();
    for level in Level::available() {
        for given in [Given::Rows, Given::Columns(0b11)] {
            let (found, fired) = run(Op::FireReset, &v, &[row(-50.0), row(-65.0)], given, level);
            assert_eq!(fired, expected, "{level}");
            let reset = |i: usize| if i % 7 == 3 { -65.0 } else { -60.0 };
            assert!((0..lanes).all(|i| found[i].to_f64() == reset(i)), "{level}");
            let (found, fired) = run(Op::FireSubtract, &v, &[row(-50.0)], given, level);
            assert_eq!(fired, expected, "{level}");
            let less = |i: usize| if i % 7 == 3 { 10.0 } else { -60.0 };
            assert!((0..lanes).all(|i| found[i].to_f64() == less(i)), "{level}");
            let mask: Vec<T> = (0..lanes).map(|i| T::from_f64(if i % 7 == 3 { 1.0 } else { 0.0 })).collect();
            let (_, fired) = run(Op::Fire, &v, &[mask], given, level);
            assert_eq!(fired, expected, "{level}");
        }
        let (_, fired) = run(Op::FireReset, &v, &[row(0.0), row(-65.0)], Given::Rows, level);
        assert_eq!(fired, [0, 0, 0], "{level}: no lane is above threshold");
    }
}

#[test]
fn lanes_above_threshold_fire() {
    fires::<f64>();
    fires::<f32>();
}
