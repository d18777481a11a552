//! Limits on the number of spikes that a generator sends in a step. Each spike is drawn and delivered, so a
//! step with too many spikes would take practically forever.

use super::Checked;
use crate::{Error, Generator, Signal, Values};

/// Maximum number of spikes of one source in a step. For randomly drawn spikes, it limits the average number.
pub const MOST_SPIKES_OF_A_SOURCE: f64 = 1e4;
/// Maximum number of spikes of all sources of a generator in a step.
pub const MOST_SPIKES_OF_A_STEP: f64 = 1e7;

impl Generator {
    /// Checks that the sources of a Poisson generator with these rates (Hz) do not send too many spikes in a step of
    /// `dt` ms.
    ///
    /// # Errors
    /// Returns [`Error::Parameter`] for the first rate, or the first set of rates, that is too high.
    pub fn check_rates(&self, rates: &Values, dt: f64) -> Checked {
        if !matches!(self.signal, Signal::Poisson) {
            return Ok(());
        }
        let (all, spikes) = (rates.as_slice(), |rate: f64| rate * dt * 1e-3);
        if let Some(i) = all.iter().position(|rate| spikes(*rate) > MOST_SPIKES_OF_A_SOURCE) {
            let name = if matches!(rates, Values::Each(_)) { format!("rate[{i}]") } else { "rate".into() };
            let most = MOST_SPIKES_OF_A_SOURCE / (dt * 1e-3);
            let accepted = format!(
                "at most {most:e} Hz, which is {MOST_SPIKES_OF_A_SOURCE} spikes of a source in a step of {dt} ms; \
                 use larger weights instead"
            );
            return Err(Error::parameter(&self.path, name, shown(all[i]), accepted));
        }
        // For each time there is one rate for all sources, or one per source.
        let rows = self.breaks.len().max(1);
        let width = if all.len() == rows && rows > 1 { 1 } else { (all.len() / rows).max(1) };
        let of_a_step = |row: &[f64]| {
            let sum = row.iter().sum::<f64>();
            spikes(if row.len() == 1 { sum * self.size as f64 } else { sum })
        };
        let Some(most) = all.chunks(width).map(of_a_step).find(|n| *n > MOST_SPIKES_OF_A_STEP) else {
            return Ok(());
        };
        let value = format!("{} Hz, summed over all {} sources", shown(most / (dt * 1e-3)), self.size);
        let accepted = format!(
            "at most {:e} Hz, which is {MOST_SPIKES_OF_A_STEP:e} spikes in a step of {dt} ms; use larger weights instead",
            MOST_SPIKES_OF_A_STEP / (dt * 1e-3)
        );
        Err(Error::parameter(&self.path, "rate", value, accepted))
    }

    /// Returns the average number of spikes that the sources send in a step of `dt` ms at their highest rate.
    /// The number is 0 for explicit spikes and for currents.
    pub fn expected_spikes(&self, dt: f64) -> f64 {
        let most = |name: &str| {
            let values = self.params.get(name).map_or(&[][..], Values::as_slice);
            values.iter().fold(0.0, |most: f64, v| most.max(*v)) * self.size as f64
        };
        match &self.signal {
            Signal::Poisson => most("rate") * dt * 1e-3,
            Signal::Bernoulli => most("prob"),
            _ => 0.0,
        }
    }

    /// Checks that no step has too many explicit spikes. `steps` contains the steps of all spikes in
    /// ascending order.
    ///
    /// # Errors
    /// Returns [`Error::Parameter`] for the first step with too many spikes.
    pub fn check_given(&self, steps: impl Iterator<Item = u64>, dt: f64) -> Checked {
        let (mut now, mut count) = (u64::MAX, 0.0);
        for step in steps {
            (now, count) = if step == now { (now, count + 1.0) } else { (step, 1.0) };
            if count > MOST_SPIKES_OF_A_STEP {
                let value = format!("more than {MOST_SPIKES_OF_A_STEP:e} spikes at {} ms", step as f64 * dt);
                let accepted = format!("at most {MOST_SPIKES_OF_A_STEP:e} spikes in each step");
                return Err(Error::parameter(&self.path, "times", value, accepted));
            }
        }
        Ok(())
    }
}

/// Formats a rate, which may have many digits.
fn shown(rate: f64) -> String {
    if rate < 1e6 { rate.to_string() } else { format!("{rate:e}") }
}

#[cfg(test)]
mod tests {
    use crate::{Generator, Signal, Values};

    #[allow(clippy::needless_pass_by_value)] // Callers pass temporaries.
    fn refused(size: usize, breaks: &[f64], rates: Values) -> Option<String> {
        let mut generator = Generator::new("noise", size, Signal::Poisson, []);
        generator.breaks = breaks.to_vec();
        generator.check_rates(&rates, 0.1).err().map(|e| e.to_string())
    }

    #[test]
    fn a_source_sends_at_most_10000_spikes_in_a_step() {
        assert_eq!(refused(1, &[], 1e8.into()), None);
        let told = refused(1, &[], 1e17.into()).unwrap();
        assert!(told.starts_with("noise: rate = 1e17: expected at most 1e8 Hz"), "{told}");
        let told = refused(3, &[], vec![1.0, 2.0, 1.1e8].into()).unwrap();
        assert!(told.starts_with("noise: rate[2] = 1.1e8: expected at most 1e8 Hz"), "{told}");
        let told = refused(1, &[0.0, 5.0], vec![1.0, 1e300].into()).unwrap();
        assert!(told.starts_with("noise: rate[1] = 1e300: expected"), "{told}");
    }

    #[test]
    fn all_sources_send_at_most_1e7_spikes_in_a_step() {
        assert_eq!(refused(1000, &[], 1e8.into()), None);
        let told = refused(1001, &[], 1e8.into()).unwrap();
        assert!(
            told.starts_with(
                "noise: rate = 1.001e11 Hz, summed over all 1001 sources: expected at most 1e11 Hz"
            ),
            "{told}"
        );
        // The rates of all sources at one time add up. Rates at different times do not.
        let rates = |n: usize| Values::Each(vec![1e8; n]);
        assert_eq!(refused(1000, &[0.0, 5.0], rates(2000)), None);
        assert_eq!(refused(1000, &[0.0, 5.0], rates(2)), None);
        assert!(refused(1001, &[0.0, 5.0], rates(2002)).is_some());
        assert!(refused(1001, &[0.0, 5.0], rates(2)).is_some());
    }

    #[test]
    fn given_spikes_are_counted_by_step() {
        let generator = Generator::new("given", 1, Signal::Spikes { indices: vec![], times: vec![] }, []);
        let steps = |n: u64| (0..n).map(|_| 7);
        assert!(generator.check_given((0..100).chain(steps(10_000_000)), 0.1).is_ok());
        let told = generator.check_given(steps(10_000_001), 0.1).unwrap_err().to_string();
        assert!(told.starts_with("given: times = more than 1e7 spikes at 0.7"), "{told}");
    }
}
