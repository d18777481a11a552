"""Text and HTML tables list all modules of a network, and show any name correctly."""

import re
from html.parser import HTMLParser

import dendrion as dn
import numpy as np
import pytest
from dendrion.training._differentiable import trainable

ODD = 'inter <b>&"quoted"\''


class Page(HTMLParser):
    """Parses the tables, lines and titles of HTML, and checks that all tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.lines, self.titles, self._open = [], [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        assert {name for name, _ in attributes} <= {"style"}
        self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data
        elif self._open[-1] == "div":
            self.lines.append(data)
        elif self._open[-1] in ("caption", "summary"):
            self.titles.append(data)


@pytest.fixture
def net(pair):
    """Return a network with modules of many kinds."""
    cells, inter = pair(100, name="cells", area_name="CA1"), pair(25, name=ODD)
    cells.dend.gL = np.linspace(2.0, 3.0, 100)
    cells.noise = dn.OUNoise(cells.soma, sigma=10.0, tau=5.0)
    cells.spike = dn.DendriticSpike(100, on=cells.dend, g_rise=1.0, g_fall=2.0, frozen_params={"g_rise": 1.5})
    source = dn.PoissonGenerator(50, rate=10.0, name="source")
    bursts = dn.PoissonGenerator(25, rate=dn.Piecewise([0.0, 100.0], [1.0, 20.0]), name="bursts")
    plastic = dn.MCSynapse(
        cells, inter.ampa, np.ones((100, 25)), delay=1.0, plasticity=dn.STDP(), name="plastic", frozen_params={}
    )
    return dn.Network(
        [
            cells,
            inter,
            source,
            bursts,
            dn.MCSynapse(source, (cells.ampa, cells.nmda), dn.FixedIndegree(10), name="in"),
            dn.ConnGen(bursts, inter.ampa, name="one to one"),
            plastic,
        ],
        odemethod=dn.SolverMethodODE.RK4,
    )


ROWS = [
    ["module", "kind", "size", "numbers", "method", "connections", "about"],
    ["cells", "Pair", "100", "1-100", "RK4", "", "CA1, LeakyIF, Compartment, AMPA, NMDA, OUNoise, DendriticSpike"],
    [ODD, "Pair", "25", "101-125", "RK4", "", "LeakyIF, Compartment, AMPA, NMDA"],
    ["source", "PoissonGenerator", "50", "", "", "", "rate = 10 Hz"],
    ["bursts", "PoissonGenerator", "25", "", "", "", "rate = 1 to 20 Hz (2 values)"],
    ["in", "MCSynapse", "", "", "", "1000", "source -> cells/ampa, cells/nmda"],
    ["one to one", "ConnGen", "", "", "", "", f"bursts -> {ODD}/ampa"],
    ["plastic", "MCSynapse", "", "", "", "2500", f"cells -> {ODD}/ampa"],
]


def test_a_network_as_text(net):
    head, *lines = str(net).splitlines()
    # The MCSynapses have 3,500 connections, and the ConnGen has 25.
    assert re.fullmatch(
        r"Network: 125 neurons, 250 compartments, 3525 connections \([\d.]+ kB\); dt 0\.1 ms, float64, t = 0 ms", head
    )
    ends = [lines[0].index(name) + len(name) for name in ("size", "numbers", "connections")]
    for row, expected in zip(lines, ROWS, strict=False):
        assert row.split() == " ".join(expected).split()
        for end, number in zip(ends, (expected[2], expected[3], expected[5]), strict=True):
            assert row[:end].endswith(number), "numbers end below each other"
    assert lines[len(ROWS) :] == [net._foot()[0]]


def test_memory_of_connections(net):
    size = float(re.search(r"connections \(([\d.]+) kB\)", str(net)).group(1))
    assert size == pytest.approx(net.info["connection_bytes"] / 1000, rel=0.01)


def test_numbers_of_parameters(net):
    numbers, keys, to_train = (int(n) for n in re.findall(r"\d+", net._foot()[0]))
    everything = net.state_dict()
    assert keys == len(everything)
    assert numbers == sum(np.size(v) for v in everything.values())
    assert to_train == sum(np.size(everything[key]) for key in trainable(net, None))
    # g_rise is frozen, with one number for 100 neurons.
    assert "cells/spike.g_rise" not in net.parameters()
    assert to_train < numbers - 1


def test_what_is_recorded(net):
    assert len(net._foot()) == 1
    net.probe(net["cells"], "spikes")
    net.probe(net["cells/soma"], "V")
    assert str(net).splitlines()[-1] == "records: cells.spikes, cells/soma.V"
    for neuron in range(12):
        net.probe(net["cells/dend"], "V", indices=[neuron])
    names = ["cells.spikes", "cells/soma.V", "cells/dend.V", *(f"cells/dend.V {k}" for k in range(2, 11))]
    assert str(net).splitlines()[-1] == f"records: {', '.join(names)}, 2 more"


def test_a_network_in_html(net):
    net.probe(net["cells"], "spikes")
    page = Page(net._repr_html_())
    assert page.tables[0] == ROWS
    assert page.lines == net._foot()
    assert page.titles == [net._head(), "cells: parts", "<Pair cells x 100>", f"{ODD}: parts", f"<Pair {ODD} x 25>"]
    rows = {row[0].strip("\u2003"): row for row in page.tables[1]}
    assert rows["cells"][3] == "V_th = -40 mV, V_reset = -55 mV, stdp_tau = 20 ms, tau_triplet = 110 ms"
    assert rows["soma"][1:] == ["LeakyIF", "100", "I_ext = 0 pA, V_rest = -65 mV, gL = 10 nS, C = 200 pF"]
    assert rows["dend"][3] == "V_rest = -65 mV, gL = 2 to 3 nS (100 values), C = 50 pF"
    assert rows["axial"][3] == "soma -> dend, g = 15 nS"
    # Attached receptors have no membrane, so membrane parameters are not listed.
    assert rows["ampa"][3] == "g = 3 nS, w = 1, t_decay = 2 ms, E = 0 mV"
    assert rows["ampa_on"][3] == "ampa -> dend"
    assert rows["noise"][3] == "on soma, sigma = 10 pA, tau = 5 ms, mean = 0 pA"
    assert rows["spike"][3].startswith("on dend, g_rise = 1.5 nS (frozen), g_fall = 2 nS, V_th = -35 mV")


def test_a_module_of_no_network():
    class Branched(dn.MCNeuron):
        def __init__(self):
            super().__init__(2, name="branched")
            membrane = {"gL": 40.0, "C": 1.0, "length": 50.0, "diameter": 1.5, "r_axial": 120.0}
            self.soma = dn.LeakyIF(2, **membrane)
            self.dends = [dn.Compartment(2, **membrane) for _ in range(2)]
            self.axial = [dn.MCConn(self.soma, d) for d in self.dends]

    ((_, *rows),) = Page(Branched()._repr_html_()).tables
    assert [row[0] for row in rows] == [
        "branched",
        *(f"\u2003{n}" for n in ("soma", "dends/0", "dends/1", "axial/0", "axial/1")),
    ]
    assert rows[1][3] == (
        "I_ext = 0 pA, V_rest = -70 mV, gL = 40 uS/cm2, C = 1 uF/cm2, length = 50 um, diameter = 1.5 um, "
        "r_axial = 120 ohm cm, area_factor = 1"
    )
    assert rows[4][3] == "soma -> dends/0"


def test_recordings(net):
    v = net.probe(net["cells/soma"], "V", every=2.0, indices=[1, 5])
    w = net.probe(net["plastic"], "w", every=5.0)
    b = net.probe(net["cells/nmda"], "B")
    sent, spikes = net.probe(net["source"], "spikes"), net.probe(net["cells"], "spikes")
    assert repr(v) == "<Recording cells/soma.V: 0 samples of 2 neurons, mV>"
    assert repr(sent) == "<SpikeRecording source.spikes: 0 spikes of 50 sources>"
    net.run(20.0)
    assert repr(v) == "<Recording cells/soma.V: 10 samples of 2 neurons, mV, t = 0 to 18 ms, every 2 ms>"
    assert repr(w) == "<Recording plastic.w: 4 samples of 2500 connections, 1, t = 0 to 15 ms, every 5 ms>"
    assert repr(b) == "<Recording cells/nmda.B: 200 samples of 100 neurons, 1, t = 0 to 19.9 ms, every 0.1 ms>"
    first, last = sent.t.min(), sent.t.max()
    assert (
        repr(sent) == f"<SpikeRecording source.spikes: {len(sent)} spikes of 50 sources, t = {first:g} to {last:g} ms>"
    )
    assert repr(spikes) == "<SpikeRecording cells.spikes: 0 spikes of 100 neurons>"


def test_recordings_of_a_batch(pair):
    net = dn.Network([cells := pair(3)])
    v, spikes = net.probe(cells.soma, "V"), net.probe(cells, "spikes")
    cells.soma.I_ext = 2000.0
    net.run(5.0, batch=4)
    assert repr(v) == "<Recording pair/soma.V: 4 x 50 samples of 3 neurons, mV, t = 0 to 4.9 ms, every 0.1 ms>"
    assert re.fullmatch(r"<SpikeRecording pair\.spikes: \d+ spikes of 4 x 3 neurons, t = .* ms>", repr(spikes))


def test_a_channel_on_something_else_has_a_table():
    channel = dn.channels.KCa(1)
    channel.on = [3.0]
    assert "on " not in " ".join(Page(channel._repr_html_()).lines)
