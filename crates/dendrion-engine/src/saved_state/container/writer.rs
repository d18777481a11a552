//! Writing: arrays put one behind the other, with a header before and a checksum behind.

use std::collections::HashMap;

use dendrion_model::{Error, Values};
use safetensors::tensor::{Metadata, TensorInfo};

use super::{CHECKSUM, Element, Head, KEY, LENGTH, SUM};

/// Gathers arrays.
#[derive(Default)]
pub(in crate::saved_state) struct Writer(Vec<(String, TensorInfo, Vec<u8>)>);

impl Writer {
    fn add<E: Element>(&mut self, name: &str, shape: Vec<usize>, values: impl Iterator<Item = E>) {
        let mut data = Vec::with_capacity(shape.iter().product::<usize>() * E::DTYPE.bitsize() / 8);
        values.for_each(|v| v.put(&mut data));
        let info = TensorInfo { dtype: E::DTYPE, shape, data_offsets: (0, 0) };
        self.0.push((name.to_string(), info, data));
    }

    /// Adds an array.
    pub(in crate::saved_state) fn array<E: Element>(&mut self, name: &str, values: &[E]) {
        self.add(name, vec![values.len()], values.iter().copied());
    }

    /// Adds an array of known length; one of which all numbers are the same as that number, without axes.
    pub(in crate::saved_state) fn repeated<E: Element>(&mut self, name: &str, values: &[E]) {
        match values {
            [first, rest @ ..] if rest.iter().all(|v| v.bits() == first.bits()) => {
                self.add(name, Vec::new(), std::iter::once(*first));
            }
            all => self.array(name, all),
        }
    }

    /// Adds one number, as an array of one.
    pub(in crate::saved_state) fn one<E: Element>(&mut self, name: &str, value: E) {
        self.array(name, &[value]);
    }

    /// Adds spikes (step, source).
    pub(in crate::saved_state) fn spikes(&mut self, name: &str, spikes: &[(u64, u32)]) {
        self.add(&format!("{name}/step"), vec![spikes.len()], spikes.iter().map(|(step, _)| *step));
        self.add(&format!("{name}/source"), vec![spikes.len()], spikes.iter().map(|(_, source)| *source));
    }

    /// Adds the values of a parameter: an array without axes is one for all.
    pub(in crate::saved_state) fn values(&mut self, name: &str, values: &Values) {
        let shape = if let Values::Each(v) = values { vec![v.len()] } else { Vec::new() };
        self.add(name, shape, values.as_slice().iter().copied());
    }

    /// The file, in pieces that follow each other.
    pub(in crate::saved_state) fn finish(mut self, head: &Head) -> Result<Vec<Vec<u8>>, Error> {
        let failed = |e: &dyn std::fmt::Display| Error::state("network: save_state", e.to_string());
        // Wide numbers first, so that all are aligned.
        self.0.sort_by_key(|(_, info, _)| std::cmp::Reverse(info.dtype.bitsize()));
        self.add(CHECKSUM, vec![SUM], [0_u8; SUM].into_iter());
        let (mut infos, mut pieces, mut at) = (Vec::new(), vec![Vec::new()], 0);
        for (name, mut info, data) in self.0 {
            info.data_offsets = (at, at + data.len());
            at += data.len();
            infos.push((name, info));
            pieces.push(data);
        }
        let head = serde_json::to_string(head).map_err(|e| failed(&e))?;
        let metadata = Metadata::new(Some(HashMap::from([(KEY.to_string(), head)])), infos);
        let metadata = metadata.map_err(|e| failed(&e))?;
        let mut header = serde_json::to_vec(&metadata).map_err(|e| failed(&e))?;
        header.resize(header.len().next_multiple_of(LENGTH), b' ');
        pieces[0] = [&(header.len() as u64).to_le_bytes(), header.as_slice()].concat();
        pieces.pop();
        let mut sum = crc32fast::Hasher::new();
        pieces.iter().for_each(|piece| sum.update(piece));
        pieces.push(sum.finalize().to_le_bytes().to_vec());
        Ok(pieces)
    }
}
