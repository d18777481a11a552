"""`memory` limits the states that a gradient stores, and sums over connections do not grow with the batch."""

import subprocess
import sys

import dendrion as dn
import numpy as np
import pytest

from .cells import DT, Made

#: Prints the increase of a process's peak memory (MB) during `backward`, and the number of connections.
SCRIPT = """
import resource
import dendrion as dn
import numpy as np

class Cell(dn.MCNeuron):
    def __init__(self, size):
        super().__init__(size, V_th=-50.0, V_reset=-65.0)
        self.soma = dn.LeakyIF(size, V_rest=-65.0, gL=10.0, C=200.0)
        self.ampa = dn.AMPA(size, g=0.05, t_decay=2.5)
        self.on = dn.MCConnSynapse(self.ampa, self.soma)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

cell, source = Cell(300), dn.PoissonGenerator(2000, rate=20.0)
synapse = dn.MCSynapse(source, cell.ampa, conn=dn.All2All(), delay=0.5, name="syn")
net = dn.Network([cell, source, synapse], dt=0.1, seed=1, threads=1)
v = net.probe(cell.soma, "V")
run = net.run(2.0, grad=True, batch=64)
cotangent = np.ones(run.values(v).shape)
before = peak()
found = run.backward({v: cotangent}, wrt=["syn.w"])
print(peak() - before, found["syn.w"].size)
"""


def test_sums_over_connections_do_not_grow_with_the_batch():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    growth, connections = (float(x) for x in done.stdout.split())
    assert connections == 600_000
    # Sums with 8 bytes per connection and sample would need 307 MB.
    assert growth < 100


@pytest.mark.parametrize("batch", [None, 5])
@pytest.mark.parametrize("threads", [1, 2])
def test_run_memory_is_within_the_bound_or_the_least_there_is(batch, threads):
    def run(memory):
        made = Made(strength=0.3, threads=threads)
        return made.net.run(50.0, grad=True, batch=batch, memory=memory)

    whole, least = run(1e9).memory, run(1).memory
    assert whole > least > 1
    for memory in np.linspace(least, whole, 7):
        assert least <= run(memory).memory <= memory


def test_samples_are_summed_in_order_whatever_the_memory_and_the_threads():
    def gradients(memory, threads):
        made = Made(strength=0.3, threads=threads, surrogate_grad_fn=dn.Triangle(0.1), detach_reset=True)
        run = made.net.run(300 * DT, grad=True, batch=7, memory=memory)
        kept.add(run.memory)
        cotangents = made.cotangents(300, batch=(7,))
        return run.backward(dict(zip(made.probes, cotangents, strict=True)))

    kept: set[int] = set()
    whole = gradients(1e9, 1)
    for memory, threads in [(1e9, 3), (150_000, 1), (150_000, 3), (1, 2)]:
        again = gradients(memory, threads)
        for key, value in whole.items():
            np.testing.assert_array_equal(value, again[key], err_msg=key)
        for key, value in whole.states.items():
            np.testing.assert_array_equal(value, again.states[key], err_msg=key)
    assert len(kept) > 2
