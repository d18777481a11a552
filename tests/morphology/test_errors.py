"""Errors about morphologies name the position of the problem and the accepted values."""

import dendrion as dn
import numpy as np
import pytest

POINTS = np.array([[0.0, 0, 0], [10, 0, 0], [20, 0, 0]])


def made(**changes):
    given = {"points": POINTS, "diameters": [10.0, 1, 1], "parents": [-1, 0, 1], "kinds": ["soma", "basal", "basal"]}
    return dn.Morphology.from_points(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"points": POINTS[:, :2]}, dn.ParameterError, r"points of shape \(3, 2\): expected shape \(n, 3\)"),
        ({"diameters": [1.0]}, dn.ParameterError, r"diameters of shape \(1,\): expected shape \(3,\)"),
        ({"diameters": [1.0, 0.0, 1.0]}, dn.MorphologyError, r"point 1: diameter = 0: expected a number > 0 \(um\)"),
        (
            {"parents": [-1, 2, 1]},
            dn.MorphologyError,
            "point 1: is part of a cycle of parents; expected a tree",
        ),
        ({"parents": [-1, 0, -1]}, dn.MorphologyError, "point 2: is a second root .the first is point 0."),
        ({"parents": [-1, 0, 7]}, dn.MorphologyError, "point 2: parent = 7: expected the index of a point"),
        ({"parents": [-1, 0, -2]}, dn.ParameterError, r"parents = .*: expected indices, or -1 for the root"),
        ({"parents": [-1.0, 0.0, 1.0]}, dn.ParameterTypeError, r"parents = .*: expected indices"),
        ({"kinds": ["soma", "bassal", "basal"]}, dn.UnknownNameError, r"kind\[1\] = 'bassal'.*did you mean 'basal'"),
        ({"kinds": ["soma", -1, 3]}, dn.ParameterError, r"kind\[1\] = -1: expected an SWC number >= 0"),
        ({"kinds": "soma"}, dn.ParameterError, "kinds = 'soma': expected a list of 3 kinds"),
        ({"kinds": np.array(3)}, dn.ParameterError, r"kinds = array\(3\): expected a list of 3 kinds"),
        ({"kinds": {1, 2, 3}}, dn.ParameterError, "kinds = {1, 2, 3}: expected a list of 3 kinds"),
        ({"kinds": {1: 1, 2: 2, 3: 3}}, dn.ParameterError, "kinds = .*: expected a list of 3 kinds"),
        ({"kinds": 3}, dn.ParameterError, "kinds = 3: expected a list of 3 kinds"),
        ({"points": POINTS * 1e200}, dn.MorphologyError, "section 1 .basal. has the length inf um; expected"),
        ({"diameters": [10.0, 1e200, 1e200]}, dn.MorphologyError, "section 1 .basal. has the area"),
        (
            {"points": np.zeros((0, 3)), "diameters": [], "parents": np.zeros(0, int), "kinds": []},
            dn.MorphologyError,
            "no points",
        ),
    ],
)
def test_invalid_points_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        made(**changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cell.swc: has no points; expected lines with id, kind, x, y, z, radius"),
        ("1 1 0 0 0 5\n", "cell.swc: line 1: has 6 values"),
        ("1 1 0 0 0 5 -1\n2 3 x 0 0 1 1\n", 'line 2: x = "x": expected a number'),
        ("1 1 0 0 0 5 2\n2 1 9 0 0 5 1\n", "is part of a cycle of parents and there is no root"),
    ],
)
def test_invalid_files_have_their_line(tmp_path, text, message):
    path = tmp_path / "cell.swc"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(dn.MorphologyError, match=message):
        dn.Morphology.read(path)


def test_missing_files_keep_their_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        dn.Morphology.read(tmp_path / "none.swc")


