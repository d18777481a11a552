"""Equations in the documentation are valid LaTeX, which building the site converts to MathML."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "docs" / "tutorials").glob("*.py"))]
CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]+`", re.M | re.S)


@pytest.fixture(scope="module")
def hook():
    pytest.importorskip("latex2mathml")
    pytest.importorskip("markdown")
    spec = importlib.util.spec_from_file_location("mathml", ROOT / "docs" / "hooks" / "mathml.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def to_html(hook, text):
    import markdown

    return markdown.markdown(text, extensions=["tables", "fenced_code", hook.Equations()])


def text_of(path):
    """Return the Markdown of a page without its code."""
    text = path.read_text()
    if path.suffix == ".py":
        cells = re.findall(r"^# %% \[markdown\]\n((?:#.*\n)*)", text, re.M)
        text = "\n\n".join(re.sub(r"^# ?", "", cell, flags=re.M) for cell in cells)
    return CODE.sub("", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_equations_of_pages(hook, page):
    text = text_of(page)
    html = to_html(hook, text)
    assert hook.leftover(html) is None
    assert html.count("<math") == len(re.findall(r"\$\$.+?\$\$|\$[^$]+\$", text, re.S))


def test_pages_have_equations():
    assert sum(text_of(page).count("$$") for page in PAGES) >= 20


def test_kinds_of_equations(hook):
    html = to_html(hook, "Let $a_1 < b*c*d$ be\n\n$$\nx = \\frac{a}{b}\n$$\n\nas in `$code$`, at 5 \\$.")
    assert html.count('display="inline"') == html.count('display="block"') == 1
    assert "<em>" not in html
    assert "<code>$code$</code>" in html
    assert "mfrac" in html


@pytest.mark.parametrize(
    "latex", [r"\frac{a}{b", "a}", r"\nonsense x", "x_a_b", r"\left(x", r"\begin{split} a", "a & b"]
)
def test_invalid_latex_is_an_error(hook, latex):
    with pytest.raises(ValueError, match="equation"):
        hook.mathml(latex)


@pytest.mark.parametrize("html", ["<p>for $x = 1</p>", "<p>a$$b</p>"])
def test_a_dollar_sign_that_is_left_is_found(hook, html):
    assert "$" in hook.leftover(html)
    assert hook.leftover("<p><code>$x$</code></p><pre>$$</pre>") is None
