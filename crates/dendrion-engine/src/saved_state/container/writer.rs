//! Writing of files: arrays in sequence, with a header before them and a checksum after them.

use std::collections::HashMap;

use dendrion_model::allocate::room;
use dendrion_model::{Error, Turns, Values, check_interrupt};
use safetensors::tensor::{Metadata, TensorInfo};

use super::{CHECKSUM, Element, Head, KEY, LENGTH, SUM};

/// The module named in errors.
const SAVE: &str = "network: save_state";
/// Number of bytes that are added to the checksum between two checks for an interrupt.
const PART: usize = 1 << 24;

/// Collects arrays. Errors are reported at the end.
#[derive(Default)]
pub(in crate::saved_state) struct Writer {
    arrays: Vec<(String, TensorInfo, Vec<u8>)>,
    failed: Option<Error>,
}

impl Writer {
    fn add<E: Element>(&mut self, name: &str, shape: Vec<usize>, values: impl Iterator<Item = E>) {
        if self.failed.is_some() {
            return;
        }
        match bytes(shape.iter().product(), values) {
            Ok(data) => {
                let info = TensorInfo { dtype: E::DTYPE, shape, data_offsets: (0, 0) };
                self.arrays.push((name.to_string(), info, data));
            }
            Err(error) => self.fail(name, error),
        }
    }

    /// Stores the error of an array that cannot be added.
    pub(in crate::saved_state) fn fail(&mut self, name: &str, error: Error) {
        let error = error.needed_by(SAVE, || format!("a copy of {name}"));
        self.failed.get_or_insert(error);
    }

    /// Adds an array of `count` numbers.
    pub(in crate::saved_state) fn numbers<E: Element>(
        &mut self,
        name: &str,
        count: usize,
        values: impl Iterator<Item = E>,
    ) {
        self.add(name, vec![count], values);
    }

    /// Adds an array.
    pub(in crate::saved_state) fn array<E: Element>(&mut self, name: &str, values: &[E]) {
        self.add(name, vec![values.len()], values.iter().copied());
    }

    /// Adds an array of known length. If all its numbers are equal, a single number without axes is stored.
    pub(in crate::saved_state) fn repeated<E: Element>(&mut self, name: &str, values: &[E]) {
        match values {
            [first, rest @ ..] if rest.iter().all(|v| v.bits() == first.bits()) => {
                self.add(name, Vec::new(), std::iter::once(*first));
            }
            all => self.array(name, all),
        }
    }

    /// Adds one number as an array of length 1.
    pub(in crate::saved_state) fn one<E: Element>(&mut self, name: &str, value: E) {
        self.array(name, &[value]);
    }

    /// Adds spikes (step, source).
    pub(in crate::saved_state) fn spikes(&mut self, name: &str, spikes: &[(u64, u32)]) {
        self.add(&format!("{name}/step"), vec![spikes.len()], spikes.iter().map(|(step, _)| *step));
        self.add(&format!("{name}/source"), vec![spikes.len()], spikes.iter().map(|(_, source)| *source));
    }

    /// Adds the values of a parameter. One value for all members is stored as an array without axes.
    pub(in crate::saved_state) fn values(&mut self, name: &str, values: &Values) {
        let shape = if let Values::Each(v) = values { vec![v.len()] } else { Vec::new() };
        self.add(name, shape, values.as_slice().iter().copied());
    }

    /// Returns the file as consecutive pieces.
    pub(in crate::saved_state) fn finish(mut self, head: &Head) -> Result<Vec<Vec<u8>>, Error> {
        let failed = |e: &dyn std::fmt::Display| Error::state(SAVE, e.to_string());
        // Wide numbers come first, so that all arrays are aligned.
        self.arrays.sort_by_key(|(_, info, _)| std::cmp::Reverse(info.dtype.bitsize()));
        self.add(CHECKSUM, vec![SUM], [0_u8; SUM].into_iter());
        if let Some(error) = self.failed {
            return Err(error);
        }
        let (mut infos, mut pieces, mut at) = (Vec::new(), vec![Vec::new()], 0);
        for (name, mut info, data) in self.arrays {
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
        for part in pieces.iter().flat_map(|piece| piece.chunks(PART)) {
            check_interrupt()?;
            sum.update(part);
        }
        pieces.push(sum.finalize().to_le_bytes().to_vec());
        Ok(pieces)
    }
}

/// Returns the bytes of `count` values.
fn bytes<E: Element>(count: usize, values: impl Iterator<Item = E>) -> Result<Vec<u8>, Error> {
    let mut data = room(count.saturating_mul(E::DTYPE.bitsize() / 8))?;
    let mut turns = Turns::default();
    for v in values {
        turns.pass(1)?;
        v.put(&mut data);
    }
    Ok(data)
}
