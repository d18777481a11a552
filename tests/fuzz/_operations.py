"""Operations of a session: make modules, build networks, run and read them, and misuse all of these."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import dendrion as dn
import numpy as np
from dendrion.morphology import CVs
from dendrion.surrogate import Expression

from ._arguments import call, is_hashable, numbers, parameters
from ._cables import cables
from ._morphologies import morphologies
from ._session import Session


class Leak(dn.Channel):
    """A user's channel."""

    equations = """
    I = g * m * (E - V) : pA
    dm/dt = (1/(1 + exp(-(V + 40 mV)/5 mV)) - m) / tau : 1
    g = 1 nS; E = -70 mV; tau = 5 ms
    """


class Gate(dn.Receptor):
    """A user's receptor."""

    equations = """
    I = g * s * (E - V) : pA
    ds/dt = -s / tau : 1
    on event: s += weight
    g = 1 nS; E = 0 mV; tau = 3 ms
    """


class Tired(dn.Soma):
    """A user's soma."""

    equations = """
    I = -a : pA
    da/dt = -a / tau : pA
    on spike: a += b
    tau = 50 ms; b = 1 pA
    """


class Pair(dn.MCNeuron):
    """A neuron with two compartments and a receptor."""

    def __init__(self, size: int = 1, **given: Any) -> None:
        super().__init__(size, V_th=-50.0, V_reset=-65.0, **given)
        self.soma = dn.LeakyIF(size, V_rest=-65.0)
        self.dend = dn.Compartment(size, V_rest=-65.0)
        self.axial = dn.MCConn(self.soma, self.dend, 2.0)
        self.ampa = dn.AMPA(size, t_decay=3.0)
        self.on = dn.MCConnSynapse(self.ampa, self.dend)


def _classes() -> list[type]:
    """Return all public classes that users instantiate."""
    made_for_them = (dn.Collection, dn.Connections, dn.Gradients, dn.Mismatch, dn.Recording, dn.Run, dn.SpikeRecording)
    enumerations = (dn.SolverMethodODE, dn.SolverMethodSDE)
    found = [thing for thing in (getattr(dn, name) for name in dn.__all__) if isinstance(thing, type)]
    found = [
        c for c in found if not issubclass(c, (Exception, *made_for_them)) and c not in (*enumerations, dn.Network)
    ]
    found += [getattr(dn.channels, name) for name in dn.channels.__all__]
    return [*found, Expression, Leak, Gate, Tired, Pair]


CLASSES = _classes()


# Modules


def construct(s: Session) -> None:
    """Make an object of a public class."""
    s.keep(call(s, s.random.choice(CLASSES)))


def custom_connections(s: Session) -> None:
    """Make connections from arrays or a matrix."""
    made = s.random.choice((dn.CustomConn.from_matrix, dn.CustomConn.from_csr, dn.CustomConn.from_csc))
    s.keep(call(s, made, 0.7))


def assign(s: Session) -> None:
    """Assign an attribute of an object in the pool."""
    things = [item for item in (*s.pool[-6:], *s.nets) if hasattr(item, "__dict__")]
    thing = s.random.choice(things) if things else dn.Compartment(2)
    known = [*vars(thing).get("_values", ()), *(n for n in dir(thing) if not n.startswith("_"))]
    name = s.hostile() if s.chance(0.1) or not known else s.random.choice(known)
    value = s.hostile() if s.chance(0.6) else s.random.choice((numbers(s, 5.0), s.of(dn.Module), [s.of(dn.Module)]))
    if isinstance(name, str) and name not in ("__class__", "__dict__", "_values"):
        s.call(f"setattr {type(thing).__name__}", setattr, thing, name, value)


def read(s: Session) -> None:
    """Read an attribute of an object in the pool, or print, copy or pickle the object."""
    thing = s.random.choice([*s.pool, *s.nets, *s.recordings] or [dn.All2All()])
    kind = type(thing).__name__
    draw = s.random.random()
    if draw < 0.5:
        name = s.random.choice((*dir(thing), "sise", "V", "\ud800", "gL "))
        s.call(f"getattr {kind}", getattr, thing, name, is_read=True)
    elif draw < 0.7:
        s.call(f"repr {kind}", s.random.choice((repr, str, dir)), thing)
    elif draw < 0.8 and hasattr(thing, "_repr_html_"):
        s.call(f"{kind}._repr_html_", thing._repr_html_)
    elif draw < 0.9:
        s.keep(s.call(f"copy {kind}", s.random.choice((copy.copy, copy.deepcopy)), thing))
    elif isinstance(thing, (dn.Module, dn.Initializer, dn.Connector, dn.Network, dn.Morphology, CVs)):
        _pickle(s, thing)


