"""Networks and modules as tables, in text and in HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .module import Module

__all__ = ["html_table", "html_tree", "text_table"]


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, the first of them the heads, with columns aligned."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def html_table(rows: Sequence[Sequence[str]], caption: str) -> str:
    """Return rows, the first of them the heads, as a table that needs no style of its own."""
    heads = "".join(f'<th style="text-align:left">{escape(cell)}</th>' for cell in rows[0])
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows[1:]
    )
    head = f'<caption style="text-align:left">{escape(caption)}</caption><thead><tr>{heads}</tr></thead>'
    return f"<table>{head}<tbody>{body}</tbody></table>"


def html_tree(module: Module) -> str:
    """Return a module and everything it owns, with its parameters, as a table."""
    rows = [("module", "kind", "size", "parameters")]
    for part in module.modules():
        depth = part.path.count("/") - module.path.count("/")
        name = "\u2003" * depth + part.name
        rows.append((name, type(part).__name__, str(part.__dict__.get("size", "")), _parameters(part)))
    return html_table(rows, repr(module))


def _parameters(module: Module) -> str:
    """Return the parameters that have a value, long ones by their shape."""
    shown = []
    for name in module._values:
        try:
            value = getattr(module, name)
        except ValueError:
            continue
        if value is None:
            continue
        shape = getattr(value, "shape", ())
        text = f"array {shape}" if shape else f"{value:g}" if isinstance(value, float) else str(value)
        shown.append(f"{name} = {text}" + (" (frozen)" if name in module._frozen else ""))
    return ", ".join(shown)
