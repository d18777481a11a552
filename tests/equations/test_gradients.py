"""Gradients through equations agree with central differences and JAX, and undefined ones raise an error."""

import dendrion as dn
import numpy as np
import pytest
from dendrion import channels

METHODS = dn.SolverMethodODE
#: Step of the differences, relative to a parameter's magnitude if that is small.
STEP = 1e-4


def central(f, h):
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


class Probed:
    """A neuron in a network of its own, with a loss that depends on recordings."""

    def __init__(self, cell, probes, steps=40, dt=0.05):
        self.net = dn.Network([cell], dt=dt)
        self.probes = [self.net.probe(module, name) for module, name in probes]
        rng = np.random.default_rng(2)
        self.duration = steps * dt
        self.net.run(self.duration)
        # Scale recordings so that small quantities count, and subtract means, which would only add rounding errors.
        self.centre = [p.values.mean() for p in self.probes]
        self.weights = [rng.normal(size=(steps, cell.size)) / max(np.ptp(p.values), 1e-9) for p in self.probes]

    def loss(self, changes=None):
        self.net.reset()
        if changes:
            self.net.set_parameters(changes)
            self.net.reset()
        self.net.run(self.duration)
        recorded = zip(self.probes, self.centre, self.weights, strict=True)
        return sum(np.vdot(p.values - c, w) for p, c, w in recorded)

    def compare(self, tolerance=1e-6):
        """Compare the gradient with respect to every parameter with differences."""
        self.net.reset()
        run = self.net.run(self.duration, grad=True)
        grads = run.backward(dict(zip(self.probes, self.weights, strict=True)))
        checked = 0
        for key, value in self.net.parameters().items():
            if key not in grads or value.ndim > 1 or np.ndim(value) == 1:
                continue
            h = STEP * (min(abs(float(value)), 10.0) or 0.1)
            slope = central(lambda d, k=key, v=float(value): self.loss({k: v + d}), h)
            self.net.set_parameters({key: float(value)})
            got = float(np.sum(grads[key]))
            # Rounding error of a difference of losses of order 1.
            noise = 1e-12 / h
            assert abs(got - slope) < tolerance * abs(slope) + noise, (key, got, slope)
            checked += abs(slope) > 1e-9
        return checked


class Channels(dn.MCNeuron):
    """A soma and a dendrite with most mechanisms of the library."""

    def __init__(self, method):
        super().__init__(2, V_th=200.0, V_reset=-60.0, name="cell", odemethod=method)
        membrane = {"length": 20.0, "diameter": 20.0, "C": 1.0, "r_axial": 100.0}
        self.soma = dn.LeakyIF(2, V_rest=-60.0, gL=300.0, I_ext=80.0, **membrane)
        self.dend = dn.Compartment(2, V_rest=-50.0, gL=200.0, **membrane)
        self.axial = dn.MCConn(self.soma, self.dend, g=5.0)
        self.nat = channels.NaT(2, self.soma)
        self.kdr = channels.Kdr(2, self.soma)
        self.km = channels.KM(2, self.soma)
        self.ka = channels.KA.absolute(2, self.dend, g=20.0)
        self.ih = channels.Ih(2, self.dend)
        self.cat = channels.CaT(2, self.dend)
        self.cal = channels.CaL(2, self.dend)
        self.pool = channels.CaPool(2, self.dend)
        self.kca = channels.KCa(2, self.dend)


# Gradients are those of the discrete steps, even if a gate is faster than a step.
@pytest.mark.filterwarnings("ignore::dendrion.TimeStepWarning")
@pytest.mark.parametrize(
    "method", [METHODS.EULER, METHODS.EXP_EULER, METHODS.RK4, METHODS.IMPLICIT_EULER, METHODS.CRANK_NICOLSON]
)
def test_channels(method):
    cell = Channels(method)
    probes = [(cell.soma, "V"), (cell.dend, "V"), (cell.nat, "I"), (cell.pool, "Ca"), (cell.kca, "z")]
    assert Probed(cell, probes).compare() > 25


def expression(rng, depth, names="xyab"):
    """Return a random dimensionless expression in V, x, y, a and b that is smooth and of moderate magnitude."""
    if depth == 0:
        return str(rng.choice([*names, "(V/(50 mV))", "0.7", "1.3"]))
    one, two = expression(rng, depth - 1, names), expression(rng, depth - 1, names)
    forms = [
        f"({one} + {two})",
        f"({one} - {two})",
        f"({one} * {two})",
        f"({one} / (2 + {two}^2))",
        f"exp(-({one})^2)",
        f"tanh({one})",
        f"log(1.5 + ({one})^2)",
        f"log1p(({one})^2)",
        f"sqrt(1 + ({one})^2)",
        f"exprel({one}/4)",
        f"expm1({one}/8)",
        f"abs(3 + tanh({one}))",
        f"(2 + tanh({one}))^1.5",
        f"(1.5 + tanh({one}))^(b/2)",
        f"where(b > 0, {one}, {two})",
        f"({one} if V > -500 mV and not a < -9 else {two})",
        f"max({one}, 50 + tanh({two}))",
        f"min({one}, 50 + tanh({two}))",
        f"clip({one}, -60, 60 + b)",
        f"pow(2 + tanh({one}), 3)",
        f"log10(2 + tanh({one}))",
    ]
    return forms[rng.integers(len(forms))]


