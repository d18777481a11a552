"""Small networks that many tests share, and tables of what was measured, printed at the end of a run of the tests."""

from __future__ import annotations

import dendrion as dn
import pytest


class Pair(dn.MCNeuron):
    """A soma and a dendrite with AMPA and NMDA, in absolute units."""

    def __init__(self, size=1, V_th=-40.0, V_reset=-55.0, rise=None, **kwargs):
        super().__init__(size, V_th=V_th, V_reset=V_reset, **kwargs)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
        self.dend = dn.Compartment(size, V_rest=-65.0, C=50.0, gL=2.5)
        self.axial = dn.MCConn(self.soma, self.dend, 15.0)
        self.ampa = dn.AMPA(size, g=3.0, t_decay=2.0, t_rise=rise)
        self.nmda = dn.NMDA(size, g=3.0, t_decay=50.0, t_rise=rise)
        self.ampa_on = dn.MCConnSynapse(self.ampa, self.dend)
        self.nmda_on = dn.MCConnSynapse(self.nmda, self.dend)


@pytest.fixture
def pair():
    """Return the class, to be made in any size."""
    return Pair


_tables = pytest.StashKey[dict]()


@pytest.fixture(scope="session")
def report(request):
    """Return a function that adds a row, given as a dict, to a table of the report."""
    tables = request.config.stash.setdefault(_tables, {})

    def add(table, **row):
        tables.setdefault(table, []).append({k: f"{v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items()})

    return add


def pytest_terminal_summary(terminalreporter, config):
    """Print the tables."""
    for title, rows in config.stash.get(_tables, {}).items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        widths = [max(len(c), *(len(row.get(c, "")) for row in rows)) for c in columns]
        terminalreporter.section(title)
        for row in [dict(zip(columns, columns, strict=True)), *rows]:
            line = "  ".join(row.get(c, "").ljust(w) for c, w in zip(columns, widths, strict=True))
            terminalreporter.write_line(line.rstrip())
