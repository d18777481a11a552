//! Vectors with AVX2 and FMA, and with AVX-512 F.
//!
//! Every `unsafe` block in this file consists of one or two instructions and is safe for the same reason: the
//! caller of a [`Vector`] method guarantees the processor features and valid pointers.

#![allow(clippy::undocumented_unsafe_blocks)]

#[allow(clippy::wildcard_imports)] // All imported names begin with _mm.
use std::arch::x86_64::*;

use super::Vector;

macro_rules! common {
    ($t:ident, $n:literal, $register:ident, [$load:ident $store:ident $set:ident $add:ident $sub:ident $mul:ident
     $div:ident $fma:ident $fnma:ident $min:ident $max:ident $sqrt:ident]) => {
        type Scalar = $t;
        const LANES: usize = $n;

        #[inline(always)]
        unsafe fn load(from: *const $t) -> Self {
            Self(unsafe { $load(from) })
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut $t) {
            unsafe { $store(to, self.0) }
        }
        #[inline(always)]
        unsafe fn splat(v: $t) -> Self {
            Self(unsafe { $set(v) })
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            Self(unsafe { $add(self.0, b.0) })
        }
        #[inline(always)]
        unsafe fn sub(self, b: Self) -> Self {
            Self(unsafe { $sub(self.0, b.0) })
        }
        #[inline(always)]
        unsafe fn mul(self, b: Self) -> Self {
            Self(unsafe { $mul(self.0, b.0) })
        }
        #[inline(always)]
        unsafe fn div(self, b: Self) -> Self {
            Self(unsafe { $div(self.0, b.0) })
        }
        #[inline(always)]
        unsafe fn fma(self, b: Self, c: Self) -> Self {
            Self(unsafe { $fma(self.0, b.0, c.0) })
        }
        #[inline(always)]
        unsafe fn fnma(self, b: Self, c: Self) -> Self {
            Self(unsafe { $fnma(self.0, b.0, c.0) })
        }
        #[inline(always)]
        unsafe fn min(self, b: Self) -> Self {
            Self(unsafe { $min(self.0, b.0) })
        }
        #[inline(always)]
        unsafe fn max(self, b: Self) -> Self {
            Self(unsafe { $max(self.0, b.0) })
        }
        #[inline(always)]
        unsafe fn sqrt(self) -> Self {
            Self(unsafe { $sqrt(self.0) })
        }
        #[inline(always)]
        unsafe fn map(self, f: fn($t) -> $t) -> Self {
            let mut lanes = [0.0; $n];
            unsafe { self.store(lanes.as_mut_ptr()) };
            lanes.iter_mut().for_each(|v| *v = f(*v));
            unsafe { Self::load(lanes.as_ptr()) }
        }
        #[inline(always)]
        unsafe fn map2(self, b: Self, f: fn($t, $t) -> $t) -> Self {
            let (mut lanes, mut others) = ([0.0; $n], [0.0; $n]);
            unsafe { self.store(lanes.as_mut_ptr()) };
            unsafe { b.store(others.as_mut_ptr()) };
            lanes.iter_mut().zip(others).for_each(|(v, b)| *v = f(*v, b));
            unsafe { Self::load(lanes.as_ptr()) }
        }
    };
}

