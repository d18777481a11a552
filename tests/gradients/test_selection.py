"""Parameters to train can be selected by key, by pattern, or by group."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Made

FROZEN = {"V_th": -52.0}


@pytest.fixture(scope="module")
def net():
    return Made().net


@pytest.mark.parametrize(
    ("train", "keys"),
    [
        ("w.w", ["w.w"]),
        ("*.w", ["cell/nmda.w", "cell/ampa.w", "w.w", "w_ampa.w", "rec.w"]),
        ("weights", ["w.w", "w_ampa.w", "rec.w"]),
        ("time constants", ["cell/nmda.t_decay", "cell/nmda.t_rise", "cell/ampa.t_decay"]),
        ("conductances", ["cell/soma.gL", "cell/dend.gL", "cell/nmda.g", "cell/ampa.g"]),
        ("thresholds", ["cell.V_th"]),
        ("cell/*.gL", ["cell/soma.gL", "cell/dend.gL"]),
        ("[rw]*.w", ["w.w", "w_ampa.w", "rec.w"]),
        ("?.w", ["w.w"]),
        # Order and duplicates: each key appears once, where it is selected first.
        (["rec.w", "weights", "*.w"], ["rec.w", "w.w", "w_ampa.w", "cell/nmda.w", "cell/ampa.w"]),
    ],
)
def test_what_is_selected(net, train, keys):
    assert dn.optim.Adam(net, train=train).keys == keys


def test_groups_of_a_soma_with_adaptation():
    class Cell(dn.MCNeuron):
        def __init__(self, size):
            super().__init__(size, V_th=-40.0, V_reset=-60.0, name="cell")
            self.soma = dn.AdEx(size)

    net = dn.Network([Cell(2)])
    assert dn.optim.Adam(net, train="time constants").keys == ["cell/soma.tau_w"]
    assert dn.optim.Adam(net, train="conductances").keys == ["cell/soma.gL", "cell/soma.a"]
    with pytest.raises(dn.UnknownNameError, match="the network has no parameters of the group 'weights'"):
        dn.optim.Adam(net, train="weights")


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ("*.gl", r"train: '\*\.gl' matches no parameter; did you mean '\*\.gL'\?"),
        ("*.t_decai", r"did you mean '\*\.t_decay'\?"),
        ("cell/soma.gl", r"no parameter named 'cell/soma\.gl'; did you mean 'cell/soma\.gL'\?"),
        ("weigths", "did you mean 'weights'"),
        ("time constant", "did you mean 'time constants'"),
        ("*.xyz", r"'\*\.xyz' matches no parameter; expected one of"),
        (["weights", ""], "no parameter named ''"),
    ],
)
def test_selections_without_a_match(net, train, message):
    with pytest.raises(dn.UnknownNameError, match=message):
        dn.optim.Adam(net, train=train)


def test_parameters_that_cannot_be_trained():
    net = Made(frozen_params=FROZEN).net
    with pytest.raises(dn.ParameterError, match=r"'\*\.V_th' matches only cell\.V_th, which is frozen or without"):
        dn.optim.Adam(net, train="*.V_th")
    with pytest.raises(dn.ParameterError, match="'thresholds' matches only"):
        dn.optim.Adam(net, train="thresholds")
    with pytest.raises(dn.ParameterError, match=r"'\*tau\*' matches only cell\.stdp_tau, cell\.tau_triplet, which are"):
        dn.optim.Adam(net, train="*tau*")
    # An exact key of a parameter that has no gradient is accepted, as before.
    assert dn.optim.Adam(net, train="source.rate").keys == ["source.rate"]
    # A pattern that matches frozen and other parameters selects the others.
    assert dn.optim.Adam(net, train="cell.V_*").keys == ["cell.V_reset"]


def test_patterns_select_gradients():
    made = Made(frozen_params=FROZEN)
    run = made.net.run(1.0, grad=True)
    with pytest.raises(dn.ParameterError, match=r"matches only cell\.V_th, which is frozen"):
        run.backward({made.v: np.ones((10, 5))}, wrt="thresholds")
    with pytest.raises(dn.UnknownNameError, match=r"backward: wrt: '\*\.ww' matches no parameter"):
        run.backward({made.v: np.ones((10, 5))}, wrt=["*.ww"])
    with pytest.raises(dn.ParameterError, match=r"'\*tau\*' matches only cell\.stdp_tau, cell\.tau_triplet, which are"):
        run.backward({made.v: np.ones((10, 5))}, wrt="*tau*")
    with pytest.raises(dn.UnknownNameError, match="did you mean 'weights'"):
        run.backward({made.v: np.ones((10, 5))}, wrt="weight")
    found = run.backward({made.v: np.ones((10, 5))}, wrt=["weights", "cell/soma.gL"])
    assert list(found) == ["w.w", "w_ampa.w", "rec.w", "cell/soma.gL"]
