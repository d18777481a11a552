//! Arrays that start on a cache line, so that no vector straddles two.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::scalar::Scalar;

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Bytes from which on memory is asked for in huge pages: a page of each row that streams by is a walk through tables.
const HUGE: usize = 2 << 20;

/// Where the scalars are.
enum Memory {
    Lines(Vec<Line>),
    #[cfg(all(target_os = "linux", not(miri)))]
    Pages(memmap2::MmapMut),
}

impl Memory {
    fn zeroed(bytes: usize) -> Self {
        #[cfg(all(target_os = "linux", not(miri)))]
        if bytes >= HUGE
            && let Ok(pages) = memmap2::MmapMut::map_anon(bytes)
        {
            // Where the system has no huge pages, others do.
            let _ = pages.advise(memmap2::Advice::HugePage);
            return Self::Pages(pages);
        }
        Self::Lines(vec![Line([0; 64]); bytes.div_ceil(64)])
    }

    fn start(&self) -> *const u8 {
        match self {
            Self::Lines(lines) => lines.as_ptr().cast(),
            #[cfg(all(target_os = "linux", not(miri)))]
            Self::Pages(pages) => pages.as_ptr(),
        }
    }

    fn start_mut(&mut self) -> *mut u8 {
        match self {
            Self::Lines(lines) => lines.as_mut_ptr().cast(),
            #[cfg(all(target_os = "linux", not(miri)))]
            Self::Pages(pages) => pages.as_mut_ptr(),
        }
    }
}

/// A 64-byte aligned array of scalars.
pub struct Buffer<T: Scalar> {
    memory: Memory,
    len: usize,
    scalar: PhantomData<T>,
}

impl<T: Scalar> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len);
        copy.copy_from_slice(self);
        copy
    }
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
        Self { memory: Memory::zeroed(bytes.unwrap_or(0)), len, scalar: PhantomData }
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
        // SAFETY: the memory holds at least `len` scalars, is aligned beyond a scalar's need, and any bits are a valid
        // f32 or f64 (`Scalar` is sealed by `Execute` to these).
        unsafe { std::slice::from_raw_parts(self.memory.start().cast(), self.len) }
    }
}

impl<T: Scalar> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start_mut().cast(), self.len) }
    }
}

impl<T: Scalar> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer<{}>[{}]", T::NAME, self.len)
    }
}