macro_rules! avx2 {
    ($name:ident, $t:ident, $n:literal, $register:ident, [$($common:ident)*], [$cmp:ident $blend:ident $movemask:ident
     $and:ident $xor:ident $andnot:ident $to_int:ident $from_int:ident], |$v:ident| $shift:expr) => {
        #[doc = concat!(stringify!($n), " ", stringify!($t), " in a 256-bit register.")]
        #[derive(Clone, Copy)]
        pub(crate) struct $name($register);

        impl Vector for $name {
            type Mask = $register;
            common!($t, $n, $register, [$($common)*]);

            #[inline(always)]
            unsafe fn abs(self) -> Self {
                Self(unsafe { $andnot(Self::splat(-0.0).0, self.0) })
            }
            #[inline(always)]
            unsafe fn neg(self) -> Self {
                Self(unsafe { $xor(Self::splat(-0.0).0, self.0) })
            }
            #[inline(always)]
            unsafe fn gt(self, b: Self) -> Self::Mask {
                unsafe { $cmp::<_CMP_GT_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            unsafe fn ge(self, b: Self) -> Self::Mask {
                unsafe { $cmp::<_CMP_GE_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            unsafe fn ne(self, b: Self) -> Self::Mask {
                unsafe { $cmp::<_CMP_NEQ_UQ>(self.0, b.0) }
            }
            #[inline(always)]
            unsafe fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
                Self(unsafe { $blend(no.0, yes.0, mask) })
            }
            #[inline(always)]
            unsafe fn bits(mask: Self::Mask) -> u64 {
                unsafe { $movemask(mask) as u64 }
            }
            #[inline(always)]
            unsafe fn exp2_rounded(self) -> Self {
                let $v = unsafe { $to_int(self.0) };
                Self(unsafe { $from_int($shift) })
            }
        }
    };
}

avx2!(
    Avx2F64, f64, 4, __m256d,
    [_mm256_loadu_pd _mm256_storeu_pd _mm256_set1_pd _mm256_add_pd _mm256_sub_pd _mm256_mul_pd _mm256_div_pd
     _mm256_fmadd_pd _mm256_fnmadd_pd _mm256_min_pd _mm256_max_pd _mm256_sqrt_pd],
    [_mm256_cmp_pd _mm256_blendv_pd _mm256_movemask_pd _mm256_and_pd _mm256_xor_pd _mm256_andnot_pd
     _mm256_castpd_si256 _mm256_castsi256_pd],
    |v| _mm256_slli_epi64::<52>(v)
);

avx2!(
    Avx2F32, f32, 8, __m256,
    [_mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps
     _mm256_fmadd_ps _mm256_fnmadd_ps _mm256_min_ps _mm256_max_ps _mm256_sqrt_ps],
    [_mm256_cmp_ps _mm256_blendv_ps _mm256_movemask_ps _mm256_and_ps _mm256_xor_ps _mm256_andnot_ps
     _mm256_castps_si256 _mm256_castsi256_ps],
    |v| _mm256_slli_epi32::<23>(v)
);

macro_rules! avx512 {
    ($name:ident, $t:ident, $n:literal, $register:ident, $mask:ident, [$($common:ident)*], [$cmp:ident $blend:ident
     $abs:ident $to_int:ident $from_int:ident $xor:ident], $sign:expr, |$v:ident| $shift:expr) => {
        #[doc = concat!(stringify!($n), " ", stringify!($t), " in a 512-bit register.")]
        #[derive(Clone, Copy)]
        pub(crate) struct $name($register);

        impl Vector for $name {
            type Mask = $mask;
            common!($t, $n, $register, [$($common)*]);

            #[inline(always)]
            unsafe fn abs(self) -> Self {
                Self(unsafe { $abs(self.0) })
            }
            #[inline(always)]
            unsafe fn neg(self) -> Self {
                Self(unsafe { $from_int($xor($to_int(self.0), $sign)) })
            }
            #[inline(always)]
            unsafe fn gt(self, b: Self) -> Self::Mask {
                unsafe { $cmp::<_CMP_GT_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            unsafe fn ge(self, b: Self) -> Self::Mask {
                unsafe { $cmp::<_CMP_GE_OQ>(self.0, b.0) }
            }
            #[inline(always)]
            unsafe fn ne(self, b: Self) -> Self::Mask {
                unsafe { $cmp::<_CMP_NEQ_UQ>(self.0, b.0) }
            }
            #[inline(always)]
            unsafe fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
                Self(unsafe { $blend(mask, no.0, yes.0) })
            }
            #[inline(always)]
            unsafe fn bits(mask: Self::Mask) -> u64 {
                u64::from(mask)
            }
            #[inline(always)]
            unsafe fn exp2_rounded(self) -> Self {
                let $v = unsafe { $to_int(self.0) };
                Self(unsafe { $from_int($shift) })
            }
        }
    };
}

avx512!(
    Avx512F64, f64, 8, __m512d, __mmask8,
    [_mm512_loadu_pd _mm512_storeu_pd _mm512_set1_pd _mm512_add_pd _mm512_sub_pd _mm512_mul_pd _mm512_div_pd
     _mm512_fmadd_pd _mm512_fnmadd_pd _mm512_min_pd _mm512_max_pd _mm512_sqrt_pd],
    [_mm512_cmp_pd_mask _mm512_mask_blend_pd _mm512_abs_pd _mm512_castpd_si512 _mm512_castsi512_pd _mm512_xor_si512],
    _mm512_set1_epi64(i64::MIN),
    |v| _mm512_slli_epi64::<52>(v)
);

avx512!(
    Avx512F32, f32, 16, __m512, __mmask16,
    [_mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps
     _mm512_fmadd_ps _mm512_fnmadd_ps _mm512_min_ps _mm512_max_ps _mm512_sqrt_ps],
    [_mm512_cmp_ps_mask _mm512_mask_blend_ps _mm512_abs_ps _mm512_castps_si512 _mm512_castsi512_ps _mm512_xor_si512],
    _mm512_set1_epi32(i32::MIN),
    |v| _mm512_slli_epi32::<23>(v)
);
