//! The step of W1's neuron, fused by hand for AVX2, as the limit with which the program is compared.
//!
//! It performs the same arithmetic on two vectors at a time, completely inlined, with coefficients in
//! registers as far as registers are available. Its order of operations is optimized by the compiler, so only
//! fewer operations could make it faster.

use std::arch::x86_64::{
    _CMP_GE_OQ, _CMP_GT_OQ, _mm256_add_pd, _mm256_add_ps, _mm256_and_pd, _mm256_and_ps, _mm256_blendv_pd,
    _mm256_blendv_ps, _mm256_castpd_si256, _mm256_castps_si256, _mm256_castsi256_pd, _mm256_castsi256_ps,
    _mm256_cmp_pd, _mm256_cmp_ps, _mm256_div_pd, _mm256_div_ps, _mm256_fmadd_pd, _mm256_fmadd_ps,
    _mm256_loadu_pd, _mm256_loadu_ps, _mm256_max_pd, _mm256_max_ps, _mm256_min_pd, _mm256_min_ps,
    _mm256_movemask_pd, _mm256_movemask_ps, _mm256_mul_pd, _mm256_mul_ps, _mm256_set1_pd, _mm256_set1_ps,
    _mm256_slli_epi32, _mm256_slli_epi64, _mm256_storeu_pd, _mm256_storeu_ps, _mm256_sub_pd, _mm256_sub_ps,
};

/// Gates below this value are set to 0, as in the program.
const FLUSH: f64 = 1e-30;

macro_rules! hand {
    ($name:ident, $t:ident, $n:literal, [$set:ident $load:ident $store:ident $add:ident $sub:ident $mul:ident
     $div:ident $fma:ident $min:ident $max:ident $cmp:ident $blend:ident $bits:ident $and:ident],
     $to_int:ident $shift:ident $digits:literal $from_int:ident, $round:expr, $range:expr, $poly:expr) => {
        /// Advances all lanes by one step and returns whether any lane fired. `c` are the coefficients by number,
        /// and `s` is the state row by row, both as in the program.
        ///
        /// # Safety
        /// The processor must have AVX2 and FMA, `s` must have ten rows of `lanes` lanes, and `lanes` must be
        /// a multiple of two vectors.
        #[target_feature(enable = "avx2,fma")]
        pub(crate) unsafe fn $name(c: &[$t], s: &mut [$t], lanes: usize) -> bool {
            assert!(c.len() >= 39 && s.len() >= 10 * lanes && lanes.is_multiple_of(2 * $n));
            let k = |i: usize| $set(c[i]);
            let one = $set(1.0);
            let s = s.as_mut_ptr();
            let mut any = 0;
            let mut i = 0;
            while i < lanes {
                // SAFETY: rows have `lanes` lanes, and those from `i` on fill two vectors.
                let at = |row: usize| unsafe {
                    [$load(s.add(row * lanes + i)), $load(s.add(row * lanes + i + $n))]
                };
                // SAFETY: as above.
                let put = |row: usize, v: [_; 2]| unsafe {
                    $store(s.add(row * lanes + i), v[0]);
                    $store(s.add(row * lanes + i + $n), v[1]);
                };
                macro_rules! both {
                    (|$j:ident| $e:expr) => {{
                        let first = { let $j = 0; $e };
                        let second = { let $j = 1; $e };
                        [first, second]
                    }};
                }
                // 1 + c 2^(slope v + bias)
                macro_rules! below {
                    ($g:literal, $v:ident) => {{
                        let x = both!(|j| $fma(k($g + 1), $v[j], k($g + 2)));
                        let x = both!(|j| $max($set($range.0), $min($set($range.1), x[j])));
                        let rounded = both!(|j| $add(x[j], $set($round)));
                        let r = both!(|j| $sub(x[j], $sub(rounded[j], $set($round))));
                        let scale = both!(|j| $from_int($shift::<$digits>($to_int(rounded[j]))));
                        let r2 = both!(|j| $mul(r[j], r[j]));
                        let n = $poly.len();
                        let mut first = both!(|j| { let _ = j; $set($poly[n - 1]) });
                        let mut second = both!(|j| { let _ = j; $set($poly[n - 2]) });
                        let mut p = n - 2;
                        while p >= 2 {
                            first = both!(|j| $fma(first[j], r2[j], $set($poly[p - 1])));
                            second = both!(|j| $fma(second[j], r2[j], $set($poly[p - 2])));
                            p -= 2;
                        }
                        let whole = if n % 2 == 0 {
                            both!(|j| $fma(first[j], r[j], second[j]))
                        } else {
                            both!(|j| $fma(second[j], r[j], $fma(first[j], r2[j], $set($poly[0]))))
                        };
                        let e = both!(|j| $fma($mul(scale[j], r[j]), whole[j], scale[j]));
                        both!(|j| $fma(k($g), e[j], one))
                    }};
                }
                macro_rules! leak {
                    ($g:literal, $v:expr, $sum:expr) => { $fma(k($g), $sub(k($g + 1), $v), $sum) };
                }
                macro_rules! gated {
                    ($g:literal, $x:expr, $v:expr, $sum:expr) => {
                        $fma($mul(k($g), $x), $sub(k($g + 1), $v), $sum)
                    };
                }
                macro_rules! blocked {
                    ($g:literal, $x:ident, $v:ident, $below:ident, $sum:ident, $j:ident) => {
                        $add($div($mul($mul(k($g), $x[$j]), $sub(k($g + 1), $v[$j])), $below[$j]), $sum[$j])
                    };
                }
                let (v0, v1, v2, v3) = (at(0), at(1), at(2), at(3));
                let b2 = below!(15, v2);
                let b3 = below!(25, v3);
                let d3 = both!(|j| $sub(v3[j], v2[j]));
                let d2 = both!(|j| $sub(v2[j], v1[j]));
                let (x2, n2, x3, n3) = (at(4), at(6), at(7), at(9));
                let t2 = both!(|j| $fma(k(9), d2[j], $fma(k(10), d3[j], v2[j])));
                let t2 = both!(|j| gated!(11, x2[j], v2[j], t2[j]));
                let t2 = both!(|j| blocked!(13, n2, v2, b2, t2, j));
                let t3 = both!(|j| $fma(k(20), d3[j], v3[j]));
                let t3 = both!(|j| gated!(21, x3[j], v3[j], t3[j]));
                let t3 = both!(|j| blocked!(23, n3, v3, b3, t3, j));
                put(2, both!(|j| leak!(18, v2[j], t2[j])));
                put(3, both!(|j| leak!(28, v3[j], t3[j])));
                let d1 = both!(|j| $sub(v1[j], v0[j]));
                put(1, both!(|j| leak!(7, v1[j], $fma(k(5), d1[j], $fma(k(6), d2[j], v1[j])))));
                // Gates are never negative, so no absolute value is needed.
                macro_rules! flush {
                    ($value:expr) => {{
                        let v = $value;
                        $and($cmp::<_CMP_GE_OQ>(v, $set(FLUSH as $t)), v)
                    }};
                }
                put(4, both!(|j| flush!($mul(k(30), x2[j]))));
                put(7, both!(|j| flush!($mul(k(34), x3[j]))));
                let (s2, s3) = (at(5), at(8));
                put(6, both!(|j| flush!($fma(k(32), n2[j], $mul(k(33), s2[j])))));
                put(9, both!(|j| flush!($fma(k(36), n3[j], $mul(k(33), s3[j])))));
                put(5, both!(|j| flush!($mul(k(31), s2[j]))));
                put(8, both!(|j| flush!($mul(k(35), s3[j]))));
                let soma = both!(|j| leak!(3, v0[j], $fma(k(2), d1[j], $add(k(1), v0[j]))));
                let fired = both!(|j| $cmp::<_CMP_GT_OQ>(soma[j], k(37)));
                any |= $bits(fired[0]) | $bits(fired[1]);
                put(0, both!(|j| $blend(soma[j], k(38), fired[j])));
                i += 2 * $n;
            }
            any != 0
        }
    };
}

