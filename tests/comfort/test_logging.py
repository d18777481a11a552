"""Building, runs and files are logged with correct numbers, and nothing is shown unless logging is configured."""

import logging
import re
import subprocess
import sys

import dendrion as dn
import pytest


@pytest.fixture
def modules(pair):
    """Return populations with 7 neurons and 14 compartments in total, and 35 connections."""
    cells, noise = pair(7, name="cells", V_th=-62.0, V_reset=-65.0), dn.PoissonGenerator(5, rate=200.0, name="noise")
    return [cells, noise, dn.MCSynapse(noise, cells.ampa, dn.All2All(), name="syn")]


def lines(caplog):
    found = [(r.name, r.levelname, r.getMessage()) for r in caplog.records]
    caplog.clear()
    return found


def test_a_network_is_made(modules, caplog):
    with caplog.at_level(logging.INFO, "dendrion"):
        net = dn.Network(modules)
    ((name, level, text),) = lines(caplog)
    assert (name, level) == ("dendrion.build", "INFO")
    seconds, *counts = re.fullmatch(
        r"built in ([\d.e-]+) s: (\d+) neurons, (\d+) compartments, (\d+) connections \((\d+) bytes\)", text
    ).groups()
    assert 0 < float(seconds) < 10
    assert counts == ["7", "14", "35", str(net.info["connection_bytes"])]


def test_details_of_a_network(modules, caplog):
    with caplog.at_level(logging.DEBUG, "dendrion.build"):
        dn.Network(modules, dt=0.05, seed=3, dtype="float32", threads=1)
    assert [text for _, level, text in lines(caplog) if level == "DEBUG"][1:] == [
        "cells, Pair, 7, 1-7, EULER, LeakyIF, Compartment, AMPA, NMDA",
        "noise, PoissonGenerator, 5, rate = 200 Hz",
        "syn, MCSynapse, 35, noise -> cells/ampa",
    ]


def test_runs(modules, caplog):
    net = dn.Network(modules)
    spikes = net.probe(modules[0], "spikes")
    net.run(20.0)
    before = len(spikes)
    caplog.clear()
    with caplog.at_level(logging.INFO, "dendrion"):
        net.run(100.0)
    begins, ends = lines(caplog)
    assert begins == ("dendrion.run", "INFO", "starts: 100 ms from t = 20 ms")
    assert ends[:2] == ("dendrion.run", "INFO")
    seconds, speed, factor, work, count = re.fullmatch(
        r"ends: t = 120 ms after ([\d.e-]+) s; ([\d,.]+) ms/s, ([\d,.]+)x real time, "
        r"([\d,.]+) million compartment-steps/s; (\d+) spikes",
        ends[2],
    ).groups()
    seconds, speed, factor, work = (float(n.replace(",", "")) for n in (seconds, speed, factor, work))
    assert speed == pytest.approx(100.0 / seconds, rel=0.06)
    assert factor == pytest.approx(0.1 / seconds, rel=0.06)
    assert work == pytest.approx(14 * 1000 / seconds / 1e6, rel=0.06)
    assert int(count) == len(spikes) - before > 0


def test_a_run_that_is_stopped(modules, caplog, ctrl_c):
    net = dn.Network(modules)
    with caplog.at_level(logging.INFO, "dendrion"):
        ctrl_c(0.2)
        with pytest.raises(KeyboardInterrupt):
            net.run(1e8)
    assert lines(caplog)[-1][2].startswith(f"is stopped by KeyboardInterrupt: t = {net.t:g} ms after 0.")


def test_files(modules, caplog, tmp_path):
    net = dn.Network(modules)
    v = net.probe(modules[0].soma, "V")
    net.run(30.0)
    model, state, values = (str(tmp_path / name) for name in ("model.json", "state", "v.npz"))
    with caplog.at_level(logging.INFO, "dendrion.files"):
        net.save(model)
        net.save_state(state)
        v.save(values)
        net.run(10.0)
        net.load_state(state)
        dn.load_recording(values)
        dn.Network.load(model)
    assert [text for name, _, text in lines(caplog) if name == "dendrion.files"] == [
        f"saved the model to {model}",
        f"saved the state of t = 30 ms to {state}",
        f"saved cells/soma.V to {values}",
        f"loaded the state of t = 30 ms from {state}",
        f"loaded cells/soma.V from {values}",
        f"loaded the model of {model}",
    ]


def test_nothing_is_shown_by_itself():
    code = """
import dendrion as dn
cells = dn.MCNeuron(1, V_th=-40.0, V_reset=-60.0)
cells.soma = dn.LeakyIF(1, V_rest=-65.0, I_ext=100.0)
dn.Network([cells]).run(10.0)
import logging
assert [type(h) for h in logging.getLogger("dendrion").handlers] == [logging.NullHandler]
assert not logging.getLogger().handlers
logging.getLogger("dendrion.run").error("shown to nobody")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
