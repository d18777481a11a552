//! A saved simulation resumes bit-for-bit wherever it is loaded, and files that are not a state of the network are
//! rejected.
#![allow(clippy::unwrap_used)]

mod continues;
mod network;
mod refuses;

use std::ops::ControlFlow;

use dendrion_kernels::{Level, Scalar, granule};
use dendrion_model::Network;

use crate::build::layout::Layout;
use crate::runtime::core::{Core, RunEnd};
use crate::saved_state::{Element, save_state};

/// Divides a network into blocks of `lines` lines and shards of `per_shard` blocks. 0 lines select the default.
fn made<T: Scalar>(network: Network, lines: usize, per_shard: usize) -> Core<T> {
    if lines == 0 {
        return Core::new(network, Level::best()).unwrap();
    }
    let lanes = lines * granule::<T>();
    let layout = move |size: usize, _| Layout {
        size,
        lanes,
        blocks: size.div_ceil(lanes),
        per_shard,
        sites: 1,
        width: lanes,
    };
    Core::cut(network, Level::best(), layout).unwrap()
}

fn run<T: Scalar>(core: &mut Core<T>, steps: u64) {
    core.run(steps, &mut |_| ControlFlow::Continue(())).unwrap();
}

/// Runs the network and stops it after `epochs` epochs, so that generators are ahead of the neurons.
fn run_stopped<T: Scalar>(core: &mut Core<T>, epochs: u32) {
    let mut left = epochs;
    let watch = &mut |_| {
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(core.run(1_000_000, watch).unwrap(), RunEnd::Stopped);
}

fn saved<T: Scalar + Element + Into<f64>>(core: &mut Core<T>) -> Vec<u8> {
    save_state(core).unwrap().concat()
}

/// Returns the number of values in an array of a file.
fn count(file: &[u8], name: &str) -> usize {
    let (_, metadata) = safetensors::SafeTensors::read_metadata(file).unwrap();
    metadata.info(name).unwrap().shape.iter().product()
}

/// Sets the first number of an array, and the checksum.
fn set_first(file: &mut [u8], name: &str, value: u64) {
    let (header, metadata) = safetensors::SafeTensors::read_metadata(file).unwrap();
    let at = 8 + header + metadata.info(name).unwrap().data_offsets.0;
    file[at..at + 8].copy_from_slice(&value.to_le_bytes());
    let (body, sum) = file.split_at_mut(file.len() - 4);
    sum.copy_from_slice(&crc32fast::hash(body).to_le_bytes());
}
