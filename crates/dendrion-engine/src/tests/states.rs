//! Setting states: values that the network cannot hold are rejected, and nothing changes.

use dendrion_kernels::{Level, Scalar};
use dendrion_model::{Dtype, Values};

use super::network::network;
use crate::runtime::core::Core;

fn refused<T: Scalar>(core: &mut Core<T>, values: &Values) -> String {
    let key = core.state_names()[0].clone();
    let before = core.state(&key).unwrap();
    let error = core.set_state(&key, values).expect_err("refused");
    assert_eq!(core.state(&key).unwrap(), before);
    error.to_string()
}

#[test]
fn arrays_without_values_are_refused() {
    let mut core: Core<f64> = Core::new(network(1), Level::best()).unwrap();
    let error = refused(&mut core, &Values::Each(Vec::new()));
    assert!(error.contains("array of length 0: expected a number or an array of length"), "{error}");
}

#[test]
fn numbers_that_are_infinite_in_float32_are_refused() {
    let mut network = network(1);
    network.dtype = Dtype::Float32;
    let mut core: Core<f32> = Core::new(network, Level::best()).unwrap();
    let error = refused(&mut core, &Values::Scalar(1e200));
    assert!(error.contains("= 1e200: expected a magnitude of at most 3.4028235e38"), "{error}");
}
