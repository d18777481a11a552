//! Positions of times on the grid of time steps.

/// Tolerance for rounding errors, in steps. For example, 0.15 ms is 1.5 steps of 0.1 ms, although 0.15/0.1 is less
/// than 1.5 in binary arithmetic.
pub const NOISE: f64 = 1e-6;
/// Tolerance relative to the number of steps, and its upper limit in steps, for times that are stored in
/// single precision.
const SINGLE: (f64, f64) = (1e-7, 1e-2);

/// Converts a time (ms) to steps. The result is an integer if the time is a multiple of the step up to
/// rounding errors; otherwise, it keeps its fractional part.
pub fn grid_position(ms: f64, dt: f64) -> f64 {
    let steps = ms / dt;
    let is_single = f64::from(ms as f32) == ms;
    let single = if is_single { (SINGLE.0 * steps.abs()).min(SINGLE.1) } else { 0.0 };
    snapped(steps, NOISE.max(single))
}

/// Rounds a computed position to the nearest integer if they differ only by rounding errors.
pub fn on_grid(position: f64) -> f64 {
    snapped(position, 1e-9)
}

fn snapped(position: f64, tolerance: f64) -> f64 {
    let whole = position.round();
    let rounding = 4.0 * f64::EPSILON * position.abs();
    if (position - whole).abs() <= tolerance.max(rounding) { whole } else { position }
}

#[cfg(test)]
mod tests {
    use super::{grid_position, on_grid};

    #[test]
    fn multiples_of_the_step_are_whole_numbers() {
        for (steps, dt) in [(3_u32, 0.1), (7, 0.025), (123_457, 0.1), (10_000_001, 0.01), (6, 1.0 / 3.0)] {
            let ms = f64::from(steps) * dt;
            assert_eq!(grid_position(ms, dt), f64::from(steps), "{ms} ms at {dt} ms");
            let sum = (0..steps.min(200_000)).fold(0.0, |t, _| t + dt);
            assert_eq!(grid_position(sum, dt), f64::from(steps.min(200_000)), "a sum of {steps} x {dt} ms");
        }
        for steps in [1_u32, 11, 10_001, 90_001] {
            let ms = f64::from((f64::from(steps) * 0.1) as f32);
            assert_eq!(grid_position(ms, 0.1), f64::from(steps), "{ms} ms in single precision");
        }
        assert_eq!(on_grid(15.0 * 0.2), 3.0);
    }

    #[test]
    fn other_times_keep_their_fraction() {
        for (ms, dt) in [(1.03, 0.1), (0.05, 0.1), (1e5 + 0.003, 0.1), (1e6 + 1.0, 0.3), (0.000_01, 0.1)] {
            assert_eq!(grid_position(ms, dt), ms / dt, "{ms} ms at {dt} ms");
        }
    }
}