def _pickle(s: Session, thing: Any) -> None:
    try:
        pickle.dumps(thing)
    except (pickle.PicklingError, AttributeError, TypeError):
        # Users' functions and objects of other packages may not be picklable.
        return
    s.call(f"pickle {type(thing).__name__}", lambda: pickle.loads(pickle.dumps(thing)))


def method(s: Session) -> None:
    """Call a method of an object in the pool."""
    thing = s.random.choice(s.pool) if s.pool else dn.VarManager()
    if isinstance(thing, (dn.Surrogate, dn.Piecewise)):
        s.call(f"{type(thing).__name__}()", thing, s.hostile() if s.chance(0.6) else numbers(s, 1.0))
    names = [n for n in dir(type(thing)) if not n.startswith("_") and inspect.isfunction(getattr(type(thing), n, None))]
    if names and type(thing).__module__.startswith(("dendrion", __package__)):
        name = s.random.choice(names)
        call(s, getattr(thing, name), 0.6, f"{type(thing).__name__}.{name}")


def variables(s: Session) -> None:
    """Read and set variables by collection."""
    thing = s.of(dn.Module)
    if thing is None:
        return
    manager = s.call("Module.variables", getattr, thing, "variables")
    name = s.random.choice(("params", "states", "frozen", "rngs")) if s.chance(0.9) else s.hostile()
    if manager is None or not is_hashable(name):
        return
    found = s.call("VarManager[]", manager.__getitem__, name)
    if found is not None:
        keys = [*found][:3]
        key = s.random.choice(keys) if keys and s.chance(0.7) else s.hostile()
        if is_hashable(key):
            s.call("Collection[]", found.__getitem__, key)
            s.call("Collection[]=", found.__setitem__, key, s.hostile() if s.chance(0.5) else 5.0)


# Networks


def network(s: Session) -> None:
    """Build a network from a small, mostly valid model or from objects in the pool."""
    if s.chance(0.15):
        count = s.random.randrange(5)
        modules: Any = [s.random.choice(s.pool) for _ in range(count)] if s.pool else []
        net = call(s, dn.Network, 0.3, modules=modules)
    else:
        net = call(s, dn.Network, 0.2, modules=_model(s))
    if net is not None:
        s.nets.append(net)


def _model(s: Session) -> list[Any]:
    """Return the modules of a model. Some calls have hostile arguments, and modules that then fail are left out."""
    cells = call(s, Pair, 0.1) or Pair(s.size)
    s.size = cells.size if cells.size < 100 else s.size
    parts: list[Any] = [cells]
    soma, receptor = cells.soma, cells.ampa
    more: list[Callable[[], Any]] = [
        lambda: call(s, Leak, 0.1, on=soma, size=cells.size, parent=cells),
        lambda: call(s, dn.WhiteNoise, 0.1, on=soma, parent=cells),
        lambda: call(s, dn.OUNoise, 0.1, on=soma, parent=cells),
    ]
    for make in more:
        if s.chance(0.2):
            make()
    source = call(s, dn.PoissonGenerator, 0.1, size=cells.size, parent=None, name=None)
    step = call(s, dn.DCGenerator, 0.1, size=1, parent=None, name=None)
    times = call(s, dn.SpikeGenerator, 0.1, size=cells.size, parent=None, name=None, indices=[0, 0], times=[0.5, 1.5])
    wave = call(s, dn.CurrentGenerator, 0.1, size=1, parent=None, name=None) if s.chance(0.3) else None
    asked = call(s, dn.CustomGenerator, 0.1, size=cells.size, parent=None, name=None) if s.chance(0.2) else None
    for generator in (source, times, asked):
        if generator is not None:
            parts += [generator, call(s, dn.MCSynapse, 0.15, pre=generator, post=receptor, parent=None, name=None)]
    for generator in (step, wave):
        if generator is not None:
            parts += [generator, call(s, dn.ConnGen, 0.05, pre=generator, mc=soma, parent=None, name=None)]
    if s.chance(0.5):
        rule = s.of(dn.Plasticity) or s.random.choice((None, dn.STDP(), dn.TsodyksMarkram()))
        given = {"pre": cells, "post": receptor, "plasticity": rule, "delay": 1.0, "parent": None, "name": None}
        parts.append(call(s, dn.MCSynapse, 0.1, **given))
    for part in parts:
        if part is not None and part not in s.pool:
            s.keep(part)
    s.keep(soma)
    return [part for part in parts if part is not None]


