"""All networks of a process share one pool of worker threads."""

import multiprocessing
import os
import sys
import threading
import time

import dendrion as dn
import numpy as np
import pytest

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def made(threads, seed=1, size=600):
    """Return a network that is large enough for several threads."""
    cell = dn.MCNeuron(size, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(size, V_rest=-65.0, C=20.0, gL=1.0, I_ext=20.0)
    cell.ampa = dn.AMPA(size, g=1.0, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    again = dn.MCSynapse(cell, cell.ampa, dn.FixedIndegree(5), weight=0.1, delay=2.0, name="again")
    net = dn.Network([cell, again], threads=threads, seed=seed)
    return net, net.probe(cell.soma, "V", indices=range(0, size, 50))


def workers():
    """Return the names of the process's worker threads."""
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as file:
                names.append(file.read().strip())
        except OSError:
            continue
    return [name for name in names if name.startswith("dendrion-")]


def counted_workers():
    """Return the number of worker threads, after threads that are about to end have ended."""
    least, since = len(workers()), time.monotonic()
    while time.monotonic() - since < 0.3:
        time.sleep(0.01)
        if len(workers()) < least:
            least, since = len(workers()), time.monotonic()
    return least


def expected(threads=1):
    net, v = made(threads)
    net.run(20.0)
    return v.values.copy()


@LINUX
def test_fifty_networks_have_the_workers_of_one():
    in_a_fresh_process(
        """
        nets = []
        for k in range(50):
            net, _ = made(4, size=1200)
            assert net.info["threads"] == 4
            net.run(2.0)
            nets.append(net)
        assert counted_workers() == 3, workers()
        """
    )


@LINUX
def test_idle_workers_use_no_processor_time():
    in_a_fresh_process(
        """
        net, _ = made(2)
        net.run(20.0)
        time.sleep(0.1)
        before = time.process_time()
        time.sleep(0.4)
        assert time.process_time() - before < 0.1
        """
    )


def in_a_fresh_process(code):
    import subprocess
    import textwrap

    program = f"import sys, time\nsys.path.insert(0, {os.path.dirname(__file__)!r})\n"
    program += "from test_worker_threads import *\n" + textwrap.dedent(code)
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr


def test_networks_run_in_several_threads_at_the_same_time():
    whole, found = expected(), {}

    def run(k):
        net, v = made(1 + k % 4)
        for _ in range(20):
            net.run(1.0)
        found[k] = v.values.copy()

    threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == list(range(8))
    for values in found.values():
        np.testing.assert_array_equal(values, whole)


def test_a_gradient_is_reversed_while_other_networks_run():
    net, v = made(2)
    net.run(5.0)
    runs = [net.run(5.0, grad=True) for _ in range(2)]
    other, _ = made(3)
    gradients = []
    reverse = [
        threading.Thread(target=lambda run=run: gradients.append(run.backward({v: run.values(v)}, ["cell/soma.gL"])))
        for run in runs
    ]
    for thread in reverse:
        thread.start()
    other.run(20.0)
    for thread in reverse:
        thread.join(60)
    assert len(gradients) == 2


@FORK
def test_a_fork_runs_networks_of_its_own_and_of_its_parent():
    # Other libraries that tests load do not support forking.
    in_a_fresh_process("fork_and_compare()")


def fork_and_compare():
    whole = expected(3)
    net, v = made(3)
    net.run(10.0)
    context = multiprocessing.get_context("fork")

    def child(pipe):
        net.run(10.0)
        pipe.send((v.values, expected(4)))

    for _ in range(2):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=child, args=(there,))
        process.start()
        assert here.poll(60)
        inherited, own = here.recv()
        process.join(60)
        assert process.exitcode == 0
        np.testing.assert_array_equal(inherited, whole)
        np.testing.assert_array_equal(own, whole)
    net.run(10.0)
    np.testing.assert_array_equal(v.values, whole)
