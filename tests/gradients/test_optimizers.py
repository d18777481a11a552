"""Optimizers: groups of parameters, clipping, schedules, weight decay, and states that resume training."""

import math

import dendrion as dn
import numpy as np
import pytest

from .cells import Made

KEYS = ["w.w", "rec.w", "cell/soma.gL", "cell/nmda.t_decay"]


@pytest.fixture
def net():
    return Made().net


def gradients(net, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return {key: scale * rng.normal(size=np.shape(net.parameters()[key])) for key in KEYS}


def change(net, optimizer, given):
    """Return by how much a step changes each parameter."""
    before = net.parameters()
    optimizer.step(given)
    after = net.parameters()
    return {key: after[key] - before[key] for key in optimizer.keys}


def test_learning_rates_of_groups(net):
    lr = {"cell/soma.gL": 1e-3, "weights": 1e-4, "*": 1e-2}
    sgd = dn.optim.SGD(net, lr, train=KEYS)
    assert sgd.rates() == {"w.w": 1e-4, "rec.w": 1e-4, "cell/soma.gL": 1e-3, "cell/nmda.t_decay": 1e-2}
    given = {key: np.ones(np.shape(net.parameters()[key])) for key in KEYS}
    moved = change(net, sgd, given)
    for key, rate in sgd.rates().items():
        np.testing.assert_allclose(moved[key], -rate, rtol=1e-9)
    sgd.lr = 0.5
    assert set(sgd.rates().values()) == {0.5}
    with pytest.raises(TypeError):
        dn.optim.SGD(net, lr, train=KEYS).lr["*"] = 1.0


@pytest.mark.parametrize(
    ("lr", "message"),
    [
        ({"weights": 0.1}, r"optim: lr: no entry matches cell/soma\.gL; .* such as '\*' for all others"),
        ({"*": 0.1, "w.w": 0.2}, r"optim: lr: 'w\.w' has no effect, because earlier entries match"),
        ({"*.gl": 0.1, "*": 0.2}, r"optim: lr: '\*\.gl' matches none of the trained parameters"),
        ({"rec.ww": 0.1, "*": 0.2}, r"optim: lr: 'rec\.ww' is not among the trained parameters; did you mean 'rec\.w'"),
        ({"*": 0.0}, r"optim: lr\['\*'\] = 0\.0: expected a finite number > 0"),
        ({"*": "fast"}, "a function of the step"),
        (lambda step: math.nan, r"optim: lr\(0\) = nan: expected a finite number >= 0"),
        (lambda step: "a", r"optim: lr\(0\) = 'a': expected a number >= 0"),
        ([0.1], r"optim: lr = \[0\.1\]: expected a number > 0, a function of the step, or a dict"),
        ({}, "no entry matches"),
    ],
)
def test_learning_rates_that_are_refused(net, lr, message):
    with pytest.raises(dn.DendrionError, match=message):
        dn.optim.SGD(net, lr, train=KEYS)


def test_bounds_by_pattern(net):
    bounds = {"weights": (0.05, None), "*.w": (None, 0.06), "*.gL": (39.0, 41.0), "cell/nmda.*": (20.0, 40.0)}
    sgd = dn.optim.SGD(net, 1e3, train=KEYS, bounds=bounds)
    sgd.step(gradients(net))
    found = net.parameters()
    for key in ("w.w", "rec.w"):
        assert found[key].min() >= 0.05
        assert found[key].max() <= 0.06
    with pytest.raises(dn.UnknownNameError, match=r"SGD: bounds: '\*\.V_th' matches none of the trained parameters"):
        dn.optim.SGD(net, 0.1, train=KEYS, bounds={"*.V_th": (0, 1)})


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"cell/soma.gL": (3.0, 1.0)}, r"gL = \(3\.0, 1\.0\): expected bounds that permit a value between"),
        ({"cell/soma.gL": (-5.0, -1.0)}, r"gL = \(-5\.0, -1\.0\): expected bounds"),
        ({"cell/soma.gL": (math.inf, None)}, r"gL = \(inf, None\): expected bounds"),
        ({"*.gL": (30.0, None), "cell/soma.gL": (None, 20.0)}, r"a value between 30 and inf"),
    ],
)
def test_bounds_without_a_value_are_refused(net, bounds, message):
    with pytest.raises(dn.ParameterError, match=message):
        dn.optim.SGD(net, 0.1, train=KEYS, bounds=bounds)


