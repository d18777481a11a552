"""If a network runs in one thread, calls from other threads raise an error that names the reason."""

import sys
import threading

import dendrion as dn
import numpy as np
import pytest


def made(source=None):
    cell = dn.MCNeuron(50, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(50, V_rest=-65.0, C=20.0, gL=1.0, I_ext=20.0)
    modules = [cell]
    if source is not None:
        cell.ampa = dn.AMPA(50, g=1.0, t_decay=2.0)
        cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
        modules += [source, dn.MCSynapse(source, cell.ampa, conn=dn.FixedProb(0.5))]
    net = dn.Network(modules, dt=0.1)
    return net, cell, net.probe(cell.soma, "V", every=50.0)


class Waits:
    """A stream for a progress bar that pauses the run until the test lets it continue."""

    def __init__(self):
        self.began, self.go_on = threading.Event(), threading.Event()

    def write(self, text):
        self.began.set()
        self.go_on.wait(20)

    def flush(self):
        pass


USES = {
    "run": lambda net, cell, v: net.run(1.0),
    "run with a gradient": lambda net, cell, v: net.run(1.0, grad=True),
    "reset": lambda net, cell, v: net.reset(),
    "set a parameter": lambda net, cell, v: setattr(cell.soma, "gL", 2.0),
    "set parameters": lambda net, cell, v: net.set_parameters({"cell/soma.gL": 2.0}),
    "set a state": lambda net, cell, v: net.set_state({"cell/soma.V": -60.0}),
    "load a state": lambda net, cell, v: net.load_state("nowhere"),
}
OTHERS = {
    "save": lambda net, cell, v: net.save_state("nowhere"),
    "probe": lambda net, cell, v: net.probe(cell, "spikes"),
}


BUSY = "running in another thread; wait until that call has returned"


def refused(net, cell, v, use):
    try:
        use(net, cell, v)
    except dn.DendrionError as error:
        return BUSY in str(error)
    return False


def test_another_thread_changes_it_while_it_runs():
    net, cell, v = made()
    waits = Waits()
    thread = threading.Thread(target=lambda: net.run(3_000.0, progress=waits))
    thread.start()
    try:
        assert waits.began.wait(20)
        assert [name for name, use in USES.items() if not refused(net, cell, v, use)] == []
    finally:
        waits.go_on.set()
        thread.join()
    assert net.t == pytest.approx(3_000.0)
    net.run(1.0)


def test_another_thread_uses_the_engine_while_it_runs():
    net, cell, v = made()
    waits = Waits()
    # Call the engine directly, because a progress bar is also drawn between calls to the engine.
    thread = threading.Thread(target=lambda: net._sim.run(3_000, waits.write))
    thread.start()
    try:
        assert waits.began.wait(20)
        uses = {name: use for name, use in (USES | OTHERS).items() if name != "load a state"}
        assert [name for name, use in uses.items() if not refused(net, cell, v, use)] == []
    finally:
        waits.go_on.set()
        thread.join()
    assert len(v.values)


def test_functions_that_a_run_calls_do_not_use_the_network():
    found = []

    def spikes(t):
        try:
            found.append(net.run(1.0))
        except dn.DendrionError as error:
            found.append(str(error))
        return np.zeros((len(t), 3))

    source = dn.CustomGenerator(3, fn=spikes)
    net, _, _ = made(source)
    net.run(1.0)
    assert found
    assert all("run was called from a function that the network calls during a run" in text for text in found)


def test_a_gradient_is_used_by_one_thread():
    net, _, v = made()
    run = net.run(5.0, grad=True)
    errors, results = [], []

    def reverse():
        try:
            results.append(run.backward({v: v.values}))
        except dn.DendrionError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=reverse) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(results) == 1
    assert len(errors) == 3
    assert all("already called" in text or "running in another thread" in text for text in errors)
