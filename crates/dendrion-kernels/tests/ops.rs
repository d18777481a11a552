//! Compares every operation with scalar arithmetic, at every level of this machine.

mod common;

use common::{Given, meaning, plain_ops, run};
use dendrion_kernels::{Level, NumericClass, Op, Scalar, granule};
use proptest::prelude::*;

/// Values typical of a model, and some special values.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -90.0..90.0_f64,
        2 => -1.5..1.5_f64,
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(1.0), Just(1e-31), Just(-1e-31), Just(1e-20)],
    ]
}

/// Values typical of a model, infinities, NaN, and extremely small or large numbers.
fn special() -> impl Strategy<Value = f64> {
    let odd = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MIN_POSITIVE, 1e-40, f64::MAX];
    prop_oneof![4 => value(), 1 => prop::sample::select(odd.to_vec())]
}

/// Rows for a block: the previous value of `out` and nine arguments.
fn rows(lines: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    rows_of(value(), lines)
}

fn rows_of(value: impl Strategy<Value = f64>, lines: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec(value, lines * 16), 10)
}

fn scalars<T: Scalar>(row: &[f64], lanes: usize) -> Vec<T> {
    row[..lanes].iter().map(|v| T::from_f64(*v)).collect()
}

/// Returns the bits of a row, with all NaNs considered equal.
fn bits<T: Scalar>(row: &[T]) -> Vec<u64> {
    row.iter().map(|v| if v.to_f64().is_nan() { u64::MAX } else { v.to_f64().to_bits() }).collect()
}

/// Returns the tolerance for the result of an operation: a few units in the last place of its largest term.
fn tolerance(op: Op, a: &[f64], expected: f64, epsilon: f64) -> f64 {
    let parts = match op {
        Op::Fma | Op::Mul2 | Op::Mul2Flush | Op::Fma2 => {
            a.chunks(2).map(|p| p.iter().product::<f64>().abs()).sum()
        }
        Op::FmaDiff => (a[0] * (a[1].abs() + a[2].abs())).abs() + a[3].abs(),
        Op::GatedDiff | Op::SigmoidGatedDiff => {
            (a[0] * a[1]).abs() * (a[2].abs() + a[3].abs()) + a.last().map_or(0.0, |v| v.abs())
        }
        _ => 0.0,
    };
    // The rounding error of an exponential is proportional to its argument, which reaches thousands here.
    let steep = match op {
        Op::Sigmoid => 1.0 + (a[1] * a[2]).abs() + a[3].abs(),
        Op::SigmoidGatedDiff => 1.0 + (a[5] * a[6]).abs() + a[7].abs(),
        _ => 1.0,
    };
    8.0 * epsilon * (expected.abs() + parts) * steep + 2.0 * dendrion_kernels::FLUSH
}

fn close(op: Op, a: &[f64], found: f64, expected: f64, epsilon: f64, largest: f64) -> bool {
    if expected.is_nan() || found.is_nan() {
        return expected.is_nan() == found.is_nan();
    }
    if expected.abs() > largest || found.abs() > largest {
        // Overflow may occur for slightly smaller arguments.
        return expected.abs() > 1e-3 * largest && expected.signum() == found.signum();
    }
    (found - expected).abs() <= tolerance(op, a, expected, epsilon)
}

/// Returns whether the arguments are near the pole of 1 / (a exp(..) + 1), where rounding errors grow without
/// bound, or whether an exponential overflows, which makes 0 times it NaN.
fn at_a_pole(op: Op, a: &[f64], largest: f64) -> bool {
    let exponent = match op {
        Op::Sigmoid => a[1] * a[2] + a[3],
        Op::SigmoidGatedDiff => a[5] * a[6] + a[7],
        _ => 0.0,
    };
    if exponent > 0.99 * largest.log2() {
        return true;
    }
    let below = match op {
        Op::Sigmoid => a[0] * libm::exp2(a[1] * a[2] + a[3]) + 1.0,
        Op::SigmoidGatedDiff => a[4] * libm::exp2(a[5] * a[6] + a[7]) + 1.0,
        _ => 1.0,
    };
    below.abs() < 0.5 || !below.is_finite()
}

