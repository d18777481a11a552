"""Invalid diffusion of ions, and what the errors say."""

import dendrion as dn
import numpy as np
import pytest

from .cells import random_tree


def cells(**settings):
    return dn.CableNeuron(2, random_tree(2, 5), cv=dn.PerSection(2), name="cells", **settings)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"diffusion": -1.0}, r"diffusion = -1: expected a finite number >= 0 \(um2/ms\)"),
        ({"diffusion": np.nan}, r"diffusion = nan: expected a finite number >= 0 \(um2/ms\)"),
        ({"diffusion": np.inf}, r"diffusion = inf: expected a finite number >= 0 \(um2/ms\)"),
        ({"diffusion": "-distance"}, r"diffusion.* = -.*: expected a finite number >= 0 \(um2/ms\)"),
        ({"diffusion": {"all": 1.0, "soma": -2.0}}, r"diffusion.* = -2: expected a finite number >= 0 \(um2/ms\)"),
        ({"diffusion": 0.2, "depth": 0.1}, r"diffusion = 0.2: expected depth=None as well"),
    ],
)
def test_invalid_coefficients(given, message):
    with pytest.raises(dn.ParameterError, match=message):
        dn.Ion(cells(), "Ca", inside=1e-4, **given)


def test_coefficients_that_become_invalid():
    owner = cells()
    ion = dn.Ion(owner, "Ca", inside=1e-4, diffusion=0.2, name="ca")
    net = dn.Network([owner], dt=0.1)
    for value in (-1.0, np.nan):
        with pytest.raises(dn.ParameterError, match=r"diffusion"):
            ion.diffusion = value
        with pytest.raises(dn.ParameterError, match=r"diffusion"):
            net.set_parameters({"cells/ca.diffusion": value})
    assert ion.diffusion == 0.2
    net.run(1.0)


class Spreading(dn.Channel):
    equations = """
    dx/dt = 0 mM/ms : mM
    x(0) = 1 mM
    export x
    diffuse x = k*(length - 20 um)*1 um/ms
    k = 1
    """


def test_coefficients_of_equations_are_checked_when_networks_are_built():
    owner = cells()
    Spreading(owner, on="all", name="x", k=-1.0)
    message = r"cells/x: the diffusion coefficient of x at CV \d+ is -[0-9.]+ um2/ms; expected a finite number >= 0"
    with pytest.raises(dn.StructureError, match=message):
        dn.Network([owner], dt=0.1)
    owner = cells()
    Spreading(owner, on="all", name="x", k=0.0)
    net = dn.Network([owner], dt=0.1)
    with pytest.raises(dn.StructureError, match=message):
        net.set_parameters({"cells/x.k": -1.0})
    net.run(1.0)


def test_neurons_without_a_morphology():
    class Cell(dn.MCNeuron):
        def __init__(self):
            super().__init__(2, V_th=0, V_reset=-60, name="cell")
            self.soma = dn.LeakyIF(2, gL=50.0, C=1.0, length=20.0, diameter=20.0)
            self.x = Spreading(2, self.soma)

    message = r"(?s)cell/x.*line 5, column 13: x diffuses, which is only possible along the dendrites of detailed cells"
    with pytest.raises(dn.EquationError, match=message):
        dn.Network([Cell()], dt=0.1)


def test_mechanisms_at_points():
    owner = cells()
    Spreading(owner, at=owner.at(cv=[0, 3]), name="x")
    message = r"(?s)cells/x.*line 5, column 13: x diffuses, but the mechanism is placed at points, which have no volume"
    with pytest.raises(dn.EquationError, match=message):
        dn.Network([owner], dt=0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("diffuse y = 1 um2/ms", r"line 3, column 9: 'y' is not a state, so it cannot diffuse; expected 'x'"),
        ("diffuse k = 1 um2/ms\nk = 2", r"line 3, column 9: 'k' is not a state, so it cannot diffuse"),
        ("diffuse x = 1 um/ms", r"line 3, column 13: the diffusion coefficient of 'x' is in um/ms; expected um2/ms"),
        ("diffuse x = x * 1 um2/ms/mM", r"line 3, column 13: the diffusion coefficient of 'x' must be constant"),
        ("D = V*1 um2/ms/mV\ndiffuse x = D", r"line 4, column 13: the diffusion coefficient of 'x' must be constant"),
        ("diffuse x = 1 um2/ms\ndiffuse x = 1 um2/ms", r"line 4, column 9: 'x' already diffuses"),
        ("diffuse x", r"line 3, column 10: .*expected '='.*diffusion coefficient"),
    ],
)
def test_invalid_statements(text, message):
    with pytest.raises(dn.EquationError, match=message):
        type("Wrong", (dn.Channel,), {"equations": f"export x\ndx/dt = 0 mM/ms : mM\n{text}"})
