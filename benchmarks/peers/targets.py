"""Performance targets for the table."""

from __future__ import annotations

from case import REGIMES
from table import Row, Target, find, number

NAN = float("nan")


def best(rows: list[Row]) -> Row | None:
    """Return the fastest row."""
    return min((r for r in rows if r.run), key=lambda r: r.seconds, default=None)


def ratio(peers: list[Row], ours: list[Row]) -> tuple[float, str]:
    """Return the ratio of the time of the fastest peer to ours, and the name of that peer."""
    peer = best(peers)
    return (peer.over(ours[0]), peer.side) if peer and ours else (NAN, "")


def targets(rows: list[Row], extra: dict[str, float], cores: int) -> list[Target]:
    """Return the targets with the measured values. They refer to Brian2's fastest setting with default flags."""
    out = []
    threads = f"{cores} thread{'s' if cores > 1 else ''}"
    for dtype, wanted, aim in (("f64", 6, 10), ("f32", 12, 20)):
        for regime in REGIMES:
            ours = find(rows, "W1", 10000, regime, f"Dendrion {dtype}, {threads}")
            peers = find(rows, "W1", 10000, regime, "Brian2 f64" if dtype == "f64" else "Brian2")
            plain = [r for r in peers if "tuned" not in r.side]
            for kind, some in (("", plain), (" with tuned flags", peers)):
                reached, side = ratio(some, ours)
                what = f"W1 10,000 {dtype} {regime}, run, Brian2's best{kind}"
                out.append(Target(what, reached, wanted, note=f"aim {aim}; {side}"))
    for regime in REGIMES:
        ours = find(rows, "W1", 10000, regime, f"Dendrion f64, {threads}")
        peers = find(rows, "W1", 10000, regime, "Brian2")
        plain = [r for r in peers if r.side.startswith("Brian2 f64") and "tuned" not in r.side]
        for kind, some in (("f64", plain), ("shortest of all", peers)):
            peer = min(some, key=lambda r: r.total, default=None)
            reached = peer.total / ours[0].total if peer and ours else NAN
            note = f"{peer.side}: {number(peer.total)} s, {number(ours[0].total)} s" if peer and ours else ""
            out.append(Target(f"W1 10,000 f64 {regime}, build and run, Brian2's {kind}", reached, 50, note=note))
    nest = ratio(*(find(rows, "W1 for NEST", 1000, "quiet", s) for s in ("NEST", f"Dendrion f64, {threads}")))
    out.append(Target("W1 1,000 f64 quiet, run, NEST cm_default", nest[0], 20))
    for dtype in ("f64", "f32"):
        for regime in REGIMES:
            both = [find(rows, "W1", 10000, regime, f"Dendrion {dtype}, {t}") for t in ("1 thread", "2 threads")]
            reached = both[0][0].over(both[1][0]) if all(both) else NAN
            out.append(Target(f"W1 10,000 {dtype} {regime}, 2 threads over 1", reached, 1.85))
    out.append(Target("bytes per connection, f32", extra.get("bytes float32", NAN), 12, below=True))
    return [target for target in out if target.reached == target.reached]
