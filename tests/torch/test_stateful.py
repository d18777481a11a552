"""Layers that return their state, and continue from it."""

import copy
import io
import pickle

import dendrion as dn
import numpy as np
import pytest

torch = pytest.importorskip("torch")

PIECE = 30


class Cell(dn.MCNeuron):
    def __init__(self, size, name, noisy=False):
        super().__init__(size, V_th=-50.0, V_reset=-62.0, refractory=0.3, name=name)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=20.0, gL=1.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=10.0, gL=0.5)
        self.axial = dn.MCConn(self.soma, self.dend, 3.0)
        self.nmda = dn.NMDA(size, g=0.5, t_rise=1.0, t_decay=20.0)
        self.input = dn.CurrentReceptor(size, t_decay=3.0)
        self.on = [dn.MCConnSynapse(self.nmda, self.dend), dn.MCConnSynapse(self.input, self.soma)]
        if noisy:
            self.noise = dn.WhiteNoise(self.soma, sigma=5.0)


class Made:
    """Two recurrent populations with several delays, driven by spikes, by currents and by random generators."""

    def __init__(self, dtype="float64", noisy=True, threads=None):
        rng = np.random.default_rng(0)
        self.a, self.b = Cell(3, "a", noisy), Cell(2, "b")
        self.source = dn.SpikeGenerator(3, [], [], name="source")
        self.current = dn.CurrentGenerator(3, np.zeros(1), name="current")
        self.random = dn.PoissonGenerator(4, rate=300.0, name="random")
        modules = [
            self.a,
            self.b,
            self.source,
            self.current,
            self.random,
            dn.ConnGen(self.current, self.a.dend, name="inject"),
            dn.MCSynapse(self.source, self.a.nmda, rng.uniform(0.5, 1.5, (3, 3)), delay=1.5, name="sa"),
            dn.MCSynapse(self.random, self.a.input, rng.normal(40.0, 40.0, (4, 3)), delay=0.2, name="ra"),
            dn.MCSynapse(self.a, self.b.input, rng.normal(200.0, 80.0, (3, 2)), delay=dn.Uniform(0.4, 4.0), name="ab"),
            dn.MCSynapse(self.b, self.a.input, rng.normal(0.0, 40.0, (2, 3)), delay=2.3, name="ba"),
        ]
        self.net = dn.Network(modules, dt=0.1, dtype=dtype, seed=3, threads=threads)
        self.probes = [self.net.probe(self.a.soma, "V"), self.net.probe(self.b, "spikes")]
        self.probes += [self.net.probe(self.b.soma, "V", every=0.5)]
        spikes = self.net.probe(self.a, "spikes")
        self.outputs = [*self.probes, dn.Filtered(spikes, 5.0), dn.Filtered(spikes, 8.0, tau_rise=2.0, every=0.5)]

    def layer(self, pieces=1, **options):
        from dendrion.torch import Layer

        options = {"constrain": None, **options}
        return Layer(self.net, pieces * PIECE * 0.1, [self.source, self.current], self.outputs, **options)


def inputs(pieces, batch=2):
    generator = torch.Generator().manual_seed(1)
    spikes = (torch.rand(batch, pieces * PIECE, 3, generator=generator) < 0.2).double()
    return spikes, 40.0 * torch.rand(batch, pieces * PIECE, 3, dtype=torch.float64, generator=generator)


def pieces_of(tensors, k):
    return [t[:, k * PIECE : (k + 1) * PIECE] for t in tensors]


def weighted(outputs):
    generator = torch.Generator().manual_seed(5)
    weights = [torch.rand(o.shape, dtype=torch.float64, generator=generator) for o in outputs]
    return sum((w * o).sum() for w, o in zip(weights, outputs, strict=True))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch", [2, None])
def test_pieces_are_bit_identical_to_one_call(dtype, batch):
    tensors = inputs(4)
    if batch is None:
        tensors = [t[0] for t in tensors]
    whole = Made(dtype).layer(4)(*tensors, seed=7)
    layer = Made(dtype).layer()
    state, found = layer.initial_state(batch, seed=7), []
    for k in range(4):
        piece = pieces_of(tensors, k) if batch else [t[k * PIECE : (k + 1) * PIECE] for t in tensors]
        out, state = layer(*piece, state)
        found.append(out)
    for k, expected in enumerate(whole):
        assert torch.equal(torch.cat([out[k] for out in found], dim=-2), expected), k
    assert state.step == 4 * PIECE
    assert whole[1].sum() > 3
    assert state["b.arriving0"].shape[-1] == 2


