//! Work on a group of cells, compiled for the instructions of each level and for each width.

use crate::level::Level;

/// Work on a group, with the number of cells W and the number of values per coefficient S as constants.
pub(super) trait Task {
    /// Does the work. Implementations must be inlined, so that they are compiled for the level.
    fn run<const W: usize, const S: usize>(self);
}

/// Does the work with the instructions of a level.
#[inline(always)]
pub(super) fn on_level(level: Level, sizes: (usize, usize), task: impl Task) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2(sizes: (usize, usize), task: impl Task) {
            of_size(sizes, task);
        }
        #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
        fn avx512(sizes: (usize, usize), task: impl Task) {
            of_size(sizes, task);
        }
        let is_wide = is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512dq");
        if level == Level::Avx512 && level.is_available() && is_wide {
            // SAFETY: the processor has these instructions.
            unsafe { avx512(sizes, task) }
        } else if level >= Level::Avx2 && Level::Avx2.is_available() {
            // SAFETY: as above.
            unsafe { avx2(sizes, task) }
        } else {
            of_size(sizes, task);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = level;
        of_size(sizes, task);
    }
}

#[inline(always)]
fn of_size((width, stride): (usize, usize), task: impl Task) {
    match (width, stride) {
        (1, _) => task.run::<1, 1>(),
        (2, 1) => task.run::<2, 1>(),
        (2, _) => task.run::<2, 2>(),
        (4, 1) => task.run::<4, 1>(),
        (4, _) => task.run::<4, 4>(),
        (8, 1) => task.run::<8, 1>(),
        (8, _) => task.run::<8, 8>(),
        (_, 1) => task.run::<16, 1>(),
        (_, _) => task.run::<16, 16>(),
    }
}
