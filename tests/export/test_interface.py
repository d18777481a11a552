"""Recordings state their variable, unit, sampling interval and neurons."""

import subprocess
import sys

import numpy as np


def test_names_units_and_intervals(single):
    said = {(r.name, r.unit, r.dt) for r in single.samples}
    assert said == {
        ("exc/soma.V", "mV", 0.1),
        ("exc/dend.V", "mV", 0.1),
        ("inh/soma.V", "mV", 0.5),
        ("inh/dend.I", "pA", 0.1),
        ("exc/ampa.s", "1", 0.1),
        ("exc/pool.Ca", "uM", 1.0),
        ("syn.w", "1", 10.0),
    }
    assert (single.generated.name, single.generated.dt, single.generated.size) == ("noise.spikes", 0.1, 12)


def test_the_unit_of_equations_is_that_of_the_values(single):
    # The pool starts at 0.1 uM, and a depolarisation of 1 V would add 1 uM.
    np.testing.assert_allclose(single.calcium.values[0], 0.1, rtol=1e-12)
    assert single.calcium.values.max() < 0.2


def test_columns_are_neurons(single):
    assert single.some.index.tolist() == [3, 1]
    np.testing.assert_array_equal(single.some.gid, single.net.gids(single.inh)[[3, 1]])
    assert single.weights.index.tolist() == list(range(len(single.syn.connections.pre)))
    assert single.weights.gid is None


def test_importing_dendrion_imports_nothing_large():
    heavy = ["pandas", "xarray", "neo", "quantities", "pynwb", "hdmf", "h5py", "zarr", "matplotlib", "scipy"]
    code = f"import sys, dendrion; dendrion.export.nwb; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
