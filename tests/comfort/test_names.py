"""Errors for misspelt names suggest the right one, and ``dir`` and tab completion list the public names."""

import re
import warnings

import dendrion as dn
import pytest
from dendrion._suggest import misspelt


def error_of(call, kind):
    with pytest.raises(kind) as found:
        call()
    return str(found.value)


@pytest.fixture
def net(pair):
    """Return a network with a recording."""
    cells, noise = pair(3, name="cells"), dn.PoissonGenerator(2, rate=5.0, name="noise")
    net = dn.Network([cells, noise, dn.MCSynapse(noise, cells.ampa, dn.All2All(), name="syn")])
    net.probe(cells.soma, "V")
    return net


KEYWORDS = [
    (lambda n: dn.Network(n.modules, dtt=0.1), "Network: unexpected parameter dtt = 0.1; did you mean 'dt'?"),
    (lambda n: n.run(durration=3), "Network.run: unexpected parameter durration = 3; did you mean 'duration'?"),
    (lambda n: n.run(1.0, progres=True), "Network.run: unexpected parameter progres = True; did you mean 'progress'?"),
    (
        lambda n: n.probe(n["cells/soma"], "V", evry=2.0),
        "Network.probe: unexpected parameter evry = 2.0; did you mean 'every'?",
    ),
    (
        lambda n: dn.Network.load("x", thread=2),
        "Network.load: unexpected parameter thread = 2; did you mean 'threads'?",
    ),
    (lambda n: dn.optim.Adam(n, beta=(0, 0)), "Adam: unexpected parameter beta = (0, 0); did you mean 'betas'?"),
    (lambda n: dn.optim.SGD(n, 0.1, momentm=0), "SGD: unexpected parameter momentm = 0; did you mean 'momentum'?"),
    (lambda n: dn.Normal(men=1, std=2), "Normal: unexpected parameter men = 1; did you mean 'mean'?"),
    (lambda n: dn.Uniform(0, hi=1), "Uniform: unexpected parameter hi = 1; did you mean 'high'?"),
    (lambda n: dn.FixedProb(porb=0.1), "FixedProb: unexpected parameter porb = 0.1; did you mean 'prob'?"),
    (lambda n: dn.FixedIndegree(degre=3), "FixedIndegree: unexpected parameter degre = 3; did you mean 'degree'?"),
    (lambda n: dn.One2One(x=1), "One2One: unexpected parameter x = 1; expected no parameters"),
    (
        lambda n: dn.CustomConn([0], [0], weights=[1]),
        "CustomConn: unexpected parameter weights = [1]; did you mean 'w'?",
    ),
    (lambda n: dn.Piecewise([0], value=[1]), "Piecewise: unexpected parameter value = [1]; did you mean 'values'?"),
    (lambda n: dn.Sigmoid(alhpa=1), "Sigmoid: unexpected parameter alhpa = 1; did you mean 'alpha'?"),
    (lambda n: dn.STDP(wmax=1), "STDP: unexpected parameter wmax = 1; did you mean 'w_max'?"),
    (lambda n: dn.LeakyIF(Iext=1), "LeakyIF: unexpected parameter Iext = 1; did you mean 'I_ext'?"),
]


@pytest.mark.parametrize(("call", "message"), KEYWORDS, ids=lambda x: x.split(":")[0] if isinstance(x, str) else "")
def test_keywords(net, call, message):
    assert error_of(lambda: call(net), dn.ParameterTypeError) == message


def test_other_type_errors_stay_what_they_are(net):
    assert "missing 1 required positional argument: 'std'" in error_of(lambda: dn.Normal(1), TypeError)
    assert "missing 1 required positional argument" in error_of(lambda: net.run(), TypeError)


ATTRIBUTES = [
    (lambda n: n.prob, "Network has no attribute 'prob'; did you mean 'probe'?"),
    (lambda n: n.paramters, "Network has no attribute 'paramters'; did you mean 'parameters'?"),
    (lambda n: n.recordings["cells/soma.V"].vaules, "Recording has no attribute 'vaules'; did you mean 'values'?"),
    (lambda n: n["cells"].sooma, "cells has no attribute 'sooma'; did you mean 'soma'?"),
    (lambda n: n["cells/soma"].i_ext, "cells/soma has no attribute 'i_ext'; did you mean 'I_ext'?"),
    (lambda n: n["cells"].xyz, "cells has no attribute 'xyz'"),
    (lambda n: n._repr_latex_, "Network has no attribute '_repr_latex_'"),
    (lambda n: dn.LeakyIf, "module 'dendrion' has no attribute 'LeakyIf'; did you mean 'LeakyIF'?"),
    (lambda n: dn.Netwrok, "module 'dendrion' has no attribute 'Netwrok'; did you mean 'Network'?"),
]


