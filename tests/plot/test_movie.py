"""A movie shows the recorded values at the right times on the right control volumes, and can be saved."""

import itertools
import warnings
from types import SimpleNamespace

import dendrion as dn
import matplotlib.pyplot as plt
import numpy as np
import pytest
from dendrion.plot._paint import NONE
from matplotlib import animation
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from PIL import Image

from .test_layout import problems

TREE = dn.Morphology.from_sections(
    length=[20.0, 200.0, 100.0, 100.0],
    diameter=[20.0, 3.0, 1.0, 1.0],
    parent=[-1, 0, 1, 1],
    kind=["soma", *["apical"] * 3],
)


class Cell(dn.CableNeuron):
    """A cell with a passive dendrite and receptors, three of which are in one CV."""

    def __init__(self, size, name="cell"):
        super().__init__(size, TREE, cv=dn.MaxLength(20.0), V_rest=-65.0, V_th=-20.0, name=name)
        self.na = dn.channels.HHNa(self, on="soma", g=120.0)
        self.k = dn.channels.HHK(self, on="soma", g=36.0)
        self.ampa = dn.AMPA(self, at=[TREE.at(1, 0.5)] * 3 + [TREE.at(2, 0.5)], g=1.0, t_decay=2.0)


@pytest.fixture
def ran():
    """Return a network with two cells and recordings of it, after 4 ms."""
    cells = Cell(2)
    step = dn.DCGenerator(2, amplitude=[500.0, 0.0], start=1.0, stop=3.0)
    net = dn.Network([cells, step, dn.ConnGen(step, cells.at("soma"))], dt=0.025)
    made = SimpleNamespace(net=net, cells=cells, v=net.probe(cells.at("all"), "V", every=0.1))
    made.apical = net.probe(cells.at("apical"), "V", every=0.1)
    made.ampa = net.probe(cells.ampa, "I")
    net.run(4.0)
    return made


def shown(movie, k):
    """Return the colours of frame k and its time."""
    movie._func(k)
    movie._draw_was_started = True  # Otherwise matplotlib warns that nothing was drawn.
    (ax,) = [ax for ax in movie._figure.axes if any(isinstance(c, PolyCollection) for c in ax.collections)][:1]
    drawn = next(c for c in ax.collections if isinstance(c, PolyCollection))
    assert np.array_equal(drawn.get_facecolor(), drawn.get_edgecolor())
    return drawn.get_facecolor(), ax.get_title(loc="left")


def scale(movie):
    """Return the colours of the colour bar."""
    return movie._figure.axes[-1]._colorbar.mappable


@pytest.mark.parametrize("view", ["xy", "xz", "dendrogram"])
@pytest.mark.parametrize("index", [0, 1])
def test_each_frame_shows_the_values_of_its_time(ran, view, index):
    movie = dn.plot.movie(ran.v, ran.cells, index=index, view=view)
    values = ran.v.values[:, ran.v.index == index]
    colours = scale(movie)
    assert colours.get_clim() == pytest.approx((values.min(), values.max()))
    for k, t in enumerate(ran.v.t):
        found, time = shown(movie, k)
        assert found == pytest.approx(colours.to_rgba(values[k]))
        assert time == f"{t:.1f} ms"
    assert movie._figure.axes[-1].get_ylabel() == "V (mV)"


def test_control_volumes_without_values_are_grey(ran):
    movie = dn.plot.movie(ran.apical, ran.cells, limits=(-70.0, 0.0))
    found, _ = shown(movie, 20)
    soma = ran.cells.cvs.select("soma")
    assert (found[soma] == to_rgba(NONE)).all()
    apical = ran.cells.cvs.select("apical")
    assert found[apical] == pytest.approx(scale(movie).to_rgba(ran.apical.values[20, : len(apical)]))


