//! Room on the stack for walks over nested structures.
//!
//! Callers may have little stack: threads made with `threading.stack_size(65536)` in Python, workers of a thread pool. Expressions may be
//! deep: a chain of 800 named expressions is 800 levels. Both functions here continue on a new stack, allocated on the heap, where
//! the current one has too little room, and cost a comparison where it has enough.

/// Stack that an entry point needs without deep recursion.
const ENTRY: usize = 1 << 20;
/// Stack that one level of a recursive walk needs, with everything it calls.
const LEVEL: usize = 128 << 10;
/// Size of a new stack.
const SIZE: usize = 4 << 20;

/// Calls `f` with at least 1 MiB of stack. Entry points that parse or compile use it.
pub fn with_stack<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ENTRY, SIZE, f)
}

/// Calls `f`, one level of a recursive walk, with enough stack for that level. The depth of the walk is then bounded by memory alone.
pub fn recurse<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(LEVEL, SIZE, f)
}

#[cfg(test)]
mod tests {
    use super::{recurse, with_stack};

    fn depth(n: u64) -> u64 {
        if n == 0 { 0 } else { recurse(|| std::hint::black_box(depth(n - 1) + 1)) }
    }

    #[test]
    fn recursion_is_not_bounded_by_the_stack_of_the_thread() {
        let thread = std::thread::Builder::new().stack_size(64 << 10);
        let found = thread.spawn(|| with_stack(|| depth(100_000))).expect("a thread").join();
        assert_eq!(found.expect("no overflow"), 100_000);
    }
}