@pytest.mark.parametrize("seed", range(12))
def test_texts_drawn_from_the_grammar(seed):
    drawn, text = drawn_by(seed)
    assert drawn.compare() >= 4, text


def drawn_by(seed):
    """Return a cell with a channel whose equations are random, and these equations."""
    rng = np.random.default_rng(seed)
    text = f"""
    I = 30 pA * tanh({expression(rng, 3)}) : pA
    dx/dt = (z - x)/tau : 1
    dy/dt = (tanh({expression(rng, 2)}) - y)/(2 ms) : 1
    z = tanh({expression(rng, 3)}) * (2 + tanh(x))
    x(0) = tanh({expression(rng, 2, "ab")})
    a = 0.6; b = 1.1; tau = 1.5 ms
    """
    drawn = type("Drawn", (dn.Channel,), {"equations": text})
    method = list(METHODS)[seed % len(METHODS)]

    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(1, V_th=300.0, V_reset=-60.0, name="cell", odemethod=method)
            self.soma = dn.LeakyIF(1, V_rest=-60.0, gL=8.0, C=100.0, I_ext=20.0)
            self.drawn = drawn(1, self.soma)

    cell = Cell()
    return Probed(cell, [(cell.soma, "V"), (cell.drawn, "z"), (cell.drawn, "x")]), text


@pytest.mark.filterwarnings("ignore::dendrion.GradientWarning")
@pytest.mark.parametrize("detach", [True, False])
def test_what_a_spike_sets(detach):
    """A spiking AdEx neuron agrees with its implementation in JAX with the same surrogate derivative."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    numpy = jax.numpy
    dt, steps, alpha = 0.1, 400, 1.0

    class Cell(dn.MCNeuron):
        def __init__(self):
            surrogate = {"surrogate_grad_fn": dn.Sigmoid(alpha), "detach_reset": detach}
            super().__init__(1, V_th=-40.4, V_reset=-60.0, name="cell", **surrogate)
            self.soma = dn.AdEx(1, V_rest=-70.6, gL=30.0, C=281.0, I_ext=1500.0)

    cell = Cell()
    net = dn.Network([cell], dt=dt)
    v, w = net.probe(cell.soma, "V"), net.probe(cell.soma, "w")
    spikes = net.probe(cell, "spikes")
    run = net.run(steps * dt, grad=True)
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(steps, 1)), 0.1 * rng.normal(size=(steps, 1))
    grads = run.backward({v: weights[0], w: weights[1]})
    assert len(spikes.t) > 2

    @jax.custom_vjp
    def spike(x):
        return (x > 0) * 1.0

    def backward(x, bar):
        s = jax.nn.sigmoid(alpha * x)
        return (bar * alpha * s * (1 - s),)

    spike.defvjp(lambda x: (spike(x), x), backward)

    def loss(p):
        def step(state, weight):
            v, w = state
            seen = v * weight[0] + w * weight[1]
            current = p["gL"] * p["DeltaT"] * numpy.exp((v - p["Vt"]) / p["DeltaT"]) - w + p["I_ext"]
            dv = (p["gL"] * (p["V_rest"] - v) + current) / p["C"]
            dw = (p["a"] * (v - p["V_rest"]) - w) / p["tau_w"]
            v, w = v + dt * dv, w + dt * dw
            s = spike(v - p["V_th"])
            reset = jax.lax.stop_gradient(s) if detach else s
            return (v + reset * (p["V_reset"] - v), w + s * p["b"]), seen

        start = (p["V_rest"], 0.0 * p["V_rest"])
        return jax.lax.scan(step, start, numpy.concatenate(weights, axis=1))[1].sum()

    values = {key.rsplit(".", 1)[1]: float(value) for key, value in net.parameters().items() if value.ndim == 0}
    names = ["gL", "DeltaT", "Vt", "C", "V_rest", "a", "b", "tau_w", "I_ext", "V_reset", "V_th"]
    expected = jax.grad(loss)({name: values[name] for name in names})
    for name in names:
        key = next(k for k in grads if k.endswith(f".{name}"))
        assert float(np.sum(grads[key])) == pytest.approx(float(expected[name]), rel=1e-9), name


def test_threshold_events_are_refused_by_name():
    class Cell(dn.MCNeuron):
        def __init__(self, **given):
            super().__init__(1, V_th=1e3, V_reset=-65, name="cell", **given)
            self.soma = dn.LeakyIF(1)
            if not given:
                self.spike = dn.DendriticSpike(1, self.soma, g_rise=3, g_fall=2)

    net = dn.Network([Cell()])
    with pytest.raises(dn.RunError, match="cell: spike uses threshold events, which have no derivative"):
        net.run(1, grad=True)
    net.run(1)
    net = dn.Network([Cell(V_spike=40, spike_width=1)])
    with pytest.raises(dn.RunError, match="its reset after spike_width uses threshold events"):
        net.run(1, grad=True)
