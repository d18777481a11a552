"""Adds the output of `cargo doc` to the site, under `rust/`."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel


class Copied(File):
    """A file that is copied without conversion, because rustdoc's licence files are in Markdown."""

    def is_documentation_page(self) -> bool:
        """Return False: the file is not a page."""
        return False


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add all files, so that MkDocs checks links to them."""
    built = Path(config.config_file_path).parent / "target" / "doc"
    if not (built / "dendrion" / "index.html").exists():
        raise PluginError(f"{built} has no documentation of the Rust crates; run `make docs`, or `cargo doc --no-deps`")
    for path in sorted(built.rglob("*")):
        if path.is_file() and path.name != ".lock":
            uri = f"rust/{path.relative_to(built).as_posix()}"
            files.append(Copied.generated(config, uri, abs_src_path=str(path), inclusion=InclusionLevel.INCLUDED))
    return files
