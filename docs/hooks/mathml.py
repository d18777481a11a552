"""Typesets equations: LaTeX between dollar signs becomes MathML while the site is built, so that pages need no script.

``$...$`` is set within a line, and ``$$...$$`` on a line of its own, as on GitHub. Code is not changed.
Invalid LaTeX, and a dollar sign that remains in the text of a page, fail the build.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markdown import Extension, Markdown
from markdown.inlinepatterns import InlineProcessor

#: Between the priorities of Markdown's code spans (190) and of its backslash escapes (180).
PRIORITY = 185
#: Not a price: no space after the first dollar sign, and neither a space before nor a digit after the last one.
INLINE = r"(?<![\\$])\$(?![\s$])([^$]+?)(?<![\s\\])\$(?![\d$])"
DISPLAY = r"\$\$(.+?)\$\$"


def mathml(latex: str, display: bool = False) -> str:
    """Return an equation as MathML; raise ValueError if it is not valid LaTeX."""
    if latex.count("{") - latex.count(r"\{") != latex.count("}") - latex.count(r"\}"):
        raise ValueError(f"equation {latex!r}: unbalanced braces")
    try:
        found = convert(latex, display="block" if display else "inline")
        ElementTree.fromstring(found)
    except Exception as error:  # latex2mathml has no base class for its errors
        raise ValueError(f"equation {latex!r}: {type(error).__name__} {error}".rstrip()) from error
    # latex2mathml copies commands that it does not know.
    if unknown := re.search(r"\\[A-Za-z]+", found):
        raise ValueError(f"equation {latex!r}: unknown command {unknown.group()}")
    return found


def leftover(html: str) -> str | None:
    """Return the text around the first dollar sign that is neither code nor part of an equation, if there is one."""
    text = re.sub(r"<(pre|code|script|math)\b.*?</\1>", "", html, flags=re.DOTALL)
    found = re.search(r".{0,40}\$.{0,40}", re.sub(r"<[^>]*>", "", text))
    return found.group() if found else None


class _Equation(InlineProcessor):
    def __init__(self, pattern: str, md: Markdown, display: bool) -> None:
        super().__init__(pattern, md)
        self.display = display

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # noqa: N802
        """Return a placeholder for the equation, so that Markdown changes nothing in it."""
        latex = " ".join(m.group(1).split())
        return self.md.htmlStash.store(mathml(latex, self.display)), m.start(0), m.end(0)


class Equations(Extension):
    """The Markdown extension."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register both kinds of equations."""
        md.inlinePatterns.register(_Equation(DISPLAY, md, display=True), "display equation", PRIORITY + 1)
        md.inlinePatterns.register(_Equation(INLINE, md, display=False), "inline equation", PRIORITY)


def on_config(config: Any) -> Any:
    """Use the extension for pages and docstrings."""
    config.markdown_extensions.append(Equations())
    return config


def on_page_content(html: str, page: Any, **_: Any) -> None:
    """Fail if a dollar sign is left in the text of a page; it is most likely part of an equation that was not found."""
    if text := leftover(html):
        from mkdocs.exceptions import PluginError

        raise PluginError(f"{page.file.src_uri}: a dollar sign is left in the text: {text}")
