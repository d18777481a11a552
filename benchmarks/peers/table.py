"""Measurements as rows and targets, and as tables in text and Markdown."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass
class Row:
    """One simulator in one setting on one case, with one value per repetition."""

    case: str
    size: int
    regime: str
    side: str
    dtype: str
    span: float
    build: list[float] = field(default_factory=list)
    run: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    rate: float = 0.0
    note: str = ""

    @property
    def ours(self) -> bool:
        return self.side.startswith("Dendrion")

    @property
    def seconds(self) -> float:
        """The median time of the runs."""
        return statistics.median(self.run) if self.run else float("inf")

    @property
    def total(self) -> float:
        """The time of build and run."""
        return statistics.median(self.build) + self.seconds if self.build else float("inf")

    def over(self, other: Row) -> float:
        """Return the median over repetitions of the ratio of times, since a busy machine slows both runs down."""
        if not self.run or not other.run:
            return float("nan")
        return statistics.median(a / b for a, b in zip(self.run, other.run, strict=False))


@dataclass
class Target:
    """A target for a measurement."""

    what: str
    reached: float
    wanted: float
    below: bool = False
    note: str = ""

    def line(self) -> list[str]:
        met = self.reached <= self.wanted if self.below else self.reached >= self.wanted
        verdict = "yes" if met else "-" if self.reached != self.reached else "NO"
        return [self.what, f"{'<=' if self.below else '>='} {self.wanted:g}", number(self.reached), verdict, self.note]


def number(value: float) -> str:
    """Format a number with three digits."""
    if value != value or value == float("inf"):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.2g}"


def find(rows: list[Row], case: str, size: int, regime: str, begins: str) -> list[Row]:
    """Return the rows of a case whose simulator and setting begin with a text."""
    return [r for r in rows if (r.case, r.size, r.regime) == (case, size, regime) and r.side.startswith(begins)]


def lines(rows: list[Row], cores: int) -> list[list[str]]:
    """Return the table with its header. Ratios are relative to Dendrion on all cores for both dtypes."""
    threads = f"{cores} thread{'s' if cores > 1 else ''}"
    out = [["case", "N", "regime", "Hz", "span ms", "simulator", "build s", "run s", "peak MB", "to f64", "to f32", ""]]
    for row in rows:
        ratios = []
        for dtype in ("f64", "f32"):
            base = find(rows, row.case, row.size, row.regime, f"Dendrion {dtype}, {threads}")
            ratios.append(number(row.over(base[0])) if base else "-")
        build, peak = (number(statistics.median(v)) if v else "-" for v in (row.build, row.peak))
        cells = [row.case, f"{row.size:,}", row.regime, f"{row.rate:.1f}", f"{row.span:g}", row.side, build]
        out.append([*cells, number(row.seconds), peak, *ratios, row.note])
    return out


def text(table: list[list[str]]) -> str:
    """Return a table as text with aligned columns."""
    widths = [max(len(line[k]) for line in table) for k in range(len(table[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in table)


def markdown(table: list[list[str]]) -> str:
    """Return a table in Markdown."""
    head, *body = ["| " + " | ".join(line) + " |" for line in table]
    return "\n".join([head, "|" + " --- |" * len(table[0]), *body])
