"""Connections of detailed cells to other cells only: with `autapses=False`, no cell reaches any of its own sites."""

import dendrion as dn
import numpy as np
import pytest

from .cells import Cell, random_tree

CELLS, SITES = 5, 4
TREE = random_tree()

RULES = [
    (dn.All2All(autapses=False), CELLS * (CELLS - 1) * SITES),
    (dn.FixedProb(1.0, autapses=False), CELLS * (CELLS - 1) * SITES),
    (dn.FixedIndegree(CELLS - 1, multi_conn=False, autapses=False), CELLS * (CELLS - 1) * SITES),
    (dn.FixedIndegree(30, multi_conn=True, autapses=False), CELLS * SITES * 30),
    (dn.FixedOutdegree((CELLS - 1) * SITES, multi_conn=False, autapses=False), CELLS * (CELLS - 1) * SITES),
    (dn.FixedOutdegree(40, multi_conn=True, autapses=False), CELLS * 40),
    (dn.FixedTotal(CELLS * (CELLS - 1) * SITES, multi_conn=False, autapses=False), CELLS * (CELLS - 1) * SITES),
    (dn.FixedTotal(200, multi_conn=True, autapses=False), 200),
    (
        dn.CustomConn(np.repeat(np.arange(5), 20), np.tile(np.arange(20), 5), autapses=False),
        CELLS * (CELLS - 1) * SITES,
    ),
]


@pytest.mark.parametrize(("rule", "count"), RULES, ids=[repr(rule)[:40] for rule, _ in RULES])
@pytest.mark.parametrize("threads", [1, 3])
def test_no_cell_reaches_itself(rule, count, threads):
    cells = Cell(CELLS, TREE, name="cells")
    syn = dn.MCSynapse(cells, cells.ampa, rule, delay=1.0, name="syn")
    net = dn.Network([cells, syn], dt=0.025, threads=threads)
    pre, post = syn.connections.pre, syn.connections.post
    assert len(pre) == net.info["connections"] == count
    assert not np.any(pre == post // SITES)


def test_more_connections_than_others_are_refused():
    cells = Cell(CELLS, TREE, name="cells")
    most = (CELLS - 1) * SITES
    syn = dn.MCSynapse(cells, cells.ampa, dn.FixedOutdegree(most + 1, multi_conn=False, autapses=False), name="syn")
    with pytest.raises(dn.ConnectivityError, match=f"degree = {most + 1}: expected at most {most}"):
        dn.Network([cells, syn], dt=0.025)


def test_other_populations_have_no_autapses():
    cells, others = Cell(CELLS, TREE, name="cells"), Cell(CELLS, TREE, name="others")
    syn = dn.MCSynapse(others, cells.ampa, dn.All2All(autapses=False), delay=1.0)
    net = dn.Network([cells, others, syn], dt=0.025)
    assert len(syn.connections.pre) == net.info["connections"] == CELLS * CELLS * SITES


def test_autapses_are_the_default():
    cells = Cell(CELLS, TREE, name="cells")
    syn = dn.MCSynapse(cells, cells.ampa, dn.All2All(), delay=1.0)
    net = dn.Network([cells, syn], dt=0.025)
    assert len(syn.connections.pre) == net.info["connections"] == CELLS * CELLS * SITES


def test_files_keep_the_rule(tmp_path):
    cells = Cell(CELLS, TREE, name="cells")
    syn = dn.MCSynapse(cells, cells.ampa, dn.FixedProb(0.5, autapses=False), delay=1.0, name="syn")
    net = dn.Network([cells, syn], dt=0.025, seed=4)
    net.save(tmp_path / "net.toml")
    again = dn.Network.load(tmp_path / "net.toml")
    assert again.info["connections"] == net.info["connections"]
