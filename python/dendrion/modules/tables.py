"""Tables that describe networks and modules, as text and as HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .._quoted import counted

if TYPE_CHECKING:
    from .module import Module

__all__ = ["about", "folded", "html_table", "html_tree", "text_table"]

#: Columns of integers, which are right-aligned.
_NUMBERS = ("size", "numbers", "connections")


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text with aligned columns. The first row contains the headings."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    right = [head in _NUMBERS for head in rows[0]]
    lines = (
        "  ".join(cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def html_table(rows: Sequence[Sequence[str]], caption: str, foot: Sequence[str] = ()) -> str:
    """Return rows as an HTML table that needs no style sheet. The first row contains the headings."""
    styles = [f"padding:1px 8px;text-align:{'right' if head in _NUMBERS else 'left'}" for head in rows[0]]

    def row(cells: Sequence[str], tag: str) -> str:
        filled = zip(cells, styles, strict=True)
        return "<tr>" + "".join(f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell, style in filled) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows[1:])
    head = f'<caption style="text-align:left">{escape(caption)}</caption><thead>{row(rows[0], "th")}</thead>'
    below = "".join(f"<div>{escape(line)}</div>" for line in foot)
    return f"<table>{head}<tbody>{body}</tbody></table>{below}"


def folded(title: str, inner: str) -> str:
    """Return HTML that is hidden until its title is clicked."""
    return f"<details><summary>{escape(title)}</summary>{inner}</details>"


def html_tree(module: Module) -> str:
    """Return a module, everything it owns, and their parameters as an HTML table."""
    rows = [("module", "kind", "size", "about")]
    _branch(module, 0, f"{module.path}/", rows)
    return html_table(rows, repr(module))


def _branch(module: Module, depth: int, root: str, rows: list[tuple[str, str, str, str]]) -> None:
    name = "\u2003" * depth + module.name
    facts = [_ends(module, root), *_shape(module), *_parameters(module)]
    rows.append((name, type(module).__name__, str(module.__dict__.get("size", "")), ", ".join(f for f in facts if f)))
    for child in module.children():
        _branch(child, depth + 1, root, rows)


def about(module: Module) -> str:
    """Return one line about a module: the parts of a population, the ends of a connection, or its parameters."""
    ends = _ends(module)
    if ends:
        return ends
    parts = [type(m).__name__ for m in module.modules() if m is not module and "pre" not in m._fixed]
    area = [name] if (name := module.__dict__.get("area_name")) else []
    area += _shape(module)
    if parts:
        return ", ".join([*area, *(kind if n == 1 else f"{n} {kind}" for kind, n in Counter(parts).items())])
    return ", ".join([*area, *_parameters(module)])


def _shape(module: Module) -> list[str]:
    """Return the number of control volumes of detailed cells."""
    cvs = module.__dict__.get("cvs")
    return [] if cvs is None else [f"{counted(len(cvs), 'CV')} per cell"]


def _ends(module: Module, root: str = "") -> str:
    """Return the paths of the modules that a module connects or acts on, relative to a root."""
    at: dict[str, Any] = {name: module.__dict__.get(name) for name in module._fixed}
    post = at.get("post", at.get("mc"))
    if post is not None:
        ends = [m.path.removeprefix(root) for m in (at["pre"], *(post if isinstance(post, tuple) else (post,)))]
        return f"{ends[0]} -> {', '.join(ends[1:])}"
    # If a module was created without `on`, any object can be assigned to it; building the network raises an error.
    placement = module.__dict__.get("_placement")
    if placement is not None:
        return str(placement.described())
    path = getattr(at.get("on"), "path", None)
    return f"on {path.removeprefix(root)}" if isinstance(path, str) else ""


def _parameters(module: Module) -> list[str]:
    """Return the parameters that are used, with values (or ranges) and units."""
    from .module import has_value

    shown = []
    for name, own in module._values.items():
        if not has_value(module, name, own):
            continue
        try:
            value: Any = getattr(module, name)
        except ValueError:
            continue
        if name == "I_ext" and "soma" not in module._kinds and not np.any(value):
            continue
        unit = module._unit_of(name).partition(" with")[0]
        shown.append(f"{name} = {_numbers(value, f' {unit}' if unit else '')}{_frozen(module, name)}")
    return shown


def _frozen(module: Module, name: str) -> str:
    return " (frozen)" if name in module._frozen else ""


def _numbers(value: Any, unit: str) -> str:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return repr(value)
    if array.size == 1 and array.ndim < 2:
        return f"{array.reshape(()):g}{unit}"
    if not array.size:
        return "none"
    low, high = float(array.min()), float(array.max())
    shape = " x ".join(str(n) for n in array.shape)
    return f"{low:.4g}{f' to {high:.4g}' if high > low else ''}{unit} ({shape} value{'' if array.size == 1 else 's'})"
