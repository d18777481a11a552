"""Small networks that many tests share, and tables of measurements that are printed after the tests."""

from __future__ import annotations

import _thread
import contextlib
import faulthandler
import os
import signal
import sys
import threading

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
    """Return the class, which tests can instantiate with any size."""
    return Pair


@pytest.fixture
def ctrl_c():
    """Return a function that simulates Ctrl-C after a number of seconds, and not before ``after()`` is true.

    On a busy machine, work may begin much later than the timer does; ``after`` tells whether it has begun.
    If a script starts the tests in the background, they and their children would otherwise inherit an ignored SIGINT.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timers, over = [], threading.Event()

    def press(seconds, after=lambda: True):
        def interrupt():
            while not after():
                if over.wait(0.01):
                    return
            _thread.interrupt_main()

        timers.append(threading.Timer(seconds, interrupt))
        timers[-1].start()

    yield press
    over.set()
    with contextlib.suppress(KeyboardInterrupt):
        for timer in timers:
            timer.cancel()
            timer.join()
    signal.signal(signal.SIGINT, before)


#: Time limit of a test and its fixtures (s). Tutorials take minutes on a slow machine.
LIMIT = float(os.environ.get("DENDRION_TEST_LIMIT", 600))


def pytest_collection_modifyitems(config, items):
    """Make tests that take too long fail."""
    if config.pluginmanager.hasplugin("timeout") and config.getoption("timeout") is None:
        for item in items:
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(LIMIT))


_stderr = pytest.StashKey[int]()


def pytest_configure(config):
    """Keep a copy of standard error, which is captured during tests."""
    config.stash[_stderr] = os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """If a test hangs outside Python, so that it cannot fail, print the stack of each thread and exit."""
    faulthandler.dump_traceback_later(1.5 * LIMIT, exit=True, file=item.config.stash[_stderr])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


_tables = pytest.StashKey[dict]()


@pytest.fixture(scope="session")
def report(request):
    """Return a function that adds a row, passed as a dict, to a table of the report."""
    tables = request.config.stash.setdefault(_tables, {})

    def add(table, **row):
        tables.setdefault(table, []).append({k: f"{v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items()})

    return add


def pytest_terminal_summary(terminalreporter, config):
    """Print the tables of the report."""
    for title, rows in config.stash.get(_tables, {}).items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        widths = [max(len(c), *(len(row.get(c, "")) for row in rows)) for c in columns]
        terminalreporter.section(title)
        for row in [dict(zip(columns, columns, strict=True)), *rows]:
            line = "  ".join(row.get(c, "").ljust(w) for c, w in zip(columns, widths, strict=True))
            terminalreporter.write_line(line.rstrip())
