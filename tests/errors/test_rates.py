"""Rates that are too high for a step raise errors, no matter how they are specified."""

from __future__ import annotations

from pathlib import Path

import dendrion as dn
import numpy as np
import pytest

#: A source sends at most 10,000 spikes in a step, which is 0.1 ms here.
TOLD = r"noise: rate(\[\d+\])? = 1e17: expected at most 1e8 Hz, which is 10000 spikes of a source in a step of 0.1 ms"


def driven(rate, size=3, **kwargs):
    cell = dn.MCNeuron(size, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(size, V_rest=-65.0, C=200.0, gL=10.0)
    cell.ampa = dn.AMPA(size, g=1e-3, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    noise = dn.PoissonGenerator(size, rate, name="noise", **kwargs)
    step = dn.MCSynapse(noise, cell.ampa, dn.One2One(), name="in")
    return dn.Network([cell, noise, step], dt=0.1), noise


@pytest.mark.parametrize(
    "rate",
    [1e17, [1.0, 1e17, 2.0], dn.Piecewise([0.0, 5.0], [1.0, 1e17]), dn.Piecewise([0.0, 5.0], np.full((2, 3), 1e17))],
    ids=["constant", "array", "piecewise", "table"],
)
def test_rates_that_are_too_high_are_refused(rate):
    with pytest.raises(dn.ParameterError, match=TOLD):
        driven(rate)


def test_rates_of_a_built_network_are_checked():
    net, noise = driven(10.0)
    for rate in (1e17, [1.0, 1e17, 2.0]):
        with pytest.raises(dn.ParameterError, match=TOLD):
            noise.rate = rate
    with pytest.raises(dn.ParameterError, match=TOLD):
        net.set_parameters({"noise.rate": 1e17})
    net.run(1.0)
    net, noise = driven(dn.Piecewise([0.0, 5.0], [1.0, 2.0]))
    for rate in ([1.0, 1e17], 1e17):
        with pytest.raises(dn.ParameterError, match=TOLD):
            noise.rate = rate
    net.run(1.0)


def test_rates_of_model_files_are_checked(tmp_path: Path):
    net, _ = driven(12345.5)
    net.save(tmp_path / "m.toml")
    text = (tmp_path / "m.toml").read_text()
    (tmp_path / "m.toml").write_text(text.replace("12345.5", "1e17"))
    with pytest.raises(dn.ModelFileError, match=TOLD):
        dn.Network.load(tmp_path / "m.toml")


def test_all_sources_of_a_generator_count():
    with pytest.raises(
        dn.ParameterError, match=r"noise: rate = 3\.3e11 Hz, summed over all 3300 sources: expected at most 1e11 Hz"
    ):
        driven(1e8, size=3300)
    net, _ = driven(1e6)
    net.run(1.0)
    assert net.info["steps"] == 10


@pytest.mark.parametrize("given", ["function", "table"])
def test_counts_of_custom_generators_are_bounded(given):
    def counts(t):
        return np.full((len(np.atleast_1d(t)), 2), 10_001)

    cell = dn.MCNeuron(2, V_th=-50.0, V_reset=-60.0, name="cell")
    cell.soma = dn.LeakyIF(2, V_rest=-65.0, C=200.0, gL=10.0)
    cell.ampa = dn.AMPA(2, g=1e-3, t_decay=2.0)
    cell.on = dn.MCConnSynapse(cell.ampa, cell.soma)
    told = r"\[0, 0\] = 10001: expected at most 10000 spikes per source and step"
    if given == "table":
        with pytest.raises(dn.ParameterError, match=told):
            dn.CustomGenerator(2, fn=counts(np.arange(3)), name="source")
        return
    source = dn.CustomGenerator(2, fn=counts, name="source")
    step = dn.MCSynapse(source, cell.ampa, dn.One2One(), name="in")
    net = dn.Network([cell, source, step], dt=0.1)
    with pytest.raises(dn.ParameterError, match=told):
        net.run(1.0)


def test_all_counts_of_a_step_are_bounded():
    table = np.full((2, 1001), 10_000)
    with pytest.raises(
        dn.ParameterError, match=r"step 0 has 10010000 spikes: expected at most 10000000 spikes per step"
    ):
        dn.CustomGenerator(1001, fn=table)
    with pytest.raises(dn.ParameterError, match=r"expected at most 10000 spikes"):
        dn.CustomGenerator(1, fn=[[1e300]])
