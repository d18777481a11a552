"""The optimizers, clipping and schedules take the same steps as those of PyTorch."""

import dendrion as dn
import numpy as np
import pytest

torch = pytest.importorskip("torch")
KEYS = ["synapse.w", "cell/dend.gL", "cell/axial.g", "cell/nmda.t_decay"]
WEIGHTS = KEYS[:1]
ADAM = {"betas": (0.8, 0.95), "eps": 1e-6}
CASES = {
    "sgd": (lambda net, lr: dn.optim.SGD(net, lr, train=KEYS), lambda p: torch.optim.SGD(p)),
    "momentum": (lambda net, lr: dn.optim.SGD(net, lr, 0.9, train=KEYS), lambda p: torch.optim.SGD(p, momentum=0.9)),
    "adam": (lambda net, lr: dn.optim.Adam(net, lr, train=KEYS, **ADAM), lambda p: torch.optim.Adam(p, **ADAM)),
    "adamw": (
        lambda net, lr: dn.optim.AdamW(net, lr, weight_decay={"*": 0.1}, train=KEYS, **ADAM),
        lambda p: torch.optim.AdamW(p, weight_decay=0.1, **ADAM),
    ),
    "adamw of weights": (
        lambda net, lr: dn.optim.AdamW(net, lr, weight_decay=0.1, train=KEYS, **ADAM),
        lambda p: torch.optim.AdamW([{**g, "weight_decay": 0.1 if n == 0 else 0.0} for n, g in enumerate(p)], **ADAM),
    ),
}


def gradients(parameters, step):
    """Return random gradients; one parameter has none in some steps."""
    rng = np.random.default_rng(step)
    found = {key: rng.normal(size=tuple(p.shape)) for key, p in parameters.items()}
    if step % 3 == 1:
        del found["cell/axial.g"]
    return found


def tensors(net):
    known = net.parameters()
    return {key: torch.nn.Parameter(torch.tensor(known[key])) for key in KEYS}


def compare(net, ours, parameters, theirs, steps, schedule=None, clip=None):
    for step in range(steps):
        given = gradients(parameters, step)
        ours.step(given)
        for key, parameter in parameters.items():
            parameter.grad = torch.tensor(given[key]) if key in given else None
        if clip is not None:
            clip(list(parameters.values()))
        theirs.step()
        if schedule is not None:
            schedule.step()
        for key, parameter in parameters.items():
            np.testing.assert_allclose(net.parameters()[key], parameter.detach().numpy(), rtol=1e-12, err_msg=key)


@pytest.mark.parametrize("case", CASES)
def test_steps(made, case):
    net = made().net
    parameters, rates = tensors(net), [1e-3, 2e-3, 3e-3, 4e-3]
    ours, theirs = CASES[case]
    groups = [{"params": [parameters[key]], "lr": lr} for key, lr in zip(KEYS, rates, strict=True)]
    compare(net, ours(net, dict(zip(KEYS, rates, strict=True))), parameters, theirs(groups), 12)


def test_states_have_the_same_names_and_values(made):
    net = made().net
    parameters = tensors(net)
    ours, theirs = dn.optim.Adam(net, train=KEYS, **ADAM), torch.optim.Adam(parameters.values(), lr=1e-3, **ADAM)
    compare(net, ours, parameters, theirs, 4)
    found, expected = ours.state_dict()["state"], theirs.state_dict()["state"]
    for number, key in enumerate(KEYS):
        assert set(found[key]) == set(expected[number])
        for name, value in expected[number].items():
            np.testing.assert_allclose(found[key][name], value, rtol=1e-12)


def test_a_state_of_pytorch_is_accepted(made):
    net = made().net
    parameters = tensors(net)
    theirs = torch.optim.Adam(parameters.values(), lr=1e-3, **ADAM)
    compare(net, dn.optim.Adam(net, train=KEYS, **ADAM), parameters, theirs, 4)
    resumed = dn.optim.Adam(net, 0.5, train=KEYS)
    saved = theirs.state_dict()
    state = {KEYS[number]: state for number, state in saved["state"].items()}
    groups = [{**group, "params": [KEYS[n] for n in group["params"]]} for group in saved["param_groups"]]
    resumed.load_state_dict({"state": state, "param_groups": groups, "steps": 4, "units": dict.fromkeys(KEYS, 1.0)})
    assert set(resumed.rates().values()) == {1e-3}
    compare(net, resumed, parameters, theirs, 4)


@pytest.mark.parametrize("kind", ["norm", "value"])
def test_clipping(made, kind):
    net = made().net
    parameters = tensors(net)
    limit = {f"clip_{kind}": 0.7}
    ours, theirs = dn.optim.SGD(net, 1e-3, train=KEYS, **limit), torch.optim.SGD(parameters.values(), lr=1e-3)
    function = getattr(torch.nn.utils, f"clip_grad_{kind}_")
    compare(net, ours, parameters, theirs, 6, clip=lambda p: function(p, 0.7))


def _after_warmup(optimizer):
    schedulers = torch.optim.lr_scheduler
    first = schedulers.LinearLR(optimizer, start_factor=0.1, total_iters=4)
    return schedulers.SequentialLR(optimizer, [first, schedulers.CosineAnnealingLR(optimizer, 8)], milestones=[4])


SCHEDULES = {
    "step": (dn.optim.StepDecay(1e-3, 3, 0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5)),
    "exponential": (dn.optim.ExponentialDecay(1e-3, 0.9), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    "cosine": (
        dn.optim.CosineDecay(1e-3, 12, 1e-4),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12, eta_min=1e-4),
    ),
    "warmup": (dn.optim.Warmup(1e-3, 5, 0.2), lambda o: torch.optim.lr_scheduler.LinearLR(o, 0.2, total_iters=5)),
    "warmup, cosine": (dn.optim.Warmup(dn.optim.CosineDecay(1e-3, 8), 4), _after_warmup),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(made, name):
    net = made().net
    parameters = tensors(net)
    theirs = torch.optim.SGD(parameters.values(), lr=1e-3)
    ours, schedule = SCHEDULES[name]
    compare(net, dn.optim.SGD(net, ours, train=KEYS), parameters, theirs, 12, schedule(theirs))