def use(s: Session) -> None:
    """Use a network in a random way."""
    if not s.nets:
        network(s)
    if s.nets:
        s.random.choice(USES)(s, s.nets[-1])


def _key(s: Session, known: list[str]) -> Any:
    return s.random.choice(known) if known and s.chance(0.85) else s.hostile()


def _values(s: Session, known: dict[str, Any], hostility: float = 0.5) -> Any:
    """Return values by key that are near the present ones."""
    if s.chance(0.1):
        return s.hostile()
    found = {}
    for _ in range(s.random.randrange(1, 3)):
        key = _key(s, list(known))
        if is_hashable(key):
            near = known[key] * 1.01 if key in known else 1.0
            found[key] = s.hostile() if s.chance(hostility) else near
    return found


def _run(s: Session, net: Any) -> None:
    given: dict[str, Any] = {"duration": s.random.choice((0.5, 1.0, 2.0))}
    if s.chance(0.3):
        given["grad"] = True
    if s.chance(0.25):
        given["batch"] = 2
    if s.chance(0.2):
        generators = [m for m in net.modules if isinstance(m, dn.Generator)]
        if generators:
            # The time step may be tiny.
            steps = round(min(given["duration"] / net.dt, 1000.0))
            g = s.random.choice(generators)
            shape = (2, steps, g.size) if "batch" in given else (steps, g.size)
            given["inputs"] = {g: s.hostile() if s.chance(0.5) else np.ones(shape)}
    if s.chance(0.25):
        given[
            s.random.choice(("duration", "grad", "batch", "inputs", "memory", "save_state", "save_every", "progress"))
        ] = s.hostile()
        duration = given["duration"]
        if isinstance(duration, (int, float, np.number)) and not isinstance(duration, complex) and duration > 50:
            # A long run would be valid, but would take too long.
            given["duration"] = 1.0
        if is_many(given.get("batch")):
            given["batch"] = -1
    made = s.call("net.run", net.run, **given)
    if isinstance(made, dn.Run):
        s.keep(made)
        _reverse(s, made)


def is_many(batch: Any) -> bool:
    """Return whether a batch is valid, but would take too long."""
    return isinstance(batch, (int, np.integer)) and 300 < batch < 2**31


def _reverse(s: Session, run: Any) -> None:
    probes = [r for r in s.recordings if r._is_probe_of(run.net)]
    cotangents: Any = {}
    for probe in probes[:2]:
        cotangents[probe] = s.hostile() if s.chance(0.3) else np.ones(run._shape(probe))
    if s.chance(0.2):
        cotangents = s.hostile()
    given = {"wrt": s.hostile() if s.chance(0.2) else None}
    s.call("run.backward", run.backward, cotangents, **given)
    if s.recordings:
        s.call("run.values", run.values, s.random.choice(s.recordings) if s.chance(0.8) else s.hostile())


def _probe(s: Session, net: Any) -> None:
    options = [(m, "spikes") for m in net.populations] + [(m.soma, "V") for m in net.populations if hasattr(m, "soma")]
    options += [(m, "V") for m in net.populations if isinstance(m, dn.CableNeuron)]
    module, variable = s.random.choice(options) if options else (None, "V")
    given: dict[str, Any] = {"module": module, "variable": variable}
    if s.chance(0.3):
        given["indices"] = [0]
    if s.chance(0.2) and variable != "spikes":
        given["every"] = net.dt
    if s.chance(0.35):
        given[s.random.choice(("module", "variable", "every", "indices", "indices"))] = s.hostile()
    made = s.call("net.probe", net.probe, **given)
    if made is not None:
        s.recordings.append(made)


