//! Accuracy of the exponential functions.

mod common;

use common::{Given, run};
use dendrion_kernels::{Level, Op};

/// Returns the largest error in units in the last place of the exact result.
fn worst(op: Op, exact: fn(f64) -> f64, level: Level, points: impl Iterator<Item = f64>) -> f64 {
    let points: Vec<f64> = points.collect();
    let mut worst = 0.0_f64;
    for chunk in points.chunks_exact(8) {
        let (found, _) = run(op, &[0.0; 8], &[chunk.to_vec()], Given::Rows, level);
        for (x, v) in chunk.iter().zip(found) {
            let e: f64 = exact(*x);
            let unit = f64::from_bits(e.abs().to_bits() + 1) - e.abs();
            worst = worst.max((v - e).abs() / unit);
        }
    }
    worst
}

fn line(from: f64, to: f64, n: u32) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| from + (to - from) * f64::from(i) / f64::from(n))
}

#[test]
fn doubles_are_exact_to_two_units() {
    fn phi1(x: f64) -> f64 {
        if x == 0.0 { 1.0 } else { libm::expm1(x) / x }
    }
    for level in Level::available() {
        let exp = worst(Op::Exp, libm::exp, level, line(-708.0, 709.782, 80_000));
        assert!(exp < 2.0, "exp {level}: {exp}");
        let exp2 = worst(Op::Exp2, libm::exp2, level, line(-1021.0, 1024.0, 80_000));
        assert!(exp2 < 1.5, "exp2 {level}: {exp2}");
        let near = worst(Op::Exp2, libm::exp2, level, line(-1.0, 1.0, 80_000));
        assert!(near < 1.5, "exp2 near 0 {level}: {near}");
        let near = worst(Op::Exp, libm::exp, level, line(-1.0, 1.0, 80_000));
        assert!(near < 2.0, "exp near 0 {level}: {near}");
        let expm1 = worst(Op::Expm1, libm::expm1, level, line(-40.0, 40.0, 80_000));
        assert!(expm1 < 5.0, "expm1 {level}: {expm1}");
        let phi1 = worst(Op::Phi1, phi1, level, line(-40.0, 5.0, 80_000));
        assert!(phi1 < 6.0, "phi1 {level}: {phi1}");
    }
}

#[test]
fn singles_are_exact_to_two_units() {
    for level in Level::available() {
        for (op, exact) in [(Op::Exp, libm::exp as fn(f64) -> f64), (Op::Exp2, libm::exp2)] {
            let ends = if op == Op::Exp { (-86.9, 88.7) } else { (-125.0, 127.9) };
            for x in line(ends.0, ends.1, 16_000).collect::<Vec<_>>().chunks_exact(16) {
                let row: Vec<f32> = x.iter().map(|v| *v as f32).collect();
                let (found, _) = run(op, &[0.0_f32; 16], std::slice::from_ref(&row), Given::Rows, level);
                for (x, v) in row.iter().zip(found) {
                    let exact = exact(f64::from(*x));
                    assert!(
                        (f64::from(v) - exact).abs() < 1.2e-7 * 2.0 * exact,
                        "{level}: {op:?}({x}) = {v}, not {exact}"
                    );
                }
            }
        }
    }
}

#[test]
fn ends_and_middle() {
    let x = vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, -800.0, 800.0, 1.0, -1.0];
    for level in Level::available() {
        let (found, _) = run(Op::Exp, &[0.0; 8], std::slice::from_ref(&x), Given::Rows, level);
        assert_eq!(found[..6], [1.0, 1.0, f64::INFINITY, 0.0, 0.0, f64::INFINITY], "{level}");
        let (found, _) = run(
            Op::Exp2,
            &[0.0; 8],
            &[vec![0.0, -0.0, 1.0, -1021.0, -1e9, 1e9, 1023.0, 1024.5]],
            Given::Rows,
            level,
        );
        let (most, least) = (2.0_f64.powi(1023), 2.0_f64.powi(-1021));
        assert_eq!(found, [1.0, 1.0, 2.0, least, 0.0, f64::INFINITY, most, f64::INFINITY], "{level}");
        let (found, _) = run(Op::Phi1, &[0.0; 8], std::slice::from_ref(&x), Given::Rows, level);
        assert_eq!((found[0], found[3]), (1.0, 0.0), "{level}");
    }
}

/// Results are finite up to the largest representable number and infinite beyond it, and are never subnormal or
/// NaN.
#[test]
fn the_last_powers_of_two_are_there() {
    for level in Level::available() {
        let worst = worst(Op::Exp, libm::exp, level, line(709.0, 709.782, 8_000));
        assert!(worst < 2.0, "{level}: {worst}");
        for x in [709.783, 709.85, 709.9, 710.0, 1e300].chunks(1) {
            let (found, _) = run(Op::Exp, &[0.0; 8], &[vec![x[0]; 8]], Given::Rows, level);
            assert_eq!(found, [f64::INFINITY; 8], "{level}: {x:?}");
        }
        for x in line(-745.0, -707.0, 8_000).collect::<Vec<_>>().chunks_exact(8) {
            let (found, _) = run(Op::Exp, &[0.0; 8], &[x.to_vec()], Given::Rows, level);
            assert!(found.iter().all(|v: &f64| *v == 0.0 || v.is_normal()), "{level}: {x:?} {found:?}");
        }
        for x in line(88.0, 88.722, 8_000).collect::<Vec<_>>().chunks_exact(16) {
            let row: Vec<f32> = x.iter().map(|v| *v as f32).collect();
            let (found, _) = run(Op::Exp, &[0.0_f32; 16], std::slice::from_ref(&row), Given::Rows, level);
            for (x, v) in row.iter().zip(found) {
                let exact = libm::exp(f64::from(*x));
                assert!(
                    (f64::from(v) - exact).abs() < 2.4e-7 * exact,
                    "{level}: exp({x}) = {v}, not {exact}"
                );
            }
        }
    }
}
