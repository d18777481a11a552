//! The lengths of epochs.

use std::ops::ControlFlow;
use std::time::Duration;

use dendrion_kernels::Level;
use dendrion_model::{Network, Population};

use crate::runtime::core::Core;

#[test]
fn measured_times_do_not_shorten_epochs_of_runs_that_cannot_stop() {
    let mut cells = Population::new("cells", 4, []);
    cells.soma("soma", [("C", 100.0), ("gL", 5.0)]);
    let mut network = Network::new(0.1);
    network.populations.push(cells);
    let mut core = Core::<f64>::new(network, Level::best()).unwrap();
    let longest = core.exchange.epoch;
    let lengths = |core: &Core<f64>| [core.exchange.pace.get(0), core.exchange.pace.get(1)];
    // A slow watch makes epochs short.
    let slow = &mut |_| {
        std::thread::sleep(Duration::from_millis(300));
        ControlFlow::Continue(())
    };
    let _ = core.run(longest, slow).unwrap();
    assert!(lengths(&core).iter().any(|length| *length < longest), "{:?}", lengths(&core));
    core.advance(longest).unwrap();
    assert_eq!(lengths(&core), [longest; 2]);
}
