"""Executes pages as notebooks while the site is built, and shows their output and figures.

Tutorials are Python files in jupytext's percent format, and can be downloaded as notebooks. In Markdown pages, code
blocks marked ``python`` are executed. The build fails if code raises an error, warns, or writes to stderr. Figures are
named after their page and their number. A cell may name its figure (``# %% figure="raster"``) so that other pages can
use it. If a cell saves an animation as a GIF file, the page shows this file instead of the figure.
"""

from __future__ import annotations

import base64
import functools
import re
import struct
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import jupytext
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

#: The files that are executed.
EXECUTED = re.compile(r"tutorials/\w+\.py|howto/(?!index)\w+\.md|start\.md|plotting\.md|data_out\.md")
#: A file with an animation.
MOVIE = re.compile(r'\.save\("(\w+\.gif)"')
#: Pixels per inch of figures, which pages show at half their size, so that they are sharp on high-resolution screens.
DPI = 240
#: A cell shows printed text and figures, but not the value of its last line.
SETUP = f"""\
%config InteractiveShell.ast_node_interactivity = "none"
%matplotlib inline
from matplotlib_inline.backend_inline import set_matplotlib_formats
set_matplotlib_formats("png", dpi={DPI})
"""
LONGEST_CELL = 120  # s
#: A file that the reader of a page has to save before the code runs.
SAVED = re.compile(r"[Ss]ave this as `([^`]+)`:\s*^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Tutorial(File):
    """A Python file that is a page."""

    def is_documentation_page(self) -> bool:
        """Return True: the file is rendered, not copied."""
        return True


class Rendered(NamedTuple):
    """The result of a page."""

    markdown: str
    figures: dict[str, bytes]
    notebook: str


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Execute the pages, and add their figures and notebooks."""
    sources = [f for f in files if EXECUTED.fullmatch(f.src_uri)]
    with ThreadPoolExecutor(2) as pool:
        rendered = list(pool.map(lambda f: _render(f.src_uri, f.content_string), sources))
    for source, page in zip(sources, rendered, strict=True):
        stem, suffix = source.src_uri.rsplit(".", 1)
        if suffix == "py":
            files.remove(source)
            place = (config.docs_dir, config.site_dir, config.use_directory_urls)
            files.append(Tutorial(source.src_uri, *place, inclusion=source.inclusion))
            files.append(File.generated(config, f"{stem}.ipynb", content=page.notebook))
        for name, figure in page.figures.items():
            files.append(File.generated(config, f"{stem}_{name}", content=figure))
    return files


def on_page_read_source(page: Page, config: MkDocsConfig) -> str | None:
    """Return the text of an executed page."""
    if not EXECUTED.fullmatch(page.file.src_uri):
        return None
    return _render(page.file.src_uri, page.file.content_string).markdown


@functools.cache
def _render(uri: str, source: str) -> Rendered:
    """Execute a page and return its Markdown."""
    notebook = jupytext.reads(source, fmt="py:percent") if uri.endswith(".py") else _from_markdown(source)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells.insert(0, nbformat.v4.new_code_cell(SETUP))
    with tempfile.TemporaryDirectory() as folder:
        # Use files instead of open ports to communicate with the kernel.
        config = Config(KernelManager={"transport": "ipc", "ip": f"{folder}/kernel"})
        place = {"metadata": {"path": folder}}
        for name, content in SAVED.findall(source):
            Path(folder, name).write_text(content)
        try:
            NotebookClient(notebook, timeout=LONGEST_CELL, config=config, resources=place).execute()
        except CellExecutionError as error:
            raise PluginError(f"{uri}: {error}") from None
        movies = {name: Path(folder, name).read_bytes() for name in MOVIE.findall(source)}
    del notebook.cells[0]
    page = _Writer(uri, movies)
    for cell in notebook.cells:
        page.add(cell)
    if uri.endswith(".py"):
        page.parts.insert(1, f"[Download as a notebook]({page.stem}.ipynb){{ .notebook download }}")
    return Rendered("\n\n".join(page.parts), page.figures, nbformat.writes(notebook))


def _from_markdown(text: str) -> nbformat.NotebookNode:
    """Return a notebook with the text and the code blocks of a page."""
    pieces = re.split(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    kinds = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    return nbformat.v4.new_notebook(cells=[kinds[n % 2](piece.strip("\n")) for n, piece in enumerate(pieces)])


class _Writer:
    """Converts a notebook to Markdown."""

    def __init__(self, uri: str, movies: dict[str, bytes]) -> None:
        self.uri, self.stem, self.movies = uri, PurePosixPath(uri).stem, movies
        self.parts: list[str] = []
        self.figures: dict[str, bytes] = {}

    def add(self, cell: nbformat.NotebookNode) -> None:
        """Add a cell and its output."""
        if cell.cell_type == "markdown":
            self.parts.append(cell.source)
            return
        self.parts.append(f"```python\n{cell.source}\n```")
        movies = MOVIE.findall(cell.source)
        for output in cell.outputs:
            if output.output_type == "display_data" and movies:
                continue
            if output.output_type == "display_data":
                self._figure(base64.b64decode(output.data["image/png"]), cell.metadata.get("figure"))
            elif output.name == "stdout":
                self.parts.append("```{ .text .output }\n" + output.text.rstrip("\n") + "\n```")
            else:
                raise PluginError(f"{self.uri}: wrote to {output.name}: {output.text}")
        for name in movies:
            (width,) = struct.unpack("<H", self.movies[name][6:8])  # of the header
            self._show(name, self.movies[name], width)

    def _figure(self, figure: bytes, name: str | None) -> None:
        (width,) = struct.unpack(">I", figure[16:20])  # of the header
        self._show(f"{name or len(self.figures) + 1}.png", figure, width // 2)

    def _show(self, name: str, figure: bytes, width: int) -> None:
        if name in self.figures:
            raise PluginError(f"{self.uri}: two figures are named {name!r}; a cell with a name may draw only one")
        self.figures[name] = figure
        self.parts.append(f"![Figure {len(self.figures)}]({self.stem}_{name}){{ .figure width={width} }}")
