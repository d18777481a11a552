"""Detailed cells in a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..modules.module import Module
from ..morphology.cvs import CVs
from ..morphology.morphology import Morphology
from ..morphology.places import Location
from ..neurons.cable.clamp import VoltageClamp
from ..neurons.cable.ion import Ion
from ..neurons.cable.ion_form import arguments
from ..neurons.cable.neuron import CableNeuron
from ..neurons.cable.sites import Site
from ..neurons.cable.time_course import TimeCourse
from ..neurons.equations import Written
from ..neurons.methods import SolverMethodODE
from ..neurons.receptors import Receptor
from ._neurons import ABOUT, RECEPTORS, _channel_class, _freeze, _surrogate, _written
from ._places import adopt

if TYPE_CHECKING:
    from ._load import Values

__all__ = ["cells", "site"]

Table = dict[str, Any]

#: Entries of a table that are not parameters.
OWN = (
    "size",
    "morphology",
    "mechanisms",
    "method",
    "gates",
    "staggered",
    "spike_at",
    "surrogate",
    "detach_reset",
    "reset",
    "frozen",
)
#: Parameters with one value per CV.
PER_CV = ("C", "gL", "V_rest", "V_init", "length", "diameter")


def cells(path: str, table: Table, values: Values, model: _core.Model, known: dict[str, Module]) -> CableNeuron:
    """Return detailed cells, and add their mechanisms to ``known``, keyed by path."""
    size, tree, cvs = table["size"], *_shape(path, model)
    given = values.of(table, OWN)
    given |= {name: _per_site(given[name], size, len(cvs)) for name in PER_CV if name in given}
    resets = table.get("reset", True)
    if resets:
        # The default of CableNeuron is a soft reset, and that of files is 0 mV.
        reset = given.get("V_reset", 0.0)
        given["V_reset"] = None if isinstance(reset, str) else reset
    at = table["spike_at"]
    made = CableNeuron(
        size,
        tree,
        cv=cvs,
        **given,
        reset=resets,
        spike_at=Location(int(cvs.section[at]), float(cvs.x[at])),
        odemethod=SolverMethodODE(table["method"]),
        gates=table["gates"],
        staggered=table["staggered"],
        surrogate_grad_fn=_surrogate(table.get("surrogate")),
        detach_reset=table["detach_reset"],
        parent=None,
    )
    _freeze(made, table)
    parts = {name: _mechanism(made, own, values) for name, own in table.get("mechanisms", {}).items()}
    adopt(made, parts)
    known.update({f"{path}/{name}": part for name, part in parts.items()})
    return made


def site(neuron: CableNeuron, cvs: Any, values: Values) -> Site:
    """Return the site with these CVs."""
    return neuron.at(cv=np.asarray(values(cvs), dtype=np.int64))


def _shape(path: str, model: _core.Model) -> tuple[Morphology, CVs]:
    core, cvs = model.shape(path)
    tree = Morphology(core)
    counts = np.bincount(cvs.column("section").astype(np.int64), minlength=len(tree.sections))
    # A rule with a number for each section does not depend on r_axial or C.
    return tree, CVs(tree, cvs, (("PerSection", counts.astype(float).tolist()), 100.0, 1.0))


def _mechanism(neuron: CableNeuron, table: Table, values: Values) -> Written:
    key = "at" if "at" in table else "on"
    place: Any = table[key]
    # The site "soma" is the centre of the soma, and the region "soma" consists of all CVs of the soma.
    where = place if isinstance(place, str) else site(neuron, place, values)
    sites = len(neuron.cvs.select(place)) if isinstance(place, str) else len(where)
    given = values.of(table, (*ABOUT, "at"))
    given = {name: _per_site(value, neuron.size, sites) for name, value in given.items()}
    made: Written
    if key == "at" and isinstance(where, Site) and table.get("equations") == VoltageClamp.equations:
        made = VoltageClamp(where, parent=None, **given)
    elif key == "at" and isinstance(where, Site) and TimeCourse.is_written_in(table.get("equations")):
        r_series = given.pop("r_series")
        made = VoltageClamp(where, TimeCourse(table["equations"], given), r_series=r_series, parent=None)
    elif (ion := arguments(table.get("equations", ""))) is not None:
        made = Ion(neuron, on=where, parent=None, **ion, **given)
    else:
        scale = {"scale_g": table["scale_g"]} if "scale_g" in table else {}
        made = _class(table)(neuron, parent=None, **{key: where}, **scale, **given)
    _freeze(made, table)
    return made


def _class(table: Table) -> Any:
    """Return the class of a mechanism. Receptors are the mechanisms that receive spikes."""
    if table.get("kind") in RECEPTORS:
        return RECEPTORS[table["kind"]]
    if "equations" not in table:
        return _channel_class(table)
    receives, _, _ = _core.Definition("equations", table["equations"]).traits()
    return _written(Receptor, table["equations"], table.get("signed", False)) if receives else _channel_class(table)


def _per_site(value: Any, size: int, sites: int) -> Any:
    """Return values as modules expect them: in the shape ``(size, sites)`` if there is one value per cell and site."""
    is_each = isinstance(value, np.ndarray) and size > 1 and value.size == size * sites
    return value.reshape(size, sites) if is_each else value
