//! Failed allocations of the states that a gradient needs.

use std::ops::ControlFlow;

use dendrion_kernels::Level;

use super::network;
use crate::gradient::{Store, record};
use crate::runtime::core::Core;
use crate::runtime::run::RunOptions;

#[test]
fn the_purpose_of_the_states_is_named() {
    let mut core = Core::<f64>::new(network(), Level::best()).unwrap();
    // The states of this many steps exceed every address space.
    let how = (1 << 47, &RunOptions::default(), usize::MAX);
    let found = record(&mut core, &mut Store::default(), how, &mut |_| ControlFlow::Continue(()));
    let error = found.unwrap_err().to_string();
    assert!(
        error.starts_with(
            "cell: not enough memory for the states that a gradient needs after t = 0 ms (recordings"
        ),
        "{error}"
    );
    assert!(error.ends_with(" could not be allocated"), "{error}");
}
