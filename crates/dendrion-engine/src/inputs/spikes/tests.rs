//! Sources that are silent, and sources whose run is stopped while they draw their spikes.
#![allow(clippy::unwrap_used)]

use dendrion_model::{Generator, Signal};

use super::SourceBlock;
use crate::runtime::spikes::Spikes;

#[test]
fn sources_of_rate_minus_0_are_silent() {
    for (signal, name) in [(Signal::Poisson, "rate"), (Signal::Bernoulli, "prob")] {
        let generator = Generator::new("still", 2, signal, [(name, -0.0)]);
        let mut source_blocks = SourceBlock::of(0, &generator, 1, 0.1).unwrap();
        let mut spikes = Spikes::default();
        source_blocks[0].generate(0, 64, &mut spikes, &mut || true).unwrap();
        assert!(spikes.is_empty());
    }
}

#[test]
fn sources_that_were_stopped_send_the_same_spikes() {
    let generator = Generator::new("noise", 20, Signal::Poisson, [("rate", 1e8)]);
    let made = || SourceBlock::of(0, &generator, 1, 0.1).unwrap().swap_remove(0);
    let (mut whole, mut stopped, mut stops) = (made(), made(), 0);
    let (mut expected, mut spikes) = (Spikes::default(), Spikes::default());
    for step in 0..3 {
        assert!(whole.generate(step, 1, &mut expected, &mut || true).unwrap());
        for k in 0.. {
            let mut left = 4;
            let mut goes_on = || {
                left -= 1;
                left > 0
            };
            if stopped.generate(step, 1, &mut spikes, &mut goes_on).unwrap() {
                break;
            }
            assert!(spikes.is_empty());
            // A copy has no draft, and starts again.
            let mut copy = stopped.copy_unrecorded().unwrap();
            if k == 2 {
                assert!(copy.generate(step, 1, &mut spikes, &mut || true).unwrap());
                assert!(spikes == expected);
            }
            stops += 1;
        }
        assert!(spikes == expected);
    }
    assert_eq!(stops, 12);
}
