"""Generators send the spikes of functions, tables and piecewise parameters, and can be recorded."""

import dendrion as dn
import numpy as np
import pytest


def test_a_table_is_sent_from_start_on():
    table = np.array([[1, 0, 0], [0, 2, 0], [0, 0, 0], [1, 1, 1]])
    source = dn.CustomGenerator(3, start=0.5, stop=0.8, fn=table)
    net = dn.Network([source])
    sent = net.probe(source, "spikes")
    net.run(2.0)
    np.testing.assert_array_equal(sent.counts()[5:8], table[:3])
    assert sent.counts().sum() == 3
    np.testing.assert_allclose(sent.t, [0.5, 0.6, 0.6])
    np.testing.assert_array_equal(sent.i, [0, 1, 1])
    assert sent.dense().sum() == 2


def test_a_function_is_asked_for_each_step_once_in_order():
    for cuts in ([250.0], [0.1, 99.95, 20.0, 129.95]):
        asked = []

        def fn(t, asked=asked):
            asked.append(t)
            return np.arange(len(t))[:, None] % 7 == np.arange(4)

        source = dn.CustomGenerator(4, start=0.2, stop=220.0, fn=fn)
        net = dn.Network([source], dt=0.1)
        sent = net.probe(source, "spikes")
        for cut in cuts:
            net.run(cut, progress=False)
        np.testing.assert_allclose(np.concatenate(asked), 0.1 * np.arange(2, 2200), atol=1e-9)
        assert [len(t) for t in asked] == [998, 1000, 200]
        steps = np.rint(sent.t / 0.1)
        np.testing.assert_array_equal((steps - np.where(steps < 1000, 2, 0)) % 1000 % 7, sent.i)


def test_reset_asks_again(pair):
    calls = []
    source = dn.CustomGenerator(2, fn=lambda t: calls.append(t[0]) or np.ones((len(t), 2), dtype=bool))
    net = dn.Network([source])
    sent = net.probe(source, "spikes")
    net.run(5.0)
    first = sent.counts()
    net.reset()
    assert len(sent) == 0
    net.run(5.0)
    np.testing.assert_array_equal(sent.counts(), first)
    assert calls == [0.0, 0.0]


def test_spikes_of_a_function_arrive(pair):
    cells = pair(2)
    source = dn.CustomGenerator(2, fn=lambda t: np.isclose(t, 1.0)[:, None] * np.array([1, 3]))
    net = dn.Network([cells, source, dn.ConnGen(source, cells.ampa)])
    gate = net.probe(cells.ampa, "s")
    net.run(1.2)
    np.testing.assert_allclose(gate.values[11], [1.0, 3.0])


def test_a_function_that_fails_ends_the_run_before_its_chunk():
    def raises(t):
        if t[0] > 50:
            raise RuntimeError("no more")
        return np.zeros((len(t), 2), dtype=int)

    source = dn.CustomGenerator(2, fn=raises, name="source")
    net = dn.Network([source], dt=0.1)
    with pytest.raises(
        dn.ParameterError, match=r"source: fn\(t\), t = 100 \.\.\. 199\.9 ms raised RuntimeError"
    ) as caught:
        net.run(300.0)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert net.t == 100.0
    with pytest.raises(dn.ParameterError, match=r"raised RuntimeError"):
        net.run(1.0)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            lambda n: np.zeros((n, 3)),
            dn.ParameterError,
            r"of shape \(1000, 3\): expected \(1000, 2\), steps by sources",
        ),
        (
            lambda n: np.full((n, 2), 0.5),
            dn.ParameterTypeError,
            r"of type float64: expected integers",
        ),
        (lambda n: np.full((n, 2), np.nan), dn.ParameterTypeError, r"of type float64: expected integers"),
        (lambda n: np.full((n, 2), -1), dn.ParameterError, r": \[0, 0\] = -1: expected an integer >= 0"),
        (lambda n: None, dn.ParameterError, r"of shape \(\): expected \(1000, 2\)"),
    ],
)
def test_what_a_function_returns_is_checked(value, error, message):
    source = dn.CustomGenerator(2, fn=lambda t: value(len(t)), name="source")
    with pytest.raises(error, match=r"source: fn\(t\), t = 0 \.\.\. 99\.9 ms *" + message):
        dn.Network([source], dt=0.1).run(10.0)


