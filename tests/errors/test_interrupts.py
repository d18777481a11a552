"""Ctrl-C interrupts every long operation, and the interrupted operation can be repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no timers that send signals")

HEAD = """
import signal
import time
import dendrion as dn
import numpy as np
signal.signal(signal.SIGALRM, signal.default_int_handler)


def cells(size, name="cells"):
    made = dn.MCNeuron(size, V_th=-50.0, V_reset=-60.0, name=name)
    made.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
    made.ampa = dn.AMPA(size, g=1e-3, t_decay=2.0)
    made.on = dn.MCConnSynapse(made.ampa, made.soma)
    return made


def ends(work):
    # Interrupt the work, and return the time from the signal to its end (s).
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    begun = time.monotonic()
    try:
        work()
    except KeyboardInterrupt:
        print("interrupted")
    return time.monotonic() - begun - 0.2
"""

#: Drawing millions of these takes minutes: a normal number is above 3 standard deviations once in 740 draws.
RARE = "dn.Truncated(dn.Normal(0.0, 1.0), 3.0, 9.0)"


def process(code: str) -> str:
    command = [sys.executable, "-c", HEAD + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    return done.stdout


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("what", ["weight", "delay"])
def test_building_ends_and_can_be_done_again(what: str, threads: int) -> None:
    out = process(f"""
post, pre = cells(3000), cells(3000, "pre")
synapse = dn.MCSynapse(pre, post.ampa, dn.All2All(), {what}={RARE}, name="many")
ends(lambda: dn.Network([post, pre, synapse], threads={threads}))
other = dn.MCSynapse(pre, post.ampa, dn.One2One(), name="few")
net = dn.Network([post, pre, other], threads={threads})
net.run(1.0)
print(net.info["connections"])
""")
    assert out.split() == ["interrupted", "3000"]


def test_values_of_members_are_drawn_until_ctrl_c() -> None:
    out = process(f"""
ends(lambda: dn._core.draw({RARE}._spec(), 1, "cells", 10_000_000))
ends(lambda: dn._core.draw({RARE}._spec(), 1, "cells", 10_000_000))
""")
    assert out.split() == ["interrupted", "interrupted"]


def test_a_run_ends_and_goes_on() -> None:
    # Each step sends and delivers half a million spikes.
    out = process("""
post, noise = cells(100), dn.PoissonGenerator(100, 5e7, name="noise")
step = dn.MCSynapse(noise, post.ampa, dn.One2One(), name="in")
net = dn.Network([post, noise, step], threads=2)
ends(lambda: net.run(1e6))
reached = net.info["steps"]
net.run(0.1)
print(net.info["steps"] - reached)
""")
    assert out.split() == ["interrupted", "1"]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_with_as_many_spikes_as_possible_ends_soon(threads: int) -> None:
    # Each step has 10 million spikes, which take seconds to draw on a busy machine.
    out = process(f"""
post, noise = cells(1000), dn.PoissonGenerator(1000, 1e8, name="noise")
step = dn.MCSynapse(noise, post.ampa, dn.One2One(), name="in")
net = dn.Network([post, noise, step], threads={threads})
for _ in range(3):
    took = ends(lambda: net.run(1e6))
    assert took < 20, took
reached = net.info["steps"]
net.run(0.1)
print(net.info["steps"] - reached)
""")
    assert out.split() == ["interrupted"] * 3 + ["1"]


def test_a_reverse_run_ends_soon() -> None:
    out = process("""
post = cells(50_000)
among = dn.MCSynapse(post, post.ampa, dn.FixedIndegree(20), name="among")
net = dn.Network([post, among], threads=2)
v = net.probe(post.soma, "V", indices=[0])
for _ in range(2):
    net.reset()
    run = net.run(40.0, grad=True)
    cotangent = {v: np.ones_like(run.values(v))}
    took = ends(lambda: run.backward(cotangent))
    assert took < 20, took
net.reset()
net.run(1.0)
print(np.isfinite(post.soma.V).all())
""")
    assert out.split() == ["interrupted"] * 2 + ["True"]
