//! The step of W1's neuron fused by hand for AVX2 in f64: what the program is compared with.

use std::arch::x86_64::{
    __m256d, _CMP_GT_OQ, _mm256_add_pd, _mm256_and_pd, _mm256_blendv_pd, _mm256_castpd_si256,
    _mm256_castsi256_pd, _mm256_cmp_pd, _mm256_div_pd, _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_loadu_pd,
    _mm256_mul_pd, _mm256_set1_pd, _mm256_slli_epi64, _mm256_storeu_pd, _mm256_sub_pd,
};

/// The polynomial of the library's own exponential, lowest first.
const EXP: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_69,
    0.041_666_666_666_624_13,
    0.008_333_333_333_330_062,
    0.001_388_888_891_721_371_7,
    0.000_198_412_698_630_536_18,
    2.480_152_129_595_437_6e-5,
    2.755_726_845_999_706_4e-6,
    2.762_008_844_540_974_6e-7,
    2.510_038_549_551_032e-8,
];

#[target_feature(enable = "avx2,fma")]
fn exp(x: __m256d) -> __m256d {
    let round = _mm256_set1_pd(6_755_399_441_055_744.0 + 1023.0);
    let n = _mm256_fmadd_pd(x, _mm256_set1_pd(std::f64::consts::LOG2_E), round);
    let scale = _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(n)));
    let n = _mm256_sub_pd(n, round);
    let r = _mm256_fnmadd_pd(n, _mm256_set1_pd(std::f64::consts::LN_2), x);
    let r2 = _mm256_mul_pd(r, r);
    let (mut odd, mut even) = (_mm256_set1_pd(EXP[9]), _mm256_set1_pd(EXP[8]));
    for k in [7, 5, 3, 1] {
        odd = _mm256_fmadd_pd(odd, r2, _mm256_set1_pd(EXP[k]));
        even = _mm256_fmadd_pd(even, r2, _mm256_set1_pd(EXP[k - 1]));
    }
    let p = _mm256_fmadd_pd(_mm256_fmadd_pd(odd, r, even), r2, r);
    _mm256_fmadd_pd(p, scale, scale)
}

#[target_feature(enable = "avx2,fma")]
fn flush(v: __m256d) -> __m256d {
    // Gates are not negative.
    _mm256_and_pd(v, _mm256_cmp_pd::<_CMP_GT_OQ>(v, _mm256_set1_pd(1e-30)))
}

/// One step of all lanes: `c` by number, `s` row by row, as in the program.
///
/// # Safety
/// The processor has AVX2 and FMA, `s` has ten rows of `lanes` lanes, and lanes are whole vectors.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn step(c: &[f64], s: &mut [f64], lanes: usize) {
    assert!(c.len() >= 39 && s.len() >= 10 * lanes && lanes.is_multiple_of(4));
    let k = |i: usize| _mm256_set1_pd(c[i]);
    let s = s.as_mut_ptr();
    let mut i = 0;
    while i < lanes {
        // SAFETY: rows have `lanes` lanes, of which `i` and the next three are some.
        let at = |row: usize| unsafe { _mm256_loadu_pd(s.add(row * lanes + i)) };
        // SAFETY: as above.
        let put = |row: usize, v: __m256d| unsafe { _mm256_storeu_pd(s.add(row * lanes + i), v) };
        let (v0, v1, v2, v3) = (at(0), at(1), at(2), at(3));
        let (d1, d2, d3) = (_mm256_sub_pd(v1, v0), _mm256_sub_pd(v2, v1), _mm256_sub_pd(v3, v2));
        let leak = |g: usize, v: __m256d, t| _mm256_fmadd_pd(k(g), _mm256_sub_pd(k(g + 1), v), t);
        let gated = |g: usize, x: __m256d, v, t| {
            _mm256_fmadd_pd(_mm256_mul_pd(k(g), x), _mm256_sub_pd(k(g + 1), v), t)
        };
        let nmda = |g: usize, x: __m256d, v, t| {
            let below =
                _mm256_fmadd_pd(k(g + 2), exp(_mm256_fmadd_pd(k(g + 3), v, k(g + 4))), _mm256_set1_pd(1.0));
            let above = _mm256_mul_pd(_mm256_mul_pd(k(g), x), _mm256_sub_pd(k(g + 1), v));
            _mm256_add_pd(t, _mm256_div_pd(above, below))
        };
        let soma = leak(3, v0, _mm256_fmadd_pd(k(2), d1, _mm256_add_pd(k(1), v0)));
        put(1, leak(7, v1, _mm256_fmadd_pd(k(5), d1, _mm256_fmadd_pd(k(6), d2, v1))));
        let t = _mm256_fmadd_pd(k(9), d2, _mm256_fmadd_pd(k(10), d3, v2));
        put(2, leak(18, v2, nmda(13, at(6), v2, gated(11, at(4), v2, t))));
        let t = _mm256_fmadd_pd(k(20), d3, v3);
        put(3, leak(28, v3, nmda(23, at(9), v3, gated(21, at(7), v3, t))));
        put(4, flush(_mm256_mul_pd(k(30), at(4))));
        put(6, flush(_mm256_fmadd_pd(k(32), at(6), _mm256_mul_pd(k(33), at(5)))));
        put(5, flush(_mm256_mul_pd(k(31), at(5))));
        put(7, flush(_mm256_mul_pd(k(34), at(7))));
        put(9, flush(_mm256_fmadd_pd(k(36), at(9), _mm256_mul_pd(k(33), at(8)))));
        put(8, flush(_mm256_mul_pd(k(35), at(8))));
        let fired = _mm256_cmp_pd::<_CMP_GT_OQ>(soma, k(37));
        put(0, _mm256_blendv_pd(soma, k(38), fired));
        i += 4;
    }
}
