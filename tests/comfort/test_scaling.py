"""The cost of building and using a network grows in proportion to the number of its modules.

Costs are counted, not timed: calls to functions, steps of generators, and comparisons between modules.
"""

import itertools
import sys

import dendrion as dn
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::dendrion.ModelWarning")


class Cell(dn.MCNeuron):
    compared = 0

    def __init__(self, name=None, receptors=0):
        super().__init__(1, V_th=-50.0, V_reset=-60.0, name=name)
        self.soma = dn.LeakyIF(1, V_rest=-65.0, C=20.0, gL=1.0)
        self.ampa = [dn.AMPA(1, g=1.0, t_decay=2.0) for _ in range(receptors)]
        self.on = [dn.MCConnSynapse(ampa, self.soma) for ampa in self.ampa]

    def __eq__(self, other):
        Cell.compared += 1
        return self is other

    __hash__ = object.__hash__


def counted(action):
    """Return the number of calls that an action makes, and its result."""
    count, before = 0, Cell.compared

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        result = action()
    finally:
        sys.setprofile(None)
    return count + Cell.compared - before, result


def cells(n, named=True, **options):
    return [Cell(f"cell{k}" if named else None, **options) for k in range(n)]


def populations(n):
    return dn.Network(cells(n))


def drive(n):
    cell = Cell("cell", receptors=1)
    synapses = [dn.MCSynapse(cell, cell.ampa[0], dn.One2One(), plasticity=dn.STDP(w_max=2.0)) for _ in range(n)]
    return [cell, *synapses]


def chain(n):
    found = cells(n, receptors=1)
    pairs = itertools.pairwise(found)
    return [*found, *(dn.MCSynapse(a, b.ampa[0], dn.One2One(), weight=0.1) for a, b in pairs)]


def appended(n):
    class Holder(dn.Module):
        pass

    holder = Holder(parent=None)
    holder.cells = []
    for _ in range(n):
        holder.cells.append(Cell())
    return holder


def probed(n):
    net = dn.Network([cell := Cell("cell")])
    for _ in range(n):
        net.probe(cell.soma, "V")
    return net


def loaded(n, folder):
    path = folder / f"{n}.toml"
    populations(n).save(path)
    return lambda: dn.Network.load(path)


def under_one_manager(n):
    manager = dn.VarManager()
    return manager, [dn.MCNeuron(1, parent=manager) for _ in range(n)]


#: For each case, the preparation and the action whose calls are counted.
CASES = {
    "cells": lambda n, _: lambda: cells(n),
    "cells of one manager": lambda n, _: lambda: under_one_manager(n),
    "a list that grows": lambda n, _: lambda: appended(n),
    "receptors of a cell": lambda n, _: lambda: Cell("cell", receptors=n),
    "synapses": lambda n, _: lambda: drive(n),
    "build cells": lambda n, _: (lambda made: lambda: dn.Network(made))(cells(n)),
    "build cells without names": lambda n, _: (lambda made: lambda: dn.Network(made))(cells(n, named=False)),
    "build a cell of many receptors": lambda n, _: (lambda made: lambda: dn.Network(made))([Cell("cell", receptors=n)]),
    "build synapses": lambda n, _: (lambda made: lambda: dn.Network(made))(drive(n)),
    "build a chain": lambda n, _: (lambda made: lambda: dn.Network(made))(chain(n)),
    "first run": lambda n, _: (lambda net: lambda: net.run(0.1))(dn.Network(chain(n))),
    "probe": lambda n, _: lambda: probed(n),
    "recordings": lambda n, _: (lambda net: lambda: [r.values for r in net.recordings.values()])(probed(n)),
    "remove probes": lambda n, _: (lambda net: lambda: [net.remove(r) for r in net.recordings.values()])(probed(n)),
    "repr": lambda n, _: (lambda net: lambda: repr(net))(populations(n)),
    "repr of synapses": lambda n, _: (lambda net: lambda: repr(net))(dn.Network(drive(n))),
    "HTML": lambda n, _: (lambda net: net._repr_html_)(populations(n)),
    "look up": lambda n, _: (lambda net: lambda: [net[f"cell{k}"] for k in range(n)])(populations(n)),
    "parameters": lambda n, _: (lambda net: net.parameters)(populations(n)),
    "set parameters": lambda n, _: (lambda net: lambda: net.set_parameters(net.parameters()))(populations(n)),
    "load a state dict": lambda n, _: (lambda net: lambda: net.load_state_dict(net.state_dict()))(populations(n)),
    "states": lambda n, _: (lambda net: lambda: net.set_state(net.get_state()))(populations(n)),
    "V of each": lambda n, _: (lambda net: lambda: [p.soma.V for p in net.populations])(populations(n)),
    "save": lambda n, folder: (lambda net: lambda: net.save(folder / "x.toml"))(populations(n)),
    "load": loaded,
}


@pytest.mark.parametrize("case", CASES)
def test_cost_is_linear(case, tmp_path):
    counts = [counted(CASES[case](n, tmp_path))[0] for n in (30, 60, 120)]
    first, second = counts[1] - counts[0], counts[2] - counts[1]
    # Doubling the number of added modules doubles the added cost. A quadratic cost would grow by a factor of four.
    assert second <= 2.15 * first + 60, counts


def test_numbers_in_names_are_the_first_that_are_free():
    class Holder(dn.Module):
        pass

    holder = Holder(parent=None)
    made = [dn.Module(parent=holder) for _ in range(3)]
    assert [m.name for m in made] == ["module", "module_1", "module_2"]
    holder.other = made[1]
    more = [dn.Module(parent=holder) for _ in range(2)]
    assert [m.name for m in more] == ["module_1", "module_3"]
    del holder.other
    assert made[1].parent is None
    with pytest.raises(dn.StructureError, match="two modules are named 'again'"):
        dn.Module(parent=holder, name="again"), dn.Module(parent=holder, name="again")
