"""If the system refuses memory, a MemoryError names its purpose, and the process and the network stay usable.

Each test runs in a separate process, whose address space is limited after it has started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the address space, and /proc")

PROGRAM = '''
import resource, sys
import numpy as np
import dendrion as dn


class Cell(dn.MCNeuron):
    def __init__(self, size, **kwargs):
        super().__init__(size, V_th=-50.0, V_reset=-60.0, name="cells", **kwargs)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0, I_ext=200.0)
        self.ampa = dn.AMPA(size, g=0.5, t_decay=2.0)
        self.on = dn.MCConnSynapse(self.ampa, self.soma)


class Connected(dn.Network):
    def __init__(self, sources, targets, conn, **options):
        self.noise = dn.PoissonGenerator(sources, rate=10.0, name="noise")
        self.cells = Cell(targets)
        self.synapse = dn.MCSynapse(self.noise, self.cells.ampa, conn, name="synapse", **options)
        super().__init__([self.noise, self.cells, self.synapse], threads=1)


def built(*modules):
    return dn.Network(list(modules), threads=1)


def limit(mebibytes):
    """Let the process take so much more memory."""
    with open("/proc/self/status") as status:
        size = next(int(line.split()[1]) for line in status if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, ((size << 10) + int(mebibytes * 2**20), resource.RLIM_INFINITY))


def refused(call, *names, most=64, parts=12):
    """Call with more and more memory, until it succeeds; failures are MemoryErrors, one of which names its purpose."""
    said = []
    for part in range(1, parts + 1):
        limit(most * part / parts)
        try:
            call()
        except MemoryError as error:
            assert not isinstance(error, dn.MemoryLimitError), error
            said.append(str(error))
        else:
            break
    needed = ("not enough memory for", "could not be allocated", *names)
    assert any(all(n in text for n in needed) for text in said), said


def usable(net):
    limit(1 << 20)
    net.reset()
    net.run(1.0)
    assert np.isfinite(net["cells/soma"].V).all()


# What is loaded and started when it is first used, and small pieces of free memory for texts of errors.
built(Cell(10)).run(1.0)
pieces = [bytearray(60_000) for _ in range(200)][::2]
'''


def process(code: str) -> None:
    program = PROGRAM + textwrap.dedent(code)
    environment = {**os.environ, "DENDRION_MEMORY_LIMIT": "1e18"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr)


def test_neurons() -> None:
    process(
        """
        refused(lambda: built(Cell(20_000_000)), "cells", "size 20000000", most=200)
        usable(built(Cell(10)))
        """
    )


def test_coefficients() -> None:
    process(
        """
        net = built(Cell(2_000_000))
        net.run(0.1)
        values = np.linspace(5.0, 15.0, 2_000_000)
        refused(lambda: setattr(net["cells/soma"], "gL", values), "cells", most=120)
        usable(net)
        """
    )


def test_connections() -> None:
    process(
        """
        refused(lambda: Connected(1000, 4000, dn.All2All()), "synapse", "connections", most=120)
        usable(built(Cell(10)))
        """
    )


def test_delays() -> None:
    process(
        """
        refused(lambda: Connected(10_000, 10_000, dn.One2One(), delay=6000.0), "cells", "spikes in transit", most=200)
        usable(built(Cell(10)))
        """
    )


def test_values_recorded_in_a_run() -> None:
    process(
        """
        net = built(Cell(1000))
        v = net.probe(net["cells/soma"], "V")
        net.run(10.0)
        before = v.values.copy()
        refused(lambda: net.run(10_000.0), "cells", "a recording of 100000 steps")
        assert net.t == 10.0
        assert np.array_equal(v.values, before)
        net.run(10.0)
        assert len(v) == 200
        usable(net)
        """
    )


def test_values_recorded_in_the_first_run_of_a_batch() -> None:
    process(
        """
        net = built(Cell(1000))
        v = net.probe(net["cells/soma"], "V")
        net.run(10.0)
        before = v.values.copy()
        refused(lambda: net.run(10_000.0, batch=2), "cells", "a recording of 100000 steps")
        # The network has no batch.
        assert np.array_equal(v.values, before)
        net.run(10.0)
        assert v.values.shape == (200, 1000)
        usable(net)
        """
    )


def test_spikes_recorded_in_a_run() -> None:
    process(
        """
        noise = dn.PoissonGenerator(1000, rate=2e6, name="noise")
        net = built(noise, Cell(10))
        spikes, v = net.probe(noise, "spikes"), net.probe(net["cells/soma"], "V")
        net.run(0.5)
        refused(lambda: net.run(1000.0), "noise", "spikes", "reset the network", parts=1)
        assert 0.5 <= net.t < 1000.0
        assert len(v) == round(net.t / net.dt)
        refused(lambda: net.run(1.0), "noise")
        net.clear_recordings()
        usable(net)
        """
    )


def test_batch() -> None:
    process(
        """
        net = built(Cell(10))
        refused(lambda: net.run(1.0, batch=2**31), "network", "a batch of 2147483648 samples", most=200)
        usable(net)
        """
    )


def test_samples_of_a_batch() -> None:
    process(
        """
        net = built(Cell(100_000))
        net.run(1.0)
        refused(lambda: net.run(1.0, batch=100), "network", "a batch of 100 samples")
        net.run(1.0)
        usable(net)
        """
    )


def test_inputs() -> None:
    process(
        """
        noise = dn.PoissonGenerator(1000, rate=1.0, name="noise")
        net = built(noise, Cell(10))
        net.run(1.0)
        ones = np.ones((5000, 1000))
        refused(lambda: net.run(500.0, inputs={noise: ones}), "copy of an array", most=120)
        net.run(1.0)
        usable(net)
        """
    )


def test_trace_of_a_gradient() -> None:
    process(
        """
        net = Connected(10, 1000, dn.All2All())
        net.run(1.0, grad=True)

        def recorded():
            net.reset()
            net.run(1000.0, grad=True)

        refused(recorded, "cells", most=40)
        usable(net)
        """
    )


def test_backward_pass() -> None:
    process(
        """
        net = Connected(1000, 1000, dn.All2All())
        v = net.probe(net["cells/soma"], "V")

        def backward():
            net.reset()
            return net.run(1.0, grad=True).backward({v: np.ones((10, 1000))}, wrt=["synapse.w"])

        refused(backward, "backward", most=24)
        usable(net)
        """
    )


def test_saved_state(tmp_path) -> None:
    process(
        f"""
        net = built(Cell(1_000_000))
        net.run(0.1)
        refused(lambda: net.save_state({str(tmp_path / "state")!r}), "save_state", most=20)
        usable(net)
        """
    )


def test_table_of_connections() -> None:
    process(
        """
        net = Connected(1000, 2000, dn.All2All())
        net.run(0.1)
        refused(lambda: net["synapse"].connections, "synapse", "a table of its connections", most=20)
        usable(net)
        """
    )


def test_recorded_values_that_are_read() -> None:
    process(
        """
        net = built(Cell(1000))
        v = net.probe(net["cells/soma"], "V")
        net.run(500.0)
        refused(lambda: v.values, "cells", "a copy of a recording", most=20)
        net.run(1.0)
        usable(net)
        """
    )


def test_states_that_are_read() -> None:
    process(
        """
        net = built(Cell(1_000_000))
        net.run(0.1)
        refused(lambda: net["cells/soma"].V, "cells/soma.V", most=12)
        usable(net)
        """
    )


#: A network whose arrays need 48 MB in a file.
FILED = """
cells, count = Cell(1000), 2_000_000
current = dn.CurrentGenerator(waveform=np.ones(count), name="current")
spikes = dn.SpikeGenerator(1, np.zeros(count, dtype=int), np.arange(count) * 0.1, name="spikes")
drive = dn.MCSynapse(spikes, cells.ampa, dn.All2All(), name="drive")
pairs = dn.CustomConn(np.repeat(np.arange(1000), 1000), np.tile(np.arange(1000), 1000))
again = dn.MCSynapse(cells, cells.ampa, pairs, name="again")
net = built(cells, current, spikes, drive, again, dn.ConnGen(current, cells.soma))
"""


def test_model_file_that_is_saved(tmp_path) -> None:
    process(
        FILED
        + f"""
