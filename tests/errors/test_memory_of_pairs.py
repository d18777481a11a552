"""Pairs of neurons, for which a function computes weights, are compared with the memory limit before they are drawn."""

import dendrion as dn
import numpy as np
import pytest


class Cells(dn.MCNeuron):
    def __init__(self, size):
        super().__init__(size, V_th=-50.0, V_reset=-60.0, name="cells")
        self.soma = dn.LeakyIF(size)
        self.ampa = dn.AMPA(size, g=1.0, t_decay=2.0)
        self.on = dn.MCConnSynapse(self.ampa, self.soma)


def test_too_many_pairs_are_refused(monkeypatch):
    size = 2**20
    cells, source = Cells(size), dn.PoissonGenerator(size, rate=1.0, name="source")
    weights = dn.MCSynapse(source, cells.ampa, dn.FixedProb(0.5), weight=lambda i, j: np.ones(len(i)), name="syn")
    monkeypatch.setenv("DENDRION_MEMORY_LIMIT", "1e9")
    with pytest.raises(dn.MemoryLimitError, match=r"syn: the list of its pairs of neurons needs about 5\.5 TB"):
        dn.Network([cells, source, weights])


def test_rows_of_many_sources_are_counted(monkeypatch):
    # Few pairs, but 2**20 row starts for each range of 2**15 targets.
    size = 2**20
    cells, source = Cells(size), dn.PoissonGenerator(size, rate=1.0, name="source")
    weights = dn.MCSynapse(source, cells.ampa, dn.One2One(), weight=lambda i, j: np.ones(len(i)), name="syn")
    monkeypatch.setenv("DENDRION_MEMORY_LIMIT", "1e8")
    with pytest.raises(dn.MemoryLimitError, match=r"syn: the list of its pairs of neurons needs about 144\.7 MB"):
        dn.Network([cells, source, weights])
