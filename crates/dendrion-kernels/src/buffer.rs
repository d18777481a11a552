//! Arrays that start on a cache line, so that no vector straddles two.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Numbers for which any bits are a value, zeros the value 0. Sealed.
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

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Bytes from which on memory is asked for in huge pages: a page of each row that streams by is a walk through tables.
const HUGE: usize = 2 << 20;

/// Where the numbers are.
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

/// A 64-byte aligned array of numbers.
pub struct Buffer<T: Plain> {
    memory: Memory,
    len: usize,
    scalar: PhantomData<T>,
}

impl<T: Plain> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: Plain> Buffer<T> {
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

impl<T: Plain> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        let mut buffer = Self::zeroed(values.len());
        buffer.copy_from_slice(&values);
        buffer
    }
}

impl<T: Plain> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the memory holds at least `len` numbers, is aligned beyond a number's need, and any bits are one.
        unsafe { std::slice::from_raw_parts(self.memory.start().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start_mut().cast(), self.len) }
    }
}

impl<T: Plain> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer<{}>[{}]", std::any::type_name::<T>(), self.len)
    }
}
