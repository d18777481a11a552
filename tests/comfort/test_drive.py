"""Generators without targets and populations without input cause warnings when a network first runs."""

import warnings

import dendrion as dn
import numpy as np
import pytest
import scipy.sparse as sp


def told(net, duration=10.0):
    """Return the categories and messages of the warnings that a run emits."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        net.run(duration)
    return [(w.category, str(w.message)) for w in found]


def made(modules, **settings):
    """Return a network, after checking that building it emits no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return dn.Network(modules, **settings)


@pytest.fixture
def parts(pair):
    """Return two populations and a generator."""
    return pair(4, name="cells"), pair(3, name="others"), dn.PoissonGenerator(5, rate=50.0, name="noise")


UNDRIVEN = (
    "cells: this population (size 4) has no input and stays at rest: no generator reaches it through connections in "
    "the network's list, it has no noise, and I_ext is 0"
)


def test_a_forgotten_connection(parts):
    cells, _, noise = parts
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All())
    net = made([cells, noise])
    assert told(net) == [
        (dn.UndrivenWarning, UNDRIVEN),
        (
            dn.UnusedWarning,
            "noise: is neither connected nor recorded; add an MCSynapse or ConnGen with this generator to the "
            "network's list, or record it",
        ),
    ]
    # Each warning is emitted once.
    assert told(net) == []
    assert net.get_state()["cells/soma.V"].tolist() == [-65.0] * 4
    del syn


def test_connected(parts):
    cells, others, noise = parts
    connections = [dn.MCSynapse(noise, cells.ampa, dn.All2All()), dn.MCSynapse(cells, others.ampa, dn.All2All())]
    assert told(made([cells, others, noise, *connections])) == []


def test_populations_that_only_drive_each_other(parts):
    cells, others, _ = parts
    loop = [dn.MCSynapse(cells, others.ampa, dn.All2All()), dn.MCSynapse(others, cells.ampa, dn.All2All())]
    net = made([cells, others, *loop])
    assert [category for category, _ in told(net)] == [dn.UndrivenWarning] * 2


def test_whatever_else_drives(parts, pair):
    _, others, _ = parts
    others.soma.I_ext = [0.0, 0.0, 1.0]

    def fresh():
        return pair(4, name="cells")

    with_current = fresh()
    with_current.soma.I_ext = 5.0
    assert told(made([with_current, others])) == []

    with_noise = fresh()
    with_noise.noise = dn.OUNoise(with_noise.dend, sigma=1.0, tau=5.0)
    with_channel = fresh()
    with_channel.spike = dn.DendriticSpike(4, on=with_channel.dend, g_rise=1.0, g_fall=1.0)
    injected, dc = fresh(), dn.DCGenerator(1, amplitude=3.0)
    for modules in ([with_noise], [with_channel], [injected, dc, dn.ConnGen(dc, injected.dend)]):
        other = pair(3, name="others")
        other.soma.I_ext = 1.0
        assert told(made([*modules, other])) == []


@pytest.mark.parametrize("state", [{"cells/soma.V": -60.0}, {"cells/dend.V": -60.0}, {"cells/nmda.s": [0, 0, 1, 0]}])
def test_a_state_that_is_not_at_rest(parts, state):
    cells, others, _ = parts
    others.soma.I_ext = 1.0
    net = made([cells, others])
    net.set_state(state)
    assert told(net) == []


def test_current_given_after_the_network_was_made(parts):
    cells, others, _ = parts
    net = made([cells, others])
    for population in (cells, others):
        population.soma.I_ext = 10.0
    assert told(net) == []


def test_a_run_of_no_time_says_nothing_yet(parts):
    cells, _, noise = parts
    net = made([cells, noise])
    assert told(net, 0.0) == []
    assert len(told(net)) == 2


def test_a_population_that_waits_alone(parts):
    assert told(made([parts[0]])) == []


def test_generators_that_are_recorded_or_alone(parts):
    cells, _, noise = parts
    cells.soma.I_ext = 1.0
    net = made([cells, noise])
    net.probe(noise, "spikes")
    assert told(net) == []
    assert told(made([dn.PoissonGenerator(5, rate=50.0)])) == []


def test_a_current_that_goes_nowhere(parts):
    cells = parts[0]
    cells.soma.I_ext = 1.0
    assert told(made([cells, dn.DCGenerator(1, amplitude=1.0, name="dc")])) == [
        (
            dn.UnusedWarning,
            "dc: is neither connected nor recorded; add a ConnGen with this generator to the network's list, or "
            "record it",
        )
    ]


# Rules without connections


def unconnected(parts, conn, **options):
    cells, _, noise = parts
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        net = dn.Network([cells, noise, syn := dn.MCSynapse(noise, cells.ampa, conn, name="syn", **options)], seed=1)
    assert len(syn.connections.pre) == 0
    del net
    assert {w.category for w in found} <= {dn.UnconnectedWarning}
    return [str(w.message) for w in found]


def test_a_rule_that_makes_none(parts):
    assert unconnected(parts, dn.FixedProb(1e-6)) == [
        "syn: FixedProb(prob=1e-06, autapses=True) creates no connections from noise (size 5) to cells/ampa (size 4); "
        "expected at least one"
    ]


def test_a_matrix_without_entries(parts):
    (text,) = unconnected(parts, sp.csr_array((5, 4)))
    assert text.startswith("syn: conn creates no connections from noise (size 5) to cells/ampa (size 4)")


@pytest.mark.parametrize("rule", [dn.FixedIndegree(0), dn.FixedTotal(0), dn.FixedProb(0.0)])
def test_none_is_what_was_asked_for(parts, rule):
    assert unconnected(parts, rule) == []


def test_weights_of_zero_may_be_learnt(parts):
    cells, _, noise = parts
    net = made([cells, noise, dn.MCSynapse(noise, cells.ampa, np.zeros((5, 4)))])
    assert told(net) == []
