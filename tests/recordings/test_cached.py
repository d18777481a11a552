"""Arrays of recordings are cached, read-only and never out of date."""

import dendrion as dn
import numpy as np
import pytest
from dendrion.recordings import _stream

ARRAYS = {dn.Recording: ("t", "values", "index", "gid"), dn.SpikeRecording: ("t", "i", "sample", "index", "gid")}


def arrays(recording):
    """Return all arrays of a recording by name; spikes of generators and weights have no gid."""
    names = next(names for cls, names in ARRAYS.items() if isinstance(recording, cls))
    has_gid = getattr(recording, "_first", 0) is not None and getattr(recording, "_gid", 0) is not None
    return {name: getattr(recording, name) for name in names if name != "gid" or has_gid}


def test_arrays_are_made_once(spiking):
    net, probes = spiking()
    net.run(20.0)
    for probe in probes:
        first, second = arrays(probe), arrays(probe)
        for name, array in first.items():
            assert array is second[name], name


def test_a_loop_over_neurons_reads_spikes_once(spiking, monkeypatch):
    net, (_, _, spikes, _, _) = spiking()
    net.run(20.0)
    reads = []
    monkeypatch.setattr(type(spikes), "_read_spikes", lambda self: (reads.append(1), original(self))[1])
    total = sum(len(spikes.t[spikes.i == k]) for k in range(7))
    assert total == len(spikes) > 0
    assert len(reads) == 1


original = dn.SpikeRecording._read_spikes


def test_arrays_are_read_only(spiking, tmp_path):
    net, probes = spiking()
    net.run(20.0)
    for probe in [*probes, *saved(probes, tmp_path)]:
        for name, array in arrays(probe).items():
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
            copy = array.copy()
            copy[...] = 0
            assert getattr(probe, name) is array


def saved(probes, folder):
    for k, probe in enumerate(probes):
        probe.save(folder / f"{k}.npz")
        yield dn.load_recording(folder / f"{k}.npz")


@pytest.mark.parametrize("change", ["run", "reset", "clear", "clear one", "load_state", "diverge", "batch"])
def test_arrays_are_never_out_of_date(spiking, tmp_path, change):
    net, probes = spiking(learning=change != "batch")
    net.run(20.0)
    net.save_state(tmp_path / "state")
    for probe in probes:
        arrays(probe), len(probe)
    if change == "run":
        net.run(5.0)
    elif change == "reset":
        # Run as many steps as before, with other values.
        net.reset()
        net.set_state({"pair/soma.V": -70.0})
        net.run(20.0)
    elif change == "clear":
        net.clear_recordings()
    elif change == "clear one":
        for probe in probes:
            probe.clear()
    elif change == "load_state":
        net.load_state(tmp_path / "state")
        net.run(20.0)
    elif change == "batch":
        net.run(5.0, batch=2)
    else:
        net.set_state({"pair/soma.V": 1e300})
        with pytest.raises(dn.DivergenceError):
            net.run(5000.0)
    for probe in probes:
        sim = net._sim
        if isinstance(probe, dn.Recording):
            np.testing.assert_array_equal(probe.values, sim.values(probe._id))
            np.testing.assert_array_equal(probe.t, sim.sample_steps(probe._id) * net.dt)
            assert len(probe) == len(probe.t) == probe.values.shape[-2]
        else:
            found = [sim.spikes(probe._id, k) for k in range(max(sim.batch(), 1))]
            np.testing.assert_array_equal(probe.t, np.concatenate([s for s, _ in found]) * net.dt)
            np.testing.assert_array_equal(probe.i, np.concatenate([i for _, i in found]))
            assert len(probe) == len(probe.t) == len(probe.sample)


def test_a_run_lets_go_of_old_arrays(spiking):
    net, (v, *_) = spiking()
    net.run(5.0)
    assert v.values.size > 0
    assert v._cached is not None
    net.run(0.1)
    assert v._cached is None


def test_long_recordings_on_disk_are_not_kept_in_memory(spiking, tmp_path, monkeypatch):
    monkeypatch.setattr(_stream, "HELD", 3000)
    net, (v, _, spikes, _, _) = spiking(to=tmp_path / "run.zarr")
    net.run(20.0)
    assert v.values.nbytes > 3000
    assert v.values is not v.values
    assert not v.values.flags.writeable
    assert spikes.t.nbytes < 3000
    assert spikes.t is spikes.t


def test_outputs_of_layers_are_writable(pair):
    from dendrion.training._differentiable import Call, Differentiable

    cells = pair(2)
    net = dn.Network([cells])
    v = net.probe(cells.soma, "V")
    (first,) = Differentiable(net, 5.0, [], [v]).forward(Call({}, [], seed=0), grad=False).outputs
    first[:] = 0.0
    assert (v.values != 0.0).all()


def test_connections_are_read_once_and_never_out_of_date(spiking, monkeypatch):
    net, _ = spiking()
    learns = next(m for m in net.modules if getattr(m, "plasticity", None) is not None)
    net.run(20.0)
    table = learns.connections
    assert learns.connections is table
    with pytest.raises(ValueError, match="read-only"):
        table.weight[:] = 0.0
    net.run(20.0)
    assert not np.array_equal(learns.connections.weight, table.weight)
    learns.w = 0.25
    assert (learns.connections.weight == 0.25).all()
    monkeypatch.setattr("dendrion.simulation.values.MOST_KEPT", 0)
    net.run(1.0)
    assert learns.connections is not learns.connections