path = {str(tmp_path / "model.json")!r}
refused(lambda: net.save(path), "a copy of", most=120, parts=24)
usable(net)
net.save(path)
"""
    )


def test_model_file_that_is_loaded(tmp_path) -> None:
    process(
        FILED
        + f"""
path = {str(tmp_path / "model.json")!r}
net.save(path)
refused(lambda: dn.Network.load(path), "npz", most=250, parts=24)
usable(net)
usable(dn.Network.load(path))
"""
    )


def test_values_of_formulas() -> None:
    process(
        """
        tree = dn.Morphology.cable(1e6, 1.0)
        cells = dn.CableNeuron(20, tree, cv=dn.MaxLength(10.0), name="cells")
        g0 = np.ones((20, 100_000))
        place = lambda: dn.channels.HHK(cells, on="all", g="g0 * exp(-distance)", g0=g0)
        # Either the values of the formula or a copy of an array meets the limit first.
        refused(place, most=400, parts=48)
        limit(1 << 20)
        place()
        """
    )


def test_values_of_detailed_cells_at_the_sites_of_mechanisms() -> None:
    process(
        """
        cells = dn.CableNeuron(100_000, dn.Morphology.cable(1e3, 1.0), cv=dn.PerSection(20), name="cells")
        dn.channels.HHK(cells, on="all", name="k")
        net = built(cells)
        length = np.linspace(30.0, 60.0, 2_000_000).reshape(100_000, 20)
        refused(lambda: setattr(cells, "length", length), "cells", most=250, parts=24)
        limit(1 << 20)
        cells.length = length
        net.run(0.1)
        """
    )


def test_text_of_a_model_file(tmp_path) -> None:
    process(f"""
path = {str(tmp_path / "model.json")!r}
built(Cell(3)).save(path)
with open(path) as file:
    text = file.read().replace('"I_ext": 200.0', '"I_ext": [' + ",".join(["200.0"] * 300_000) + "]")
assert len(text) > 1_000_000
with open(path, "w") as file:
    file.write(text)
del text


def load():
    try:
        dn.Network.load(path)
    except dn.ModelFileError as error:
        assert "array of length 300000" in str(error)


refused(load, "parsing the model file", most=400, parts=24)
""")


def test_a_model_file_that_needs_more_than_the_memory_limit(tmp_path) -> None:
    process(f"""
import os
path = {str(tmp_path / "model.json")!r}
with open(path, "w") as file:
    file.write("[" + ",".join(["1"] * 100_000) + "]")
os.environ["DENDRION_MEMORY_LIMIT"] = "1e7"
try:
    dn.Network.load(path)
except dn.MemoryLimitError as error:
    assert "model.json: parsing the model file needs about 3" in str(error), error
else:
    raise AssertionError
""")
