//! Vectors whose allocation returns an error on failure instead of aborting the process, for all data whose
//! size a user controls.
//!
//! The errors name neither the module nor the purpose of the memory; [`Error::needed_by`] adds both.

use crate::{Error, UNNAMED, Values, check_interrupt};

/// Number of values that are written between two checks for an interrupt. The system provides memory when it is first
/// written, which may take longer than writing.
pub const BLOCK: usize = 1 << 18;

/// Creates the error for memory of `count` values that could not be allocated.
pub fn out_of_memory<T>(count: usize) -> Error {
    let bytes = count.saturating_mul(size_of::<T>());
    Error::OutOfMemory { module: UNNAMED.into(), what: String::new(), bytes }
}

/// Returns an empty vector with room for `count` values.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] if the allocation fails.
pub fn room<T>(count: usize) -> Result<Vec<T>, Error> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| out_of_memory::<T>(count))?;
    Ok(values)
}

/// Reserves room for `more` values, and for additional values if enough memory is available.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] if the allocation fails.
pub fn reserve<T>(values: &mut Vec<T>, more: usize) -> Result<(), Error> {
    let count = values.len().saturating_add(more);
    // If memory is short, a smaller reservation may still fit. It is a fraction of the current size, so that
    // many small additions do not copy the vector each time.
    let least = more.max(values.len() / 16);
    let reserved = values.try_reserve(more).or_else(|_| values.try_reserve_exact(least));
    reserved.map_err(|_| out_of_memory::<T>(count))
}

/// Returns a vector with `count` copies of `value`.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] if the allocation fails, and [`Error::Interrupted`] after an interrupt.
pub fn filled<T: Clone>(count: usize, value: T) -> Result<Vec<T>, Error> {
    let mut values = room(count)?;
    while count - values.len() > BLOCK {
        values.resize(values.len() + BLOCK, value.clone());
        check_interrupt()?;
    }
    values.resize(count, value);
    Ok(values)
}

/// Returns a copy of a slice.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] if the allocation fails, and [`Error::Interrupted`] after an interrupt.
pub fn copied<T: Clone>(values: &[T]) -> Result<Vec<T>, Error> {
    let mut copy = room(values.len())?;
    let (first, rest) = values.split_at(values.len().min(BLOCK));
    copy.extend_from_slice(first);
    for block in rest.chunks(BLOCK) {
        check_interrupt()?;
        copy.extend_from_slice(block);
    }
    Ok(copy)
}

/// Returns a copy of the values of a parameter.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] if the allocation fails.
pub fn copied_values(values: &Values) -> Result<Values, Error> {
    Ok(match values {
        Values::Scalar(v) => Values::Scalar(*v),
        Values::Each(v) => Values::Each(copied(v)?),
    })
}

/// Appends a value.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] if the allocation fails.
pub fn push<T>(values: &mut Vec<T>, value: T) -> Result<(), Error> {
    if values.len() == values.capacity() {
        reserve(values, 1)?;
    }
    values.push(value);
    Ok(())
}

/// Appends copies of the values of a slice.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] if the allocation fails; nothing is appended in that case.
pub fn extend<T: Clone>(values: &mut Vec<T>, more: &[T]) -> Result<(), Error> {
    if values.capacity() - values.len() < more.len() {
        reserve(values, more.len())?;
    }
    values.extend_from_slice(more);
    Ok(())
}

/// Collects the values of an iterator.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] if the allocation fails, and [`Error::Interrupted`] after an interrupt.
pub fn collected<T>(values: impl IntoIterator<Item = T>) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    append(&mut all, values)?;
    Ok(all)
}

/// Appends the values of an iterator.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] if an allocation fails, and [`Error::Interrupted`] after an interrupt; some of the
/// values may have been appended by then.
pub fn append<T>(all: &mut Vec<T>, values: impl IntoIterator<Item = T>) -> Result<(), Error> {
    let mut values = values.into_iter();
    let least = values.size_hint().0;
    if all.is_empty() {
        all.try_reserve_exact(least).map_err(|_| out_of_memory::<T>(least))?;
    } else {
        reserve(all, least)?;
    }
    // The values that fit into the reserved memory are appended in blocks, without checks of memory.
    let mut free = all.capacity() - all.len();
    while free > BLOCK {
        all.extend(values.by_ref().take(BLOCK));
        free -= BLOCK;
        check_interrupt()?;
    }
    all.extend(values.by_ref().take(free));
    for value in values {
        reserve(all, 1)?;
        all.push(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::{BLOCK, append, collected, copied, filled, reserve, room};
    use crate::{Error, interruptible};

    #[allow(clippy::needless_pass_by_value)] // Callers pass temporaries.
    fn bytes<T>(found: Result<T, Error>) -> usize {
        match found {
            Err(Error::OutOfMemory { bytes, .. }) => bytes,
            _ => 0,
        }
    }

    #[test]
    fn too_large_vectors_are_errors() {
        let count = usize::MAX / 16;
        assert_eq!(bytes(room::<u64>(count)), 8 * count);
        assert_eq!(bytes(filled(usize::MAX, 1_u64)), usize::MAX);
        assert_eq!(bytes(collected((0..count).map(|i| i as u64))), 8 * count);
        let mut some = vec![1_u64];
        assert_eq!(bytes(reserve(&mut some, count)), 8 * count + 8);
        assert_eq!(some, [1]);
    }

    #[test]
    fn large_vectors_are_interrupted() {
        let values = vec![1_u8; 2 * BLOCK];
        let interrupted = |work: &dyn Fn() -> Result<Vec<u8>, Error>| {
            let found = interruptible(|| ControlFlow::Break(()), work);
            assert_eq!(found, Err(Error::Interrupted));
            assert_eq!(work().as_deref(), Ok(values.as_slice()));
        };
        interrupted(&|| filled(2 * BLOCK, 1));
        interrupted(&|| copied(&values));
        interrupted(&|| collected(values.iter().copied()));
    }

    #[test]
    fn others_are_what_they_would_be() {
        assert_eq!(filled(3, 2), Ok(vec![2; 3]));
        assert_eq!(copied(&[1, 2]), Ok(vec![1, 2]));
        // The iterators yield more or fewer values than their size hints promise.
        assert_eq!(collected((0..100).filter(|i| i % 7 == 0)), Ok((0..100).step_by(7).collect()));
        let mut all = vec![5];
        append(&mut all, 0..3).unwrap();
        append(&mut all, (0..9).filter(|i| i % 2 == 1)).unwrap();
        assert_eq!(all, [5, 0, 1, 2, 1, 3, 5, 7]);
    }
}
