"""Invalid uses of gradients, batches and inputs raise errors that describe the problem."""

import dendrion as dn
import numpy as np
import pytest

from ..gradients.cells import DT, Made

STEPS = 20


@pytest.fixture
def made():
    return Made()


def ones(made):
    return np.ones((STEPS, made.n))


def test_cotangents_of_another_shape(made):
    run = made.net.run(STEPS * DT, grad=True)
    with pytest.raises(dn.ParameterError, match=r"cell/soma\.V of shape \(20, 4\): expected shape \(20, 5\)"):
        run.backward({made.v: np.ones((STEPS, 4))})
    with pytest.raises(dn.ParameterError, match=r"cell\.spikes of shape \(5,\): expected shape \(20, 5\)"):
        run.backward({made.spikes: np.ones(5)})
    with pytest.raises(dn.ParameterTypeError, match=r"cotangent of cell/soma\.V = .*: expected numbers"):
        run.backward({made.v: "high"})
    with pytest.raises(dn.ParameterTypeError, match="expected a dict from probes"):
        run.backward(np.ones((STEPS, 5)))
    with pytest.raises(dn.ParameterTypeError, match="expected a probe of the network that produced this run"):
        run.backward({Made().v: ones(made)})
    # A rejected call can be repeated with valid arguments.
    assert run.backward({made.v: ones(made)})


def test_cotangents_that_are_not_finite(made):
    run = made.net.run(STEPS * DT, grad=True)
    bad = ones(made)
    bad[3, 1] = np.nan
    with pytest.raises(dn.ParameterError, match=r"cell/soma\.V\[\(3, 1\)\] = nan: expected a finite number"):
        run.backward({made.v: bad})


def test_backward_without_a_gradient(made):
    assert made.net.run(STEPS * DT) is made.net
    with pytest.raises(AttributeError):
        made.net.run(STEPS * DT).backward({})


def test_backward_twice(made):
    run = made.net.run(STEPS * DT, grad=True)
    run.backward({made.v: ones(made)})
    with pytest.raises(dn.RunError, match="was already called for this run; run the network again with grad=True"):
        run.backward({made.v: ones(made)})


def test_frozen_and_unknown_parameters():
    made = Made(frozen_params={"V_th": -50.0})
    run = made.net.run(STEPS * DT, grad=True)
    with pytest.raises(dn.ParameterError, match=r"cell\.V_th: is frozen"):
        run.backward({made.v: ones(made)}, wrt=["cell.V_th"])
    with pytest.raises(dn.UnknownNameError, match=r"no parameter or input named 'cell/soma\.gl'.*gL"):
        run.backward({made.v: ones(made)}, wrt=["cell/soma.gl"])
    found = run.backward({made.v: ones(made)})
    assert "cell.V_th" not in found
    assert set(found) == set(made.net.parameters())


def test_probes_made_after_the_run(made):
    run = made.net.run(STEPS * DT, grad=True)
    late = made.net.probe(made.cell.ampa, "I")
    with pytest.raises(dn.RunError, match="added before the run"):
        run.backward({late: ones(made)})


def test_spikes_of_generators_have_no_cotangents():
    made = Made()
    sent = made.net.probe(made.source, "spikes")
    run = made.net.run(STEPS * DT, grad=True)
    with pytest.raises(dn.RunError, match="this probe does not accept cotangents"):
        run.backward({sent: np.ones((STEPS, made.m))})


@pytest.mark.parametrize("rule", [dn.STDP(w_max=10.0), dn.TsodyksMarkram()])
def test_plastic_connections_are_refused(rule):
    cell = Made().cell.__class__(3, V_th=-50.0, V_reset=-60.0, name="cell")
    source = dn.PoissonGenerator(2, rate=50.0, name="source")
    synapse = dn.MCSynapse(source, cell.nmda, conn=np.ones((2, 3)), plasticity=rule, delay=1.0, name="synapse")
    net = dn.Network([cell, source, synapse], dt=DT)
    with pytest.raises(dn.RunError, match="synapse: has a plasticity rule, but gradients do not"):
        net.run(10.0, grad=True)
    if isinstance(rule, dn.STDP):
        with pytest.raises(dn.RunError, match="has a plasticity rule, but the samples of a batch share"):
            net.run(10.0, batch=2)
    else:
        net.run(10.0, batch=2)
        net.reset()
    with pytest.raises(dn.RunError, match="has a plasticity rule, but inputs of real numbers"):
        net.run(10.0, inputs={source: np.ones((100, 2))})
    net.reset()
    net.run(10.0)


def test_inputs(made):
    with pytest.raises(dn.ParameterError, match=r"source: input of shape \(20, 3\): expected shape \(20, 4\)"):
        made.net.run(STEPS * DT, inputs={made.source: np.ones((STEPS, 3))})
    with pytest.raises(dn.ParameterError, match=r"source: input of shape \(20, 4\): expected shape \(2, 20, 4\)"):
        made.net.run(STEPS * DT, batch=2, inputs={made.source: np.ones((STEPS, 4))})
    with pytest.raises(dn.ParameterError, match="source: input = inf: expected a finite number"):
        made.net.run(STEPS * DT, inputs={made.source: np.full((STEPS, 4), np.inf)})
    with pytest.raises(dn.ParameterTypeError, match="expected a generator of the network"):
        made.net.run(STEPS * DT, inputs={made.cell: np.ones((STEPS, 4))})
    with pytest.raises(dn.StructureError, match="is not in this network"):
        made.net.run(STEPS * DT, inputs={dn.PoissonGenerator(4): np.ones((STEPS, 4))})
    with pytest.raises(dn.ParameterTypeError, match="expected a dict whose keys are generators"):
        made.net.run(STEPS * DT, inputs=np.ones((STEPS, 4)))
    made.net.run(STEPS * DT)


