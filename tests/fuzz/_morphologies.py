"""Operations of a session on morphologies: make, divide, search and draw them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dendrion as dn
import numpy as np
from dendrion.morphology import CVs

from ._arguments import call
from ._session import Session, brief

__all__ = ["made", "morphologies", "where"]

KINDS: tuple[Any, ...] = ("soma", "axon", "basal", "basal", "apical", 0, 7, np.int64(3))
SWC = "1 1 0 0 0 5 -1\n2 3 9 0 0 1 1\n3 3 20 0 0 1 2\n4 4 40 5 0 2 3\n5 4 40 -5 0 1 3\n"


def morphologies(s: Session) -> None:
    """Make a morphology, or use one from the pool."""
    tree = s.of(dn.Morphology)
    if tree is None or s.chance(0.3):
        s.keep(made(s))
    else:
        s.random.choice(USES)(s, tree)


def made(s: Session) -> Any:
    """Make a morphology; return ``None`` if its arguments are hostile."""
    return s.random.choice(MAKERS)(s)


def _kinds(s: Session, n: int) -> list[Any]:
    # A soma is mostly at the root.
    return [s.random.choice(KINDS if s.chance(0.1) else KINDS[k > 0 :]) for k in range(n)]


def _parents(s: Session, n: int) -> list[int]:
    return [-1, *(s.random.randrange(k) for k in range(1, n))]


def _cylinders(s: Session) -> Any:
    if s.chance(0.3):
        return call(s, s.random.choice((dn.Morphology.cable, dn.Morphology.ball_and_stick)), 0.4)
    n = s.random.randrange(1, 6)
    numbers = [s.random.uniform(0.5, 50.0) for _ in range(n)]
    kind = s.random.choice(KINDS) if s.chance(0.2) else _kinds(s, n)
    given = {"length": numbers, "diameter": np.array(numbers[::-1]), "parent": _parents(s, n), "kind": kind}
    return call(s, dn.Morphology.from_sections, 0.4, **given)


def _points(s: Session) -> Any:
    n = s.random.randrange(2, 9)
    points = [[s.random.uniform(-50.0, 50.0) for _ in range(3)] for _ in range(n)]
    given = {"points": points, "diameters": [1.0] * n, "parents": _parents(s, n), "kinds": _kinds(s, n)}
    return call(s, dn.Morphology.from_points, 0.4, **given)


def _file(s: Session) -> Any:
    lines = SWC.splitlines()
    if s.chance(0.5):
        lines[s.random.randrange(len(lines))] = f"{s.random.randrange(9)} 3 1 2 {brief(s.hostile())} 1 1"
    Path("cell.swc").write_text("\n".join(lines), encoding="utf-8", errors="replace")
    path = "cell.swc"
    if s.chance(0.2):
        given = s.hostile()
        # Other paths may lead out of the working directory, which is temporary.
        path = path if isinstance(given, (str, bytes, bytearray, memoryview)) else given
    elif _has("morphio") and s.chance(0.1):
        path = s.random.choice(("cell.asc", "cell.h5"))
        Path(path).write_bytes(s.random.choice((b"", b"\x89HDF\r\n\x1a\n", b"(1 2 3 4)", SWC.encode())))
    return s.call("Morphology.read", dn.Morphology.read, path)


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _bounds(s: Session) -> Any:
    low = s.random.uniform(0.0, 50.0)
    return s.hostile() if s.chance(0.3) else (low, low + s.random.choice((0.0, 1.0, 50.0)))


def _region(s: Session, tree: dn.Morphology) -> Any:
    conditions = {name: _bounds(s) for name in ("distance", "diameter", "order") if s.chance(0.3)}
    make = s.random.choice((dn.Region, tree.region))
    return s.keep(call(s, make, 0.2, "region", kind=s.random.choice(("all", *tree.kinds)), **conditions))


def where(s: Session, tree: dn.Morphology) -> Any:
    """Return a region or the name of one."""
    return s.of(dn.Region) if s.chance(0.5) else s.random.choice(("all", *tree.kinds))


def _random(s: Session, tree: dn.Morphology) -> None:
    given = {"region": where(s, tree), "n": s.random.choice((0, 1, 20)), "seed": s.random.randrange(9)}
    for place in (call(s, tree.random, 0.3, "Morphology.random", **given) or [])[:2]:
        s.keep(place)


def _locations(s: Session, tree: dn.Morphology) -> None:
    if s.chance(0.5):
        section = s.random.randrange(len(tree.sections))
        s.keep(call(s, tree.at, 0.3, "Morphology.at", section=section, x=s.random.random()))
        call(s, tree.samples, 0.3, "Morphology.samples", section=section)
    name = s.random.choice(("position", "distance"))
    call(s, getattr(tree, name), 0.3, f"Morphology.{name}", location=s.of(dn.Location))


def _divide(s: Session, tree: dn.Morphology) -> None:
    policies: tuple[Callable[[], Any], ...] = (
        lambda: call(s, dn.MaxLength, 0.2, length=s.random.uniform(1.0, 50.0)),
        lambda: call(s, dn.PerSection, 0.2, n=s.random.choice((1, 3, [2] * len(tree.sections)))),
        lambda: call(s, dn.DLambda, 0.2, fraction=0.1, frequency=100.0),
    )
    policy = s.random.choice(policies)()
    s.keep(call(s, tree.cvs, 0.2, "Morphology.cvs", policy=policy, C=1.0, r_axial=100.0))


def _use_cvs(s: Session, tree: dn.Morphology) -> None:
    cvs = s.of(CVs)
    if cvs is not None:
        call(s, cvs.at, 0.2, "CVs.at", location=s.of(dn.Location))
        call(s, cvs.select, 0.2, "CVs.select", region=where(s, tree))
        name = s.random.choice(("section", "x", "length", "diameter", "area", "distance"))
        s.call(f"CVs.{name}", getattr, cvs, name)


def _draw(s: Session, tree: dn.Morphology) -> None:
    if not _has("matplotlib") or s.chance(0.7):
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    given: dict[str, Any] = {"view": s.random.choice(("xy", "xz", "yz", "dendrogram"))}
    cvs = s.of(CVs)
    # Drawing many pieces takes long.
    if cvs is not None and len(cvs) < 5000 and s.chance(0.5):
        given["cvs"] = cvs
        given |= {"region": s.of(dn.Region)} if s.chance(0.5) else {"color": np.arange(len(cvs))}
    if s.chance(0.3):
        given["sites"] = [s.of(dn.Location)]
    if s.chance(0.3):
        names = ("view", "color", "cvs", "region", "sites", "label", "limits", "thickness", "ax")
        given[s.random.choice(names)] = s.hostile()
    s.call("plot.morphology", dn.plot.morphology, tree, **given)
    pyplot.close("all")


MAKERS: tuple[Callable[[Session], Any], ...] = (_cylinders, _cylinders, _points, _points, _file)
USES: tuple[Callable[[Session, Any], Any], ...] = (
    *(_region, _random, _locations, _divide, _use_cvs, _use_cvs),
    _draw,
)
