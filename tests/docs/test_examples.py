"""Every Python example of the documentation runs, and tables say what the code says."""

import re
from pathlib import Path

import pytest
from dendrion import _core

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_examples_run(page):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
    if page.name in ("README.md", "python.md"):
        assert blocks
    namespace = {"__name__": "example"}
    for block in blocks:
        exec(compile(block, str(page), "exec"), namespace)


@pytest.mark.parametrize("kind", ["compartment", "soma", "ampa", "nmda", "gaba", "coupling", "population", "dc"])
def test_units_are_those_of_the_table(kind):
    text = (ROOT / "docs" / "units.md").read_text()
    for name, unit, default, meaning in _core.parameters(kind):
        shown = "" if default is None else f"{default:g}"
        assert f"| `{name}` | {unit or '1'} | {shown} | {meaning} |" in text


def test_links_lead_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md"]:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