def test_nothing_to_train(net):
    with pytest.raises(dn.ParameterError, match=r"Adam: train = \[\]: expected at least one parameter"):
        dn.optim.Adam(net, train=[])


def test_functions_of_the_step_that_fail_are_named(net):
    with pytest.raises(dn.ParameterError, match=r"optim: lr\(0\) raised ZeroDivisionError"):
        dn.optim.Adam(net, lambda step: 1 / step, train=KEYS)
    for wrong in (dn.optim.StepDecay, float):
        with pytest.raises(dn.ParameterTypeError, match=rf"optim: lr = {wrong.__name__}: expected .*, not a class"):
            dn.optim.Adam(net, wrong, train=KEYS)
    with pytest.raises(dn.ParameterTypeError, match=r"optim: then = StepDecay: expected .*, not a class"):
        dn.optim.Warmup(dn.optim.StepDecay, 10)


def test_a_rate_that_is_refused_changes_nothing(net):
    adam = dn.optim.Adam(net, 0.1, train=KEYS)
    with pytest.raises(dn.ParameterError, match=r"lr\(0\) = -1"):
        adam.lr = lambda step: -1.0
    assert set(adam.rates().values()) == {adam.lr} == {0.1}
    assert repr(adam) == "<Adam of 4 parameters, 0 steps>"


def test_parameters_that_change_their_shape(net):
    adam = dn.optim.Adam(net, 0.1, train="cell/soma.gL")
    adam.step({"cell/soma.gL": 1.0})
    net.set_parameters({"cell/soma.gL": np.full(5, 40.0)})
    adam.step({"cell/soma.gL": np.ones(5)})
    assert adam.state_dict()["state"]["cell/soma.gL"]["exp_avg"].shape == (5,)
    net.set_parameters({"cell/soma.gL": 40.0})
    with pytest.raises(dn.ParameterError, match=r"gL: has shape \(\), but had shape \(5,\) in earlier steps"):
        adam.step({"cell/soma.gL": 1.0})
    assert net.parameters()["cell/soma.gL"] == 40.0


def test_gradients_are_clipped(net):
    given = gradients(net, scale=10.0)
    norm = math.sqrt(sum(float(np.sum(g**2)) for g in given.values()))
    lr = 1e-6
    moved = change(net, dn.optim.SGD(net, lr, train=KEYS, clip_norm=2.0), given)
    assert math.sqrt(sum(float(np.sum((m / lr) ** 2)) for m in moved.values())) == pytest.approx(2.0, rel=1e-5)
    for key in KEYS:
        np.testing.assert_allclose(moved[key] / lr, -given[key] * 2.0 / norm, rtol=1e-4, atol=1e-6)
    # A norm below the limit, and limits on elements.
    moved = change(net, dn.optim.SGD(net, lr, train=KEYS, clip_norm=1e9, clip_value=3.0), given)
    for key in KEYS:
        np.testing.assert_allclose(moved[key] / lr, -np.clip(given[key], -3.0, 3.0), rtol=1e-4, atol=1e-6)
    # Squares of these gradients overflow.
    huge = {key: np.full_like(g, 1e200) for key, g in given.items()}
    moved = change(net, dn.optim.SGD(net, lr, train=KEYS, clip_norm=1.0), huge)
    assert math.sqrt(sum(float(np.sum((m / lr) ** 2)) for m in moved.values())) == pytest.approx(1.0, rel=1e-4)
    for name in ("clip_norm", "clip_value"):
        with pytest.raises(dn.ParameterError, match=rf"optim: {name} = -1: expected a finite number > 0"):
            dn.optim.Adam(net, train=KEYS, **{name: -1})


def test_weight_decay(net):
    start = net.parameters()
    adam = dn.optim.AdamW(net, 0.1, weight_decay=0.5, train=KEYS)
    adam.step({key: np.zeros_like(start[key]) for key in KEYS})
    found = net.parameters()
    # A number applies to weights of connections only.
    for key in KEYS:
        factor = 1 - 0.1 * 0.5 if key.endswith(".w") else 1.0
        np.testing.assert_allclose(found[key], factor * start[key], rtol=1e-14)
    adam = dn.optim.AdamW(net, 0.1, weight_decay={"rec.w": 0.0, "weights": 0.1, "*.gL": 0.2}, train=KEYS)
    assert adam._decay == {"rec.w": 0.0, "w.w": 0.1, "cell/soma.gL": 0.2}
    with pytest.raises(dn.ParameterError, match=r"weight_decay = 0\.01: a number applies to weights of connections"):
        dn.optim.AdamW(net, train=["cell/soma.gL"])
    with pytest.raises(dn.AssignmentError, match=r"Adam\.weight_decay = 0\.1: Adam has no attribute"):
        dn.optim.Adam(net, train=KEYS).weight_decay = 0.1
    for wrong in (-1.0, math.inf, "much", {"*": -1}):
        with pytest.raises(dn.DendrionError, match="weight_decay"):
            dn.optim.AdamW(net, weight_decay=wrong, train=KEYS)