@pytest.mark.parametrize(("call", "message"), ATTRIBUTES, ids=[m.split("'")[-2] for _, m in ATTRIBUTES])
def test_attributes(net, call, message):
    assert error_of(lambda: call(net), AttributeError) == message


def test_spikes_too(net):
    spikes = net.probe(net["cells"], "spikes")
    assert error_of(lambda: spikes.count, AttributeError) == (
        "SpikeRecording has no attribute 'count'; did you mean 'counts'?"
    )
    assert not hasattr(spikes, "values")


def test_assigning_what_is_misspelt(net):
    soma = net["cells/soma"]
    for name, meant in (
        ("V_rset", "V_rest"),
        ("I_exte", "I_ext"),
        ("I_etx", "I_ext"),
        ("V_rst", "V_rest"),
        ("gl", "gL"),
    ):
        message = f"cells/soma has no parameter '{name}'; did you mean '{meant}'?"
        assert error_of(lambda name=name: setattr(soma, name, 1.0), AttributeError) == message
    soma.remark = "one's own"
    # A value that is not a number cannot be meant for a parameter.
    net["cells"].spike = net.probe(net["cells"], "spikes")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tau_w", "tau_w"),
        ("TAUW", "tau_w"),
        ("tau_ww", "tau_w"),
        ("tua_w", "tau_w"),
        ("tauu", "tau_w"),
        ("ta_w", None),
        ("b", "b"),
        ("c", None),
        ("bb", None),
        ("weight", None),
    ],
)
def test_what_is_one_letter_off(name, meant):
    assert misspelt(name, ["a", "b", "tau_w"], 1.0) == meant


def test_dir_shows_what_is_public(net):
    assert not [n for n in dir(net) if n.startswith("_")]
    assert {"run", "probe", "save", "load_state", "modules", "recordings", "dt"} <= set(dir(net))
    shown = set(dir(net["cells"]))
    assert {"V_th", "refractory", "soma", "dend", "ampa", "axial", "size", "path", "parameters"} <= shown
    assert {"g", "t_decay", "scale_g", "E"} <= set(dir(net["cells/ampa"]))
    assert {"values", "t", "unit", "save", "to_pandas"} <= set(dir(net.recordings["cells/soma.V"]))
    assert not [n for n in shown if n.startswith("_")]
    assert dir(dn) == sorted(dn.__all__)
    for thing in (net, net["cells/soma"], net.recordings["cells/soma.V"]):
        for name in dir(thing):
            # Attributes without a value yet, such as weights of rules, do not raise AttributeError.
            assert hasattr(thing, name), name


def completions(text, **names):
    """Return the completions that IPython offers at the end of a line."""
    from IPython.core.completer import IPCompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.user_ns.update(names)
    completer = IPCompleter(shell=shell, namespace=shell.user_ns, global_namespace={})
    completer.use_jedi = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, found = completer.complete(line_buffer=text, cursor_pos=len(text))
    return [re.sub(r"^.*\.", "", f) if "[" not in text else f for f in found]


def test_the_tab_key(net):
    pytest.importorskip("IPython")
    cells = net["cells"]
    assert {"probe", "program", "parameters"} <= set(completions("net.p", net=net))
    assert set(completions("cells.V", cells=cells)) == {"V_th", "V_reset", "V_spike"}
    assert "dend" in completions("cells.d", cells=cells)
    assert {"cells/soma", "cells/ampa"} <= {c.strip("'\"]") for c in completions("net['cells/", net=net)}
    parameters = net.parameters()
    assert "cells/soma.gL" in {c.strip("'\"]") for c in completions("parameters['cells/soma.g", parameters=parameters)}
    params = cells.variables["params"]
    assert "cells/dend.gL" in {c.strip("'\"]") for c in completions("params['cells/dend.g", params=params)}