def test_other_formats_are_named(tmp_path):
    with pytest.raises(dn.ParameterError, match=r"expected a name that ends with \.swc, \.asc or \.h5"):
        dn.Morphology.read("cell.obj")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: dn.Location(10**5000), dn.ParameterError, "section = .*: expected the index of a section"),
        (lambda t: dn.Location(-1), dn.ParameterError, "section = -1: expected the index of a section"),
        (lambda t: t.at(9), dn.ParameterError, "section = 9: expected an index from 0 to 1"),
        (lambda t: t.at(10**5000), dn.ParameterError, "section = <an integer of .* bits>: expected an index from 0"),
        (lambda t: t.at(0, 1.5), dn.ParameterError, r"Location: x = 1\.5: expected a number from 0 to 1"),
        (lambda t: t.at("soma"), dn.ParameterTypeError, "section = 'soma': expected the index of a section"),
        (lambda t: t.region("axon"), dn.ParameterError, "has no axon; expected one of: all, soma, basal"),
        (lambda t: t.region("apicla"), dn.UnknownNameError, "kind = 'apicla': unknown kind; did you mean 'apical'"),
        (lambda t: t.region(distance=5.0), dn.ParameterTypeError, r"distance = 5\.0: expected two numbers"),
        (lambda t: t.region(distance=(9.0, 1.0)), dn.ParameterError, "expected low <= high"),
        (lambda t: t.region(radius=(9.0, 1.0)), dn.ParameterTypeError, "unexpected parameter radius"),
        (lambda t: t.random("basal", n=-1, seed=0), dn.ParameterError, "n = -1: expected an integer >= 0"),
        (lambda t: t.random(dn.Region(distance=(1e4, 2e4)), n=1, seed=0), dn.ParameterError, "has no points"),
        (lambda t: t.cvs(5.0), dn.ParameterTypeError, r"policy = 5\.0: expected MaxLength"),
        (lambda t: t.cvs(dn.MaxLength(5.0), C=0.0), dn.ParameterError, r"C = 0.0: expected a number > 0 \(uF/cm2\)"),
        (lambda t: t.cvs(dn.MaxLength(5.0), C=np.ones(1)), dn.ParameterTypeError, r"C = array\(\[1\.\]\): expected"),
        (lambda t: t.cvs(dn.MaxLength(5.0), r_axial="a"), dn.ParameterTypeError, "r_axial = 'a': expected a number"),
        (
            lambda t: t.cvs(dn.MaxLength(1e-9)),
            dn.ResourceError,
            r"Morphology\.cvs: .* CVs per cell would require about .* GB: expected at most",
        ),
        (
            lambda t: t.cvs(dn.PerSection([1, 2, 3])),
            dn.ParameterError,
            "3 values; expected a single number, or one number per section",
        ),
        (
            lambda t: t.cvs(dn.MaxLength(5.0)).select("axon"),
            dn.ParameterError,
            r"CVs\.select: has no axon; expected one of: soma, basal",
        ),
        (lambda t: t.cvs(dn.MaxLength(5.0)).at(3), dn.ParameterTypeError, "location = 3: expected a Location"),
        (lambda t: dn.MaxLength(0.0), dn.ParameterError, r"MaxLength: length = 0\.0: expected a number > 0 \(um\)"),
        (lambda t: dn.MaxLength(np.nan), dn.ParameterError, "MaxLength: length = nan"),
        (lambda t: dn.PerSection(0), dn.ParameterError, "PerSection: n = 0: expected an integer >= 1"),
        (lambda t: dn.PerSection(1.5), dn.ParameterTypeError, r"PerSection: n = 1\.5: expected an integer"),
        (lambda t: dn.DLambda(-0.1), dn.ParameterError, r"DLambda: fraction = -0\.1: expected a number > 0"),
        (lambda t: dn.Morphology(), dn.ParameterTypeError, r"cannot be created directly; use Morphology\.read"),
        (lambda t: type(t.cvs(dn.PerSection(1)))(), dn.ParameterTypeError, r"CVs: cannot be created directly"),
        (lambda t: t.random(n=2**70, seed=0), dn.ResourceError, r"n = 1\d*: expected at most 1,000,000"),
        (lambda t: t.random([3], n=1, seed=0), dn.ParameterTypeError, r"region = \[3\]: expected a Region or the name"),
        (lambda t: dn.Morphology(3), dn.ParameterTypeError, r"cannot be created directly; use Morphology\.read"),
        (lambda t: dn.Morphology.cable(100.0, 0.0), dn.MorphologyError, r"diameter\[0\] = 0: expected a number > 0"),
        (
            lambda t: dn.Morphology.from_sections([1.0, 1.0], [1.0, 1.0], [-1, 1], "basal"),
            dn.MorphologyError,
            r"parent\[1\] = 1",
        ),
        (
            lambda t: dn.Morphology.from_sections([1.0, 1.0], [1.0, 1.0], [-1, 0], ["basal", "soma"]),
            dn.MorphologyError,
            r"kind\[1\] = soma, but the section is attached to section 0 \(basal\): expected the soma to be the root",
        ),
    ],
)
def test_mistakes_are_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(made())