def test_several_columns_in_a_control_volume_are_averaged(ran):
    cvs = ran.cells.cvs
    at = np.array([cvs.at(TREE.at(1, 0.5))] * 3 + [cvs.at(TREE.at(2, 0.5))])
    given = SimpleNamespace(t=[0.0, 1.0], values=np.array([[1.0, 2.0, 6.0, 0.0], [3.0, 3.0, 3.0, 5.0]]), cv_index=at)
    movie = dn.plot.movie(given, cvs, limits=(0.0, 6.0), label="I (pA)")
    for k, means in enumerate(([3.0, 0.0], [3.0, 5.0])):
        found, _ = shown(movie, k)
        assert found[at[[0, 3]]] == pytest.approx(scale(movie).to_rgba(means))
    assert (ran.ampa.cv_index == np.tile(at, 2)).all()
    found, _ = shown(dn.plot.movie(ran.ampa, ran.cells, limits=(-1.0, 1.0)), 0)
    assert (found != to_rgba(NONE)).any(axis=1).sum() == 2


def frames(movie):
    """Return the texts of all frames."""
    return [shown(movie, k)[1].replace("\u2007", "").removesuffix(" ms") for k in movie.new_frame_seq()]


def test_times(ran):
    assert frames(dn.plot.movie(ran.v, ran.cells, window=(1.0, 2.0), every=0.25)) == ["1.0", "1.2", "1.5", "1.7", "2.0"]
    assert frames(dn.plot.movie(ran.v, ran.cells, window=(1.95, 2.15))) == ["1.9", "2.0", "2.1"]
    assert frames(dn.plot.movie(ran.v, ran.cells, every=1.5)) == ["0.0", "1.5", "3.0"]
    assert len(frames(dn.plot.movie(ran.ampa, ran.cells, limits=(0.0, 1.0)))) == 160
    ran.net.run(1.5)
    # At most 200 frames are shown, so that a movie takes at most 8 s.
    assert frames(dn.plot.movie(ran.ampa, ran.cells, limits=(0.0, 1.0)))[-2:] == ["5.40", "5.45"]


def test_times_have_equal_lengths(ran):
    ran.net.run(7.0)
    texts = [shown(movie, k)[1] for movie in [dn.plot.movie(ran.v, ran.cells)] for k in (0, 105)]
    assert texts == ["\u20070.0 ms", "10.5 ms"]


def test_a_sample_of_a_batch(ran):
    ran.net.reset()
    ran.net.run(2.0, batch=3)
    movie = dn.plot.movie(ran.v, ran.cells, sample=2, index=1, limits=(-70.0, 0.0))
    found, _ = shown(movie, 5)
    assert found == pytest.approx(scale(movie).to_rgba(ran.v.values[2, 5, ran.v.index == 1]))
    with pytest.raises(dn.ParameterError, match="sample = None: expected a sample of the batch, from 0 to 2"):
        dn.plot.movie(ran.v, ran.cells)
    with pytest.raises(dn.ParameterError, match="sample = 3: expected a sample of the batch, from 0 to 2"):
        dn.plot.movie(ran.v, ran.cells, sample=3)


def test_a_recording_from_a_file(ran, tmp_path):
    ran.v.save(tmp_path / "v.npz")
    loaded = dn.load_recording(tmp_path / "v.npz")
    for cells in (ran.cells, Cell(2), TREE.cvs(dn.MaxLength(20.0))):
        movie = dn.plot.movie(loaded, cells)
        assert shown(movie, 20)[0] == pytest.approx(shown(dn.plot.movie(ran.v, ran.cells), 20)[0])
    with pytest.raises(dn.ParameterError, match="is a recording of cell; expected a recording of other"):
        dn.plot.movie(loaded, Cell(2, name="other"))


