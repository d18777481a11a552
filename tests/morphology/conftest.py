"""Fixtures for plots, which are not shown."""

from __future__ import annotations

import matplotlib as mpl
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close():
    """Close all figures."""
    yield
    plt.close("all")