def test_gradients_of_pieces_are_those_of_one_call():
    tensors = [t.requires_grad_() for t in inputs(4)]
    whole = Made().layer(4)
    weighted(whole(*tensors, seed=7)).backward()
    expected = {n: p.grad.clone() for n, p in whole.named_parameters()}
    of_inputs = [t.grad.clone() for t in tensors]
    again = [t.detach().clone().requires_grad_() for t in tensors]
    layer = Made().layer()
    state, found = layer.initial_state(2, seed=7), []
    for k in range(4):
        out, state = layer(*pieces_of(again, k), state)
        found.append(out)
    weighted([torch.cat([out[k] for out in found], dim=1) for k in range(5)]).backward()
    for name, p in layer.named_parameters():
        scale = expected[name].abs().max()
        torch.testing.assert_close(p.grad, expected[name], rtol=1e-9, atol=1e-11 * float(scale) + 1e-12, msg=name)
    for t, e in zip(again, of_inputs, strict=True):
        torch.testing.assert_close(t.grad, e, rtol=1e-9, atol=1e-10)
    assert expected["ab:w"].abs().sum() > 0
    assert expected["a/soma:V_rest"].abs().sum() > 0


def test_a_detached_state_ends_backpropagation():
    layer, tensors = Made().layer(), inputs(2)
    _, state = layer(*pieces_of(tensors, 0), layer.initial_state(2, seed=7))
    out, _ = layer(*pieces_of(tensors, 1), state.detach())
    weighted(out).backward()
    cut = layer.get_parameter("sa:w").grad.clone()
    layer.zero_grad()
    out, _ = layer(*pieces_of(tensors, 1), state)
    weighted(out).backward()
    assert not torch.allclose(cut, layer.get_parameter("sa:w").grad)


def test_gradients_of_all_states_agree_with_differences():
    """Initial and final states, including input in transit and the traces of filters."""
    layer, tensors = Made(noisy=False).layer(), inputs(2)
    with torch.no_grad():
        _, state = layer(*pieces_of(tensors, 0), layer.initial_state(2, seed=7))
    made = Made(noisy=False)
    # Without spikes, the network is smooth.
    made.a.V_th = made.b.V_th = 500.0
    layer = made.layer()
    piece, generator = pieces_of(tensors, 1), torch.Generator().manual_seed(2)
    start = {k: t.detach().clone().requires_grad_() for k, t in state.items()}

    def loss(tensors):
        out, final = layer(*piece, state.replace(tensors))
        total = weighted(out)
        weights = torch.Generator().manual_seed(9)
        for tensor in final.values():
            total = total + (torch.rand(tensor.shape, dtype=torch.float64, generator=weights) * tensor).sum()
        return total

    loss(start).backward()
    for key, tensor in start.items():
        direction = torch.rand(tensor.shape, dtype=torch.float64, generator=generator)
        with torch.no_grad():
            h = 1e-4
            ends = [loss({**start, key: tensor + sign * h * direction}) for sign in (1.0, -1.0)]
        difference = (ends[0] - ends[1]) / (2 * h)
        torch.testing.assert_close((direction * tensor.grad).sum(), difference, rtol=1e-6, atol=1e-6, msg=key)
    assert start["a.arriving0"].grad.abs().sum() > 0
    assert start["filter3"].grad.abs().sum() > 0


def test_initial_states_can_be_trained():
    layer, tensors = Made().layer(), inputs(1)
    trained = torch.full((3,), -60.0, dtype=torch.float64, requires_grad=True)
    state = layer.initial_state(2, seed=7).replace({"a/soma.V": trained})
    out, _ = layer(*tensors, state)
    assert torch.equal(out[0][:, 0], trained.detach().expand(2, 3))
    out[0].sum().backward()
    assert (trained.grad != 0).all()


def test_seeds_belong_to_the_state():
    layer, tensors = Made().layer(), inputs(1)
    one, two = (layer(*tensors, layer.initial_state(2, seed=s))[0][0] for s in (1, 2))
    assert not torch.equal(one, two)
    state = layer.initial_state(2, seed=1)
    assert torch.equal(layer(*tensors, state)[0][0], one)
    assert torch.equal(layer(*tensors, state, seed=2)[0][0], two)
    assert torch.equal(layer(*tensors, state=state)[0][0], one)
    torch.manual_seed(0)
    first = layer.initial_state(2).seed
    torch.manual_seed(0)
    assert layer.initial_state(2).seed == first != layer.initial_state(2).seed


