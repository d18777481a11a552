"""The API reference lists every public name exactly once."""

import re
from collections import Counter
from pathlib import Path

import dendrion as dn

PAGES = sorted((Path(__file__).parents[2] / "docs" / "api").glob("*.md"))


def test_every_public_name_is_shown_once():
    shown = Counter(re.findall(r"^::: dendrion\.(\w+)$", "\n".join(page.read_text() for page in PAGES), re.M))
    beside = {"torch", "jax"}  # imported on demand
    assert shown == Counter([*dn.__all__, *beside])


def test_every_page_is_listed():
    listed = re.findall(r"\]\((\w+\.md)\)", (PAGES[0].parent / "index.md").read_text())
    assert Counter(listed) == Counter(page.name for page in PAGES if page.name != "index.md")


def test_everything_shown_is_documented():
    for name in dn.__all__:
        found = getattr(dn, name)
        if name != "__version__":
            assert found.__doc__, name
