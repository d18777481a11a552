"""Tests have time limits, and react to Ctrl-C no matter how they were started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ignored signals to inherit")


#: Ignores SIGINT and then runs Python with the arguments. A ``preexec_fn`` would fork, which causes a warning if the
#: process has threads, such as those of JAX.
IGNORING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def ignoring_ctrl_c(*command, **options):
    """Run Python so that it inherits an ignored SIGINT, like a job that a script starts in the background."""
    whole = [sys.executable, "-c", IGNORING, *command]
    return subprocess.run(whole, capture_output=True, text=True, timeout=120, **options)


def pytest_in(folder, *arguments, **options):
    """Run the tests in a folder with the project's conftest.py."""
    (folder / "conftest.py").write_text((TESTS / "conftest.py").read_text())
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={folder}", *arguments)
    return ignoring_ctrl_c(*command, cwd=folder, **options)


@needs_signals
def test_tests_of_ctrl_c_pass_where_it_is_ignored():
    tests = (
        "errors/test_runs.py::test_interrupts_stop_cleanly_and_a_later_run_goes_on",
        "morphology/test_morphology.py::test_interrupts_end_the_reading_of_a_file",
    )
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(TESTS / test) for test in tests))
    done = ignoring_ctrl_c(*command, cwd=TESTS.parent)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_signals
def test_children_hear_ctrl_c_where_it_is_ignored(tmp_path):
    (tmp_path / "test_child.py").write_text("""
import signal, subprocess, sys

def test_child(ctrl_c):
    code = "import time; print('ready', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=30) in (130, -signal.SIGINT)

def test_after_it_the_signal_is_ignored_again():
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
""")
    done = pytest_in(tmp_path)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


@needs_signals
def test_a_run_ignores_ctrl_c_where_it_is_ignored():
    done = ignoring_ctrl_c(
        "-c",
        """
import os, signal
import dendrion as dn
cell = dn.MCNeuron(1, V_th=0.0, V_reset=-65.0)
cell.soma = dn.LeakyIF(1, V_rest=-65.0, parent=cell)
source = dn.CustomGenerator(1, fn=lambda t: (os.kill(os.getpid(), signal.SIGINT), (t < 0)[:, None])[1])
cell.ampa = dn.AMPA(1, g=1.0, t_decay=2.0)
cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
net = dn.Network([cell, source, dn.MCSynapse(source, cell.ampa, dn.All2All())])
net.run(500.0)
print(net.t)
""",
    )
    assert done.stdout == "500.0\n", done.stderr


def test_a_test_that_hangs_outside_python_is_ended(tmp_path):
    """Python code cannot end such a test, so a watchdog in C enforces the limit."""
    (tmp_path / "test_hangs.py").write_text("""
import signal, threading

def test_hangs():
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    threading.Lock().acquire() and threading.Event().wait()
""")
    begun = time.monotonic()
    environment = os.environ | {"DENDRION_TEST_LIMIT": "1"}
    done = pytest_in(tmp_path, "-p", "no:timeout", env=environment)
    assert done.returncode == 1
    assert "Timeout (0:00:0" in done.stderr
    assert "in test_hangs" in done.stderr
    assert time.monotonic() - begun < 100


def test_a_test_that_hangs_in_python_fails_and_the_others_run(tmp_path):
    pytest.importorskip("pytest_timeout")
    (tmp_path / "test_hangs.py").write_text("""
import threading

def test_hangs():
    threading.Event().wait()

def test_goes_on():
    pass
""")
    done = pytest_in(tmp_path, env=os.environ | {"DENDRION_TEST_LIMIT": "1"})
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "Timeout (>1.0s)" in done.stdout


def test_commands_have_a_limit():
    limited = [sys.executable, str(TESTS / "time_limit.py")]
    hangs = [*limited, "0.2", sys.executable, "-c", "import time; time.sleep(60)"]
    done = subprocess.run(hangs, capture_output=True, text=True, timeout=50)
    assert done.returncode == 124
    assert "killed after 0.2 s" in done.stderr
    for code in (0, 3):
        done = subprocess.run([*limited, "60", sys.executable, "-c", f"raise SystemExit({code})"], timeout=50)
        assert done.returncode == code
