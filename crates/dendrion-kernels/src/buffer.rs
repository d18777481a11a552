//! Arrays aligned to cache lines, so that no vector crosses a line boundary.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::error::OutOfMemory;

/// Numeric types for which every bit pattern is a valid value and all-zero bits represent 0. This trait is
/// sealed.
pub trait Plain: Copy + Default + fmt::Debug + sealed::Sealed + 'static {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! plain {
    ($($t:ident)*) => {$(
        impl sealed::Sealed for $t {}
        impl Plain for $t {}
    )*};
}
plain!(u16 u32 f32 f64);

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Minimum allocation size in bytes for which huge pages are requested. Huge pages reduce TLB misses when
/// many rows are streamed.
const HUGE: usize = 2 << 20;

/// The memory that stores the numbers.
enum Memory {
    Lines(Vec<Line>),
    #[cfg(all(target_os = "linux", not(miri)))]
    Pages(memmap2::MmapMut),
}

impl Memory {
    fn zeroed(bytes: usize) -> Result<Self, OutOfMemory> {
        #[cfg(all(target_os = "linux", not(miri)))]
        if bytes >= HUGE
            && let Ok(pages) = memmap2::MmapMut::map_anon(bytes)
        {
            // If the system has no huge pages, normal pages are used.
            let _ = pages.advise(memmap2::Advice::HugePage);
            return Ok(Self::Pages(pages));
        }
        let (mut lines, count) = (Vec::new(), bytes.div_ceil(64));
        lines.try_reserve_exact(count).map_err(|_| OutOfMemory { bytes })?;
        lines.resize(count, Line([0; 64]));
        Ok(Self::Lines(lines))
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

/// An array of numbers, aligned to 64 bytes.
pub struct Buffer<T: Plain> {
    memory: Memory,
    len: usize,
    scalar: PhantomData<T>,
}

// Allocations can fail, so there is no `Clone`.
impl<T: Plain> Buffer<T> {
    /// Creates an empty array, which takes no memory.
    pub const fn new() -> Self {
        Self { memory: Memory::Lines(Vec::new()), len: 0, scalar: PhantomData }
    }

    /// Creates an array of `len` zeros.
    ///
    /// # Errors
    /// Returns an error if the allocation fails.
    pub fn zeroed(len: usize) -> Result<Self, OutOfMemory> {
        // If the size wrapped around, the slice would be longer than its memory.
        let bytes = len.checked_mul(size_of::<T>()).ok_or(OutOfMemory { bytes: usize::MAX })?;
        Ok(Self { memory: Memory::zeroed(bytes)?, len, scalar: PhantomData })
    }

    /// Creates a copy of `values`.
    ///
    /// # Errors
    /// Returns an error if the allocation fails.
    pub fn copied(values: &[T]) -> Result<Self, OutOfMemory> {
        let mut buffer = Self::zeroed(values.len())?;
        buffer.copy_from_slice(values);
        Ok(buffer)
    }

    /// Replaces the array with `len` zeros if it contains fewer than `len` numbers.
    ///
    /// # Errors
    /// Returns an error if the allocation fails; the array is then unchanged.
    pub fn grow(&mut self, len: usize) -> Result<(), OutOfMemory> {
        if self.len < len {
            *self = Self::zeroed(len)?;
        }
        Ok(())
    }
}

impl<T: Plain> TryFrom<Vec<T>> for Buffer<T> {
    type Error = OutOfMemory;

    fn try_from(values: Vec<T>) -> Result<Self, OutOfMemory> {
        Self::copied(&values)
    }
}

impl<T: Plain> Default for Buffer<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Plain> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the memory contains at least `len` numbers, its alignment exceeds that of a number, and every bit
        // pattern is valid.
        unsafe { std::slice::from_raw_parts(self.memory.start().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start_mut().cast(), self.len) }
    }
}

impl<T: Plain> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer<{}>[{}]", std::any::type_name::<T>(), self.len)
    }
}
