//! Files that are not a state of the network are rejected with a reason, and the network is unchanged.

use dendrion_kernels::Level;
use dendrion_model::{Dtype, Error, Network, Signal, Source, Values};

use super::network::small;
use super::{made, run, saved, set_first};
use crate::runtime::core::Core;
use crate::saved_state::container::FORMAT;
use crate::saved_state::load_state;

fn state() -> Vec<u8> {
    let mut core = made::<f64>(small(), 0, 0);
    run(&mut core, 40);
    saved(&mut core)
}

/// Returns the reason for which a file is rejected, and checks that nothing changed.
fn reason(core: &mut Core<f64>, file: &[u8]) -> String {
    let before = saved(core);
    let Err(Error::State { module, what }) = load_state(core, file) else { panic!("loaded") };
    assert_eq!(module, "network: load_state");
    assert!(saved(core) == before);
    what
}

fn of(network: Network) -> String {
    let mut core = made::<f64>(network, 0, 0);
    run(&mut core, 10);
    reason(&mut core, &state())
}

#[test]
fn other_networks() {
    let changed = |change: &dyn Fn(&mut Network)| {
        let mut network = small();
        change(&mut network);
        of(network)
    };
    let same = |what: &str, change: &dyn Fn(&mut Network)| {
        assert_eq!(changed(change), format!("belongs to another network: {what}"));
    };
    same("dt: 0.1 ms in the file, 0.05 ms here", &|n| n.dt = 0.05);
    same("seed: 3 in the file, 4 here", &|n| n.seed = 4);
    let size = "events: population of 9 neurons in the file, population of 10 neurons here";
    same(size, &|n| n.populations[0].size = 10);
    let method =
        "methods of events: exp_euler, Milstein, hard reset in the file, euler, Milstein, hard reset here";
    same(method, &|n| n.populations[0].method = dendrion_model::OdeMethod::Euler);
    let dendrite = "dendritic_delay of events: 3 steps in the file, 2 steps here";
    same(dendrite, &|n| n.populations[0].dendritic_delay = vec![2]);
    let gone = "events/coloured: ou_noise on soma in the file, white_noise on soma here";
    same(gone, &|n| {
        n.populations[0].noises[0].kind = dendrion_model::ModuleKind::WhiteNoise;
        n.populations[0].noises[0].params = [("sigma", 10.0)].into();
    });
    same("handed (connections from pushed to events/ampa) is not in this network", &|n| {
        n.projections.truncate(4);
    });
    let stream = "random stream of noise (shared) is not in the file";
    same(stream, &|n| n.generators[0].stream = Some("shared".into()));
    let kind = "clock: generator of size 2: bernoulli in the file, generator of size 2: poisson here";
    same(kind, &|n| {
        n.generators[1].signal = Signal::Poisson;
        n.generators[1].params = [("rate", 10.0)].into();
    });
    let from = "plain: connections from clock to events/ampa in the file, connections from pushed to events/ampa here";
    same(from, &|n| n.projections[0].pre = Source::Generator(2));
    let order = "plain is at another position in the file; expected the modules in the same order";
    same(order, &|n| n.projections.swap(0, 1));
    for change in [
        &|n: &mut Network| n.populations[0].mechanisms[0].text += "# ",
        &|n: &mut Network| n.projections[3].delay = Some(dendrion_model::PerConnection::Given(0.7.into())),
        &|n: &mut Network| n.generators[0].stop = Some(3.0),
    ] as [&dyn Fn(&mut Network); 3]
    {
        let what = changed(change);
        let told = [
            "events/pulses: mechanism on dend: equations ",
            "sources, targets and delays of among: ",
            "start and stop of noise: ",
        ];
        assert!(told.iter().any(|t| what.starts_with(&format!("belongs to another network: {t}"))), "{what}");
    }
    let mut singles = made::<f32>(Network { dtype: Dtype::Float32, ..small() }, 0, 0);
    let error = load_state(&mut singles, &state()).unwrap_err().to_string();
    let what = "belongs to another network: dtype: float64 in the file, float32 here";
    assert_eq!(error, format!("network: load_state: {what}"));
}

/// Parameters, their times, threads and surrogates may differ; parameters and times are part of the state.
#[test]
fn what_may_differ() {
    let mut network = small();
    network.threads = Some(3);
    network.populations[0].compartments[0].params.set("gL", Values::Scalar(7.0));
    network.generators[0].breaks = vec![1.0];
    network.generators[0].params.set("rate", Values::Each(vec![3.0]));
    network.projections[0].weight = dendrion_model::PerConnection::Given(0.1.into());
    network.populations[0].surrogate =
        dendrion_model::Surrogate::new(dendrion_model::SurrogateKind::Triangle, [3.0]);
    let mut core = made::<f64>(network, 0, 0);
    load_state(&mut core, &state()).unwrap();
    assert!(saved(&mut core) == state());
}

#[test]
fn other_arithmetic() {
    let mut plain = Core::<f64>::new(small(), Level::Baseline).unwrap();
    if Level::best() == Level::Baseline {
        return;
    }
    let name = Level::best().name();
    let what = "was saved with instructions for which a*b + c is rounded once; here (baseline) it is rounded twice, so \
                results would not be bit-identical";
    assert_eq!(reason(&mut plain, &state()), what);
    let what = format!(
        "was saved with instructions for which a*b + c is rounded twice; here ({name}) it is rounded once, so \
         results would not be bit-identical; set DENDRION_LEVEL=baseline to continue from it"
    );
    assert_eq!(reason(&mut made::<f64>(small(), 0, 0), &saved(&mut plain)), what);
}