def test_states_can_be_copied_pickled_and_saved():
    layer, tensors = Made().layer(), inputs(2)
    with torch.no_grad():
        _, state = layer(*pieces_of(tensors, 0), layer.initial_state(2, seed=7))
        expected, _ = layer(*pieces_of(tensors, 1), state)
        file = io.BytesIO()
        torch.save(state, file)
        file.seek(0)
        for other in (copy.deepcopy(state), pickle.loads(pickle.dumps(state)), torch.load(file), state.clone()):
            found, _ = layer(*pieces_of(tensors, 1), other)
            assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert "after 30 steps" in repr(state)
    assert state.to(torch.float32)["a/soma.V"].dtype == torch.float32


def test_copies_of_a_layer_share_states():
    layer, tensors = Made().layer(), inputs(2)
    _, state = layer(*pieces_of(tensors, 0), layer.initial_state(2, seed=7))
    expected, _ = layer(*pieces_of(tensors, 1), state)
    found, _ = copy.deepcopy(layer)(*pieces_of(tensors, 1), state)
    assert torch.equal(found[0], expected[0])


def test_linear_layers_and_other_layers_come_before_and_after():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Linear(5, 3, dtype=torch.float64)
            self.layer = Made().layer()
            self.last = torch.nn.Linear(3, 2, dtype=torch.float64)

        def forward(self, x, state):
            out, state = self.layer(torch.zeros(*x.shape[:2], 3, dtype=torch.float64), 30.0 * self.first(x), state)
            return self.last(out[3]), state

    model, x = Model(), torch.rand(2, 2 * PIECE, 5, dtype=torch.float64)
    state, total = model.layer.initial_state(2, seed=1), 0.0
    for k in range(2):
        out, state = model(x[:, k * PIECE : (k + 1) * PIECE], state)
        total = total + out.square().sum()
    total.backward()
    assert model.first.weight.grad.abs().sum() > 0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        silent = torch.zeros(2, PIECE, 3, dtype=torch.bfloat16)
        out, state = model.layer(silent, silent, model.layer.initial_state(2, seed=1))
    assert out[0].dtype == torch.float32
    assert state["a/soma.V"].dtype == torch.float64


def test_second_derivatives_are_refused():
    layer, tensors = Made().layer(), [t.requires_grad_() for t in inputs(1)]
    out, state = layer(*tensors, layer.initial_state(2, seed=7))
    (gradient,) = torch.autograd.grad(out[0].square().sum() + state["a/soma.V"].sum(), tensors[1], create_graph=True)
    with pytest.raises(dn.RunError, match="second derivatives"):
        gradient.sum().backward()


def test_a_graph_can_be_reversed_twice():
    layer, tensors = Made().layer(), inputs(2)
    _, state = layer(*pieces_of(tensors, 0), layer.initial_state(2, seed=7))
    out, _ = layer(*pieces_of(tensors, 1), state)
    loss = weighted(out)
    loss.backward(retain_graph=True)
    first = layer.get_parameter("sa:w").grad.clone()
    layer.zero_grad()
    loss.backward()
    assert torch.equal(layer.get_parameter("sa:w").grad, first)


def test_mistakes_are_explained():
    from dendrion.torch import Layer

    made = Made()
    layer, tensors = made.layer(), inputs(1)
    state = layer.initial_state(2, seed=7)
    with pytest.raises(dn.ParameterError, match="state with batch = None, but inputs with batch = 2"):
        layer(*tensors, layer.initial_state())
    with pytest.raises(dn.ParameterError, match="reset = False: expected True with a State"):
        layer(*tensors, state, reset=False)
    with pytest.raises(dn.ParameterError, match="got a State twice"):
        layer(*tensors, state, state=state)
    with pytest.raises(dn.ParameterError, match=r"state: has filter3, which the layer does not have"):
        Layer(made.net, 3.0, layer.function.inputs, made.probes)(*tensors, state)
    with pytest.raises(dn.UnknownNameError, match=r"no entry named 'a/soma\.W'"):
        state.replace({"a/soma.W": torch.zeros(3)})
    with pytest.raises(dn.ParameterError, match=r"a/soma\.V = tensor of shape \(4,\): expected shape \(2, 3\)"):
        state.replace({"a/soma.V": torch.zeros(4)})
    cell, source = Cell(2, "cell"), dn.PoissonGenerator(2, rate=5.0)
    plastic = dn.MCSynapse(source, cell.nmda, dn.All2All(), plasticity=dn.TsodyksMarkram(), name="plastic")
    net = dn.Network([cell, source, plastic])
    with pytest.raises(dn.RunError, match="plastic: has a plasticity rule"):
        Layer(net, 3.0, [], [net.probe(cell.soma, "V")]).initial_state()
    spikes = made.net.probe(made.a, "spikes")
    with pytest.raises(dn.ParameterError, match=r"tau_rise = 5: expected a time < tau = 5"):
        dn.Filtered(spikes, 5.0, tau_rise=5.0)
    with pytest.raises(dn.ParameterError, match=r"Filtered: tau = -1.0: expected a finite time > 0"):
        dn.Filtered(spikes, -1.0)
    with pytest.raises(dn.ParameterTypeError, match=r"Filtered: spikes = .*: expected the recorded spikes"):
        dn.Filtered(made.probes[0], 5.0)