def test_too_many_cvs_have_numbers():
    with pytest.raises(dn.ResourceError) as caught:
        dn.Morphology.cable(1000.0, 1.0).cvs(dn.MaxLength(1e-4))
    assert (caught.value.needed, caught.value.limit) == (10_000_000.0, 1_000_000.0)


@pytest.mark.parametrize("name", ["area", "at", "cached"])
def test_cvs_cannot_be_changed(name):
    cvs = made().cvs(dn.PerSection(1))
    with pytest.raises(dn.AssignmentError, match=f"CVs.{name} = 3: "):
        setattr(cvs, name, 3)
    assert cvs.area.shape == (2,)


def test_an_unknown_kind_has_the_known_kinds():
    with pytest.raises(dn.UnknownNameError) as caught:
        dn.Region("apicla")
    assert (caught.value.name, caught.value.known) == ("apicla", ["soma", "axon", "basal", "apical"])


def write(path, points, sections, soma=()):
    """Write a file with MorphIO. Each section is a tuple of first and last point; none has a parent."""
    morphio = pytest.importorskip("morphio")
    made = morphio.mut.Morphology()
    if len(soma):
        made.soma.points, made.soma.diameters = soma, np.full(len(soma), 0.1)
        made.soma.type = morphio.SomaType.SOMA_SIMPLE_CONTOUR
    for first, last in sections:
        level = morphio.PointLevel(points[first:last], np.ones(last - first).tolist())
        made.append_root_section(level, morphio.SectionType.basal_dendrite)
    made.write(str(path))
    return path


@pytest.mark.parametrize("name", ["cell.asc", "cell.h5"])
def test_trees_that_no_soma_connects_are_refused(tmp_path, name):
    points = [[0.0, 0, 0], [10, 0, 0], [0, 20, 0], [0, 40, 0]]
    path = write(tmp_path / name, points, [(0, 2), (2, 4)])
    with pytest.raises(dn.MorphologyError, match=rf"{name}: has 2 separate trees and no soma; expected one"):
        dn.Morphology.read(path)
    contour = np.array([[5.0, 0, 0], [0, 5.0, 0], [-5.0, 0, 0], [0, -5.0, 0]])
    path = write(tmp_path / name, points, [(0, 2), (2, 4)], contour)
    assert [s.parent for s in dn.Morphology.read(path).sections] == [None, 0, 0]


@pytest.mark.parametrize("name", ["cell.asc", "cell.h5"])
def test_errors_of_other_formats_have_the_name_of_the_file(tmp_path, name):
    path = write(tmp_path / name, [[0.0, 0, 0], [0, 0, 0]], [(0, 2)])
    with pytest.raises(dn.MorphologyError, match=rf"{name}: section 0 .basal. has no length"):
        dn.Morphology.read(path)
