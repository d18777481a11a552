"""Quantities for conductance and capacitance must be specific with a geometry, and absolute without one."""

import copy

import dendrion as dn
import pytest


def refused(make):
    with pytest.raises(dn.ParameterError) as error:
        make()
    return str(error.value)


def geometry(q):
    return {"length": q(30.0, "um"), "diameter": 20.0}


@pytest.mark.parametrize("kind", [dn.Compartment, dn.LeakyIF, dn.AdEx, lambda **g: dn.AMPA(t_decay=2.0, **g)])
def test_each_where_it_belongs(kind, q):
    absolute = kind(gL=q(2.7, "nS"), C=q(0.061, "nF"))
    assert (absolute.gL, absolute.C) == (2.7, 61.0)
    specific = kind(gL=q(0.043, "mS/cm**2"), C=q(1.3, "uF/cm**2"), **geometry(q))
    assert (specific.gL, specific.C) == (43.0, 1.3)


def test_neither(q):
    assert refused(lambda: dn.LeakyIF(gL=q(5, "mV"))) == "LeakyIF: gL = 5 mV: got mV, expected nS or uS/cm2"
    message = "LeakyIF: C = 5 nS: got nS, expected pF or uF/cm2"
    assert refused(lambda: dn.LeakyIF(gL=40.0, C=q(5, "nS"), **geometry(q))) == message


def test_absolute_beside_a_geometry(q):
    message = "Compartment: gL = 5 nS: got nS, expected uS/cm2 with length and diameter"
    assert refused(lambda: dn.Compartment(gL=q(5, "nS"), C=1.0, **geometry(q))) == message
    message = "LeakyIF: C = 200 pF: got pF, expected uF/cm2 with length and diameter"
    assert refused(lambda: dn.LeakyIF(gL=40.0, C=q(200, "pF"), **geometry(q))) == message


def test_specific_without_a_geometry(q):
    message = "Compartment: gL = 40 uS/cm2: got uS/cm2, expected nS without length and diameter"
    assert refused(lambda: dn.Compartment(gL=q(40, "uS/cm**2"))) == message
    message = "AMPA: C = 1 uF/cm2: got uF/cm2, expected pF without length and diameter"
    assert refused(lambda: dn.AMPA(t_decay=2.0, C=q(1, "uF/cm**2"))) == message


def test_several_at_once(q):
    message = r"Compartment: gL: has units nS and uS/cm2; expected the same unit throughout"
    assert refused(lambda: dn.Compartment(2, gL=[q(5, "nS"), q(40, "uS/cm**2")])) == message
    message = "gL = list of length 2 that contains 5 nS: got nS, expected uS/cm2 with length and diameter"
    given = [6.0, q(5, "nS")]
    assert message in refused(lambda: dn.Compartment(2, gL=given, C=1.0, **geometry(q)))
    assert dn.Compartment(2, gL=[q(5, "nS"), 6.0]).gL.tolist() == [5.0, 6.0]


def test_geometry_that_is_frozen(q):
    given = {"gL": q(40, "uS/cm**2"), "C": q(1, "uF/cm**2")}
    assert dn.Compartment(**given, frozen_params=geometry(q)).gL == 40.0
    assert dn.Compartment(frozen_params={**given, **geometry(q)}).C == 1.0
    absolute = {"gL": q(5, "nS"), "C": 1.0}
    message = "Compartment: gL = 5 nS: got nS, expected uS/cm2 with length and diameter"
    assert refused(lambda: dn.Compartment(**absolute, frozen_params=geometry(q))) == message
    assert refused(lambda: dn.Compartment(**geometry(q), frozen_params=absolute)) == message


class Cell(dn.MCNeuron):
    def __init__(self, name="cell", **membrane):
        super().__init__(1, V_th=-50.0, V_reset=-60.0, name=name)
        self.soma = dn.LeakyIF(1, **membrane)


def test_assigned_later(q):
    specific, absolute = Cell(gL=40.0, C=1.0, **geometry(q)), Cell("other", gL=5.0, C=100.0)
    for in_network in (False, True):
        net = dn.Network([specific, absolute]) if in_network else None
        specific.soma.gL, absolute.soma.C = q(43, "uS/cm**2"), q(70, "pF")
        assert (specific.soma.gL, absolute.soma.C) == (43.0, 70.0)
        message = "gL = 5 nS: got nS, expected uS/cm2 with length and diameter"
        assert refused(lambda: setattr(specific.soma, "gL", q(5, "nS"))) == f"cell/soma: {message}"
        message = "C = 1 uF/cm2: got uF/cm2, expected pF without length and diameter"
        assert refused(lambda: setattr(absolute.soma, "C", q(1, "uF/cm**2"))) == f"other/soma: {message}"
        assert (specific.soma.gL, absolute.soma.C) == (43.0, 70.0)
    assert net.parameters()["cell/soma.gL"] == 43.0


def test_geometry_that_comes_later(q):
    def cell():
        found = Cell(gL=q(5, "nS"), C=q(70, "pF"))
        found.soma.length, found.soma.diameter = q(30.0, "um"), q(20.0, "um")
        return found

    message = "cell/soma: gL = 5 nS: got nS, expected uS/cm2 with length and diameter"
    assert refused(lambda: dn.Network([cell()])) == message
    assert refused(lambda: dn.Network([copy.deepcopy(cell())])) == message
    mended = cell()
    mended.soma.gL, mended.soma.C = q(40, "uS/cm**2"), 1.0
    assert dn.Network([mended]).parameters()["cell/soma.gL"] == 40.0


def test_a_refused_value_leaves_no_trace(q):
    cell = Cell(gL=q(5, "nS"), C=q(70, "pF"))
    with pytest.raises(dn.ParameterError, match="expected a finite number > 0"):
        cell.soma.gL = q(-1, "nS")
    with pytest.raises(dn.ParameterError, match="expected nS without length and diameter"):
        cell.soma.gL = q(40, "uS/cm**2")
    assert dn.Network([cell]).parameters()["cell/soma.gL"] == 5.0


def test_given_and_changed_while_it_is_made(q):
    class Mine(dn.LeakyIF):
        def __init__(self):
            super().__init__(1, gL=q(5, "nS"), C=q(70, "pF"))
            self.length, self.diameter = q(30.0, "um"), q(20.0, "um")
            self.gL, self.C = q(40, "uS/cm**2"), q(1, "uF/cm**2")

    soma = Mine()
    assert (soma.gL, soma.C, soma.length) == (40.0, 1.0, 30.0)
