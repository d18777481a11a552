"""The table in ``docs/neurai.md``: unit, equation and check of every NeurAI parameter. Run this to write the page."""

import inspect
import json
from pathlib import Path

import dendrion as dn

from . import connections as c
from . import effects as e
from . import neurons as n

HERE = Path(__file__).parent
NEURAI = json.loads((HERE.parent / "api" / "signatures.json").read_text())
PAGE = HERE.parents[1] / "docs" / "neurai.md"

CYLINDER = "area = pi length diameter; gL and C are then per area"
MEMBRANE = {
    "V_rest": ("mV", "C dV/dt = gL (V_rest - V) + I, V(0) = V_rest", e.v_rest),
    "gL": ("nS, or uS/cm2", "C dV/dt = gL (V_rest - V) + I", e.g_l),
    "C": ("pF, or uF/cm2", "C dV/dt = gL (V_rest - V) + I", e.capacitance),
    "length": ("um", CYLINDER, e.geometry("length")),
    "diameter": ("um", CYLINDER, e.geometry("diameter")),
    "r_axial": ("ohm cm", "g = 2/(R_1 + R_2), R = 4 r_axial length/(pi diameter^2)", e.r_axial),
}
ALL = {
    "size": ("", "number of neurons", e.size),
    "parent": ("", "owner; by default the module that is being created", e.parent),
    "name": ("", "name in its owner, the last part of its path", e.name),
    "frozen_params": ("", "values that are set and excluded from parameters()", e.frozen_params),
}
GATE = {
    "g": ("nS", "I = g w x (E - V)", e.conductance("g")),
    "w": ("", "I = g w x (E - V)", e.conductance("w")),
    "t_rise": ("ms", "ds/dt = -s/t_rise, dx/dt = -x/t_decay + s/(1 ms)", e.t_rise),
    "t_decay": ("ms", "ds/dt = -s/t_decay without t_rise, else dx/dt = -x/t_decay + s/(1 ms)", e.t_decay),
    "scale_g": ("", "g divided by the peak of x after one spike", e.scale_g),
}
BLOCK = "B = 1/(1 + Mg exp(-alpha (V + gamma))/beta)"
MAGNESIUM = {
    "Mg": ("mM", BLOCK, e.magnesium("Mg", (0.0, 2.0))),
    "gamma": ("mV", BLOCK, e.magnesium("gamma", (-5.0, 10.0))),
    "alpha": ("1/mV", BLOCK, e.magnesium("alpha", (0.05, 0.1))),
    "beta": ("mM", BLOCK, e.magnesium("beta", (2.0, 5.0))),
}
AT_SYNAPSE = "presynaptic spike at n + delay - dendritic_delay, postsynaptic spike at m + dendritic_delay"
OWN = {
    "LeakyIF": {"I_ext": ("pA", "C dV/dt = gL (V_rest - V) + I_ext + I", e.i_ext)},
    "AMPA": GATE,
    "NMDA": GATE | MAGNESIUM,
    "MCConn": {
        "pre": ("", "I_pre = g (V_post - V_pre)", c.coupled_ends),
        "post": ("", "I_post = g (V_pre - V_post)", c.coupled_ends),
        "g": ("nS", "I_pre = g (V_post - V_pre)", c.coupling),
    },
    "MCConnSynapse": {
        "pre": ("", "the receptor whose current acts on post", c.attached),
        "post": ("", "the compartment on which the current acts, and whose V it depends on", c.attached),
    },
    "MCSynapse": {
        "pre": ("", "s += w at each spike of pre", c.synapse_pre),
        "post": ("", "the receptors whose s increases", c.synapse_post),
        "conn": ("", "w of each pair of source and target", c.synapse_conn),
    },
    "ConnGen": {
        "pre": ("", "I += current of pre, or s += 1 at each spike of pre", c.injected),
        "mc": ("", "the target compartment or receptor", c.injected),
    },
    "MCNeuron": {
        "pid": ("", "process of the population, see net.decomposition", n.pid),
        "V_th": ("mV", "spike where V > V_th", n.v_th),
        "V_reset": ("mV", "V = V_reset after a spike; None: V -= V_th", n.v_reset),
        "stdp_tau": ("ms", "time constant of the trace K_minus (STDP)", n.stdp_tau),
        "tau_triplet": ("ms", "time constant of the slow postsynaptic trace (TripletSTDP)", n.tau_triplet),
        "dendritic_delay": ("steps", AT_SYNAPSE, n.dendritic_delay),
        "area_name": ("", "net.select(area_name=...)", n.area_name),
        "surrogate_grad_fn": ("1/mV", "dS/dV = f(V - V_th) in gradients", n.surrogate_grad_fn),
        "id": ("", "number of the population: net.select(id=...)", n.number),
        "neuron_start_id": ("", "gid = neuron_start_id + index", n.neuron_start_id),
        "odemethod": ("", "solver of dy/dt = f(y)", n.odemethod),
        "sdemethod": ("", "integration of b(y) dW", n.sdemethod),
    },
}
CELLS = ("Compartment", "LeakyIF", "AMPA", "NMDA")
MEANING = {
    (kind, parameter): row
    for kind in NEURAI
    for parameter, row in ({} | (MEMBRANE if kind in CELLS else {}) | ALL | OWN.get(kind, {})).items()
    if not (parameter == "size" and kind not in (*CELLS, "MCNeuron"))
}


def default(kind, parameter):
    value = inspect.signature(getattr(dn, kind)).parameters[parameter].default
    return "required" if value is inspect.Parameter.empty else str(value).replace("MILSTEIN", "MISLTEAIN")


def page():
    """Return the text of the page."""
    text = """# NeurAI compatibility, parameter by parameter

This page lists every class and parameter of NeurAI's `neurai.nn.neuron.multi_compartment`, the equation in which it
appears, and the function in `tests/neurai/` that tests its effect. `dendrion.neurai` contains the classes under their
NeurAI paths, so that
`from neurai.nn.neuron.multi_compartment.compartment import AMPA` becomes
`from dendrion.neurai.nn.neuron.multi_compartment.compartment import AMPA`.

`python -m tests.neurai.table` writes this page, and a test compares it with the signatures.
"""
    for kind in NEURAI:
        text += f"\n## {kind}\n\n| parameter | unit | default | equation | check |\n| --- | --- | --- | --- | --- |\n"
        for parameter, _ in NEURAI[kind]["parameters"]:
            unit, equation, check = MEANING[kind, parameter]
            shown = check.__qualname__.split(".")[0]
            row = (f"`{kind}.{parameter}`", unit or "1", f"`{default(kind, parameter)}`", equation, f"`{shown}`")
            text += f"| {' | '.join(row)} |\n"
    return text


if __name__ == "__main__":
    PAGE.write_text(page())
