//! Tests that portable vectors with fused multiply-add, which implement the AArch64 level, give results
//! bit-identical to AVX2, both singly and in pairs.

use super::{Avx2F32, Avx2F64, Pair, Portable, Vector};
use crate::level::Level;
use crate::math;
use crate::scalar::Scalar;

/// Applies all vector operations that kernels use to three arguments.
#[inline(always)]
unsafe fn results<V: Vector>(a: &[V::Scalar], b: &[V::Scalar], c: &[V::Scalar]) -> Vec<u64> {
    // SAFETY: the caller guarantees the processor features and V::LANES values per slice.
    unsafe {
        let (a, b, c) = (V::load(a.as_ptr()), V::load(b.as_ptr()), V::load(c.as_ptr()));
        let all = [
            a.add(b),
            a.sub(b),
            a.mul(b),
            a.div(b),
            a.fma(b, c),
            a.fnma(b, c),
            a.min(b),
            a.max(b),
            a.abs(),
            a.neg(),
            a.abs().sqrt(),
            V::select(a.gt(b), a, c),
            V::select(a.ge(b), a, c),
            V::select(a.ne(b), a, c),
            math::exp(a),
            math::expm1(a),
            math::phi1(a),
            math::flush(a.mul(V::splat(V::Scalar::from_f64(1e-30)))),
        ];
        let mut bits = vec![V::bits(a.gt(b)), V::bits(a.ge(b)), V::bits(a.ne(b))];
        for v in all {
            let mut lanes = vec![V::Scalar::default(); V::LANES];
            v.store(lanes.as_mut_ptr());
            // All NaNs are considered equal, because processors differ in their payloads.
            let canonical = |v: f64| if v.is_nan() { f64::NAN } else { v };
            bits.extend(lanes.iter().map(|v| canonical(v.to_f64()).to_bits()));
        }
        bits
    }
}

macro_rules! same {
    ($name:ident, $t:ident, $avx2:ty, $n:literal) => {
        #[test]
        fn $name() {
            #[target_feature(enable = "avx2,fma")]
            unsafe fn both(a: &[$t], b: &[$t], c: &[$t]) -> (Vec<u64>, Vec<u64>) {
                // SAFETY: the caller checked the level and provides whole vectors.
                unsafe { (results::<$avx2>(a, b, c), results::<Portable<$t, $n, true>>(a, b, c)) }
            }
            if !Level::Avx2.is_available() {
                return;
            }
            let mut seed = 1_u64;
            let mut next = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let wide = ((seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5) * 160.0;
                let odd =
                    [0.0, -0.0, <$t>::INFINITY, <$t>::NEG_INFINITY, <$t>::NAN, <$t>::MAX, 1e-31, 1e-40 as $t];
                let draw = (seed >> 33) as usize;
                if draw.is_multiple_of(16) { odd[draw / 16 % odd.len()] } else { wide as $t }
            };
            for _ in 0..2000 {
                let rows: Vec<[$t; $n]> = (0..3).map(|_| std::array::from_fn(|_| next())).collect();
                // SAFETY: the level is available, and rows consist of whole vectors.
                let (avx2, portable) = unsafe { both(&rows[0], &rows[1], &rows[2]) };
                assert_eq!(avx2, portable, "{rows:?}");
            }
        }
    };
}

same!(doubles, f64, Avx2F64, 4);
same!(singles, f32, Avx2F32, 8);
same!(pairs_of_doubles, f64, Pair<Avx2F64>, 8);
same!(pairs_of_singles, f32, Pair<Avx2F32>, 16);