def test_schedules():
    step, exponential = dn.optim.StepDecay(0.1, every=10, factor=0.5), dn.optim.ExponentialDecay(0.1, 0.9)
    assert [step(n) for n in (0, 9, 10, 25)] == pytest.approx([0.1, 0.1, 0.05, 0.025])
    assert [exponential(n) for n in (0, 1, 2)] == pytest.approx([0.1, 0.09, 0.081])
    cosine = dn.optim.CosineDecay(0.1, steps=100, least=0.02)
    assert [cosine(n) for n in (0, 50, 100, 1000)] == pytest.approx([0.1, 0.06, 0.02, 0.02])
    warmup = dn.optim.Warmup(cosine, steps=10, start=0.2)
    assert [warmup(n) for n in (0, 5, 10, 60)] == pytest.approx([0.02, 0.06, 0.1, 0.06])
    assert dn.optim.Warmup(0.3, 3)(7) == 0.3
    assert repr(step) == "StepDecay(lr=0.1, every=10, factor=0.5)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dn.optim.StepDecay(0.1, every=0), "every = 0: expected an integer >= 1"),
        (lambda: dn.optim.StepDecay(-0.1, 1), r"lr = -0\.1: expected a finite number > 0"),
        (lambda: dn.optim.ExponentialDecay(0.1, 0.0), r"factor = 0\.0: expected a finite number > 0"),
        (lambda: dn.optim.CosineDecay(0.1, 10, least=0.2), r"least = 0\.2: expected a number between 0 and lr = 0\.1"),
        (lambda: dn.optim.Warmup(0.1, 10, start=1.0), r"start = 1\.0: expected a number in \[0, 1\)"),
        (lambda: dn.optim.Warmup("x", 10), "then = 'x'"),
        (lambda: dn.optim.StepDecay(0.1, evry=1), "did you mean 'every'"),
        (lambda: setattr(dn.optim.StepDecay(0.1, 1), "lr", 3), "cannot be changed after construction"),
    ],
)
def test_schedules_that_are_refused(make, message):
    with pytest.raises(dn.DendrionError, match=message):
        make()


def test_a_schedule_sets_the_rate_of_each_step(net):
    sgd = dn.optim.SGD(net, dn.optim.ExponentialDecay(1e-3, 0.5), train=["cell/soma.gL"])
    for n in range(4):
        moved = change(net, sgd, {"cell/soma.gL": 1.0})
        assert moved["cell/soma.gL"] == pytest.approx(-1e-3 * 0.5**n)
    growing = dn.optim.SGD(net, dn.optim.ExponentialDecay(1e-3, 1e10), train=["cell/soma.gL"])
    growing.steps = 10**6
    with pytest.raises(dn.ParameterError, match=r"lr\(1000000\) = inf: expected a finite number"):
        growing.step({"cell/soma.gL": 1.0})


def test_an_error_changes_nothing(net):
    adam = dn.optim.Adam(net, 1e-3, train=KEYS)
    adam.step(gradients(net))
    state, before = adam.state_dict(), net.parameters()
    adam.lr = 1e308
    with pytest.raises(dn.DendrionError):
        adam.step(gradients(net, 1, 1e3))
    adam.lr = 1e-3
    assert str(adam.state_dict()) == str(state)
    for key in KEYS:
        np.testing.assert_array_equal(net.parameters()[key], before[key])


MAKE = {
    "sgd": lambda net: dn.optim.SGD(net, {"weights": 1e-3, "*": 1e-2}, 0.9, train=KEYS),
    "adam": lambda net: dn.optim.Adam(net, 1e-3, train=KEYS, relative=True),
    "adamw": lambda net: dn.optim.AdamW(net, dn.optim.CosineDecay(1e-2, 9), train=KEYS, clip_norm=1.0),
}


