"""Modules that cannot be combined raise errors."""

import dendrion as dn
import pytest


def neuron(*parts, couple=True, size=1):
    """Return a neuron with these compartments, coupled in a chain."""
    made = dn.MCNeuron(size, name="n")
    for i, part in enumerate(parts):
        setattr(made, f"c{i}", part)
        if i and couple:
            setattr(made, f"k{i}", dn.MCConn(parts[i - 1], part, 1.0))
    return made


def test_a_loop_of_couplings():
    cell = neuron(dn.LeakyIF(), dn.Compartment(), dn.Compartment())
    cell.closing = dn.MCConn(cell.c2, cell.c0, 1.0)
    with pytest.raises(dn.StructureError, match=r"n/closing: couples c2 and c0, which are already connected"):
        dn.Network([cell])


def test_a_compartment_without_coupling():
    with pytest.raises(
        dn.StructureError, match=r"n/c1: is not connected to c0; connect all compartments with axial couplings"
    ):
        dn.Network([neuron(dn.LeakyIF(), dn.Compartment(), couple=False)])


def test_two_somas_or_none():
    with pytest.raises(
        dn.StructureError, match=r"n: has 2 somas \(c0, c1\); a neuron needs exactly one compartment with a threshold"
    ):
        dn.Network([neuron(dn.LeakyIF(), dn.LeakyIF())])
    with pytest.raises(ValueError, match=r"n: has no soma; a neuron needs exactly one compartment with a threshold"):
        dn.Network([neuron(dn.Compartment())])


def test_receptor_attached_twice_or_not_at_all():
    cell = neuron(dn.LeakyIF(), dn.Compartment())
    cell.ampa = dn.AMPA(t_decay=2.0)
    with pytest.raises(dn.StructureError, match=r"n/ampa: is not attached to anything; add an MCConnSynapse"):
        dn.Network([cell])
    cell.on = dn.MCConnSynapse(cell.ampa, cell.c1)
    cell.again = dn.MCConnSynapse(cell.ampa, cell.c0)
    with pytest.raises(dn.StructureError, match=r"n/ampa: is attached twice, by n/on and n/again; attach it only once"):
        dn.Network([cell])


def test_receptor_attached_and_coupled():
    cell = neuron(dn.LeakyIF(), dn.Compartment())
    cell.ampa = dn.AMPA(t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.c1)
    cell.axial = dn.MCConn(cell.ampa, cell.c0, 1.0)
    with pytest.raises(dn.StructureError, match=r"n/ampa: is attached by n/on and coupled by n/axial; use"):
        dn.Network([cell])


def test_parts_of_another_size_or_neuron():
    with pytest.raises(dn.StructureError, match=r"n/c0: size = 2: expected 1, the size of n"):
        dn.Network([neuron(dn.LeakyIF(2))])
    other = neuron(dn.LeakyIF(), dn.Compartment())
    cell = neuron(dn.LeakyIF())
    cell.axial = dn.MCConn(cell.c0, other.c1, 1.0)
    with pytest.raises(dn.StructureError, match=r"n/axial: couples .*, which is not a compartment of n"):
        dn.Network([cell])


def test_wrong_kinds():
    a, b = dn.Compartment(), dn.Compartment()
    with pytest.raises(dn.ParameterTypeError, match=r"MCConnSynapse: pre = .*: expected a Receptor, such as an AMPA"):
        dn.MCConnSynapse(a, b)
    with pytest.raises(dn.ParameterTypeError, match=r"MCConn: post = 3: expected a Compartment"):
        dn.MCConn(a, 3)
    with pytest.raises(dn.StructureError, match=r"pre and post are both"):
        dn.MCConn(a, a, 1.0)
    with pytest.raises(
        dn.ParameterTypeError,
        match=r"MCSynapse: pre = .*: expected an MCNeuron, a CableNeuron or a generator",
    ):
        dn.MCSynapse(dn.DCGenerator(), dn.AMPA(t_decay=1.0), dn.All2All())
    with pytest.raises(dn.ParameterTypeError, match=r"ConnGen: mc = .*: expected a receptor for spikes"):
        dn.ConnGen(dn.PoissonGenerator(), a)
    with pytest.raises(dn.StructureError, match=r"network: .* contains no neurons, generators or connections"):
        dn.Network([a])


def test_two_modules_of_one_name(pair):
    class Twins(dn.MCNeuron):
        def __init__(self):
            super().__init__(1)
            self.soma = dn.LeakyIF(1, name="a")
            self.dend = dn.Compartment(1, name="a")

    with pytest.raises(dn.StructureError, match=r"two modules are named 'a'; rename one of them"):
        Twins()
    with pytest.raises(dn.StructureError, match=r"two modules are named 'cells'; rename one of them"):
        dn.Network([pair(1, name="cells"), pair(1, name="cells")])


def test_one_module_in_two_networks(pair):
    cells = pair(1, name="cells")
    net = dn.Network([cells])
    with pytest.raises(dn.StructureError, match=r"cells: is already part of another network; create a new module"):
        dn.Network([cells])
    del net
    dn.Network([cells])


def test_what_is_not_listed(pair):
    cells, noise = pair(1, name="cells"), dn.PoissonGenerator(1)
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), name="syn")
    with pytest.raises(dn.StructureError, match=r"syn: .* is not in the network; add it to the network"):
        dn.Network([cells, syn])
    syn = dn.MCSynapse(noise, cells.ampa, dn.All2All(), name="syn")
    with pytest.raises(
        dn.StructureError, match=r"syn: .* is not part of a population of the network; add its population"
    ):
        dn.Network([noise, syn])


def test_probes(pair):
    cells, other = pair(1, name="cells"), pair(1, name="other")
    net = dn.Network([cells])
    with pytest.raises(dn.UnknownNameError, match=r'cells/dend: no variable named "v"; did you mean "V"\?'):
        net.probe(cells.dend, "v")
    with pytest.raises(KeyError, match=r'cells: no variable named "spike"; did you mean "spikes"\?'):
        net.probe(cells, "spike")
    with pytest.raises(dn.ParameterError, match=r"cells/dend: indices = 3: expected an integer below 1"):
        net.probe(cells.dend, "V", indices=[3])
    with pytest.raises(dn.ParameterError, match=r"every = 0\.01: expected at least half a step"):
        net.probe(cells.dend, "V", every=0.01)
    with pytest.raises(dn.StructureError, match=r"is not in this network"):
        net.probe(other.dend, "V")