def test_colours_and_sites(ran):
    movie = dn.plot.movie(ran.v, ran.cells, cmap="coolwarm", sites=[TREE.at(1, 0.5)], thickness=2.0)
    assert scale(movie).cmap.name == "coolwarm"
    assert any(isinstance(c, PathCollection) for c in movie._figure.axes[0].collections)
    shown(movie, 0)
    pint = pytest.importorskip("pint")
    volt = pint.UnitRegistry().volt
    movie = dn.plot.movie(ran.v, ran.cells, limits=(-0.08 * volt, 0.02 * volt))
    assert scale(movie).get_clim() == pytest.approx((-80.0, 20.0))
    shown(movie, 0)
    with pytest.raises(dn.ParameterError, match="limits"):
        dn.plot.movie(ran.v, ran.cells, limits=(-1.0 * pint.UnitRegistry().ampere, 1.0 * pint.UnitRegistry().ampere))


@pytest.mark.parametrize("given", [False, True])
def test_a_gif_has_all_frames_and_the_figure_its_layout(ran, tmp_path, given):
    ax = plt.subplots(1, 2)[1][0] if given else None
    movie = dn.plot.movie(ran.v, ran.cells, window=(1.0, 3.0), every=0.5, fps=20.0, ax=ax)
    layout = movie._figure.get_layout_engine()
    movie.save(tmp_path / "cell.gif", dpi=50)
    with Image.open(tmp_path / "cell.gif") as image:
        assert image.n_frames == 5
        assert image.info["duration"] == 50
        assert image.info["loop"] == 0
        images = [np.asarray(image.convert("RGB")) for k in range(5) if image.seek(k) is None]
    assert all((a != b).any() for a, b in itertools.pairwise(images))
    assert movie._figure.get_layout_engine() is layout is not None
    assert problems(movie._figure) == []


def test_files_without_a_writer(ran, tmp_path, monkeypatch):
    movie = dn.plot.movie(ran.v, ran.cells, window=(1.0, 1.1))
    shown(movie, 0)
    monkeypatch.setattr(animation.writers, "is_available", lambda name: name == "pillow")
    with pytest.raises(dn.ParameterError, match=r"cell\.mp4'.*: requires ffmpeg, which was not found; install it, or"):
        movie.save(tmp_path / "cell.mp4")
    with pytest.raises(dn.ParameterError, match=r"expected a name that ends in one of: \.gif, \.webp"):
        movie.save(tmp_path / "cell")
    with pytest.raises(dn.ParameterError, match=r"folder .*missing' does not exist"):
        movie.save(tmp_path / "missing" / "cell.gif")
    with pytest.raises(dn.ParameterError, match="writer = 'imagemagick': is not available; expected one of: pillow"):
        movie.save(tmp_path / "cell.gif", writer="imagemagick")
    with pytest.raises(dn.ParameterTypeError, match="filename = 3: expected the name of a file"):
        movie.save(3)
    movie.save(tmp_path / "cell.GIF", dpi=30)
    assert not (tmp_path / "cell.mp4").exists()


