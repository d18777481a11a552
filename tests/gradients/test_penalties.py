"""Penalties on firing rates, and their derivatives with respect to spikes."""

import dendrion as dn
import numpy as np
import pytest

from .cells import DT, Made

STEPS = 400
BATCH = 3


@pytest.fixture(scope="module")
def made():
    """Return a network after two runs with a batch, in which some neurons spike, and the second run."""
    made = Made(strength=1.5)
    inputs = made.input(STEPS, rate=0.2, batch=(BATCH,))
    made.net.run(STEPS * DT, batch=BATCH, inputs={made.source: inputs})
    made.run = made.net.run(STEPS * DT, grad=True, batch=BATCH, inputs={made.source: inputs})
    made.count = made.spikes.counts()[:, STEPS:].astype(float)
    assert made.count.sum() > 0
    return made


def penalty(count, low, high, weight, per):
    """Return the penalty as a function of real numbers of spikes."""
    rates = count.sum(axis=1) / (STEPS * DT / 1000.0)
    rates = rates.mean(axis=1) if per == "population" else rates
    outside = np.maximum(rates - high, 0.0) - np.maximum(low - rates, 0.0)
    return weight * np.mean(outside**2)


@pytest.mark.parametrize("per", ["population", "neuron"])
@pytest.mark.parametrize(
    ("arguments", "low", "high"),
    [({"target": 30.0}, 30.0, 30.0), ({"lower": 60.0}, 60.0, np.inf), ({"lower": 1.0, "upper": 10.0}, 1.0, 10.0)],
)
def test_the_cotangents_are_the_derivatives(made, per, arguments, low, high):
    loss, cotangents = dn.optim.rate_penalty(made.run, made.spikes, **arguments, weight=0.1, per=per)
    assert loss == pytest.approx(penalty(made.count, low, high, 0.1, per))
    found = cotangents[made.spikes]
    assert found.shape == (BATCH, STEPS, made.n)
    for at in ((0, 3, 1), (1, 200, 4), (2, 399, 0)):
        sides = []
        for h in (1e-4, -1e-4):
            moved = made.count.copy()
            moved[at] += h
            sides.append(penalty(moved, low, high, 0.1, per))
        assert found[at] == pytest.approx((sides[0] - sides[1]) / 2e-4, rel=1e-5, abs=1e-9)


def test_rates_within_the_range_have_no_penalty(made):
    loss, cotangents = dn.optim.rate_penalty(made.run, made.spikes, lower=0.0, upper=1e6)
    assert loss == 0.0
    assert not cotangents[made.spikes].any()


def test_targets_per_neuron(made):
    rates = made.count.sum(axis=1).mean(axis=0) / (STEPS * DT / 1000.0)
    loss, _ = dn.optim.rate_penalty(made.run, made.spikes, target=rates, per="neuron")
    other, _ = dn.optim.rate_penalty(made.run, made.spikes, target=rates + 10.0, per="neuron")
    assert loss < other


def test_penalties_are_combined():
    made = Made(strength=0.4, surrogate_grad_fn=dn.FastSigmoid(1.0, relative=True))
    made.net.run(5.0)
    run = made.net.run(STEPS * DT, grad=True, inputs={made.source: made.input(STEPS, rate=0.2)})
    one = dn.optim.rate_penalty(run, made.spikes, upper=5.0)
    two = dn.optim.rate_penalty(run, made.spikes, lower=200.0, per="neuron")
    three = (7.0, {made.v: np.ones((STEPS, made.n))})
    loss, cotangents = dn.optim.total_loss(one, two, three)
    assert loss == one[0] + two[0] + 7.0
    np.testing.assert_array_equal(cotangents[made.spikes], one[1][made.spikes] + two[1][made.spikes])
    assert run.backward(cotangents, wrt="weights")["w.w"].any()


@pytest.mark.parametrize("loss", [None, "1.0", np.ones(3), np.nan, np.inf])
def test_losses_that_are_not_numbers(loss):
    with pytest.raises(dn.DendrionError, match=r"total_loss: loss = .*: expected a"):
        dn.optim.total_loss((loss, {}))
    assert dn.optim.total_loss((np.array(2.0), {}), (1, {}))[0] == 3.0


def test_spike_times_have_no_rate_penalty():
    """The gradient would be 0 for any rates."""
    made = Made(surrogate_grad_fn=dn.EventProp())
    run = made.net.run(5.0, grad=True)
    with pytest.raises(dn.ParameterError, match=r"rate_penalty: cell: surrogate_grad_fn = EventProp\(\)"):
        dn.optim.rate_penalty(run, made.spikes, 10.0)


def test_a_penalty_raises_the_rate_of_silent_neurons():
    made = Made(strength=0.05, i_ext=0.0, surrogate_grad_fn=dn.FastSigmoid(1.0, relative=True))
    adam = dn.optim.Adam(made.net, 0.02, train="w.w")
    inputs = {made.source: made.input(STEPS, rate=0.05)}
    losses = []
    for _ in range(15):
        made.net.reset()
        run = made.net.run(STEPS * DT, grad=True, inputs=inputs)
        loss, cotangents = dn.optim.rate_penalty(run, made.spikes, lower=20.0, per="neuron")
        losses.append(loss)
        adam.step(run.backward(cotangents, wrt="w.w"))
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "target, lower, upper = None: expected at least one"),
        ({"target": 1.0, "lower": 1.0}, "expected either target, or lower and upper"),
        ({"lower": 2.0, "upper": 1.0}, r"lower = 2\.0: expected at most upper = 1\.0"),
        ({"target": -1.0}, r"target = -1\.0: expected finite rates >= 0"),
        ({"target": np.ones(5)}, r"target = array of shape \(5,\): expected a number; arrays require per='neuron'"),
        ({"target": np.ones(4), "per": "neuron"}, r"expected a number or an array of shape \(5,\)"),
        ({"target": 1.0, "per": "cell"}, "per = 'cell': expected 'population' or 'neuron'"),
        ({"target": 1.0, "weight": -1.0}, r"weight = -1\.0: expected a finite number >= 0"),
        ({"target": "many"}, "target = 'many'"),
    ],
)
def test_penalties_that_are_refused(made, arguments, message):
    with pytest.raises(dn.DendrionError, match=message):
        dn.optim.rate_penalty(made.run, made.spikes, **arguments)


def test_recordings_that_are_refused(made):
    with pytest.raises(dn.ParameterTypeError, match="expected a SpikeRecording of the network that ran"):
        dn.optim.rate_penalty(made.run, made.v, 1.0)
    with pytest.raises(dn.ParameterTypeError, match="expected a SpikeRecording of the network that ran"):
        dn.optim.rate_penalty(made.run, Made().spikes, 1.0)
    with pytest.raises(dn.ParameterTypeError, match="run = 3: expected a Run"):
        dn.optim.rate_penalty(3, made.spikes, 1.0)
    with pytest.raises(dn.ParameterTypeError, match="total_loss: 3: expected pairs"):
        dn.optim.total_loss(3)
    for wrong in ("x", None, np.ones(2)):
        with pytest.raises(dn.DendrionError, match=r"total_loss: loss = .*: expected a number"):
            dn.optim.total_loss((wrong, {}))
    other = Made()
    run = other.net.run(1.0, grad=True)
    other.net.reset()
    with pytest.raises(dn.RunError, match="its recording of this run is not available"):
        dn.optim.rate_penalty(run, other.spikes, 1.0)