def test_filters_are_sums_of_kernels():
    made = Made()
    layer = made.layer(4)
    _, _, _, smooth, double = layer(*inputs(4), seed=7)
    spikes = torch.as_tensor(made.outputs[3].spikes.counts(), dtype=torch.float64)
    t = 0.1 * torch.arange(4 * PIECE, dtype=torch.float64)
    lags = t[:, None] - t[None, :]
    kernel = torch.where(lags >= 0, torch.exp(-lags / 5.0), 0.0)
    torch.testing.assert_close(smooth, torch.einsum("ts,bsn->btn", kernel, spikes), rtol=1e-10, atol=1e-12)
    fine = torch.linspace(0, 20, 200001, dtype=torch.float64)
    peak = (torch.exp(-fine / 8.0) - torch.exp(-fine / 2.0)).max()
    kernel = torch.where(lags >= 0, (torch.exp(-lags / 8.0) - torch.exp(-lags / 2.0)) / peak, 0.0)
    torch.testing.assert_close(double, torch.einsum("ts,bsn->btn", kernel, spikes)[:, ::5], rtol=1e-8, atol=1e-10)
    assert spikes.sum() > 3


class Detailed(dn.CableNeuron):
    def __init__(self):
        tree = dn.Morphology.from_sections([30.0, 200.0], [20.0, 2.0], [-1, 0], ["soma", "apical"])
        super().__init__(2, tree, cv=dn.PerSection(3), V_rest=-65.0, V_th=-20.0, name="cells")
        self.na = dn.channels.HHNa(self, on="soma", g=120.0)
        self.k = dn.channels.HHK(self, on="soma", g=36.0)
        self.ampa = dn.AMPA(self, at=[dn.Location(1, 0.5), dn.Location(1, 1.0)], g=5.0, t_decay=2.0)
        self.input = dn.CurrentReceptor(self, at=dn.Location(0, 0.5), t_rise=0.5, t_decay=3.0)


def test_pieces_of_detailed_cells_are_one_call():
    from dendrion.torch import Layer

    def layer(pieces):
        cells, flat = Detailed(), Cell(3, "flat")
        source = dn.PoissonGenerator(5, rate=200.0, name="source")
        rng = np.random.default_rng(0)
        modules = [
            cells,
            flat,
            source,
            dn.MCSynapse(source, cells.ampa, rng.uniform(0.5, 1.5, (5, 4)), delay=0.7, name="in"),
            dn.MCSynapse(cells, flat.input, rng.normal(100.0, 50.0, (2, 3)), delay=1.1, name="out"),
            dn.MCSynapse(flat, cells.input, rng.normal(0.0, 80.0, (3, 2)), delay=1.9, name="back"),
        ]
        net = dn.Network(modules, dt=0.05, seed=4)
        outputs = [net.probe(cells.at("soma"), "V"), net.probe(flat.soma, "V"), net.probe(cells, "spikes")]
        return Layer(net, pieces * 4.0, [], outputs, constrain=None)

    whole, cut = layer(3), layer(1)
    expected = whole(seed=3)
    weighted(expected).backward()
    state, found = cut.initial_state(seed=3), []
    for _ in range(3):
        out, state = cut(state)
        found.append(out)
    found = [torch.cat([out[k] for out in found]) for k in range(3)]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert expected[2].sum() > 1
    weighted(found).backward()
    reference = dict(whole.named_parameters())
    for name, p in cut.named_parameters():
        e = reference[name].grad
        torch.testing.assert_close(p.grad, e, rtol=1e-8, atol=1e-10 * float(e.abs().max()) + 1e-12, msg=name)