fn against_meaning<T: Scalar>(rows: &[Vec<f64>], epsilon: f64, largest: f64) {
    let lanes = rows[0].len() / granule::<T>() * granule::<T>();
    let before: Vec<T> = scalars(&rows[0], lanes);
    for op in plain_ops() {
        let args: Vec<Vec<T>> = rows[1..=op.arity()].iter().map(|r| scalars(r, lanes)).collect();
        for level in Level::available() {
            let (found, _) = run(op, &before, &args, Given::Rows, level);
            for lane in 0..lanes {
                let a: Vec<f64> = args.iter().map(|r| r[lane].to_f64()).collect();
                let expected = meaning(op, before[lane].to_f64(), &a);
                let fine = at_a_pole(op, &a, largest)
                    || close(op, &a, found[lane].to_f64(), expected, epsilon, largest);
                assert!(fine, "{op:?} {level} {a:?}: {:?}, expected {expected}", found[lane]);
            }
        }
    }
}

/// Results are bit-identical for all ways of passing arguments and for all levels of a numeric class.
fn same_bits<T: Scalar>(rows: &[Vec<f64>], mask: u16) {
    let lanes = rows[0].len() / granule::<T>() * granule::<T>();
    let before: Vec<T> = scalars(&rows[0], lanes);
    for op in plain_ops() {
        let mut args: Vec<Vec<T>> = rows[1..=op.arity()].iter().map(|r| scalars(r, lanes)).collect();
        let mut fused: Option<Vec<u64>> = None;
        for level in Level::available() {
            let by_row = run(op, &before, &args, Given::Rows, level);
            let by_column = run(op, &before, &args, Given::Columns(mask), level);
            assert_eq!(bits(&by_row.0), bits(&by_column.0), "{op:?} {level}: columns");
            assert_eq!(by_row.1, by_column.1, "{op:?} {level}: fired");
            if level.class() == NumericClass::Fused {
                let first = fused.get_or_insert_with(|| bits(&by_row.0));
                assert_eq!(*first, bits(&by_row.0), "{op:?} {level}: class");
            }
        }
        // Each mix of uniform coefficients has its own loop.
        for row in &mut args {
            let first = row[0];
            row.fill(first);
        }
        for level in Level::available() {
            let by_row = run(op, &before, &args, Given::Rows, level);
            for uniform in [mask, 0b1, 0b11, 0b101, 0b1011, 0b1011_0101] {
                let by_column = run(op, &before, &args, Given::Columns(uniform), level);
                assert_eq!(bits(&by_row.0), bits(&by_column.0), "{op:?} {level}: uniform {uniform:b}");
            }
        }
    }
}

/// If the written row is one of the arguments, the result is the same as for a separate row.
fn in_place<T: Scalar>(rows: &[Vec<f64>], which: usize) {
    let lanes = rows[0].len() / granule::<T>() * granule::<T>();
    // Operations that read `out` would read their own argument.
    for op in plain_ops().filter(|op| !matches!(op, Op::FireReset | Op::FireSubtract)) {
        let args: Vec<Vec<T>> = rows[1..=op.arity()].iter().map(|r| scalars(r, lanes)).collect();
        let which = which % op.arity();
        for level in Level::available() {
            let (apart, _) = run(op, &args[which], &args, Given::Rows, level);
            let (within, _) = run(op, &args[which], &args, Given::Within(which), level);
            assert_eq!(bits(&apart), bits(&within), "{op:?} {level}: argument {which}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn operations_mean_what_they_say(rows in rows(2)) {
        against_meaning::<f64>(&rows, f64::EPSILON, f64::MAX);
        against_meaning::<f32>(&rows, f64::from(f32::EPSILON), f64::from(f32::MAX));
    }

    #[test]
    fn bits_do_not_depend_on_how_arguments_are_given(rows in rows(3), mask in 0_u16..512) {
        same_bits::<f64>(&rows, mask);
        same_bits::<f32>(&rows, mask);
    }

    #[test]
    fn special_values_have_the_same_bits(rows in rows_of(special(), 3), mask in 0_u16..512) {
        same_bits::<f64>(&rows, mask);
        same_bits::<f32>(&rows, mask);
    }

    #[test]
    fn the_result_may_replace_an_argument(rows in rows(2), which in 0_usize..9) {
        in_place::<f64>(&rows, which);
        in_place::<f32>(&rows, which);
    }
}

#[test]
fn not_a_number_stays_one() {
    let nan = vec![f64::NAN; 8];
    for op in [Op::Exp, Op::Expm1, Op::Phi1, Op::Flush, Op::Sqrt, Op::Neg, Op::Abs] {
        for level in Level::available() {
            let (found, _) = run(op, &[0.0; 8], std::slice::from_ref(&nan), Given::Rows, level);
            assert!(found.iter().all(|v: &f64| v.is_nan()), "{op:?} {level}: {found:?}");
        }
    }
}
