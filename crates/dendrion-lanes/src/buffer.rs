//! Arrays that start on a cache line, so that no vector straddles two.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::scalar::Scalar;

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// A 64-byte aligned array of scalars.
#[derive(Clone)]
pub struct Buffer<T: Scalar> {
    lines: Vec<Line>,
    len: usize,
    scalar: PhantomData<T>,
}

impl<T: Scalar> Buffer<T> {
    /// `len` zeros.
    ///
    /// # Panics
    /// Where no memory could hold them, as `Vec` does.
    pub fn zeroed(len: usize) -> Self {
        // A size that wrapped would leave a slice longer than its memory.
        let bytes = len.checked_mul(size_of::<T>());
        assert!(bytes.is_some(), "capacity overflow");
        let lines = vec![Line([0; 64]); bytes.unwrap_or(0).div_ceil(64)];
        Self { lines, len, scalar: PhantomData }
    }

    /// `len` times `value`.
    ///
    /// # Panics
    /// As [`Buffer::zeroed`].
    pub fn filled(len: usize, value: T) -> Self {
        let mut buffer = Self::zeroed(len);
        buffer.fill(value);
        buffer
    }
}

impl<T: Scalar> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` scalars, are aligned beyond a scalar's need, and any bits are a valid
        // f32 or f64 (`Scalar` is sealed by `Execute` to these).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Scalar> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl<T: Scalar> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer<{}>[{}]", T::NAME, self.len)
    }
}
