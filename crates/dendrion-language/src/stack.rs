//! Stack space for recursion over nested structures.
//!
//! The caller's stack may be small, as in threads created with `threading.stack_size(65536)` in Python or in
//! workers of a thread pool, and expressions may be deep: a chain of 800 named expressions has 800 levels.
//! Both functions of this module check the remaining stack, which costs one comparison, and continue on a new
//! stack allocated on the heap if too little is left.

/// Number of bytes of stack that an entry point needs, apart from deep recursion.
const ENTRY: usize = 1 << 20;
/// Number of bytes of stack that one level of a recursive walk needs, including all functions that it calls.
const LEVEL: usize = 128 << 10;
/// Size of a new stack.
const SIZE: usize = 4 << 20;

/// Calls `f` with at least 1 MiB of stack. Use it in entry points that parse or compile.
pub fn with_stack<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ENTRY, SIZE, f)
}

/// Calls `f`, one level of a recursive walk, with enough stack for that level, so that only memory limits the depth
/// of the walk.
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