def _recording(s: Session, net: Any) -> None:
    if not s.recordings:
        _probe(s, net)
        return
    probe = s.random.choice(s.recordings)
    kind = type(probe).__name__
    names = [n for n in dir(probe) if n in ("t", "values", "i", "gid", "index", "sample", "unit", "dt", "name", "size")]
    methods = [n for n in ("trains", "rate", "isi", "cv", "counts", "dense", "clear") if hasattr(probe, n)]
    if s.chance(0.5):
        s.call(f"{kind}.read", getattr, probe, s.random.choice(names))
    elif s.chance(0.2):
        s.call(f"{kind}[]", probe.__class__.__getitem__ if hasattr(probe, "__getitem__") else len, probe)
    elif methods:
        name = s.random.choice(methods)
        given = {k: s.hostile() if s.chance(0.6) else 0.5 for k in ("start", "stop") if s.chance(0.4)}
        given = {} if name in ("counts", "dense", "clear") else given
        s.call(f"{kind}.{name}", getattr(probe, name), **given)


def _index(s: Session, net: Any) -> None:
    """Index an object that is a sequence or mapping, or resembles one."""
    thing = s.random.choice([net, *s.recordings])
    key = s.hostile() if s.chance(0.6) else s.random.choice((0, -1, "n1", slice(None), "pair/soma"))
    s.call(f"{type(thing).__name__}[{type(key).__name__}]", lambda: thing[key])


def _parameters(s: Session, net: Any) -> None:
    known = s.call("net.state_dict", net.state_dict) or {}
    name = s.random.choice(("set_parameters", "load_state_dict"))
    given = {"strict": s.chance(0.3)} if name == "load_state_dict" else {}
    s.call(f"net.{name}", getattr(net, name), _values(s, known), **given)
    s.call("net.parameters", net.parameters)


def _states(s: Session, net: Any) -> None:
    known = s.call("net.get_state", net.get_state) or {}
    s.call("net.set_state", net.set_state, _values(s, known))
    s.call("net.get_state", net.get_state)


def _files(s: Session, net: Any) -> None:
    """Save and load files in the working directory, which is temporary."""
    name = s.random.choice(("save", "save_state", "load_state"))
    ending = ".json" if name == "save" else ".state"
    path = _path(s, "net" + ending)
    s.call(f"net.{name}", getattr(net, name), path)
    if name == "save" and s.chance(0.5):
        found = call(s, dn.Network.load, 0.5, path="net.json")
        if found is not None:
            s.nets.append(found)


def _path(s: Session, name: str) -> Any:
    """Return a path. Hostile paths stay within the working directory."""
    if s.chance(0.6):
        return name
    path = s.hostile()
    # Replace paths with a slash, because they may lead out of the folder.
    return (
        name
        if isinstance(path, (str, bytes)) and len(path) > 1 and ord(str(path)[0]) < 128 and "/" in str(path)
        else path
    )


def _exports(s: Session, net: Any) -> None:
    if not s.recordings or s.chance(0.3):
        s.call("load_recording", dn.load_recording, _path(s, "r.npz"))
        return
    probe = s.random.choice(s.recordings)
    if s.chance(0.6):
        s.call("recording.save", probe.save, _path(s, "r.npz"), overwrite=s.hostile() if s.chance(0.2) else True)
    else:
        name = s.random.choice(("to_pandas", "to_xarray"))
        if _has(name.removeprefix("to_")):
            s.call(f"recording.{name}", lambda: bool(getattr(probe, name)() is not None))


def _has(package: str) -> bool:
    try:
        __import__(package)
    except ImportError:
        return False
    return True


def _others(s: Session, net: Any) -> None:
    name = s.random.choice(
        ("select", "gids", "variables", "program", "reset", "remove", "train", "eval", "clear_recordings", "info", "t")
    )
    if name in ("info", "t"):
        s.call(f"net.{name}", getattr, net, name)
        return
    one = s.hostile() if s.chance(0.5) else s.of(dn.MCNeuron, dn.Compartment)
    if name == "select":
        given = {s.random.choice(("area_name", "pid", "id", "name", "nam")): s.hostile()}
        s.call("net.select", net.select, **given)
    elif name in ("gids", "variables", "program"):
        s.call(f"net.{name}", getattr(net, name), one)
    elif name == "remove":
        s.call(
            "net.remove", net.remove, s.random.choice(s.recordings) if s.recordings and s.chance(0.6) else s.hostile()
        )
    elif name == "reset":
        s.call("net.reset", net.reset, **({"seed": s.hostile()} if s.chance(0.4) else {}))
    else:
        call(s, getattr(net, name), 0.3, f"net.{name}")


