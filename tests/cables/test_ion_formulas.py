"""Ions whose parameters are formulas."""

import dendrion as dn
import numpy as np
import pytest

from .cells import random_tree

FORMULAS = [
    {"inside": "c0*(1 + exp(-distance/diameter))", "c0": 1e-4, "tau": "80 + distance"},
    {"inside": 1e-4, "gamma": "g0 if distance < 50 else g0/2", "g0": 0.5, "depth": "diameter/20", "valence": 1 / 3},
    {"inside": "2.5", "E": "e0 + 2*distance", "e0": 50.0, "diffusion": "d0*exp(-distance/lam)", "d0": 0.2, "lam": 80.0},
    {"inside": 1e-4, "outside": "2 + distance/100", "reversal": "nernst", "celsius": "6 + distance/100", "valence": -1},
]


@pytest.mark.parametrize("given", FORMULAS)
def test_ions_with_formulas_are_loaded_as_ions(given, tmp_path):
    cells = dn.CableNeuron(2, random_tree(2, 5), cv=dn.PerSection(2), name="cells")
    ion = dn.Ion(cells, "Ca", **given, name="ca")
    net = dn.Network([cells], dt=0.1)
    net.save(tmp_path / "model.toml")
    loaded = dn.Network.load(tmp_path / "model.toml")
    again = next(m for top in loaded.modules for m in top.modules() if isinstance(m, dn.Ion))
    assert (again.ion, again.valence, again.reversal) == ("Ca", ion.valence, ion.reversal)
    assert again.equations == ion.equations
    for name in set(given) - {"reversal", "valence"}:
        np.testing.assert_array_equal(getattr(again, name), getattr(ion, name))
    for each, name in ((net, "a"), (loaded, "b")):
        each.run(1.0)
        each.save_state(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_formulas_need_their_parameters():
    cells = dn.CableNeuron(2, random_tree(2, 5), cv=dn.PerSection(2), name="cells")
    with pytest.raises(dn.ParameterError, match=r"inside = 'c0\*2': c0 has no value; pass c0= with a number"):
        dn.Ion(cells, "Ca", inside="c0*2")
    with pytest.raises(dn.UnknownNameError, match="unexpected parameter diffusoin = 1; did you mean 'diffusion'"):
        dn.Ion(cells, "Ca", inside=1e-4, diffusion=1.0, diffusoin=1)
