//! Compares delivery with a reference implementation based on a list of arrivals.
#![allow(clippy::unwrap_used)] // Test helpers may panic.

use dendrion_kernels::{Delays, Fanout, FanoutError, Ring};
use proptest::prelude::*;

const LANES: usize = 24;
const SOURCES: usize = 5;

#[derive(Clone, Debug)]
struct Connection {
    source: usize,
    target: u16,
    weight: f64,
    delay: u16,
}

fn connections() -> impl Strategy<Value = Vec<Connection>> {
    let one = (0..SOURCES, 0..LANES as u16, 0.0..2.0_f64, 0..6_u16)
        .prop_map(|(source, target, weight, delay)| Connection { source, target, weight, delay });
    prop::collection::vec(one, 0..60)
}

fn fanout(connections: &[Connection], delays: Delays) -> Fanout<f64> {
    let before = |s: usize| connections.iter().filter(|c| c.source < s).count() as u32;
    let starts = (0..=SOURCES).map(before).collect();
    let targets = connections.iter().map(|c| c.target).collect();
    Fanout::new(starts, targets, connections.iter().map(|c| c.weight).collect(), delays, LANES).unwrap()
}

proptest! {
    #[test]
    fn what_is_sent_arrives(mut all in connections(), uniform in prop::option::of(0..6_u16),
                            sent in prop::collection::vec((0..SOURCES as u32 + 1, 0..4_u64), 0..20)) {
        all.sort_by_key(|c| c.source);
        if let Some(delay) = uniform {
            all.iter_mut().for_each(|c| c.delay = delay);
        }
        let each = || Delays::Each(all.iter().map(|c| c.delay).collect());
        let fanout = fanout(&all, uniform.map_or_else(each, Delays::Uniform));
        let mut ring = Ring::new(LANES, 10).unwrap();
        let mut expected = vec![[0.0; LANES]; 10];
        let mut due = [false; 10];
        for (source, step) in &sent {
            fanout.deliver(&[*source], 100 + step, &mut ring);
            for c in all.iter().filter(|c| c.source == *source as usize) {
                let at = *step as usize + usize::from(c.delay);
                expected[at][usize::from(c.target)] += c.weight;
                due[at] = true;
            }
        }
        for at in 0..10 {
            let step = 100 + at as u64;
            prop_assert_eq!(ring.row(step).is_some(), due[at]);
            if let Some(row) = ring.row(step) {
                prop_assert_eq!(row, &expected[at][..]);
            }
            ring.clear(step);
            prop_assert!(ring.row(step).is_none());
        }
    }
}

#[test]
fn sources_together_are_sources_in_turn() {
    let all: Vec<Connection> = (0..40)
        .map(|i| Connection {
            source: i / 8,
            target: (i * 7 % LANES) as u16,
            weight: 0.1 * i as f64,
            delay: 2,
        })
        .collect();
    let fanout = fanout(&all, Delays::Uniform(2));
    let sources: Vec<u32> = (0..50).map(|i| i * 3 % 6).collect();
    let (mut together, mut apart) = (Ring::new(LANES, 4).unwrap(), Ring::new(LANES, 4).unwrap());
    fanout.deliver(&sources, 1, &mut together);
    sources.iter().for_each(|s| fanout.deliver(&[*s], 1, &mut apart));
    assert_eq!(together.row(3), apart.row(3));
}

#[test]
fn cleared_slots_start_from_nothing() {
    let one = [Connection { source: 0, target: 3, weight: 2.0, delay: 1 }];
    let fanout = fanout(&one, Delays::Uniform(1));
    let mut ring = Ring::new(LANES, 4).unwrap();
    for step in 0..20 {
        fanout.deliver(&[0], step, &mut ring);
        assert_eq!(ring.row(step + 1).unwrap()[3], 2.0);
        ring.clear(step);
    }
}

#[test]
fn arrays_must_fit() {
    let make = |starts: Vec<u32>, targets: Vec<u16>, weights: usize, delays| {
        Fanout::new(starts, targets, vec![1.0_f64; weights], delays, 8).err()
    };
    assert_eq!(make(vec![0, 2], vec![1, 2], 2, Delays::Uniform(0)), None);
    assert_eq!(make(vec![0, 3], vec![1, 2], 2, Delays::Uniform(0)), Some(FanoutError::Starts));
    assert_eq!(make(vec![0, 2, 1, 2], vec![1, 2], 2, Delays::Uniform(0)), Some(FanoutError::Starts));
    let lengths = Some(FanoutError::Lengths { targets: 2, given: 3 });
    assert_eq!(make(vec![0, 2], vec![1, 2], 3, Delays::Uniform(0)), lengths);
    assert_eq!(make(vec![0, 2], vec![1, 2], 2, Delays::Each(vec![0; 3])), lengths);
    let target = Some(FanoutError::Target { target: 8, lanes: 8 });
    assert_eq!(make(vec![0, 1], vec![8], 1, Delays::Uniform(0)), target);
}

#[test]
fn single_values_are_added_where_there_is_a_lane() {
    let mut ring = Ring::<f64>::new(LANES, 4).unwrap();
    assert!(ring.add(6, 2, 1.5) && ring.add(6, 2, 1.0));
    assert!(!ring.add(7, LANES, 1.0));
    assert_eq!(ring.row(6).unwrap()[2], 2.5);
    assert!(ring.row(7).is_none());
}

#[test]
fn the_longest_delay_is_known() {
    let each = |delays: Vec<u16>| {
        let n = delays.len();
        Fanout::new(vec![0, n as u32], vec![0; n], vec![1.0_f64; n], Delays::Each(delays), LANES).unwrap()
    };
    assert_eq!(each(vec![3, 9, 1]).max_delay(), 9);
    assert_eq!(each(vec![]).max_delay(), 0);
}

/// The inner loop has no checks, so its preconditions must be checked beforehand.
#[test]
#[should_panic(expected = "too few lanes or slots")]
fn rings_that_are_too_short_are_refused() {
    let one = [Connection { source: 0, target: 3, weight: 2.0, delay: 4 }];
    fanout(&one, Delays::Uniform(4)).deliver(&[0], 0, &mut Ring::new(LANES, 4).unwrap());
}

#[test]
fn slots_follow_steps_after_any_number_of_steps() {
    for slots in [1, 2, 5, 7] {
        let mut ring = Ring::<f64>::new(4, slots).unwrap();
        // Steps advance by less and by more than a turn of the ring, and a reset starts again at 0.
        let mut begin = 0;
        for (length, next) in [(3, 3), (slots as u64, 50), (1, 51), (2, 0), (4, 4)] {
            for step in begin..begin + length {
                assert!(ring.row(step).is_none(), "{step} of {slots}");
                assert!(ring.add(step, 1, step as f64 + 1.0) && ring.add(step, 3, 2.0));
                assert_eq!(ring.row(step), Some(&[0.0, step as f64 + 1.0, 0.0, 2.0][..]));
                // The same slot serves all steps that differ by a multiple of the number of slots.
                assert_eq!(ring.row(step), ring.row(step + 3 * slots as u64));
                ring.clear_lanes(step..step + 1, &(0..2));
                assert_eq!(ring.row(step), Some(&[0.0, 0.0, 0.0, 2.0][..]));
                ring.clear_lanes(step..step + 1, &(2..4));
                ring.free(step..step + 1);
            }
            begin = next;
        }
    }
}