def _optimizer(s: Session, net: Any) -> None:
    train = s.random.choice((None, "*.w", "weights", ["*.gL", "weights"]))
    kind = s.random.choice((dn.optim.SGD, dn.optim.Adam, dn.optim.AdamW))
    made = call(s, kind, 0.4, net=net, lr=0.01, train=train)
    if made is not None:
        known = {key: np.zeros_like(value) for key, value in net.parameters().items()}
        s.call("optimizer.step", made.step, _values(s, known))
        state = s.call("optimizer.state_dict", made.state_dict)
        if isinstance(state, dict) and s.chance(0.5):
            name = s.random.choice(list(state))
            state[name] = s.hostile() if s.chance(0.7) else state[name]
        s.call("optimizer.load_state_dict", made.load_state_dict, state)


def _ties(s: Session, net: Any) -> None:
    known = list(net.state_dict())
    s.call("net.tie", net.tie, s.hostile() if s.chance(0.2) else [_key(s, known), _key(s, known)])
    if net.ties and s.chance(0.3):
        s.call("net.untie", net.untie, _key(s, [key for keys in net.ties for key in keys]))


def _in_modules(s: Session, net: Any) -> None:
    """Assign a parameter or state of a module in a network."""
    modules = [m for module in net.modules for m in module.modules()]
    module = s.random.choice(modules)
    names = [*module._values, "V", "s", "delay", "weight", "training", "name", "soma"]
    name = s.random.choice(names)
    near = 1.0
    s.call(f"{type(module).__name__}.{name} =", setattr, module, name, s.hostile() if s.chance(0.7) else near)
    s.call(f"{type(module).__name__}.{name}", getattr, module, name, is_read=True)


def plots(s: Session) -> None:
    """Call a plot function, possibly with invalid arguments."""
    if not _has("matplotlib"):
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    function = getattr(dn.plot, s.random.choice(dn.plot.__all__))
    things = [*s.recordings, *s.pool]
    thing = s.hostile() if s.chance(0.5) or not things else s.random.choice(things)
    if function is dn.plot.style:
        s.call("plot.style", lambda: bool(dn.plot.style(thing)))
        return
    given = {}
    options = [p for p in parameters(function)[1:] if p.name != "ax"]
    if options and s.chance(0.5):
        given[s.random.choice(options).name] = s.hostile()
    if function is dn.plot.movie:
        given.setdefault("cells", s.of(dn.CableNeuron) or s.hostile())
    made = s.call(f"plot.{function.__name__}", function, thing, **given)
    if function is dn.plot.movie and made is not None:
        # Matplotlib warns if nothing was drawn.
        made._draw_was_started = True
    pyplot.close("all")


def texts(s: Session) -> None:
    """Pass invalid equations, NMODL files and surrogates."""
    text = (
        s.hostile() if s.chance(0.5) else s.random.choice(("I = g : pA", "dx/dt = -x/tau : 1", "NEURON { SUFFIX a }"))
    )
    draw = s.random.random()
    if draw < 0.5:
        base = s.random.choice((dn.Channel, dn.Receptor, dn.Soma))
        s.call("equations", lambda: bool(type("Mine", (base,), {"equations": text})))
    elif draw < 0.8:
        s.call("nmodl.loads", dn.nmodl.loads, text)
    else:
        s.call("nmodl.load", dn.nmodl.load, _path(s, "x.mod"))


USES: tuple[Callable[[Session, Any], None], ...] = (
    *(
        _run,
        _run,
        _run,
        _probe,
        _probe,
        _recording,
        _recording,
        _index,
        _parameters,
        _states,
        _files,
        _exports,
        _others,
    ),
    *(_optimizer, _ties, _in_modules, _in_modules),
)

#: Operations and their relative frequencies.
OPERATIONS: tuple[tuple[Callable[[Session], None], float], ...] = (
    (construct, 12.0),
    (custom_connections, 1.5),
    (assign, 5.0),
    (read, 2.0),
    (method, 2.0),
    (variables, 0.7),
    (network, 0.4),
    (use, 6.0),
    (texts, 0.5),
    (plots, 0.1),
    (morphologies, 3.0),
    (cables, 5.0),
)