#[test]
fn other_files() {
    let (file, mut core) = (state(), made::<f64>(small(), 0, 0));
    run(&mut core, 5);
    for foreign in [
        &b""[..],
        b"12345678",
        b"PK\x03\x04 a zip archive that is somewhat longer than the beginning",
        &file[..30],
    ] {
        assert_eq!(reason(&mut core, foreign), "is not a saved state of a network");
    }
    let cut = file.len() - 1;
    assert_eq!(
        reason(&mut core, &file[..cut]),
        format!("is truncated: it has {cut} bytes; expected {}", file.len())
    );
    let less = reason(&mut core, &file[..100]);
    assert!(less.starts_with("is truncated: it has 100 bytes; expected more than "), "{less}");
    let longer = [&file[..], &[0]].concat();
    assert!(reason(&mut core, &longer).starts_with("is damaged: its checksum is "));
}

/// A flipped bit is detected anywhere in the file.
#[test]
fn a_bit_that_flipped() {
    let (file, mut core) = (state(), made::<f64>(small(), 0, 0));
    let before = saved(&mut core);
    let step = (file.len() / 1500).max(1);
    for at in (0..file.len()).step_by(step).chain(file.len() - 8..file.len()) {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        let Err(Error::State { what, .. }) = load_state(&mut core, &flipped) else { panic!("byte {at}") };
        let told = ["is damaged: its checksum is ", "is not a saved state", "is truncated"];
        assert!(told.iter().any(|t| what.starts_with(t)), "byte {at}: {what}");
        if at > 2000 {
            let (found, expected) = (crc32fast::hash(&flipped[..file.len() - 4]), &flipped[file.len() - 4..]);
            let expected = u32::from_le_bytes(expected.try_into().unwrap());
            assert_eq!(what, format!("is damaged: its checksum is {found:08x}; expected {expected:08x}"));
        }
    }
    assert!(saved(&mut core) == before);
}

/// Files with modified headers and a correct checksum.
#[test]
fn other_heads() {
    let (file, mut core) = (state(), made::<f64>(small(), 0, 0));
    let mut with = |from: &str, to: &str| {
        let at = file.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        assert_eq!(from.len(), to.len());
        let mut new = file.clone();
        new[at..at + to.len()].copy_from_slice(to.as_bytes());
        let (body, sum) = new.split_at_mut(file.len() - 4);
        sum.copy_from_slice(&crc32fast::hash(body).to_le_bytes());
        reason(&mut core, &new)
    };
    let version = env!("CARGO_PKG_VERSION");
    let what = format!(
        "has format 9 and was written by Dendrion {version}; this is Dendrion {version}, which reads format {FORMAT}"
    );
    assert_eq!(with(r#"\"format\":2"#, r#"\"format\":9"#), what);
    // Format 1 had no requested time.
    let old = with(r#"\"format\":2"#, r#"\"format\":1"#);
    assert_eq!(old, what.replace("format 9", "format 1"));
    let other = with(r#"\"requested\":4.0"#, r#"\"requested\":4.1"#);
    assert_eq!(other, "is damaged: it has a requested time of 4.1 ms at step 40");
    // A later header may lack fields that this version knows.
    assert_eq!(with(r#"\"format\":2,"#, r#"\"format\":9 "#).split(':').next(), Some("is damaged"));
    let giant = with("[9],", "[1],");
    assert_eq!(giant, "is damaged: invalid shape, data type, or offset for tensor");
    assert_eq!(
        with("state/events/soma.V\"", "state/events/soma.W\""),
        "is damaged: state/events/soma.V: is missing"
    );
}

/// Rules assume that traces are sums of decaying contributions. With other values, weights would leave their
/// range.
#[test]
fn negative_traces() {
    let mut core = made::<f64>(small(), 0, 0);
    run(&mut core, 1000);
    let file = saved(&mut core);
    for of in ["learning/learns", "spikes_of/events"] {
        for name in [format!("{of}/trace"), format!("{of}/slow_trace")] {
            let mut new = file.clone();
            set_first(&mut new, &name, (-1e-9_f64).to_bits());
            assert_eq!(reason(&mut core, &new), format!("is damaged: {name}: entry 0 is below 0"));
        }
    }
}

#[test]
fn too_many_spikes() {
    let mut core = made::<f64>(small(), 0, 0);
    // Each of 9 neurons sends at most one spike per step.
    for spikes in [9 * 40 + 1, u64::MAX] {
        let mut file = state();
        set_first(&mut file, "spikes/events", spikes);
        let what = "is damaged: spikes/events: has a number of spikes that is out of range";
        assert!(reason(&mut core, &file).starts_with(what));
    }
}

#[test]
fn files_take_their_place_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.state");
    let write = |bytes: &[u8]| crate::saved_state::write(&path, &[bytes.to_vec(), b"!".to_vec()]);
    write(b"old").unwrap();
    write(b"newer").unwrap();
    assert_eq!(crate::saved_state::read(&path).unwrap(), b"newer!");
    let names =
        || std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(names(), ["run.state"]);
    let missing = crate::saved_state::read(&folder.path().join("none"));
    let Err(Error::File { code: Some(_), .. }) = missing else { panic!("{missing:?}") };
    let nowhere = crate::saved_state::write(&folder.path().join("none").join("x"), &[]);
    let Err(Error::File { code: Some(_), .. }) = nowhere else { panic!("{nowhere:?}") };
    let folders = crate::saved_state::write(folder.path(), &[]).unwrap_err().to_string();
    assert_eq!(folders, format!("{}: is not a regular file", folder.path().display()));
}

/// A symbolic link still points to the file that is replaced, and permissions are kept.
#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("run.state"), folder.path().join("link"));
    crate::saved_state::write(&path, &[b"old".to_vec()]).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&path, &link).unwrap();
    crate::saved_state::write(&link, &[b"new".to_vec()]).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}
