"""Loading an invalid state raises an error with the reason, and a failed save leaves the old file unchanged."""

import json
import os
import re
import struct
import subprocess
import sys
import zlib

import dendrion as dn
import numpy as np
import pytest


def network(size=5, weight=0.5, rule=None, **settings):
    cells = dn.MCNeuron(size, V_th=-50.0, V_reset=-60.0, name="cells")
    cells.soma = dn.LeakyIF(size, V_rest=-65.0, C=100.0, gL=5.0)
    cells.ampa = dn.AMPA(size, g=0.5, t_decay=5.0)
    cells.on = dn.MCConnSynapse(cells.ampa, cells.soma)
    noise = dn.PoissonGenerator(20, rate=300.0, name="noise")
    syn = dn.MCSynapse(noise, cells.ampa, rule or dn.All2All(), weight=weight, delay=1.0, name="syn")
    return dn.Network([cells, noise, syn], **settings)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Return the name of a file with a state at 10 ms, in the working directory of the test."""
    monkeypatch.chdir(tmp_path)
    net = network()
    net.run(10.0)
    net.save_state("run.state")
    return "run.state"


def refusal(net, path="run.state"):
    """Return the reason of the error, after checking that the network is unchanged."""
    net.run(3.0)
    before = (net.t, net.get_state(), net.state_dict())
    with pytest.raises(dn.StateError) as error:
        net.load_state(path)
    np.testing.assert_equal((net.t, net.get_state(), net.state_dict()), before)
    assert isinstance(error.value, ValueError)
    begin = f"network: load_state: {path}: "
    assert str(error.value).startswith(begin)
    net.run(1.0)
    return str(error.value)[len(begin) :]


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (dict(dt=0.2), "dt: 0.1 ms in the file, 0.2 ms here"),
        (dict(seed=8), "seed: 0 in the file, 8 here"),
        (dict(dtype="float32"), "dtype: float64 in the file, float32 here"),
        (dict(size=6), "cells: population of 5 neurons in the file, population of 6 neurons here"),
    ],
)
def test_another_network(path, made, what):
    assert refusal(network(**made)) == f"belongs to another network: {what}"


def test_other_connections(path):
    number = refusal(network(rule=dn.FixedIndegree(3)))
    assert number == "belongs to another network: number of syn: 100 connections in the file, 15 connections here"
    network(rule=dn.FixedIndegree(3)).save_state(path)
    pairs = refusal(network(rule=dn.FixedTotal(15)))
    assert re.fullmatch(
        r"belongs to another network: sources, targets and delays of syn: \w{8} in the file, \w{8} here",
        pairs,
    )


def test_values_may_differ(path):
    net = network(weight=2.0)
    net.load_state(path)
    assert (net.modules[2].w == 0.5).all()
    assert net.t == 10.0


def seal(data):
    """Return the contents of a file with the right checksum."""
    return bytes(data[:-4]) + struct.pack("<I", zlib.crc32(data[:-4]))


def write(data):
    with open("run.state", "wb") as file:
        file.write(data)


def read():
    with open("run.state", "rb") as file:
        return file.read()


def test_the_format_is_that_of_safetensors(path):
    """A minimal reader finds a length, a JSON header, and arrays at the offsets in the header."""
    data = read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    head = json.loads(header.pop("__metadata__")["dendrion-state"])
    assert (head["format"], head["dendrion"], head["step"]) == (2, dn.__version__, 100)
    assert ["seed", "0"] in head["network"]
    ends = sorted(entry["data_offsets"] for entry in header.values())
    assert [0, *(end for _, end in ends)] == [*(begin for begin, _ in ends), len(data) - 8 - length]
    entry = header["state/cells/soma.V"]
    begin, end = entry["data_offsets"]
    values = np.frombuffer(data[8 + length :][begin:end], np.dtype("<f8"))
    assert (entry["dtype"], entry["shape"]) == ("F64", [5])
    net = network()
    net.load_state(path)
    np.testing.assert_array_equal(values, net.get_state()["cells/soma.V"])
    assert data == seal(data)


def test_a_damaged_file(path):
    data = bytearray(read())
    data[-500] ^= 4
    write(data)
    found, expected = zlib.crc32(data[:-4]), struct.unpack("<I", data[-4:])[0]
    assert refusal(network()) == f"is damaged: its checksum is {found:08x}; expected {expected:08x}"


def test_a_truncated_file(path):
    data = read()
    write(data[:-1])
    assert refusal(network()) == f"is truncated: it has {len(data) - 1} bytes; expected {len(data)}"
    (length,) = struct.unpack("<Q", data[:8])
    write(data[:length])
    assert refusal(network()) == f"is truncated: it has {length} bytes; expected more than {length + 8}"


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"a" * 5000, struct.pack("<Q", 64) + b'{"w":{"dtype":"F32"}}' + b" " * 99]
)
def test_a_foreign_file(path, data):
    write(data)
    assert refusal(network()) == "is not a saved state of a network"


def test_a_newer_file(path):
    write(seal(read().replace(rb"\"format\":2", rb"\"format\":9").replace(rb"\"dendrion\":\"0", rb"\"dendrion\":\"9")))
    newer = "9" + dn.__version__[1:]
    expected = (
        f"has format 9 and was written by Dendrion {newer}; this is Dendrion {dn.__version__}, which reads format 2"
    )
    assert refusal(network()) == expected


def test_an_older_file(path):
    """Files of format 1 do not contain the requested time."""
    data = read()
    start = data.index(rb",\"requested\":")
    end = data.index(b",", start + 1)
    old = data[:start] + b" " * (end - start) + data[end:]
    write(seal(old.replace(rb"\"format\":2", rb"\"format\":1")))
    version = dn.__version__
    assert refusal(network()) == (
        f"has format 1 and was written by Dendrion {version}; this is Dendrion {version}, which reads format 2"
    )


def test_a_state_that_makes_no_sense(path):
    data = read()
    (length,) = struct.unpack("<Q", data[:8])
    begin, _ = json.loads(data[8 : 8 + length])["state/cells/soma.V"]["data_offsets"]
    at = 8 + length + begin
    write(seal(data[:at] + struct.pack("<d", np.nan) + data[at + 8 :]))
    assert refusal(network()) == "is damaged: state/cells/soma.V: entry 0 is not finite"


def test_a_state_of_other_arithmetic(path):
    if network().info["level"] == "baseline":
        pytest.skip("this processor has no fused multiply-add")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_states as t; t.network().save_state('plain.state')"
    here = os.path.dirname(__file__)
    subprocess.run([sys.executable, "-c", code, here], env=os.environ | {"DENDRION_LEVEL": "baseline"}, check=True)
    what = refusal(network(), "plain.state")
    assert re.fullmatch(
        r"was saved with instructions for which a\*b \+ c is rounded twice; here \(\w+\) it is rounded once, so "
        r"results would not be bit-identical; set DENDRION_LEVEL=baseline to continue from it",
        what,
    )


def test_no_file_there(path):
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: 'none\.state'"):
        network().load_state("none.state")
    with pytest.raises(OSError, match="is not a regular file"):
        network().load_state(".")
    net = network()
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: 'none/run\.state'"):
        net.save_state("none/run.state")
    with pytest.raises(FileNotFoundError, match="none"):
        net.run(1e6, save_state="none/run.state")
    assert net.t == 0


def test_what_is_no_file_is_not_written(path):
    with pytest.raises(OSError, match="/dev/full: is not a regular file"):
        network().save_state("/dev/full")
    assert not os.path.isfile("/dev/full")
    with pytest.raises(OSError, match="is not a regular file"):
        network().save_state(".")


FULL = """
import errno, os, resource, sys
sys.path.insert(0, sys.argv[1])
import test_states as t
net = t.network()
net.run(20.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for run in (lambda: net.save_state("run.state"), lambda: net.run(10.0, save_state="run.state", save_every=5.0)):
    try:
        run()
        sys.exit("saved")
    except OSError as error:
        assert error.errno == errno.EFBIG, error
        assert error.filename == "run.state"
assert net.t == 25.0, net.t
net.run(5.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
net.save_state("later.state")
"""


def test_a_full_disk_leaves_the_old_file(path):
    """No other file remains, and the network can continue."""
    old = read()
    done = subprocess.run([sys.executable, "-c", FULL, os.path.dirname(__file__)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert read() == old
    assert sorted(os.listdir()) == ["later.state", "run.state"]
    net, whole = network(), network()
    net.load_state(path)
    net.run(20.0)
    whole.run(30.0)
    np.testing.assert_equal(net.get_state(), whole.get_state())
    whole.save_state("whole.state")
    with open("later.state", "rb") as later, open("whole.state", "rb") as other:
        assert later.read() == other.read()


def test_a_network_that_diverged_keeps_its_last_state(path):
    net = network()
    net.run(5.0, save_state="good.state")
    net.set_parameters({"syn.w": 1e308})
    with pytest.raises(dn.DivergenceError):
        net.run(500.0, save_state="good.state")
    begin = (
        r"network: save_state: the network cannot continue, so its state cannot be saved: cells: ampa\.s of neuron \d"
    )
    with pytest.raises(dn.StateError, match=begin):
        net.save_state("good.state")
    net.load_state("good.state")
    assert net.t == 5.0
    assert (net.modules[2].w == 0.5).all()
    net.run(5.0)


def test_what_save_state_and_save_every_accept(path):
    net = network()
    with pytest.raises(dn.ParameterTypeError, match="network: save_state = 5: expected the name of a file"):
        net.save_state(5)
    with pytest.raises(dn.ParameterTypeError, match="network: load_state = None: expected the name of a file"):
        net.load_state(None)
    with pytest.raises(dn.ParameterError, match=r"save_every = 5\.0: requires save_state= with the name of a file"):
        net.run(1.0, save_every=5.0)
    with pytest.raises(dn.ParameterError, match=r"network: save_every = 0\.01: expected at least half a step"):
        net.run(1.0, save_state="x.state", save_every=0.01)
    for what in (dict(grad=True), dict(batch=2), dict(inputs={})):
        with pytest.raises(
            dn.ParameterError, match=r"save_state = 'x\.state': expected None with grad, batch or inputs"
        ):
            net.run(1.0, save_state="x.state", **what)
    assert net.t == 0
    assert os.listdir() == ["run.state"]
