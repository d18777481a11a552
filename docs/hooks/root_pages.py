"""Adds pages from the root of the repository to the site."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "ARCHITECTURE.md": "architecture.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, with links adapted to the site."""
    root = Path(config.config_file_path).parent
    for source, page in PAGES.items():
        text = (root / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=re.sub(r"\]\(([^)#]+)", _relinked, text)))
    return files


def _relinked(link: re.Match[str]) -> str:
    target = link.group(1)
    return f"]({PAGES.get(target, target.removeprefix('docs/'))}"
