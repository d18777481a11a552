"""Morphologies can be created from files, points and cylinders."""

import copy
import pickle
import threading
import time

import dendrion as dn
import numpy as np
import pytest

from .trees import random_swc

BALL = "1 1 0 0 0 5 -1\n2 3 5 0 0 1 1\n3 3 105 0 0 1 2\n"


@pytest.fixture
def tree():
    kinds = ["soma", "apical", "apical", "basal"]
    return dn.Morphology.from_sections([20.0, 100.0, 50.0, 80.0], [20.0, 2.0, 1.0, 1.5], [-1, 0, 1, 0], kinds)


def read(tmp_path, text, name="cell.swc"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return dn.Morphology.read(path)


def test_a_file_and_its_points_are_the_same(tmp_path):
    text = random_swc(3)
    rows = np.array([[float(v) for v in line.split()] for line in text.splitlines()])
    parents = np.where(rows[:, 6] < 0, -1, rows[:, 6] - 1).astype(int)
    points = dn.Morphology.from_points(rows[:, 2:5], 2 * rows[:, 5], parents, rows[:, 1].astype(int).tolist())
    assert points.sections == read(tmp_path, text).sections


def test_lengths_and_areas_are_sums_over_frusta(tmp_path):
    tree = read(tmp_path, random_swc(5))
    for section in tree.sections:
        x = tree.samples(section.index)
        gaps = np.linalg.norm(np.diff(x[:, :3], axis=0), axis=1)
        assert section.length == pytest.approx(gaps.sum(), rel=1e-12)
        slant = np.hypot(gaps, np.diff(x[:, 3]) / 2)
        assert section.area == pytest.approx((np.pi * (x[1:, 3] + x[:-1, 3]) / 2 * slant).sum(), rel=1e-12)


def test_quantities_have_units(tree):
    units = pytest.importorskip("pint").UnitRegistry()
    mm = units.mm
    given = {"C": 0.01 * units.farad / units.meter**2, "r_axial": 1.5 * units.ohm * units.meter}
    cable = dn.Morphology.cable(1000.0, 2.0)
    assert len(cable.cvs(dn.DLambda(), **given)) == len(cable.cvs(dn.DLambda(), C=1.0, r_axial=150.0))
    assert dn.Morphology.cable(1.0 * mm, 0.002 * mm).sections == dn.Morphology.cable(1000.0, 2.0).sections


def test_properties_of_sections(tree):
    soma, apical, tip, basal = tree.sections
    assert [s.kind for s in tree.sections] == ["soma", "apical", "apical", "basal"]
    assert [s.parent for s in tree.sections] == [None, 0, 1, 0]
    assert [s.order for s in tree.sections] == [0, 1, 1, 1]
    assert [s.distance for s in tree.sections] == [10.0, 10.0, 110.0, 10.0]
    assert tree.total_length == 230.0
    assert tree.area == pytest.approx(soma.area + apical.area + tip.area + basal.area)
    assert repr(tree) == "<Morphology: 4 sections (1 soma, 2 apical, 1 basal), 230 um>"


def test_places_have_positions_and_distances(tmp_path):
    tree = read(tmp_path, BALL)
    place = tree.at(section=1, x=0.25)
    assert tree.position(place) == pytest.approx([30.0, 0.0, 0.0])
    assert tree.distance(place) == pytest.approx(25.0)
    assert tree.distance(tree.at(0, 0.0)) == pytest.approx(5.0)


def test_a_ball_and_stick_has_a_soma():
    tree = dn.Morphology.ball_and_stick(200.0, 2.0)
    assert tree.kinds == ["soma", "apical"]
    assert tree.sections[1].parent_x == 1.0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("policy", [dn.MaxLength(7.0), dn.PerSection(3), dn.DLambda(0.05)])
def test_cvs_cover_the_membrane(tmp_path, seed, policy):
    tree = read(tmp_path, random_swc(seed, soma_points=1 + 3 * (seed % 2)))
    cvs = tree.cvs(policy)
    lengths = [s.length for s in tree.sections]
    areas = [s.area for s in tree.sections]
    assert np.bincount(cvs.section, cvs.length) == pytest.approx(lengths)
    assert np.bincount(cvs.section, cvs.area) == pytest.approx(areas)
    assert sorted(np.concatenate([cvs.select(kind) for kind in tree.kinds])) == list(range(len(cvs)))


def test_regions_are_intersections(tree):
    cvs = tree.cvs(dn.MaxLength(10.0))
    region = tree.region("apical", distance=(50.0, 130.0))
    chosen = cvs.select(region)
    assert set(cvs.section[chosen]) == {1, 2}
    assert ((cvs.distance[chosen] >= 50.0) & (cvs.distance[chosen] <= 130.0)).all()
    assert repr(region) == "Region('apical', distance=(50.0, 130.0))"
    thin = cvs.select(tree.region(diameter=(0.0, 1.2)))
    assert (cvs.section[thin] == 2).all()


def test_a_boundary_belongs_to_the_distal_cv(tree):
    cvs = tree.cvs(dn.PerSection(10))
    assert cvs.at(tree.at(1, 0.3)) == 13
    assert cvs.at(tree.at(1, 1.0)) == 19


def test_random_places_are_reproducible_and_within_their_region(tree):
    region = tree.region("apical", distance=(60.0, 120.0))
    places = tree.random(region, n=500, seed=1)
    assert places == tree.random(region, n=500, seed=1)
    assert places != tree.random(region, n=500, seed=2)
    assert all(60.0 <= tree.distance(p) <= 120.0 for p in places)
    # The region has 50 um on section 1 and 10 um on section 2.
    assert np.mean([p.section == 1 for p in places]) == pytest.approx(5 / 6, abs=0.06)


def test_random_places_are_found_in_the_smallest_region(tmp_path):
    # A diameter of 3 um is passed at a single point between two samples, which a grid would miss.
    tree = read(tmp_path, "1 3 0 0 0 1 -1\n2 3 7 0 0 2 1\n3 3 10 0 0 2.5 2\n")
    thin = tree.random(tree.region(diameter=(3.0, 3.000001)), n=10, seed=0)
    assert len(thin) == 10
    assert all(tree.distance(p) == pytest.approx(3.5, abs=1e-4) for p in thin)
    points = tree.random(dn.Region(distance=(7.0, 7.0)), n=3, seed=0)
    assert [tree.distance(p) for p in points] == pytest.approx([7.0] * 3)
    assert tree.random(n=0, seed=0) == []


def test_single_points_of_a_region_are_equally_likely():
    tree = dn.Morphology.from_sections([20.0, 100.0, 200.0], [20.0, 1.0, 2.0], [-1, 0, 0], ["soma", "basal", "basal"])
    places = tree.random(dn.Region(distance=(60.0, 60.0)), n=400, seed=3)
    assert {(p.section, p.x) for p in places} == {(1, 0.5), (2, 0.25)}
    assert np.mean([p.section == 1 for p in places]) == pytest.approx(0.5, abs=0.1)


def test_random_places_have_a_uniform_density_on_tapered_sections(tmp_path):
    tree = read(tmp_path, random_swc(7))
    region = dn.Region("basal", distance=(20.0, 90.0), diameter=(0.8, 1.6))
    places = tree.random(region, n=4000, seed=5)
    grid = [tree.at(s.index, x) for s in tree.sections if s.kind == "basal" for x in np.linspace(0, 1, 2001)]
    lengths = np.array([tree.sections[p.section].length for p in grid]) / 2000
    inside = np.array([20 <= tree.distance(p) <= 90 and 0.8 <= diameter(tree, p) <= 1.6 for p in grid])
    assert all(20 - 1e-9 <= tree.distance(p) <= 90 + 1e-9 for p in places)
    assert all(0.8 - 1e-9 <= diameter(tree, p) <= 1.6 + 1e-9 for p in places)
    for section in {p.section for p in places}:
        own = np.array([p.section == section for p in grid])
        expected = (lengths * inside * own).sum() / (lengths * inside).sum()
        assert np.mean([p.section == section for p in places]) == pytest.approx(expected, abs=0.03)


def diameter(tree, place):
    samples = tree.samples(place.section)
    return np.interp(place.x * samples[-1, 4], samples[:, 4], samples[:, 3])


def test_the_order_of_lines_has_no_effect(tmp_path):
    lines = "1 1 0 0 0 5 -1\n2 1 0 -5 0 5 1\n3 1 0 5 0 5 1\n4 4 0 5 0 1 1\n5 4 0 25 0 1 4\n".splitlines()
    expected = read(tmp_path, "\n".join(lines)).sections
    assert [s.length for s in expected] == [10.0, 20.0]
    for shift in range(1, 5):
        assert read(tmp_path, "\n".join(lines[shift:] + lines[:shift])).sections == expected


def test_branches_stay_where_they_are_attached_to_a_stacked_soma(tmp_path):
    soma = "1 1 0 0 0 5 -1\n2 1 2 0 0 5 1\n3 1 7 0 0 5 2\n4 1 10 0 0 5 3\n"
    inside = "5 3 2 8 0 1 2\n6 3 2 18 0 1 5\n7 3 7 6 0 1 3\n8 3 7 16 0 1 7\n"
    ends = "9 3 -9 0 0 1 1\n10 3 -19 0 0 1 9\n11 4 20 0 0 1 4\n12 4 30 0 0 1 11\n"
    tree = read(tmp_path, soma + inside + ends)
    # The lines from the soma, of 9, 8, 6 and 10 um, are membrane with a diameter of 2 um.
    lengths = [19.0, 18.0, 16.0, 20.0]
    assert [s.length for s in tree.sections[1:]] == lengths
    assert [s.area for s in tree.sections[1:]] == pytest.approx([np.pi * 2.0 * length for length in lengths])
    assert [tree.position(tree.at(s.index, 0.0))[0] for s in tree.sections[1:]] == [0.0, 2.0, 7.0, 10.0]
    assert [s.distance for s in tree.sections[1:]] == pytest.approx([5.0, 3.0, 2.0, 5.0])


def test_branching_somata_have_order_0(tmp_path):
    tree = read(
        tmp_path, "1 1 0 0 0 5 -1\n2 1 9 0 0 5 1\n3 1 19 0 0 5 2\n4 1 -9 0 0 5 1\n5 3 30 0 0 1 3\n6 3 40 0 0 1 5\n"
    )
    assert sorted((s.kind, s.order) for s in tree.sections) == [("basal", 1), ("soma", 0), ("soma", 0)]


def test_gaps_are_warnings(tmp_path):
    chain = "".join(f"{i} 3 {5 * i} 0 0 1 {i - 1}\n" for i in range(2, 30))
    tree = read(tmp_path, f"1 1 0 0 0 5 -1\n{chain}30 3 900 0 0 1 29\n")
    assert tree.warnings == [
        "line 30: is 755 um from its parent, whereas half of the points are within 5.0 um of theirs"
    ]


@pytest.mark.parametrize("name", ["cell.asc", "cell.h5"])
def test_files_of_morphio_are_read(tmp_path, name):
    morphio = pytest.importorskip("morphio")
    (tmp_path / "cell.swc").write_text(BALL + "4 3 150 10 0 0.5 3\n5 3 150 -10 0 0.5 3\n", encoding="utf-8")
    mutable = morphio.mut.Morphology(str(tmp_path / "cell.swc"))
    # In both formats somata are contours only.
    mutable.soma.points = np.array([[5.0, 0, 0], [0, 5.0, 0], [-5.0, 0, 0], [0, -5.0, 0]])
    mutable.soma.diameters = np.full(4, 0.1)
    mutable.soma.type = morphio.SomaType.SOMA_SIMPLE_CONTOUR
    mutable.write(str(tmp_path / name))
    tree, swc = dn.Morphology.read(tmp_path / name), dn.Morphology.read(tmp_path / "cell.swc")
    assert [s.kind for s in tree.sections] == [s.kind for s in swc.sections]
    assert [s.length for s in tree.sections] == pytest.approx([s.length for s in swc.sections], rel=1e-6)
    assert tree.area == pytest.approx(swc.area, rel=1e-6)


def test_copies_share_the_morphology(tree):
    cvs = tree.cvs(dn.PerSection(2))
    assert copy.deepcopy([tree])[0] is tree
    assert copy.copy(cvs) is copy.deepcopy([cvs])[0] is cvs


def test_pickles_keep_everything(tmp_path):
    chain = "".join(f"{i} 3 {5 * i} 0 0 {1 + 0.1 * (i % 3)} {i - 1}\n" for i in range(2, 30))
    tree = read(tmp_path, f"1 1 0 0 0 5 -1\n{chain}30 3 900 0 0 1 29\n")
    for policy in (dn.MaxLength(7.0), dn.PerSection([1, 9]), dn.DLambda(0.03)):
        cvs = tree.cvs(policy, C=2.0, r_axial=150.0)
        region, place = tree.region("basal", distance=(5.0, 60.0)), tree.at(1, 0.3)
        again, divided, part, there, same = pickle.loads(pickle.dumps((tree, cvs, region, place, policy)))
        assert again.sections == tree.sections
        assert again.warnings == tree.warnings
        assert all((again.samples(k) == tree.samples(k)).all() for k in range(len(tree.sections)))
        assert (divided.area == cvs.area).all()
        assert divided._cvs.nodes() == cvs._cvs.nodes()
        assert divided._morphology is again
        assert (part, there, repr(same)) == (region, place, repr(policy))
        assert (divided.select(part) == cvs.select(region)).all()


def test_names_of_kinds_are_accepted():
    tree = dn.Morphology.from_sections([20.0] * 3, [2.0] * 3, [-1, 0, 1], ["soma", 7, 0])
    assert tree.kinds == ["soma", "kind 7", "kind 0"]
    cvs = tree.cvs(dn.PerSection(2))
    assert [cvs.select(kind).tolist() for kind in tree.kinds] == [[0, 1], [2, 3], [4, 5]]
    assert tree.region("kind 7") == tree.region(7)
    assert dn.Morphology.cable(10.0, 1.0, kind="kind 7").kinds == ["kind 7"]
    for unknown in ("kind", "kind -1", "kind 4294967296", "kind 7 "):
        with pytest.raises(dn.UnknownNameError, match="unknown kind"):
            tree.region(unknown)


def test_numbers_of_numpy_are_kinds(tree):
    made = dn.Morphology.from_sections([1.0, 2.0], [1.0, 1.0], [-1, 0], np.int64(3))
    assert made.kinds == ["basal"]
    assert made.sections == dn.Morphology.from_sections([1.0, 2.0], [1.0, 1.0], [-1, 0], np.array([3, 3])).sections
    cvs = tree.cvs(dn.PerSection(2))
    assert (cvs.select(np.int64(4)) == cvs.select("apical")).all()
    assert tree.random(np.int64(4), n=3, seed=0) == tree.random("apical", n=3, seed=0)


def test_reading_a_file_releases_the_interpreter(tmp_path):
    lines = "".join(f"{i} 3 {i} 0 0 1 {i - 1}\n" for i in range(2, 120_000))
    (tmp_path / "cell.swc").write_text("1 3 1 0 0 1 -1\n" + lines, encoding="utf-8")
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    begun = time.perf_counter()
    dn.Morphology.read(tmp_path / "cell.swc")
    ended = time.perf_counter()
    done.set()
    thread.join()
    inside = [t for t in ticks if begun < t < ended]
    assert max(np.diff([begun, *inside, ended])) < 0.5 * (ended - begun)


def test_interrupts_end_the_reading_of_a_file(tmp_path, ctrl_c):
    lines = "".join(f"{i} 3 {i} 0 0 1 {i - 1}\n" for i in range(2, 600_000))
    (tmp_path / "cell.swc").write_text("1 3 1 0 0 1 -1\n" + lines, encoding="utf-8")
    found = []

    def read():
        ctrl_c(0.02)
        found.append(dn.Morphology.read(tmp_path / "cell.swc"))
        # On a busy machine, the file may have been read before Ctrl-C, which must not be lost then.
        for _ in range(6000):
            time.sleep(0.01)

    for _ in range(20):
        found.clear()
        with pytest.raises(KeyboardInterrupt):
            read()
        if not found:
            break
    assert not found