hand!(
    step_f64, f64, 4,
    [_mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_sub_pd _mm256_mul_pd
     _mm256_div_pd _mm256_fmadd_pd _mm256_min_pd _mm256_max_pd _mm256_cmp_pd _mm256_blendv_pd _mm256_movemask_pd _mm256_and_pd],
    _mm256_castpd_si256 _mm256_slli_epi64 52 _mm256_castsi256_pd,
    6_755_399_441_055_744.0 + 1023.0, (-1022.4, 1023.4), EXP2_F64
);
hand!(
    step_f32, f32, 8,
    [_mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps
     _mm256_div_ps _mm256_fmadd_ps _mm256_min_ps _mm256_max_ps _mm256_cmp_ps _mm256_blendv_ps _mm256_movemask_ps _mm256_and_ps],
    _mm256_castps_si256 _mm256_slli_epi32 23 _mm256_castsi256_ps,
    12_582_912.0 + 127.0, (-126.4, 127.4), EXP2_F32
);

/// The polynomial for 2^r of the crate itself, with the lowest coefficient first.
const EXP2_F64: [f64; 11] = [
    std::f64::consts::LN_2,
    0.240_226_506_959_100_97,
    0.055_504_108_664_821_6,
    0.009_618_129_107_606_888,
    0.001_333_355_814_641_693_6,
    0.000_154_035_304_417_360_5,
    1.525_273_382_983_612e-5,
    1.321_544_258_792_169e-6,
    1.017_806_244_584_577_4e-7,
    7.072_585_949_269_223e-9,
    4.454_960_598_186_518_6e-10,
];
const EXP2_F32: [f32; 6] =
    [std::f32::consts::LN_2, 0.240_226_5, 0.055_503_57, 0.009_618_083, 0.001_339_086_3, 0.000_154_531_63];