def test_batches(made):
    for wrong in (0, 1.5, True):
        with pytest.raises((dn.ParameterError, dn.ParameterTypeError), match="batch = "):
            made.net.run(1.0, batch=wrong)
    made.net.run(1.0, batch=3)
    with pytest.raises(dn.ParameterError, match="batch = 2: expected 3, as in the previous run; reset"):
        made.net.run(1.0, batch=2)
    with pytest.raises(dn.ParameterError, match="the network has a batch; reset"):
        made.net.run(1.0)
    with pytest.raises(dn.RunError, match="probes cannot be added while"):
        made.net.probe(made.cell.nmda, "I")
    made.net.reset()
    made.net.run(1.0)


def test_a_state_that_explodes_names_its_sample():
    made = Made(strength=0.1)
    given = np.zeros((3, 200, 4))
    given[2, 5:] = 1e300
    with pytest.raises(dn.DivergenceError, match=r"of neuron \d in sample 2 became infinite or NaN"):
        made.net.run(20.0, batch=3, inputs={made.source: given})
    # All samples keep their recordings up to the step in which one of them failed.
    assert made.v.values.shape[0] == 3
    assert made.v.values.shape[1] == len(made.v.t) < 200
    assert np.isfinite(made.v.values).all()
    with pytest.raises(dn.DivergenceError):
        made.net.run(20.0, batch=3)
    made.net.reset()
    made.net.run(1.0)


def test_gradients_that_grow_beyond_all_numbers(made):
    run = made.net.run(STEPS * DT, grad=True)
    with pytest.raises(
        dn.RunError, match=r"the gradient with respect to .* is .*: the largest cotangent passed is 1\.7e308"
    ):
        run.backward({made.v: np.full((STEPS, made.n), 1.7e308)})


def test_memory_and_surrogates(made):
    for wrong in (0, -1.0, np.inf, "much", True):
        with pytest.raises((dn.ParameterError, dn.ParameterTypeError), match="memory = "):
            made.net.run(1.0, grad=True, memory=wrong)
    assert made.net.run(1.0, grad=True, memory=1e6)
    for wrong in (0.0, -1.0, np.nan):
        for surrogate in (dn.Sigmoid, dn.FastSigmoid, dn.ATan, dn.Triangle, dn.Gaussian, dn.MultiGaussian):
            with pytest.raises(dn.ParameterError, match="expected a finite number > 0"):
                surrogate(wrong)
    with pytest.raises(dn.ParameterTypeError, match="detach_reset = 1: expected True, False or None"):
        Made(detach_reset=1)


def test_a_surrogate_that_cannot_be_written_down_is_no_matter_until_a_gradient():
    made = Made(surrogate_grad_fn=lambda x: 1.0 if x > 0 else 0.0)
    made.net.run(1.0)
    with pytest.raises(dn.ParameterError, match=r"cell: surrogate_grad_fn = .*tracing it failed: .*np\.where"):
        made.net.run(1.0, grad=True)


def test_optimizers(made):
    with pytest.raises(dn.ParameterError, match="optim: lr = 0: expected a finite number > 0"):
        dn.optim.SGD(made.net, lr=0)
    with pytest.raises(dn.ParameterError, match=r"optim: momentum = 1\.0: expected a number in \[0, 1\)"):
        dn.optim.SGD(made.net, lr=0.1, momentum=1.0)
    with pytest.raises(dn.UnknownNameError, match=r"no parameter named 'cell/soma\.g'"):
        dn.optim.Adam(made.net, train=["cell/soma.g"])
    with pytest.raises(dn.UnknownNameError, match="bounds: 'x' is not among the trained"):
        dn.optim.Adam(made.net, bounds={"x": (0, 1)})
    adam = dn.optim.Adam(made.net, train=["cell/soma.gL"])
    with pytest.raises(dn.ParameterError, match=r"gradient of shape \(2,\): expected shape \(\)"):
        adam.step({"cell/soma.gL": np.ones(2)})
    with pytest.raises(dn.ParameterError, match="infinite or NaN"):
        adam.step({"cell/soma.gL": np.nan})


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: 1.0, r"<lambda>\(V - V_th\) raised TypeError"),
        (lambda x: 1 / 0, r"<lambda>\(V - V_th\) raised ZeroDivisionError"),
        (lambda x: "a", r"<lambda>\(V - V_th\) = 'a': expected numbers \(1/mV\)"),
    ],
)
def test_errors_of_a_surrogate_function_are_explained(function, message):
    cell = dn.MCNeuron(2, V_th=-50.0, V_reset=-60.0, surrogate_grad_fn=function)
    with pytest.raises(dn.DendrionError, match="MCNeuron: surrogate_grad_fn: " + message):
        cell.spike_derivative([-50.0, -55.0])
