//! Copies of shards: for the samples of a batch, and for gradients.

use dendrion_kernels::{Buffer, Ring, Scalar};

use crate::plasticity::state::PlasticityState;
use crate::recording::recorder::Recorder;
use crate::runtime::shard::{Change, Incoming, Shard};
use crate::runtime::spikes::Spikes;

impl<T: Scalar> Shard<T> {
    /// A copy with the same connections; with what was recorded and with recorders, or without.
    pub(crate) fn clone_shard(&self, records: bool) -> Self {
        let incoming = self.incoming.iter().map(|i| Incoming {
            projection: i.projection,
            fanout: i.fanout.clone(),
            port: i.port,
            change: match &i.change {
                Change::ShortTerm(short_term) => Change::ShortTerm(short_term.clone()),
                // Samples of a batch share their weights, and are refused where these would be learnt.
                Change::None | Change::Learning(_) => Change::None,
            },
        });
        Self {
            population: self.population,
            neurons: self.neurons.clone(),
            blocks: self.blocks.clone(),
            lanes: self.lanes,
            state_rows: self.state_rows,
            state: self.state.clone(),
            before: self.before.clone(),
            scratch: self.scratch.clone(),
            rings: self.rings.clone(),
            incoming: incoming.collect(),
            senders: Vec::new(),
            currents: self.currents.clone(),
            noises: self.noises.clone(),
            recorders: if records {
                self.recorders.iter().map(Recorder::trimmed).collect()
            } else {
                Vec::new()
            },
            plasticity: PlasticityState::default(),
            fired: Vec::new(),
            spikes: Spikes::default(),
            log: if records { self.log.clone() } else { None },
            spike_count: self.spike_count,
            fault: None,
        }
    }

    /// A copy that records nothing, from which steps can be run again once its state is restored: the present state and spikes on
    /// their way are not copied. Its rings have their slots, without lanes.
    pub(crate) fn clone_without_state(&mut self) -> Self {
        let slots = self.rings.iter().map(|r| Ring::new(0, r.slots())).collect();
        let state = std::mem::replace(&mut self.state, Buffer::zeroed(0));
        let rings = std::mem::replace(&mut self.rings, slots);
        let copy = self.clone_shard(false);
        (self.state, self.rings) = (state, rings);
        copy
    }
}