@pytest.mark.parametrize("kind", MAKE)
def test_training_resumes(kind, tmp_path):
    one, two = Made().net, Made().net
    first, second = MAKE[kind](one), None
    for n in range(3):
        first.step(gradients(one, n))
    path = tmp_path / "training.npz"
    first.save(path)
    second = MAKE[kind](two)
    second.load(path)
    assert second.steps == 3
    for n in range(3, 6):
        first.step(gradients(one, n))
        second.step(gradients(two, n))
    for key, value in one.state_dict().items():
        np.testing.assert_array_equal(two.state_dict()[key], value)
    # In memory, without the parameters.
    third = MAKE[kind](one)
    third.load_state_dict(first.state_dict())
    assert str(third.state_dict()) == str(first.state_dict())
    with pytest.raises(dn.ParameterError, match="already exists"):
        first.save(path)
    first.save(path, overwrite=True)


def test_settings_are_loaded(net):
    first = dn.optim.AdamW(net, {"weights": 0.1, "*": 0.2}, (0.8, 0.9), 1e-6, {"*.gL": 0.3}, train=KEYS)
    second = dn.optim.AdamW(net, 0.5, train=KEYS)
    second.load_state_dict(first.state_dict())
    assert second.rates() == first.rates()
    assert (second.betas, second.eps, second._decay) == ((0.8, 0.9), 1e-6, {"cell/soma.gL": 0.3})
    # A function of the step is not replaced.
    third = dn.optim.AdamW(net, dn.optim.ExponentialDecay(0.1, 0.5), train=KEYS)
    first.steps = 2
    third.load_state_dict(first.state_dict())
    assert set(third.rates().values()) == {0.025}


def test_states_that_do_not_fit(net, tmp_path):
    adam = dn.optim.Adam(net, train=KEYS)
    adam.step(gradients(net))
    good = adam.state_dict()
    fewer = dn.optim.Adam(net, train=KEYS[:2])
    wrong = [
        (fewer, good, r"'cell/soma\.gL': is not among the trained parameters"),
        (adam, fewer.state_dict(), r"cell/soma\.gL: is missing; expected all trained parameters"),
        (adam, dn.optim.SGD(net, 0.1, train=KEYS).state_dict(), "betas is missing; expected the state of another Adam"),
        (adam, {}, "expected a dict that state_dict"),
        (adam, 3, "expected a dict that state_dict"),
        (adam, good | {"steps": -1}, "steps = -1: expected an integer >= 0"),
        (adam, good | {"state": None}, "state = None: expected a dict"),
        (adam, good | {"units": [1.0]}, r"units = \[1\.0\]: expected a dict"),
        (adam, good | {"param_groups": 3}, "param_groups = 3: expected a list of dicts"),
        (adam, good | {"param_groups": [{"params": 3}]}, "expected a list of dicts"),
        (
            adam,
            good | {"param_groups": [{**group, "weight_decay": 0.1} for group in good["param_groups"]]},
            "Adam has no attribute 'weight_decay'",
        ),
        (adam, good | {"units": dict.fromkeys(KEYS, 10**400)}, "load_state_dict"),
        (adam, good | {"state": 3}, "state = 3: expected a dict"),
        (adam, good | {"units": [3]}, r"units = \[3\]: expected a dict"),
        (adam, good | {"units": dict.fromkeys(KEYS, "x")}, "load_state_dict"),
        (adam, good | {"state": {(1, 2): {}}}, r"\(1, 2\): is not among the trained parameters"),
        (adam, good | {"state": {"w.w": good["state"]["rec.w"]}}, r"w\.w: exp_avg of shape \(5, 5\): expected shape"),
        (adam, good | {"state": {"w.w": {"step": 1}}}, r"w\.w: .*expected a dict with exp_avg, exp_avg_sq, step"),
        (adam, good | {"units": dict.fromkeys(KEYS, -1.0)}, "expected finite numbers > 0"),
    ]
    for optimizer, state, message in wrong:
        before = str(optimizer.state_dict())
        with pytest.raises(dn.StateError, match=message):
            optimizer.load_state_dict(state)
        assert str(optimizer.state_dict()) == before
    path = tmp_path / "adam.npz"
    adam.save(path)
    with pytest.raises(dn.StateError, match="expected a file that save"):
        dn.optim.SGD(net, 0.1, train=KEYS).load(path)
    with pytest.raises(dn.StateError, match="expected a file that save"):
        dn.optim.Adam(Made(n=6).net, train=["cell/soma.gL"]).load(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(dn.StateError, match="is not an archive of arrays, or is damaged"):
        adam.load(path)
    with pytest.raises(dn.ParameterError, match=r"expected a name that ends in \.npz"):
        adam.save(tmp_path / "adam.txt")