def test_bad_tables_and_times():
    with pytest.raises(dn.ParameterError, match=r"CustomGenerator: fn of shape \(3,\): expected \(steps, 2\)"):
        dn.CustomGenerator(2, fn=[1, 2, 3])
    with pytest.raises(dn.ParameterError, match=r"PoissonGenerator: stop = 5 ms: expected a time >= start \(10 ms\)"):
        dn.PoissonGenerator(1, 10.0, 10.0, 5.0)
    source = dn.DCGenerator(1, amplitude=1.0, stop=5.0, name="dc")
    with pytest.raises(dn.ParameterError, match=r"dc: stop = 5 ms: expected a time >= start \(7 ms\)"):
        source.start = 7.0
    with pytest.raises(dn.ParameterTypeError, match=r"rng_col = 3: expected the name of a stream"):
        dn.BernoulliGenerator(1, rng_col=3)


def test_bad_piecewise():
    for times, message in (
        ([1.0, 1.0], r"times\[1\] = 1.0: expected a time after 1.0 ms"),
        ([-1.0], r"times\[0\] = -1.0: expected a finite time >= 0"),
        ([], r"times of shape \(0,\)"),
    ):
        with pytest.raises(dn.ParameterError, match="Piecewise: " + message):
            dn.Piecewise(times, np.ones(len(times)))
    with pytest.raises(dn.ParameterError, match=r"Piecewise: values of shape \(3,\): expected \(2,\) or \(2, size\)"):
        dn.Piecewise([0.0, 1.0], [1.0, 2.0, 3.0])
    with pytest.raises(dn.ParameterError, match=r"rate\[1\] = -2: expected a finite number >= 0 \(Hz\)"):
        dn.PoissonGenerator(1, rate=dn.Piecewise([0.0, 1.0], [1.0, -2.0]))
    with pytest.raises(dn.ParameterError, match=r"of shape \(1, 3\): expected shape \(1, 2\)"):
        dn.PoissonGenerator(2, rate=dn.Piecewise([0.0], [[1.0, 2.0, 3.0]]))


def test_a_piecewise_current():
    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(2, V_th=1e6)
            self.soma = dn.LeakyIF(2, V_rest=0.0, C=1.0, gL=1e-9)

    cell = Cell()
    course = dn.Piecewise([0.5, 1.0], [[10.0, 20.0], [0.0, -5.0]])
    step = dn.DCGenerator(2, amplitude=course, stop=1.5)
    net = dn.Network([cell, step, dn.ConnGen(step, cell.soma)], dt=0.1)
    v = net.probe(cell.soma, "V")
    net.run(2.0)
    np.testing.assert_allclose(v.values[[5, 10, 15, 19]], [[0, 0], [5, 10], [5, 7.5], [5, 7.5]], atol=1e-6)


def test_piecewise_parameters_by_name():
    source = dn.PoissonGenerator(3, rate=dn.Piecewise([0.0, 5.0], [[10.0, 20.0, 30.0], [1.0, 2.0, 3.0]]), name="noise")
    np.testing.assert_array_equal(source.rate, [[10, 20, 30], [1, 2, 3]])
    net = dn.Network([source])
    state = net.state_dict()
    np.testing.assert_array_equal(state["noise.rate"], [[10, 20, 30], [1, 2, 3]])
    source.rate = 2 * source.rate
    np.testing.assert_array_equal(net.parameters()["noise.rate"], [[20, 40, 60], [2, 4, 6]])
    with pytest.raises(
        dn.StructureError, match=r"noise: rate = Piecewise.*the times are fixed once the network is built"
    ):
        source.rate = dn.Piecewise([0.0], [1.0])
    net.load_state_dict(state)
    np.testing.assert_array_equal(source.rate, [[10, 20, 30], [1, 2, 3]])
    sent = net.probe(source, "spikes")
    source.rate = 0.0
    assert source.rate == 0.0
    net.run(50.0)
    assert len(sent) == 0
    net.set_parameters({"noise.rate": [0.0, 1e4, 0.0]})
    net.run(50.0)
    assert set(sent.i) == {1}


def test_probes_of_generators_choose_sources(pair):
    source = dn.PoissonGenerator(6, rate=500.0)
    net = dn.Network([source])
    whole = net.probe(source, "spikes")
    net.run(20.0)
    some = net.probe(source, "spikes", indices=[1, 4])
    net.run(20.0)
    later = whole.t >= 20.0
    keep = later & np.isin(whole.i, [1, 4])
    np.testing.assert_array_equal(some.t, whole.t[keep])
    np.testing.assert_array_equal(some.i, whole.i[keep])
    assert net.variables(source) == ["spikes"]
    with pytest.raises(dn.ParameterError, match=r"poissongenerator: indices = 6: expected an integer below 6"):
        net.probe(source, "spikes", indices=[6])
