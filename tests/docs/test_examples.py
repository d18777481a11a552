"""Every example in the documentation runs, and its tables agree with the code."""

import contextlib
import importlib.util
import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from dendrion import _core

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FENCE = re.compile(r"^ *```([^\n]*)\n(.*?)^ *```$", re.M | re.S)
#: Large packages, which are tested in a separate environment. A block that imports one runs only if it is installed.
LARGE = ("torch", "jax")
COMMAND = "from dendrion.cli import main; raise SystemExit(main())"


def pages_with(*languages):
    """Return the pages that have code blocks in one of these languages."""
    return [page for page in PAGES if any(language in languages for language, _ in FENCE.findall(page.read_text()))]


def name(page):
    return page.relative_to(ROOT).as_posix()


def can_run(block):
    imported = set(re.findall(r"^import (?:dendrion\.)?(\w+)", block, re.M))
    return all(importlib.util.find_spec(module) for module in imported.intersection(LARGE))


@pytest.mark.parametrize("page", pages_with("python"), ids=name)
def test_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    namespace = {"__name__": "example"}
    end, printed = 0, ""
    for fence in FENCE.finditer(text := page.read_text()):
        language, block = fence.groups()
        if saved := re.search(r"[Ss]ave this as `([^`]+)`:\s*$", text[: fence.start()]):
            (tmp_path / saved.group(1)).write_text(block)
        if language == "python" and can_run(block):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(block, str(page), "exec"), namespace)
            end, printed = fence.end(), out.getvalue()
        elif language == "sh":
            for line in re.findall(r"^dendrion .*", block, re.M):
                arguments = shlex.split(line, comments=True)[1:]
                subprocess.run([sys.executable, "-c", COMMAND, *arguments], check=True, capture_output=True)
        elif language == "text" and text[end : fence.start()].split() == ["This", "prints:"]:
            assert block.strip() in printed
    if "matplotlib" in sys.modules:
        import matplotlib.pyplot as plt

        plt.close("all")


def test_pages_have_examples():
    with_examples = {name(page) for page in pages_with("python")}
    guides = {name(page) for page in (ROOT / "docs" / "howto").glob("*.md") if page.name != "index.md"}
    assert with_examples >= {"README.md", "docs/index.md", "docs/start.md", "docs/python.md"} | guides


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_is_of_a_kind_that_is_checked(page):
    languages = {language for language, _ in FENCE.findall(page.read_text())}
    assert languages <= {"python", "sh", "text", "json", "toml", "rust"}
    # Rust's documentation tests run the blocks of this file only.
    assert "rust" not in languages or page == ROOT / "README.md"


@pytest.mark.parametrize("page", pages_with("toml", "json"), ids=name)
def test_data_is_well_formed(page):
    for language, block in FENCE.findall(page.read_text()):
        if language == "json":
            json.loads(block)
        elif language == "toml":
            pytest.importorskip("tomllib").loads(block)


@pytest.mark.parametrize("page", pages_with("sh"), ids=name)
def test_commands_exist(page):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
    extras = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.M)
    for language, block in FENCE.findall(page.read_text()):
        if language == "sh":
            assert set(re.findall(r"^make ([\w-]+)", block, re.M)) <= set(targets)
            named = [extra for group in re.findall(r"\[([\w,]+)\]", block) for extra in group.split(",")]
            assert set(named) <= set(extras)


@pytest.mark.parametrize(
    "kind", ["compartment", "soma", "ampa", "nmda", "gaba", "current_receptor", "coupling", "population", "dc"]
)
def test_units_are_those_of_the_table(kind):
    text = (ROOT / "docs" / "units.md").read_text()
    for parameter, unit, default, meaning in _core.parameters(kind):
        shown = "" if default is None else f"{default:g}"
        assert f"| `{parameter}` | {unit or '1'} | {shown} | {meaning} |" in text


def drawn():
    """Return the figures that tutorials draw while the site is built: those that a cell names."""
    tutorials = sorted((ROOT / "docs" / "tutorials").glob("*.py"))
    return {
        f.with_name(f"{f.stem}_{n}.png")
        for f in tutorials
        for n in re.findall(r'^# %% figure="(\w+)"$', f.read_text(), re.M)
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    # `make docs` builds the pages in rust/ and checks links to them.
    for target in re.findall(r"\]\((?!http|#|rust/)([^)#\s]+)", FENCE.sub("", page.read_text())):
        path = page.parent / target
        assert path.exists() or path in drawn(), target


def test_the_gallery_shows_every_tutorial():
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)\]\(([^)]+)\)", (ROOT / "docs" / "index.md").read_text())
    tutorials = {path.name for path in (ROOT / "docs" / "tutorials").glob("*.py")}
    assert {page.removeprefix("tutorials/") for _, page in shown} == tutorials
    assert {ROOT / "docs" / figure for figure, _ in shown} == drawn()