def test_a_movie_in_a_subfigure(ran, tmp_path):
    left, _ = plt.figure().subfigures(1, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        movie = dn.plot.movie(ran.v, ran.cells, window=(1.0, 1.2), ax=left.subplots())
        movie.save(tmp_path / "cell.gif", dpi=30)
    assert movie._figure is plt.gcf()


def given(**changes):
    return SimpleNamespace(**({"t": [0.0, 1.0], "values": np.zeros((2, 1)), "cv_index": [0]} | changes))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"index": 2}, dn.ParameterError, "index = 2: the recording has no values of this cell; expected one of: 0, 1"),
        ({"index": "a"}, dn.ParameterTypeError, "index = 'a': expected the index of a cell"),
        ({"sample": 1}, dn.ParameterError, "sample = 1: expected a sample of the batch, from 0 to 0"),
        ({"sample": 1.5}, dn.ParameterTypeError, "sample = 1.5: expected a sample of the batch, or None"),
        ({"window": (2.0, 9.0)}, dn.ParameterError, r"window = \(2.0, 9.0\): expected times within the recording, wh"),
        ({"window": (2.0, 1.0)}, dn.ParameterError, r"window = \(2.0, 1.0\): expected two ascending numbers \(ms\)"),
        ({"every": 0.01}, dn.ParameterError, "every = 0.01: expected at least the time between samples, 0.1 ms"),
        ({"every": -1.0}, dn.ParameterError, r"every = -1.0: expected an interval between frames > 0 \(ms\)"),
        ({"every": "1"}, dn.ParameterTypeError, r"every = '1': expected an interval between frames > 0 \(ms\)"),
        ({"fps": 0}, dn.ParameterError, "fps = 0: expected a number of frames per second > 0, at most 1000"),
        ({"view": "zx"}, dn.UnknownNameError, r"plot\.movie: view = 'zx': unknown view"),
        ({"cmap": "virids"}, dn.UnknownNameError, "cmap = 'virids': unknown colour map; did you mean 'viridis'"),
        ({"cmap": 3}, dn.ParameterTypeError, "cmap = 3: expected the name of a Matplotlib colour map, or a Colormap"),
        ({"limits": (1.0, 0.0)}, dn.ParameterError, r"limits = \(1.0, 0.0\): expected two ascending numbers \(mV\)"),
        ({"label": 3}, dn.ParameterTypeError, "label = 3: expected text"),
        ({"sites": 3}, dn.ParameterTypeError, r"plot\.movie: sites = 3: expected a list of locations"),
        ({"thickness": 0.0}, dn.ParameterError, r"plot\.movie: thickness = 0.0: expected a factor > 0"),
        ({"ax": 3}, dn.ParameterTypeError, "ax = 3: expected Matplotlib Axes"),
        ({"cells": TREE}, dn.ParameterTypeError, "cells = <Morphology.*: expected a CableNeuron or its cvs"),
        (
            {"cells": Cell(2)},
            dn.ParameterError,
            "cell.V: is a recording of cell; expected a recording of this CableNeuron, not of another",
        ),
        (
            {"cells": TREE.cvs(dn.PerSection(1))},
            dn.ParameterError,
            "values of CV 4, but the CVs of this cell are 0 to 3",
        ),
        ({"recording": 3}, dn.ParameterTypeError, "recording = 3: expected a Recording of detailed cells, such as"),
        (
            {"recording": given(cv_index=[0, 1])},
            dn.ParameterError,
            r"cv_index has shape \(2,\); expected \(1,\), with one value per col",
        ),
        ({"recording": given(cv_index=[-1])}, dn.ParameterError, "values of CV -1, but"),
        (
            {"recording": given(cv_index=[0.5])},
            dn.ParameterTypeError,
            r"cv_index = \[0.5\]: expected integers, the control volume",
        ),
        ({"recording": given(index=[0, 1])}, dn.ParameterError, r"index has shape \(2,\); expected \(1,\)"),
        (
            {"recording": given(t=[], values=np.zeros((0, 1)))},
            dn.ParameterError,
            "has no samples; run the network first",
        ),
        ({"recording": given(values=np.full((2, 1), np.nan))}, dn.ParameterError, "recording: no finite values"),
    ],
)
def test_mistakes_are_errors(ran, arguments, error, message):
    arguments = {"recording": ran.v, "cells": ran.cells} | arguments
    with pytest.raises(error, match=message):
        dn.plot.movie(**arguments)
    assert plt.get_fignums() == [] or "ax" in arguments


def test_other_recordings_are_errors(ran):
    spikes = ran.net.probe(ran.cells, "spikes")
    expected = r"expected a Recording of detailed cells, such as net\.probe\(cells\.at\('all'\), 'V'\)"
    with pytest.raises(dn.ParameterTypeError, match=expected):
        dn.plot.movie(spikes, ran.cells)
    empty = ran.net.probe(ran.cells, "V")
    with pytest.raises(dn.ParameterError, match="has no samples; run the network first"):
        dn.plot.movie(empty, ran.cells)
