//! The values of a node for all cells of a group.

use crate::scalar::Scalar;

pub(super) type Values<T, const W: usize> = [T; W];

/// Returns the values at an address.
///
/// # Safety
/// There must be W values.
#[inline(always)]
pub(super) unsafe fn load<T: Scalar, const W: usize>(from: *const T) -> Values<T, W> {
    // SAFETY: guaranteed by the caller.
    unsafe { from.cast::<[T; W]>().read_unaligned() }
}

/// Stores values at an address.
///
/// # Safety
/// There must be W values, which nothing else borrows.
#[inline(always)]
pub(super) unsafe fn store<T: Copy, const W: usize>(to: *mut T, values: [T; W]) {
    // SAFETY: guaranteed by the caller.
    unsafe { to.cast::<[T; W]>().write_unaligned(values) }
}

/// Computes a value for each cell.
macro_rules! lanes {
    (|$l:ident| $value:expr) => {
        lanes!(|$l| $value, T::default())
    };
    (|$l:ident| $value:expr, $initial:expr) => {{
        let mut out = [$initial; W];
        for $l in 0..W {
            out[$l] = $value;
        }
        out
    }};
}
pub(super) use lanes;
